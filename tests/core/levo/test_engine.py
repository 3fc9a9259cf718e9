"""The LeVo engine: what is in memory when, and what it refuses."""

import gc
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.engine import Artifact, FreshRun, Verdict
from core.family import family_of, make_engine, resolve_for
from core.levo.artifacts import Conditions, Tokens
from core.levo.synthesis.render import Synthesis
from core.levo.tokens.model import TokenModel
from core.paths import checkpoints
from core.random import Stream
from core.settings import Override, Value, Values
from core.song import Song

SONG = Song("a", "[verse]\nPaper boats", "pop")


def alive() -> dict[int, str]:
    """The networks in memory: the class of each."""
    gc.collect()
    found = (thing for thing in gc.get_objects() if type(thing) in (TokenModel, Synthesis))
    return {id(thing): type(thing).__name__ for thing in found}


class Recording(FreshRun):
    """A run that keeps results in a folder and notes which networks live at each step."""

    device = torch.device("cpu")

    def __init__(self, values: Values, folder: Path, model: str) -> None:
        self.seen: set[str] = set()
        self.sound: list[Tensor] = []
        self.notes: list[str] = []
        self.saved: dict[str, Path] = {}
        self._values, self._folder, self._model = values, folder, model
        self._looked = False
        self._others = alive().keys()

    def resident(self) -> set[str]:
        """Classes of the networks that this run has brought into memory."""
        return {name for key, name in alive().items() if key not in self._others}

    def step(self, done: int, total: int) -> Verdict:
        if not self._looked:
            self._looked = True
            self.seen |= self.resident()
        return Verdict.GO

    def next_stage(self) -> None:
        self._looked = False
        self.seen.clear()

    def live(self, key: str) -> Value:
        return self._values[key]

    def stream(self, name: str) -> Stream:
        return Stream(1, name)

    def weights(self, role: str) -> Path:
        return checkpoints() / self._model / f"{role}.safetensors"

    def save(self, kind: str, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> Artifact:
        path = self._folder / f"{kind}.safetensors"
        save_file(dict(tensors), path, metadata=dict(meta))
        self.saved[kind] = path
        return Artifact(kind, path, "")

    def note(self, what: str) -> None:
        self.notes.append(what)

    def audio(self, samples: Tensor, stem: str = "mix") -> None:
        self.sound.append(samples)


@pytest.fixture
def run(toy: str, tmp_path: Path) -> Recording:
    kind, chosen = family_of(toy)
    return Recording(resolve_for(kind, chosen, [Override({"seed": 1, "length": 3})]), tmp_path, toy)


def test_only_the_stage_at_work_has_a_model_in_memory(toy: str, run: Recording) -> None:
    kind, chosen = family_of(toy)
    engine = make_engine(kind, chosen)
    expected: dict[str, set[str]] = {"conditions": set(), "tokens": {"TokenModel"}, "audio": {"Synthesis"}}
    with torch.inference_mode():
        for stage in kind.stages:
            run.next_stage()
            inputs = {name: run.saved[name] for name in stage.reads}
            engine.run(stage.id, SONG, run._values, inputs, run)
            assert run.seen == expected[stage.id]
            assert run.resident() == set()
    assert sum(piece.shape[1] for piece in run.sound) == 3 * 48_000


def test_artifacts_are_what_their_types_say(toy: str, run: Recording) -> None:
    kind, chosen = family_of(toy)
    engine = make_engine(kind, chosen)
    with torch.inference_mode():
        engine.run("conditions", SONG, run._values, {}, run)
        engine.run("tokens", SONG, run._values, {"conditions": run.saved["conditions"]}, run)
    conditions = Conditions.load(run.saved["conditions"])
    assert conditions.lyric_ids.shape == (2, 64)
    assert conditions.structure.max() > 0
    assert (conditions.structure[1] == 0).all(), "the null row has no sections"
    codes = Tokens.load(run.saved["tokens"]).codes
    assert codes.shape == (3, 75)
    assert int(codes.min()) >= 0
    assert int(codes.max()) < 64


def test_either_schedule_leaves_the_same_tokens(toy: str, tmp_path: Path) -> None:
    kind, chosen = family_of(toy)
    engine = make_engine(kind, chosen)
    left = []
    for schedule in ("lockstep", "two-pass"):
        asked = Override({"seed": 1, "length": 2, "schedule": schedule, "kv_cache": "fp32"})
        folder = tmp_path / schedule
        folder.mkdir()
        run = Recording(resolve_for(kind, chosen, [asked]), folder, toy)
        with torch.inference_mode():
            engine.run("conditions", SONG, run._values, {}, run)
            engine.run("tokens", SONG, run._values, {"conditions": run.saved["conditions"]}, run)
        left.append(Tokens.load(run.saved["tokens"]).codes)
    assert torch.equal(*left)


def test_a_device_without_room_for_both_transformers_takes_them_in_turn(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, chosen = family_of(toy)
    totals = []
    for free in (1 << 40, 0):
        monkeypatch.setattr("core.levo.engine.free_memory", lambda device, free=free: free)
        run = Recording(resolve_for(kind, chosen, [Override({"seed": 1, "length": 1})]), tmp_path, toy)
        told: list[int] = []
        monkeypatch.setattr(run, "step", lambda done, total, told=told: told.append(total) or Verdict.GO)
        engine = make_engine(kind, chosen)
        with torch.inference_mode():
            engine.run("conditions", SONG, run._values, {}, run)
            engine.run("tokens", SONG, run._values, {"conditions": run.saved["conditions"]}, run)
        totals.append(told[-1])
    assert totals == [25 + 5, 2 * 25]
