"""The demo's weights: the same everywhere, made once, made again when they must be, and fit to be heard."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core import tensors
from core.engine import Verdict
from core.errors import SongdeskError
from core.levo import demo
from core.levo.artifacts import Conditions, Tokens
from core.levo.conditions.codes import MixEncoder, StemEncoder
from core.levo.conditions.separate import load_separator
from core.levo.shapes import SAMPLES_PER_FRAME, VaeShapes, shapes_of
from core.levo.synthesis.render import load_synthesis, render
from core.levo.tokens.model import TokenModel
from core.levo.vae import VaeEncoder
from core.levo.weights import hollow, load_module
from core.random import Stream
from core.registry import variant
from core.settings import Value
from tests.core.levo.tiny import TINY

CPU = torch.device("cpu")
FIRST_NUMBERS = [0.874884, -0.080531, 0.112662]
ROLES = ("tokens", "flow", "vae", "mix_encoder", "stem_encoder", "separator", "styles")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_makings_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    demo.demo_weights(TINY, tmp_path / "a")
    demo.demo_weights(TINY, tmp_path / "b")
    assert set(content(tmp_path / "a")) == {f"{role}.safetensors" for role in ROLES}
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_a_drawn_number_never_changes() -> None:
    """A change of these values is a new rule: raise RULE with it."""
    with hollow():
        layer = torch.nn.Sequential(torch.nn.Linear(4, 2))
    weight = demo.rule_state(layer)["0.weight"].flatten()
    torch.testing.assert_close(weight[:3], torch.tensor(FIRST_NUMBERS), rtol=0, atol=1e-6)


def test_weights_that_are_there_are_left_alone(tmp_path: Path) -> None:
    demo.demo_weights(TINY, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    demo.demo_weights(TINY, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_another_rule_makes_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.demo_weights(TINY, tmp_path)
    before = content(tmp_path)
    monkeypatch.setattr(demo, "RULE", "another")
    demo.demo_weights(TINY, tmp_path)
    assert all(value != before[name] for name, value in content(tmp_path).items())


def test_other_shapes_make_again_the_role_they_touch(tmp_path: Path) -> None:
    demo.demo_weights(TINY, tmp_path)
    before = content(tmp_path)
    wider = VaeShapes(4, TINY.vae.multipliers, TINY.vae.strides, TINY.vae.latent)
    demo.demo_weights(replace(TINY, vae=wider), tmp_path)
    after = content(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"vae.safetensors"}


@pytest.mark.parametrize(
    "damage", [b"", b"not weights at all", b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: bytes) -> None:
    demo.demo_weights(TINY, tmp_path)
    before = content(tmp_path)
    (tmp_path / "tokens.safetensors").write_bytes(damage)
    demo.demo_weights(TINY, tmp_path)
    assert content(tmp_path) == before


def test_a_write_that_fails_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half of it")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(tensors, "save_file", fill_the_disk)
    with pytest.raises(SongdeskError, match="no space left"):
        demo.demo_weights(TINY, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_role_loads_into_the_modules_that_read_it(tmp_path: Path) -> None:
    demo.demo_weights(TINY, tmp_path)
    load_synthesis(TINY, tmp_path / "flow.safetensors", tmp_path / "vae.safetensors", CPU)
    load_module(lambda: TokenModel(TINY.tokens), tmp_path / "tokens.safetensors", CPU)
    load_module(lambda: VaeEncoder(TINY.vae), tmp_path / "vae.safetensors", CPU, prefix="encoder.")
    load_separator(TINY.separator, tmp_path / "separator.safetensors", CPU)
    mix = partial(MixEncoder, TINY.encoder, TINY.quantizer)
    stems = partial(StemEncoder, TINY.encoder, TINY.quantizer)
    for encoder in (
        load_module(mix, tmp_path / "mix_encoder.safetensors", CPU).encoder,
        load_module(stems, tmp_path / "stem_encoder.safetensors", CPU).encoder,
    ):
        window = encoder.frontend.window
        torch.testing.assert_close(window, torch.hann_window(len(window)))


def test_tensors_have_the_size_of_their_kind(tmp_path: Path) -> None:
    demo.demo_weights(TINY, tmp_path)
    with safe_open(tmp_path / "vae.safetensors", framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    assert all(value.isfinite().all() and value.std() > 0 for value in tensors.values() if value.numel() > 1)
    last = [value for key, value in tensors.items() if key.startswith("decoder") and value.shape[0] == 2][-1]
    torch.testing.assert_close(last.sum(-1), torch.zeros(last.shape[:2]), rtol=0, atol=1e-6)


def test_the_end_of_the_song_is_the_least_of_the_heads_wishes(tmp_path: Path) -> None:
    demo.demo_weights(TINY, tmp_path)
    with safe_open(tmp_path / "tokens.safetensors", framework="pt") as file:
        heads = [file.get_tensor(key) for key in file.keys() if key.endswith(demo.HEADS)]  # noqa: SIM118
    assert len(heads) == 3
    assert not any(head[TINY.tokens.eos].any() for head in heads)


class Listener:
    """A run that keeps the sound."""

    device = CPU

    def __init__(self) -> None:
        self.sounds: list[Tensor] = []

    def step(self, done: int, total: int) -> Verdict:
        return Verdict.GO

    def live(self, key: str) -> Value:
        return {"flow_steps": 4, "flow_guidance": 1.5}[key]

    def stream(self, name: str) -> Stream:
        return Stream(4, name)

    def note(self, text: str) -> None:
        raise AssertionError(f"nothing is to be noted: {text}")

    def audio(self, samples: Tensor, stem: str = "mix") -> None:
        self.sounds.append(samples)


def test_the_demo_is_heard_and_never_clips(tmp_path: Path) -> None:
    shapes = shapes_of(variant("demo").shapes)
    with torch.inference_mode():
        demo.demo_weights(
            replace(TINY, quantizer=shapes.quantizer, flow=shapes.flow, vae=shapes.vae), tmp_path
        )
        models = load_synthesis(shapes, tmp_path / "flow.safetensors", tmp_path / "vae.safetensors", CPU)
        draw = torch.Generator().manual_seed(1)
        nothing = torch.zeros(3, 0, dtype=torch.int64)
        run = Listener()
        render(
            models,
            Tokens(torch.randint(0, shapes.quantizer.codes, (3, 50), generator=draw)),
            Conditions(nothing, nothing, nothing, nothing, torch.zeros(3, 0, shapes.vae.latent)),
            run,  # type: ignore[arg-type]
        )
    sound = torch.cat(run.sounds, dim=1)
    assert sound.shape == (2, 50 * SAMPLES_PER_FRAME)
    loudness = sound.square().mean(dim=1).sqrt()
    assert ((loudness > 0.05) & (loudness < 0.2)).all()
    assert sound.abs().max() < 1
    assert sound.mean(dim=1).abs().max() < 0.01
