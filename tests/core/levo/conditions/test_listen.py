"""A recording heard: how many codes and latents, of what, by which weights, and accidents on request."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.checkpoints import role_file
from core.errors import SongdeskError
from core.levo.accidents import NONE, Accidents, accidents_of
from core.levo.conditions import listen
from core.levo.conditions.prompt import Prompt
from core.levo.shapes import SAMPLES_PER_FRAME, Shapes
from core.levo.weights import load_module
from core.registry import variant
from core.song import Reference
from tests.core.levo.conditions.conftest import Hear
from tests.core.levo.conditions.encoders import vae_encoder
from tests.core.levo.conditions.music import RATE, as_heard, music, save, save_with_stems

pytestmark = pytest.mark.usefixtures("short_windows_throughout")


def hear(listener: listen.Listener, path: Path) -> Prompt:
    with torch.inference_mode():
        return listener.listen(Reference(path=str(path)))


def same(one: Prompt, other: Prompt) -> bool:
    return torch.equal(one.codes, other.codes) and torch.equal(one.latents, other.latents)


@pytest.fixture(scope="module")
def stemmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of music with its stems beside it."""
    return save_with_stems(tmp_path_factory.mktemp("stemmed") / "x.wav", music(2, seed=2), music(2, seed=3))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of music without stems."""
    return save(tmp_path_factory.mktemp("alone") / "alone.wav", music(1, seed=4))


@pytest.fixture(scope="module")
def usual(short_windows_throughout: int, listener: Hear, stemmed: Path) -> Prompt:
    """What is heard of the music with stems."""
    return hear(listener(), stemmed)


@pytest.fixture(scope="module")
def separated(short_windows_throughout: int, listener: Hear, alone: Path) -> Prompt:
    """What is heard of the music without."""
    return hear(listener(), alone)


@pytest.mark.parametrize("samples", [7 * RATE, round(9.99 * RATE)])
def test_every_whole_frame_has_a_code_and_a_latent(
    shapes: Shapes, listener: Hear, tmp_path: Path, samples: int
) -> None:
    vocal, backing = (music(10, seed=seed)[:samples] for seed in (2, 3))
    prompt = hear(listener(), save_with_stems(tmp_path / "x.wav", vocal, backing))
    frames = samples // SAMPLES_PER_FRAME
    assert prompt.codes.shape == (3, frames)
    assert prompt.latents.shape == (3, frames, shapes.vae.latent)
    assert prompt.codes.dtype == torch.int64
    assert prompt.latents.dtype == torch.float32


def test_latents_are_the_means_of_both_together_and_of_each_alone(
    shapes: Shapes, ears: Path, usual: Prompt
) -> None:
    vocal, backing = as_heard(music(2, seed=2)), as_heard(music(2, seed=3))
    encoder = vae_encoder(shapes, ears)
    with torch.inference_mode():
        expected = [encoder(sound[None])[0][0].T for sound in (vocal + backing, vocal, backing)]
    assert torch.equal(usual.latents, torch.stack(expected))


def test_mix_and_stems_are_each_heard_for_themselves(
    listener: Hear, stemmed: Path, usual: Prompt, tmp_path: Path
) -> None:
    assert all(len(row.unique()) > 10 for row in usual.codes)
    shutil.copytree(stemmed.parent, tmp_path, dirs_exist_ok=True)
    save(tmp_path / "x_vocal.wav", music(2, seed=9))
    found = hear(listener(), tmp_path / "x.wav")
    equal = [torch.equal(*rows) for rows in zip(usual.codes, found.codes, strict=True)]
    assert equal == [True, False, True]


@pytest.mark.parametrize("kind", ["stemmed", "alone"])
def test_progress_goes_from_the_file_to_the_last_latents(
    listener: Hear, request: pytest.FixtureRequest, kind: str
) -> None:
    told: list[int] = []
    hear(listener(reached=told.append), request.getfixturevalue(kind))
    assert told == sorted(told)
    assert set(told) >= {1, 3, 4, 5, 6, 7, 8, 9}
    assert max(told) == 9


def test_a_recording_alone_is_separated_into_what_adds_up_to_it(
    shapes: Shapes, ears: Path, separated: Prompt
) -> None:
    with torch.inference_mode():
        whole = vae_encoder(shapes, ears)(as_heard(music(1, seed=4))[None])[0][0].T
    torch.testing.assert_close(separated.latents[0], whole, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(separated.latents[1], whole, atol=0.01)
    assert not torch.allclose(separated.latents[2], whole, atol=0.01)


def test_the_same_recording_is_heard_the_same_way_and_draws_nothing_from_others(
    listener: Hear, alone: Path, separated: Prompt
) -> None:
    random.seed(99)
    torch.manual_seed(99)
    before, torch_before = random.getstate(), torch.get_rng_state()
    again = hear(listener(), alone)
    assert random.getstate() == before
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert same(again, separated)


def test_a_separator_on_request_hears_48_khz_for_its_own_rate(
    listener: Hear, alone: Path, separated: Prompt
) -> None:
    raw = hear(listener(replace(NONE, raw_separation=True)), alone)
    assert torch.equal(raw.codes[0], separated.codes[0]), "the mix needs no separation"
    assert not torch.allclose(raw.latents[1], separated.latents[1], atol=1e-3)


def test_a_surplus_code_comes_on_request(listener: Hear, stemmed: Path, usual: Prompt) -> None:
    skewed = hear(listener(replace(NONE, skew=True)), stemmed)
    assert usual.codes.shape == (3, 50)
    assert skewed.codes.shape == (3, 51)
    assert torch.equal(skewed.codes[:, :50], usual.codes)
    assert torch.equal(skewed.latents, usual.latents)


def test_latents_are_drawn_on_request_and_each_time_the_same(
    shapes: Shapes, listener: Hear, ears: Path, stemmed: Path, usual: Prompt
) -> None:
    drawn = replace(NONE, drawn_latents=True)
    first = hear(listener(drawn), stemmed)
    torch.manual_seed(99)
    assert same(first, hear(listener(drawn), stemmed))
    assert torch.equal(first.codes, usual.codes)
    with torch.inference_mode():
        spread = vae_encoder(shapes, ears)(as_heard(music(2, seed=2))[None])[1][0].T
    away = (first.latents[1] - usual.latents[1]) / spread
    assert abs(float(away.mean())) < 0.2
    assert float(away.std()) == pytest.approx(1, abs=0.15)
    noises = first.latents - usual.latents
    correlations = torch.corrcoef(noises.flatten(1))
    assert float((correlations - torch.eye(3)).abs().max()) < 0.3, "each has noise of its own"


def test_a_loud_recording_is_heard_as_a_quieter_one_unless_asked_otherwise(
    listener: Hear, tmp_path: Path
) -> None:
    vocal, backing = (music(2, seed=seed, level=1.0) * [[1.0, 0.3]] for seed in (2, 3))
    quiet = save_with_stems(tmp_path / "quiet.wav", vocal, backing)
    loud = save_with_stems(tmp_path / "loud.wav", 2 * vocal, 2 * backing)
    unlevelled = replace(NONE, unlevelled=True)
    usual = hear(listener(), quiet)
    assert torch.equal(hear(listener(), loud).codes, usual.codes)
    assert not torch.equal(hear(listener(unlevelled), loud).codes, usual.codes)
    assert torch.equal(hear(listener(unlevelled), loud).latents, hear(listener(), loud).latents)


def test_what_is_quiet_is_heard_the_same_with_or_without_levelling(
    listener: Hear, stemmed: Path, usual: Prompt
) -> None:
    assert same(usual, hear(listener(replace(NONE, unlevelled=True)), stemmed))


def test_stored_tables_are_heard_by_unless_exact_ones_are_asked_for(
    listener: Hear, ears: Path, stemmed: Path, usual: Prompt, tmp_path: Path
) -> None:
    files = {}
    for role in ("mix_encoder", "stem_encoder"):
        state = load_file(ears / f"{role}.safetensors")
        spoilt = {key: state[key] * 0.9 for key in state if "frontend" in key or "frequencies" in key}
        files[role] = tmp_path / f"{role}.safetensors"
        save_file(state | spoilt, files[role])
    assert not torch.equal(hear(listener(files=files), stemmed).codes, usual.codes)
    assert same(hear(listener(exact_tables=True, files=files), stemmed), usual)
    assert same(hear(listener(exact_tables=True), stemmed), usual)


class Values(dict[str, str]):
    """Settings that name the accidents."""

    def text(self, key: str) -> str:
        return self[key]


@pytest.mark.parametrize(
    ("asked", "heard"),
    [
        ("off", Accidents()),
        ("upstream", Accidents(skew=True, drawn_latents=True)),
        ("fork", Accidents(skew=True, drawn_latents=True, raw_separation=True, unlevelled=True)),
    ],
)
def test_each_published_program_hears_with_its_own_accidents(asked: str, heard: Accidents) -> None:
    meant = accidents_of(Values(compatibility=asked))  # type: ignore[arg-type]
    names = ("skew", "raw_separation", "unlevelled", "drawn_latents")
    assert {name: getattr(meant, name) for name in names} == {name: getattr(heard, name) for name in names}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """The modules that a listener loads, in order."""
    modules: list[nn.Module] = []
    honest = load_module

    def keep(*args: object, **more: object) -> nn.Module:
        modules.append(honest(*args, **more))  # type: ignore[arg-type]
        return modules[-1]

    monkeypatch.setattr(listen, "load_module", keep)
    return modules


def places(module: nn.Module) -> dict[str, int]:
    return {key: tensor.data_ptr() for key, tensor in module.state_dict().items()}


def test_what_both_encoders_have_in_common_is_in_memory_once(
    listener: Hear, stemmed: Path, loaded: list[nn.Module]
) -> None:
    hear(listener(), stemmed)
    stems, mix, _ = (places(module) for module in loaded)
    assert {key for key in mix if key in stems} == {key for key in mix if key.startswith("encoder.")}
    assert all(stems[key] == place for key, place in mix.items() if key in stems)
    assert not set(stems.values()) & {place for key, place in mix.items() if key not in stems}


def test_what_differs_in_the_encoders_is_each_ones_own(
    listener: Hear, ears: Path, stemmed: Path, usual: Prompt, tmp_path: Path, loaded: list[nn.Module]
) -> None:
    other = "encoder.blocks.1.ffn1.up.weight"
    state: dict[str, Tensor] = load_file(ears / "mix_encoder.safetensors")
    state[other] = state[other] + 1e-3
    save_file(state, tmp_path / "other.safetensors")
    prompt = hear(listener(files={"mix_encoder": tmp_path / "other.safetensors"}), stemmed)
    stems, mix, _ = loaded
    apart = [key for key, place in places(mix).items() if places(stems).get(key, place) != place]
    assert apart == [other]
    assert torch.equal(mix.state_dict()[other], state[other])
    assert torch.equal(prompt.codes[1:], usual.codes[1:])


@pytest.fixture
def missing(
    ears: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Callable[[str], Path]]:
    """Makes a finder of weights that lacks one role, as where a published file was not fetched."""
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))

    def lacking(absent: str) -> Callable[[str], Path]:
        def find(role: str) -> Path:
            return role_file(variant("v2-medium"), role) if role == absent else ears / f"{role}.safetensors"

        return find

    return lacking


@pytest.mark.parametrize("role", ["mix_encoder", "stem_encoder", "vae"])
def test_a_missing_file_is_named_before_anything_is_heard(
    listener: Hear, missing: Callable[[str], Callable[[str], Path]], alone: Path, role: str
) -> None:
    told: list[int] = []
    with pytest.raises(SongdeskError, match="not here") as caught:
        hear(listener(weights=missing(role), reached=told.append), alone)
    assert "`songdesk models fetch v2-medium`" in caught.value.hint
    assert caught.value.where.endswith(f"{role}.safetensors")
    assert len(str(caught.value).splitlines()) == 1
    assert told == []


def test_a_missing_separator_can_be_done_without(
    listener: Hear, missing: Callable[[str], Callable[[str], Path]], alone: Path, stemmed: Path
) -> None:
    with pytest.raises(SongdeskError, match=r"alone\.wav cannot be separated") as caught:
        hear(listener(weights=missing("separator")), alone)
    assert "`songdesk models fetch v2-medium`" in caught.value.hint
    assert "alone_vocal.wav and alone_bgm.wav" in caught.value.hint
    assert len(str(caught.value).splitlines()) == 1
    assert hear(listener(weights=missing("separator")), stemmed).codes.shape == (3, 50)


def test_a_file_of_another_model_is_named(listener: Hear, ears: Path, stemmed: Path) -> None:
    with pytest.raises(SongdeskError, match="missing") as caught:
        hear(listener(files={"vae": ears / "flow.safetensors"}), stemmed)
    assert caught.value.where == str(ears / "flow.safetensors")
