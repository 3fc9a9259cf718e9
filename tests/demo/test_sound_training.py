"""The training of the sound: pool, distances, autoencoder, latents and flow, up to what the product loads."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from core.levo.shapes import SAMPLES_PER_FRAME, Shapes, shapes_of
from core.levo.synthesis.flow import Schedule
from core.levo.synthesis.render import load_synthesis
from core.levo.synthesis.transformer import FlowTransformer, Modulation
from core.levo.vae import Snake, Vae
from tests.toy import SHAPES
from train import beginning, decoder, dreams, flow, latents, pool, spectral, vae
from train.ahead import Ahead
from train.codes import codes_of
from train.config import Config, load
from train.latents import Example
from train.loop import Plan, averaged

_TINY: Shapes = replace(shapes_of(SHAPES), quantizer=replace(shapes_of(SHAPES).quantizer, codes=1024))
_CONFIG = Config(OmegaConf.create({"seed": 1}))
_QUICK = Plan(steps=2, rate=1e-3, warmup=1, average=0.5, save_every=1, log_every=1)
_ENCODED = latents.Settings(songs=1, kept_out=1, compiled=False)
_ALONE = replace(_ENCODED, kept_out=0)
_FRAMES = 150
_SEED, _KEPT_OUT = 3, pool.VALIDATION


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with the first seconds of a song to train on and a song that is kept out."""
    folder = tmp_path_factory.mktemp("state")
    pool.fill(folder / "pool", [_SEED, _KEPT_OUT])
    first = pool.stems_of(folder / "pool", _SEED)[:, : _FRAMES * SAMPLES_PER_FRAME].copy()
    np.save(folder / "pool" / f"{_SEED:07d}.npy", first)
    return folder


def test_the_pool_holds_both_stems_and_makes_nothing_twice(state: Path) -> None:
    stems = pool.stems_of(state / "pool", _KEPT_OUT)
    song = pool.song_of(_KEPT_OUT)
    assert stems.shape == (4, round(song.seconds * 48000))
    mix, vocal, backing = (
        pool.as_heard(stems, parts) for parts in (("vocal", "backing"), ("vocal",), ("backing",))
    )
    assert np.abs(mix - vocal - backing).max() < 1e-6
    assert 0.01 < backing.std() < 0.3
    before = (state / "pool" / f"{_SEED:07d}.npy").stat().st_mtime_ns
    pool.fill(state / "pool", [_SEED])
    assert (state / "pool" / f"{_SEED:07d}.npy").stat().st_mtime_ns == before
    assert pool.seeds_in(state / "pool") == [_SEED]
    assert pool.seeds_in(state / "pool", validation=True) == [_KEPT_OUT]


def _tone(hertz: float, shift: float = 0.0) -> Tensor:
    times = torch.arange(16 * SAMPLES_PER_FRAME) / 48000
    return (0.3 * torch.sin(2 * torch.pi * (hertz * times + shift))).expand(1, 2, -1)


def test_phase_tells_what_magnitudes_do_not() -> None:
    same = spectral.distance(_tone(220), _tone(220))
    late = spectral.distance(_tone(220, 0.5), _tone(220))
    gone = spectral.distance(torch.zeros_like(_tone(220)), _tone(220))
    assert max(float(part) for part in (same.wave, same.phase, same.linear, same.log)) < 1e-2
    assert float(late.linear) < 0.1 < 1.8 < float(late.phase)
    assert float(gone.phase) == pytest.approx(1, abs=0.05)
    assert float(gone.linear) == pytest.approx(1, abs=0.05)


def test_silence_has_a_gradient() -> None:
    made = torch.zeros_like(_tone(220)).requires_grad_()
    apart = spectral.distance(made, _tone(220))
    (apart.wave + apart.phase + apart.linear + apart.log).backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert bool(made.grad.isfinite().all())


def _chords(seed: int) -> Tensor:
    """Sounds [12, 2, n] of low tones in any phase."""
    rng = torch.Generator().manual_seed(seed)
    times = torch.arange(16 * SAMPLES_PER_FRAME) / 48000
    hertz = 60 + 40 * torch.rand(12, 1, generator=rng)
    shift = torch.rand(12, 1, generator=rng)
    return (0.3 * torch.sin(2 * torch.pi * (hertz * times + shift)))[:, None].expand(-1, 2, -1).contiguous()


def test_an_autoencoder_begins_in_phase() -> None:
    shapes = replace(_TINY.vae, channels=4, multipliers=(1, 2, 8, 8, 8, 8))
    model = beginning.begun(shapes, _chords(1), seed=1)
    sound = _chords(2)
    with torch.no_grad():
        mean, _ = model.encoder(sound)
        made = model.decoder(mean)
    inner = slice(2 * SAMPLES_PER_FRAME, -2 * SAMPLES_PER_FRAME)
    apart = (made - sound)[..., inner].square().mean() / sound[..., inner].square().mean()
    assert float(apart) < 0.2
    assert float(mean.std()) == pytest.approx(1, abs=0.4)


def test_compiled_snakes_are_those_of_the_product() -> None:
    model = Vae(_TINY.vae)
    snake = next(module for module in model.modules() if isinstance(module, Snake))
    with torch.no_grad():
        snake.alpha.normal_()
        snake.beta.normal_()
    x = torch.randn(2, len(snake.alpha), 50)
    assert torch.allclose(vae._snake(snake.alpha, snake.beta, x), snake(x), atol=1e-6)


class _Exact(FlowTransformer):
    """A transformer that knows where every window ends and goes there straight."""

    def __init__(self, shapes: Shapes, true: Tensor, noise: Tensor) -> None:
        super().__init__(shapes.flow)
        self.way = true - (1 - 1e-4) * noise

    def forward(self, x: Tensor, modulation: Modulation, rope: tuple[Tensor, Tensor]) -> Tensor:
        return self.way[: len(x)]


def _song(frames: int = 80) -> Example:
    rng = torch.Generator().manual_seed(4)
    codes = torch.randint(1, 800, (2, frames), generator=rng)
    return Example(codes, 1 + 2 * torch.randn(3, frames, _TINY.flow.latent, generator=rng))


def _flow_settings(**changes: object) -> flow.Settings:
    return replace(flow.Settings(_QUICK, frames=60, lengths=(30,)), **changes)  # type: ignore[arg-type]


def test_the_velocity_that_is_learned_is_the_one_the_product_follows() -> None:
    model = flow.begun(_TINY, [_song()], seed=1)
    batch = flow.drawn([_song()], 0, _flow_settings(blind=0.0, carried=1.0), _TINY)
    true = model.normaliser.normal(batch.latents)
    model.transformer = _Exact(_TINY, true, batch.noise)
    assert float(flow.loss_of(model, batch)) < 1e-9
    known = int(batch.known[0])
    problem = model.problem(batch.codes[:1], batch.latents[:1, :known], batch.noise[:1])
    schedule = Schedule((0.0, 0.4, 1.0), Modulation(torch.zeros(2), torch.zeros(2)), (torch.zeros(0),) * 2)
    made = model.window(problem, schedule, guidance=1.0, tick=lambda: None)
    assert float((made - batch.latents[:1]).abs().max()) < 2e-2  # what is left of the noise: 1e-4 of it


def test_known_and_codes_come_as_the_product_gives_them() -> None:
    model = flow.begun(_TINY, [_song()], seed=1)
    batch = flow.drawn([_song()], 0, _flow_settings(blind=0.0, carried=1.0), _TINY)
    seen: list[Tensor] = []
    model.transformer.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    flow.loss_of(model, batch)
    known = int(batch.known[0])
    problem = model.problem(batch.codes[:1], batch.latents[:1, :known], batch.noise[:1])
    model.window(problem, model.schedule(1), guidance=1.5, tick=lambda: None)
    ours, (_, theirs) = seen[0][0], seen[1]  # the product's second row sees the codes
    fixed = slice(0, -_TINY.flow.latent)
    assert torch.allclose(ours[:, fixed], theirs[:, fixed], atol=1e-6)


@pytest.mark.parametrize(("share", "silenced"), [((0.0, 1.0, 0.0), 1), ((0.0, 0.0, 1.0), 0)])
def test_a_stem_alone_has_the_neutral_code_for_the_other(share: tuple[float, ...], silenced: int) -> None:
    batch = flow.drawn([_song()], 1, _flow_settings(shares=share), _TINY)
    assert set(batch.codes[:, silenced].flatten().tolist()) == {_TINY.quantizer.neutral[silenced]}
    assert len(set(batch.codes[:, 1 - silenced].flatten().tolist())) > 5


def test_a_window_longer_than_a_song_is_filled_by_another() -> None:
    batch = flow.drawn([_song(20)], 1, _flow_settings(lengths=(50,), frames=50), _TINY)
    assert batch.latents.shape == (1, 50, _TINY.flow.latent)
    assert batch.codes.shape == (1, 2, 50)


def test_like_codes_begin_alike() -> None:
    model = flow.begun(_TINY, [_song()], seed=1)
    rows = model.vocal.codebook.weight.detach()
    pitches = 34
    near = (rows[1] - rows[2]).norm()  # the same phone on the next note
    far = (rows[1] - rows[2 + pitches]).norm()  # another phone on it
    assert float(near) < float(far)


def test_sound_is_learned_from_the_pool_to_the_product(state: Path, tmp_path: Path) -> None:
    vae.learn(_CONFIG, _HEARING, _TINY.vae, state)
    latents.fill(_ENCODED, _TINY.vae, state)
    songs = latents.examples(state)
    assert songs[0].latents.shape[1] == songs[0].codes.shape[1] == _FRAMES
    (kept_out,) = latents.examples(state, validation=True)
    assert 0 <= codes_of(pool.song_of(_KEPT_OUT)).shape[1] - kept_out.latents.shape[1] <= 1  # whole frames
    flow.learn(_CONFIG, _flow_settings(judged=1), _TINY, state)
    assert all(0 < line["kept_out"] < 10 for line in _log(state, "flow"))
    dreams.fill(dreams.Settings(songs=1, steps=2), _TINY, state)
    path = state / "dreams" / f"{_SEED:07d}.npy"
    first = np.load(path)
    assert first.shape == (3, 60, 8)  # one window
    dreams.fill(dreams.Settings(songs=1, steps=2, guidance=4.0), _TINY, state)
    assert not np.array_equal(np.load(path), first), "with other guidance they are made anew"
    heard = decoder.Settings(_QUICK, batch=1, frames=10, weights=_weights(), compiled=False, dreamt=0.0)
    decoder.learn(_CONFIG, heard, _TINY.vae, state)
    both = replace(heard, plan=replace(_QUICK, steps=4), dreamt=1.0, loud={"linear": 1.0, "log": 1.0})
    decoder.learn(replace(_CONFIG, workers=2), both, _TINY.vae, state)
    lines = _log(state, "decoder")
    assert [line["dreamt"] for line in lines] == [0, 0, 1, 1]
    assert lines[2]["loss"] == pytest.approx(lines[2]["linear"] + lines[2]["log"], abs=1e-4)
    decoder.export(state, tmp_path)
    flow.export(state, tmp_path)
    files = (tmp_path / "flow.safetensors", tmp_path / "vae.safetensors")
    product = load_synthesis(_TINY, *files, torch.device("cpu"))
    own = dict(product.decoder.named_parameters())["layers.0.weight"]
    assert torch.allclose(own, averaged("decoder", state)["layers.0.weight"], atol=1e-3)
    every = torch.cat([song.latents.flatten(0, 1) for song in songs])
    assert torch.allclose(product.flow.normaliser.mean, every.mean(0), atol=2e-3)


def test_a_pool_is_the_same_whoever_renders_it(state: Path, tmp_path: Path) -> None:
    config = replace(load(["pool.songs=2", "pool.kept_out=1"]), workers=2)
    pool.train(config, tmp_path)
    assert pool.seeds_in(tmp_path / "pool") == [0, 1]
    (kept_out,) = pool.seeds_in(tmp_path / "pool", validation=True)
    assert np.array_equal(
        pool.stems_of(tmp_path / "pool", kept_out), pool.stems_of(state / "pool", _KEPT_OUT)
    )


def test_a_step_hears_the_same_whoever_prepares_it(state: Path) -> None:
    def make(step: int) -> vae.Batch:
        return vae.drawn(state / "pool", [_SEED, _KEPT_OUT], step, replace(_HEARING, batch=2), _TINY.vae)

    ahead = Ahead(make, workers=2)
    for step in (5, 6, 7):
        found, own = ahead(step), make(step)
        assert found.noise.shape == (2, _TINY.vae.latent, _HEARING.frames)
        assert torch.equal(found.sound, own.sound)
        assert torch.equal(found.noise, own.noise)


def test_a_song_is_encoded_the_same_by_however_many_pieces_at_once() -> None:
    encoder = beginning.begun(_TINY.vae, _chords(1), seed=1).encoder
    sound = 0.1 * torch.randn(2, 300 * SAMPLES_PER_FRAME, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = encoder(sound[None])[0][0].T
    inner = slice(latents._BESIDE, -latents._BESIDE)  # beside the ends convolutions see what is not sound
    alone = latents._heard(encoder, sound, 1)
    assert torch.allclose(alone[inner], whole[inner], atol=1e-4)
    for at_once in (2, 64):
        assert torch.allclose(latents._heard(encoder, sound, at_once), alone, atol=1e-5)


def test_songs_dream_the_same_alone_and_beside_others() -> None:
    model = flow.begun(_TINY, [_song()], seed=1)
    songs = {seed: _song(frames).codes for seed, frames in ((1, 40), (2, 30), (3, 40), (4, 40))}
    settings = dreams.Settings(steps=2)
    assert [*dreams._alike(songs, 2)] == [[2], [1, 3], [4]]
    both = dreams.dreamt(model, {seed: songs[seed] for seed in (1, 3)}, _TINY, settings)
    alone = [dreams.dreamt(model, {seed: songs[seed]}, _TINY, settings)[0] for seed in (1, 3)]
    assert torch.allclose(both, torch.stack(alone), atol=1e-4)
    assert not torch.allclose(both[0], both[1], atol=0.1), "each has noise of its own"


def test_latents_of_another_encoder_are_made_anew(state: Path) -> None:
    vae.learn(_CONFIG, _HEARING, _TINY.vae, state)
    latents.fill(_ALONE, _TINY.vae, state)
    path = state / "latents" / f"{_SEED:07d}.npy"
    old = np.load(path)
    np.save(path, old + 1)
    latents.fill(_ALONE, _TINY.vae, state)
    assert np.array_equal(np.load(path), old + 1)  # of this encoder: kept
    vae.learn(_CONFIG, replace(_HEARING, plan=replace(_QUICK, steps=3)), _TINY.vae, state)
    latents.fill(_ALONE, _TINY.vae, state)
    assert not np.array_equal(np.load(path), old + 1)


def _log(state: Path, name: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in (state / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _weights() -> dict[str, float]:
    return {"wave": 1.0, "phase": 2.0, "linear": 1.0, "log": 0.5, "kl": 1e-3}


_HEARING = vae.Settings(_QUICK, batch=1, frames=8, weights=_weights(), first=4, compiled=False)
