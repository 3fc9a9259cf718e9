"""The training of encoders and separator: what they learn from, how it goes on, what the product gets."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from core.levo.conditions.codes import StemEncoder, encode
from core.levo.conditions.frontend import MELS, frontend_tables
from core.levo.conditions.listen import turned_down
from core.levo.shapes import EncoderShapes, QuantizerShapes, Shapes, shapes_of
from core.levo.vq import Quantizer
from core.levo.weights import load_module
from corpus.rng import stream
from tests.toy import SHAPES
from train import audition, ears, pool, role_file, separation, spectra
from train.codes import codes_of
from train.config import Config
from train.loop import Figures, Plan, averaged, run
from train.meanings import Meanings
from train.symbols import BOOKS, CODES

_SEED = 3
_TINY: Shapes = replace(
    shapes_of(SHAPES),
    encoder=EncoderShapes(
        channels=4, width=16, heads=2, ffn=32, kernel=7, mix_tap=1, vocal_tap=2, backing_tap=1
    ),
    quantizer=QuantizerShapes(codes=1024, code_width=8, width=16, neutral=(0, 0)),
)
_QUICK = Plan(steps=4, rate=1e-3, warmup=1, average=0.5, save_every=1)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state with one song and its spectrograms."""
    folder = tmp_path_factory.mktemp("state")
    pool.fill(folder / "pool", [_SEED])
    spectra.keep(folder / "spectra", folder / "pool", [_SEED])
    return folder


def _settings(**values: Any) -> ears.Settings:
    return replace(ears.Settings(_QUICK, _QUICK, batch=1, frames=30, whole=0.0), **values)


def test_spectrograms_are_those_of_the_product(state: Path) -> None:
    kept = spectra.kept(state / "spectra", _SEED)
    sound = torch.from_numpy(pool.as_heard(pool.stems_of(state / "pool", _SEED), ("backing",)))
    front = StemEncoder(_TINY.encoder, _TINY.quantizer).encoder.frontend
    for name, table in frontend_tables().items():  # as a role file gives them
        getattr(front, name).copy_(table.half())
    heard = front(turned_down(sound)[None])[0]
    assert kept.shape == (3, MELS, heard.shape[1])
    apart = (torch.from_numpy(kept[2].astype(np.float32)) - heard).abs()
    assert float(apart.max()) < 0.01  # of 18 dB: only the rounding of what is kept


def test_a_crop_is_blurred_and_silence_stays_silence(state: Path) -> None:
    song = spectra.kept(state / "spectra", _SEED)
    still = spectra.Blur(quieter=0, louder=0, tilt=0, leaks=0)
    plain = spectra.cut(song, 2, 50, 20, still, stream(0, "a"))
    assert torch.equal(plain, torch.from_numpy(song[2, :, 200:280].astype(np.float32)))
    leaking = spectra.cut(song, 2, 50, 20, replace(still, leaks=1.0), stream(0, "a"))
    assert bool((leaking >= plain - 1e-5).all())
    silent = np.full_like(song, -5.8)
    quiet = spectra.cut(silent, 1, 0, 20, spectra.Blur(), stream(0, "b"))
    assert float(quiet.max() - quiet.min()) < 1.0
    assert float(quiet.min()) >= -5.8


def test_rows_of_like_symbols_are_alike_and_what_means_nothing_is_never_heard() -> None:
    torch.manual_seed(1)
    rows = Meanings(1, 16)
    table = rows.table(1024)
    near, far = CODES[1]["phone", "a", 50], CODES[1]["phone", "s", 70]
    of_a = [CODES[1]["phone", "a", pitch] for pitch in range(51, 70)]
    alike = (table[of_a] @ table[near]).mean()
    assert alike > table[far] @ table[near]
    quantizer = Quantizer(QuantizerShapes(codes=1024, code_width=16, width=16, neutral=(0, 0)))
    with torch.no_grad():
        quantizer.codebook.weight.copy_(table)
        quantizer.enter.weight.copy_(torch.eye(16))
        quantizer.enter.bias.zero_()
        assert quantizer.encode(table[: len(BOOKS[1])]).tolist() == list(range(len(BOOKS[1])))
        assert int(quantizer.encode(torch.randn(4000, 16)).max()) < len(BOOKS[1])


def test_a_pupil_learns_the_codes_of_one_crop(state: Path) -> None:
    torch.manual_seed(2)
    pupil = ears.Pupil("stem_encoder", _TINY)
    assert all(bool(value.isfinite().all()) for value in pupil.state_dict().values())
    settings = _settings(batch=1, frames=20)
    given = ears.lesson(
        "vocal", state / "spectra", {_SEED: codes_of(pool.song_of(_SEED))}, settings, stream(5, "x")
    )
    assert given.sound.shape == (1, MELS, 80)
    assert given.codes.shape == (1, 20)
    optimiser = torch.optim.Adam(pupil.parameters(), lr=2e-2)
    losses = []
    for _ in range(20):
        loss, _told = ears.loss_of(pupil, "vocal", given, settings)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_a_reference_is_repeated_as_the_product_repeats_it(state: Path) -> None:
    truth = {_SEED: codes_of(pool.song_of(_SEED))}
    given = ears.lesson("mix", state / "spectra", truth, _settings(whole=1.0), stream(1, "y"))
    assert given.sound.shape == (1, MELS, 4000)
    assert torch.equal(given.codes[:, :250], given.codes[:, 750:])
    many = ears.lesson(
        "mix", state / "spectra", truth, _settings(whole=1.0, batch=20, frames=100), stream(1, "y")
    )
    assert many.codes.shape == (2, 1000), "as many frames as in 20 crops of 100"


def test_training_goes_on_where_it_stopped_and_the_product_hears_the_same(
    state: Path, tmp_path: Path
) -> None:
    truth = {_SEED: codes_of(pool.song_of(_SEED))}

    def trained(folder: Path, *ends: int) -> dict[str, Tensor]:
        for end in ends:
            torch.manual_seed(3)
            pupil = ears.Pupil("stem_encoder", _TINY)

            def loss_of(step: int, pupil: ears.Pupil = pupil) -> tuple[Tensor, Figures]:
                given = ears.lesson("vocal", state / "spectra", truth, _settings(), stream(4, str(step)))
                return ears.loss_of(pupil, "vocal", given, _settings())

            plan = replace(_QUICK, steps=end) if end == _QUICK.steps else _QUICK
            _run_to(end, pupil, loss_of, plan, folder)
        return averaged("stem_encoder", folder)

    at_once, in_two = trained(tmp_path / "a", 4), trained(tmp_path / "b", 2, 4)
    assert all(torch.equal(at_once[key], in_two[key]) for key in at_once)
    path = role_file.write(tmp_path, "stem_encoder", ears.weights_of("stem_encoder", at_once))
    network = load_module(
        lambda: StemEncoder(_TINY.encoder, _TINY.quantizer), path, torch.device("cpu"), dtype=torch.float32
    )
    sound = torch.from_numpy(pool.as_heard(pool.stems_of(state / "pool", _SEED)))[:, :96_000]
    codes = encode(network.encoder, network.vocal, sound, tap=2, frames=50)
    assert int(codes.max()) < len(BOOKS[1])
    assert path.stat().st_size < 2 * sum(value.numel() for value in at_once.values()) + 30_000


def _run_to(end: int, pupil: nn.Module, loss_of: object, plan: Plan, folder: Path) -> None:
    """Run up to a step of a plan, as if the process had been ended there."""

    def until(step: int) -> tuple[Tensor, Figures]:
        if step == end:
            raise KeyboardInterrupt
        return loss_of(step)  # type: ignore[operator, no-any-return]

    try:
        run("stem_encoder", pupil, until, plan, folder)
    except KeyboardInterrupt:
        assert end < plan.steps


def test_the_audition_counts_what_is_right() -> None:
    phone, stroke = CODES[1]["phone", "a", 50], CODES[2]["stroke", "rock", "low", "soft"]
    hold, late = CODES[0]["hold", 3, 1], CODES[0]["beat", 2]
    true = np.array([[late, hold], [phone, 0], [stroke, 0]], dtype=np.int16)
    heard = np.array(
        [[hold, late], [CODES[1]["phone", "a", 52], 0], [CODES[2]["stroke", "rock", "high", "soft"], stroke]],
        dtype=np.int16,
    )
    counts: Counter[tuple[str, ...]] = Counter()
    audition.count(counts, true, heard)
    assert counts["vocal", "phone", "phone"] == 1
    assert counts["vocal", "phone", "pitch"] == 0
    assert counts["mix", "beat", "right"] == 0
    assert counts["mix", "beat", "right within a frame"] == 1
    assert (counts["vocal", "all", "none or not"], counts["backing", "all", "none or not"]) == (2, 1)
    told = list(audition.lines(counts))
    assert "vocal phone (1 frames): kind 100 %, phone 100 %" in told
    assert any("backing stroke (1 frames): kind 100 %" in line for line in told)


def test_the_separators_crops_are_whole_stems_at_its_rate(state: Path) -> None:
    settings = separation.Settings(_QUICK, seconds=(1.0,), shares=(1.0,))
    vocal, rest = separation.crop(state / "pool", [_SEED], settings, stream(1, "z"))
    assert vocal.shape == rest.shape == (1, 2, 44_100)
    assert float(vocal.square().mean().sqrt()) > 0.003  # a place with a voice was found
    vocals, rests = separation.crop(state / "pool", [_SEED], replace(settings, batch=3), stream(1, "z"))
    assert vocals.shape == rests.shape == (3, 2, 44_100)
    assert torch.equal(vocals[:1], vocal)
    assert torch.equal(rests[:1], rest)
    assert not torch.equal(vocals[1], vocals[2])


def test_the_separator_hears_each_crop_of_a_batch_for_itself() -> None:
    network = separation.begun(_TINY.separator, 1).train()
    mix = 0.1 * torch.randn(2, 2, 22_050, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        both, alone = network(mix), torch.cat([network(one[None]) for one in mix])
    assert torch.allclose(both, alone, atol=1e-5)
    assert not torch.allclose(both[0], both[1], atol=1e-3)


_LEARNT_OF = {
    "ears": (
        ears,
        {"mix_encoder": {"steps": 1, "rate": 1e-3}, "stem_encoder": {"steps": 2, "rate": 1e-3}, "batch": 1,
         "frames": 25, "whole": 0.0},
        ("stem_encoder", "mix_encoder"),
    ),
    "separator": (
        separation,
        {"plan": {"steps": 2, "rate": 1e-3}, "batch": 2, "seconds": [0.5], "shares": [1.0]},
        ("separator",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", _LEARNT_OF)
def test_networks_learn_the_same_whoever_prepares_their_steps(state: Path, tmp_path: Path, part: str) -> None:
    module, settings, names = _LEARNT_OF[part]
    learned = []
    for workers in (0, 2):
        own = tmp_path / str(workers)
        own.mkdir()
        (own / "pool").symlink_to(state / "pool")
        module.train(Config(OmegaConf.create({"seed": 1, part: settings}), workers=workers), own)
        learned.append({(name, key): value for name in names for key, value in averaged(name, own).items()})
        if part == "ears":
            assert np.array_equal(
                spectra.kept(own / "spectra", _SEED), spectra.kept(state / "spectra", _SEED)
            )
    assert all(torch.equal(learned[1][key], value) for key, value in learned[0].items())


def test_the_separators_loss_is_none_for_the_truth_and_a_network_learns(state: Path) -> None:
    vocal, rest = torch.randn(1, 2, 4410) * 0.1, torch.randn(1, 2, 4410) * 0.1

    class Knowing(nn.Module):
        def forward(self, mix: Tensor) -> Tensor:
            return torch.stack((mix - vocal, mix * 0, mix * 0, vocal), dim=1)

    loss, told = separation.loss(Knowing(), vocal, rest, weight=1.0)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert told["vocal"] == 0
    network = separation.begun(_TINY.separator, 1).train()
    settings = separation.Settings(_QUICK, seconds=(0.5,), shares=(1.0,))
    given = separation.crop(state / "pool", [_SEED], settings, stream(1, "z"))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(6):
        loss, _told = separation.loss(network, *given, weight=0.25)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.98 * losses[0]


def test_the_ratio_of_a_vocal_is_blind_to_its_level() -> None:
    true = torch.sin(torch.arange(4000) * 0.05)[None]
    other = torch.sin(torch.arange(4000) * 0.31)[None]
    assert separation.si_sdr(true + 0.1 * other, true) == pytest.approx(20, abs=0.2)
    assert separation.si_sdr(3 * true + 0.3 * other, true) == pytest.approx(20, abs=0.2)


def test_weights_that_are_not_finite_are_not_shipped(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="not finite in 16 bits"):
        role_file.write(tmp_path, "vae", {"a": torch.tensor([1e6])})
    assert not list(tmp_path.glob("*"))
