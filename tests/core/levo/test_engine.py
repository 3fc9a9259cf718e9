"""The LeVo engine: what is in memory when, and what it refuses."""

import gc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.engine import Artifact, FreshRun, Known, Verdict
from core.family import family_of, make_engine, resolve_for
from core.levo.artifacts import Conditions, Tokens
from core.levo.conditions.listen import Listener
from core.levo.conditions.prompt import Prompt, no_prompt
from core.levo.synthesis.render import Synthesis
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.model import TokenModel
from core.paths import checkpoints
from core.random import Stream
from core.settings import Override, Value, Values
from core.song import Reference, Song

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
        self.made_on = ""
        self.seams: list[tuple[int, bool]] = []
        self.before = Known()
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

    def known(self) -> Known:
        return self.before

    def seam(self, frame: int, *, is_exact: bool) -> None:
        self.seams.append((frame, is_exact))

    def decided(self, schedule: str, rows: int, made_on: str) -> None:
        self.made_on = made_on

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


def composed(toy: str, folder: Path, **asked: Value) -> tuple[Recording, Tensor]:
    kind, chosen = family_of(toy)
    folder.mkdir()
    run = Recording(resolve_for(kind, chosen, [Override({"seed": 1, "length": 2, **asked})]), folder, toy)
    engine = make_engine(kind, chosen)
    with torch.inference_mode():
        engine.run("conditions", SONG, run._values, {}, run)
        engine.run("tokens", SONG, run._values, {"conditions": run.saved["conditions"]}, run)
    return run, Tokens.load(run.saved["tokens"]).codes


def test_int8_weights_compose_the_same_by_either_schedule(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded: list[str] = []

    def noted(model: torch.nn.Module) -> None:
        to_int8(model)
        rounded.append(",".join(name for name, _ in model.named_children()))

    monkeypatch.setattr("core.levo.engine.to_int8", noted)
    _, together = composed(toy, tmp_path / "a", weights="int8", schedule="lockstep")
    assert len(rounded) == 2, "the texts' tables, and both transformers"
    _, in_turn = composed(toy, tmp_path / "b", weights="int8", schedule="two-pass")
    assert len(rounded) == 2 + 3
    assert torch.equal(together, in_turn)
    _, full = composed(toy, tmp_path / "c", weights="full")
    assert len(rounded) == 2 + 3
    assert together.shape == full.shape


def test_what_is_left_to_memory_is_taken_as_where_there_is_room(toy: str, tmp_path: Path) -> None:
    auto, codes = composed(toy, tmp_path / "a", kv_cache="auto")
    _, fixed = composed(toy, tmp_path / "b", kv_cache="fp32", weights="full", schedule="lockstep")
    assert torch.equal(codes, fixed)
    assert auto.notes == []


def test_going_on_with_other_weights_leaves_a_trace(toy: str, tmp_path: Path) -> None:
    kept: dict[str, str] = {}
    for weights in ("full", "int8"):
        run, codes = composed(toy, tmp_path / weights, weights=weights)
        kept[weights] = run.made_on
    assert kept["full"] != kept["int8"]
    for weights in ("full", "int8"):
        run = Recording(run._values.replace(weights=weights), tmp_path, toy)
        books = tuple(tuple(book[:20]) for book in codes.tolist())
        run.before = Known(books, schedule="lockstep", rows=2, made_on=kept["int8"])
        kind, chosen = family_of(toy)
        inputs = {"conditions": tmp_path / "int8" / "conditions.safetensors"}
        with torch.inference_mode():
            make_engine(kind, chosen).run("tokens", SONG, run._values, inputs, run)
        assert run.seams == [(20, weights == "int8")]


@pytest.mark.parametrize(("listen_on", "place"), [("cpu", "cpu"), ("device", "meta"), ("auto", "meta")])
def test_a_reference_is_heard_where_it_is_asked_for(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listen_on: str, place: str
) -> None:
    kind, chosen = family_of(toy)
    run = Recording(resolve_for(kind, chosen, [Override({"listen_on": listen_on})]), tmp_path, toy)
    monkeypatch.setattr(run, "device", torch.device("meta"))
    seen: list[str] = []

    def listen(ears: Listener, reference: Reference) -> Prompt:
        seen.append(ears.device.type)
        return no_prompt(8)

    monkeypatch.setattr(Listener, "listen", listen)
    recording = tmp_path / "a.wav"
    recording.write_bytes(f"a sound of its own for {listen_on}".encode())
    song = replace(SONG, reference=Reference(path=str(recording)))
    with torch.inference_mode():
        make_engine(kind, chosen).run("conditions", song, run._values, {}, run)
    assert seen == [place]
