"""The flow's training goes on from what there is, and the same whoever prepares its windows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from core.errors import SongdeskError
from core.levo.shapes import Shapes, shapes_of
from tests.toy import SHAPES
from train import flow, pool, role_file
from train.config import Config
from train.latents import Example, examples
from train.loop import Plan, averaged

_TINY: Shapes = replace(shapes_of(SHAPES), quantizer=replace(shapes_of(SHAPES).quantizer, codes=1024))
_CONFIG = Config(OmegaConf.create({"seed": 1}))
_SETTINGS = flow.Settings(
    Plan(steps=3, rate=1e-3, warmup=1, average=0.5), frames=60, lengths=(20, 30), judged=2
)


def _songs(seed: int) -> list[Example]:
    rng = torch.Generator().manual_seed(seed)
    codes = torch.randint(1, 800, (2, 80), generator=rng)
    return [Example(codes, seed + 2 * torch.randn(3, 80, _TINY.flow.latent, generator=rng))]


def _state(folder: Path) -> Path:
    """A state with latents of one song to train on and one that is kept out."""
    (folder / "latents").mkdir(parents=True)
    for seed in (3, pool.VALIDATION):
        latents = np.random.default_rng(seed).normal(2, 3, (3, 90, _TINY.flow.latent))
        np.save(folder / "latents" / f"{seed:07d}.npy", latents.astype(np.float16))
    return folder


def _learned(state: Path, config: Config = _CONFIG, settings: flow.Settings = _SETTINGS) -> dict[str, Tensor]:
    flow.learn(config, settings, _TINY, state)
    return averaged("flow", state)


def test_the_flow_learns_the_same_whoever_prepares_its_windows(tmp_path: Path) -> None:
    alone = _learned(_state(tmp_path / "alone"))
    helped = _learned(_state(tmp_path / "helped"), replace(_CONFIG, workers=2))
    assert all(torch.equal(alone[key], helped[key]) for key in alone)
    other = _learned(_state(tmp_path / "other"), settings=replace(_SETTINGS, blind=0.9))
    assert not torch.equal(alone["transformer.head.weight"], other["transformer.head.weight"])


def test_the_flow_goes_on_from_a_role_file_and_knows_its_own_songs_latents(tmp_path: Path) -> None:
    shipped = flow.begun(_TINY, _songs(7), seed=9).state_dict()
    path = role_file.write(tmp_path, "flow", shipped)
    still = replace(_SETTINGS, begin=str(path), plan=replace(_SETTINGS.plan, steps=1, rate=0.0))
    state = _state(tmp_path / "state")
    found = _learned(state, settings=still)
    known = flow.begun(_TINY, examples(state), seed=1).normaliser.state_dict()
    for name, value in known.items():
        assert torch.equal(found.pop(f"normaliser.{name}"), value)
        assert not torch.allclose(shipped[f"normaliser.{name}"], value, atol=0.1)
    assert all(torch.equal(value, shipped[name].half().float()) for name, value in found.items())


@pytest.mark.parametrize("name", ["transformer.head.weight", "normaliser.mean"])
def test_a_role_file_of_another_model_is_told(name: str) -> None:
    model = flow.begun(_TINY, _songs(1), seed=1)
    weights = flow.begun(_TINY, _songs(1), seed=2).state_dict()
    with pytest.raises(SongdeskError, match=f"no weights for {name}"):
        flow.take(model, {**weights, name: weights[name][:-1]})
    with pytest.raises(SongdeskError, match=f"no weights for {name}"):
        flow.take(model, {key: value for key, value in weights.items() if key != name})
