"""Rendering in turns with composing: what it costs, what it needs, and what is found of it later."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from core.engine import FreshRun, Verdict
from core.levo.ahead import SHARE, Turns, turns_of
from core.levo.artifacts import Conditions
from core.levo.conditions.prompt import no_prompt
from core.levo.ladder import ladder
from core.levo.plan import can_be_ahead, plan
from core.levo.plan_sound import audio_plan
from core.levo.settings import settings_of
from core.levo.shapes import shapes_of
from core.levo.synthesis.solved import Solved
from core.levo.synthesis.windows import Window
from core.levo.tokens.pattern import Sheet
from core.registry import variant
from core.settings import Value, Values
from core.song import Song
from tests.core.levo.tiny import TINY

SONG = Song("", "", "")
LARGE = variant("v2-large")
STEP = 0.01
"""Seconds of a step of composing."""


def values(**changes: Value) -> Values:
    table = {setting.key: setting.default for setting in settings_of(LARGE)}
    return Values({**table, "decode_chunk": 64, **changes})


class Clock:
    """A clock that goes on when a test says so (s)."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Windows:
    """Ten windows of five pieces of work each, which take as long as a test says."""

    clock: Clock
    cost: float
    opening: float = 0.0
    """What comes on top of the very first piece (s)."""
    left: int = 10
    is_solving: bool = False
    given: list[int] = field(default_factory=list)

    @property
    def wanted(self) -> int | None:
        return 100 * (11 - self.left) if self.left else None

    def work(self, codes: Tensor) -> Iterator[Tensor | None]:
        self.given.append(codes.shape[1])
        self.left -= 1
        for piece in range(5):
            self.clock.now += self.cost + self.opening
            self.opening = 0.0
            self.is_solving = piece < 3
            yield torch.zeros(2, 8) if piece > 3 else None


class Room(FreshRun):
    """A run whose sound ahead is counted."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.path = Path("nowhere")
        self.knobs: dict[str, Value] = {"flow_steps": 10, "flow_guidance": 1.5}
        self.notes: list[str] = []
        self.sounds = 0
        self.steps = 0

    def live(self, key: str) -> Value:
        return self.knobs[key]

    def audio(self, samples: Tensor) -> None:
        self.sounds += 1

    def note(self, what: str) -> None:
        self.notes.append(what)

    def step(self, done: int, total: int) -> Verdict:
        self.steps += 1
        return Verdict.GO


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("core.levo.ahead.time.perf_counter", clock)
    return clock


def in_turns(windows: Windows, run: Room, *, share: float | None) -> Turns:
    class Nothing:
        def __enter__(self) -> None: ...
        def __exit__(self, *error: object) -> None: ...

    given = cast("Any", (windows, run, run, Nothing))
    return Turns(*given, share=share)


def composed(turns: Turns, clock: Clock, frames: int, since: int = 0) -> None:
    for frame in range(since, frames):
        clock.now += STEP
        turns(frame, lambda count: torch.zeros(3, count, dtype=torch.int64))


@pytest.mark.parametrize("cost", [0.003, 0.05, 0.4])
def test_composing_is_slowed_down_by_no_more_than_its_share(clock: Clock, cost: float) -> None:
    windows, run = Windows(clock, cost), Room()
    composed(in_turns(windows, run, share=SHARE), clock, 2000)
    rendering = clock.now - 2000 * STEP
    assert 0 < rendering <= SHARE * 2000 * STEP + cost
    assert all(given >= 100 * (number + 1) for number, given in enumerate(windows.given))
    assert run.sounds > 0 or cost > 0.3


def test_what_opening_takes_is_earned_once_and_is_no_forecast_of_what_follows(clock: Clock) -> None:
    windows, run = Windows(clock, 0.01, opening=1.0), Room()
    composed(in_turns(windows, run, share=SHARE), clock, 1000)
    assert 1.0 < clock.now - 1000 * STEP <= SHARE * 1000 * STEP + 0.01
    assert run.sounds > 0, "all of a window was paid for"


def test_who_wants_it_at_once_waits_for_it(clock: Clock) -> None:
    windows, run = Windows(clock, 1.0), Room()
    composed(in_turns(windows, run, share=None), clock, 106)
    assert run.sounds == 1
    assert windows.given == [100]


def test_a_window_that_is_begun_is_solved_to_its_end(clock: Clock) -> None:
    windows, run = Windows(clock, 1.0), Room()
    turns = in_turns(windows, run, share=None)
    composed(turns, clock, 102)
    begun = windows.is_solving
    turns.finish(102)
    assert (begun, windows.is_solving) == (True, False)
    assert run.sounds == 0
    assert run.steps > 0, "a stop is heard meanwhile"


def test_no_window_is_begun_once_a_knob_of_the_sound_was_turned(clock: Clock) -> None:
    windows, run = Windows(clock, 0.001), Room()
    turns = in_turns(windows, run, share=None)
    composed(turns, clock, 150)
    run.knobs["flow_steps"] = 5
    composed(turns, clock, 500, since=150)
    assert windows.given == [100]
    assert run.notes == [
        "not rendered any further while it was composed: a knob of the sound was turned, which is heard when"
        " the song is rendered"
    ]


def test_what_was_begun_is_left_when_a_knob_of_the_sound_is_turned(clock: Clock) -> None:
    windows, run = Windows(clock, 1.0), Room()
    turns = in_turns(windows, run, share=None)
    composed(turns, clock, 102)
    assert windows.is_solving
    run.knobs["flow_guidance"] = 2.0
    before = clock.now
    composed(turns, clock, 110, since=102)
    turns.finish(110)
    assert clock.now - before == pytest.approx(8 * STEP), "nobody would hear what is made with the old ones"
    assert (run.sounds, run.steps, len(run.notes)) == (0, 0, 1)


@pytest.mark.parametrize(
    ("seconds", "settings", "offered"),
    [
        (40.0, {}, False), (41.0, {}, True), (41.0, {"schedule": "two-pass"}, False),
        (41.0, {"compatibility": "upstream"}, False), (41.0, {"flow_precision": "fp16"}, False),
        (41.0, {"flow_precision": "tf32"}, True),
    ],
)  # fmt: skip
def test_it_is_offered_where_a_window_can_stand_before_the_end(
    seconds: float, settings: dict[str, Value], offered: bool
) -> None:
    assert can_be_ahead(SONG, LARGE, values(length=seconds, **settings)) == offered


def test_it_is_the_first_thing_that_is_given_up_for_memory() -> None:
    first, second, third, *_ = ladder(SONG, LARGE, values(length=120.0), "tokens", "cuda")
    assert first.name == "full weights, heard while it is composed"
    assert first.costs == ""
    assert second.name == "full weights"
    assert second.costs == "the song can be heard only when it is composed"
    assert (first.settings["ahead"], second.settings["ahead"]) == ("auto", "off")
    assert {**first.settings, "ahead": ""} == {**second.settings, "ahead": ""}
    assert third.settings["schedule"] == "two-pass"
    shapes = shapes_of(LARGE.shapes)
    sound = audio_plan(shapes, values(stems="mix"), frames=3000, prompt=0)
    assert first.plan.peak - second.plan.peak == sound.peak
    assert first.plan.units == second.plan.units


@pytest.mark.parametrize("wish", ["on", "off"])
def test_what_a_person_asks_for_is_in_every_way(wish: str) -> None:
    found = ladder(SONG, LARGE, values(length=120.0, ahead=wish), "tokens", "cuda")
    assert not any("ahead" in rung.settings for rung in found)
    alone = ladder(SONG, LARGE, values(length=30.0), "tokens", "cuda")
    assert not any("ahead" in rung.settings for rung in alone), "there is nothing to choose"
    assert plan(SONG, LARGE, values(length=120.0, ahead="on")).stages[1].peak > found[-1].plan.peak


def test_a_run_without_listeners_renders_nothing_ahead() -> None:
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    prompt = no_prompt(4)
    conditions = Conditions(nothing, nothing, nothing, prompt.codes, prompt.latents)
    run = cast("Any", Room())
    asked = values(length=120.0)
    assert turns_of(LARGE, TINY, conditions, None, asked, run, schedule="lockstep") is None


def test_frames_stand_once_every_codebook_has_them() -> None:
    sheet = Sheet(TINY.tokens, 10, device=torch.device("cpu"))
    for column in range(10):
        assert sheet.standing == max(0, column - 2)
        sheet.write(sheet.open((0, 1, 2)), torch.tensor([column % 5, 1, 2])[: 1 if column < 2 else 3])
    assert sheet.standing == 8
    assert sheet.beginning(8)[0].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert set(sheet.beginning(8)[1].tolist()) == {1}


def test_a_window_is_found_by_all_it_is_made_of(tmp_path: Path) -> None:
    window, codes, latents = Window(0, 0, 24, 0), torch.arange(48).view(2, 24), torch.randn(24, 4)
    made = Solved(tmp_path / "a.safetensors", "weights")
    key = made.key(window, codes, way="10 steps")
    made.keep(key, latents)

    def found(about: str = "weights", at: Window = window, of: Tensor = codes, way: str = "10 steps") -> bool:
        again = Solved(tmp_path / "a.safetensors", about)
        found = again.find(again.key(at, of, way=way), 24, 4)
        return found is not None and torch.equal(found, latents)

    assert found()
    assert not found(about="other weights")
    assert not found(at=Window(1, 0, 24, 0))
    assert not found(of=codes + 1)
    assert not found(way="11 steps")
    assert made.find(key, 24, 5) is None, "latents of another model"
