"""Turned settings as lanes along the song."""

from pathlib import Path
from typing import Any

import pytest

from core.engine import Verdict
from core.family import family_of
from core.settings import Value, resolve
from core.song import Song
from core.takes.automation import Lane, lanes_of
from core.takes.job import Job, KnobChange
from core.takes.recipe import Recipe, begin, load, save
from tests.core.making.test_render import Watching, job

KIND, CHOSEN = family_of("demo")
VALUES = resolve(KIND.settings(CHOSEN)).replace(seed=1)
USUAL = VALUES.real("temperature")


def recipe(*knobs: tuple[str, int, Value], stage: str = "tokens", **more: Any) -> Recipe:
    asked = Job("x", Song("x", "[verse]\nLa.", ""), "demo", VALUES, Path("x"), Path("x.wav"))
    changes = tuple(KnobChange(stage, at, key, value) for key, at, value in knobs)
    plain = begin(asked, {})
    fields = {name: getattr(plain, name) for name in Recipe.__dataclass_fields__}
    return Recipe(**{**fields, "knobs": changes, **more})


def test_a_knob_is_drawn_where_its_frame_is_heard_from() -> None:
    lanes = lanes_of(
        recipe(("temperature", 250, 1.0), ("top_k", 300, 50), ("temperature", 500, 1.2), seconds=30)
    )
    assert lanes == (
        Lane("temperature", USUAL, ((10.0, 1.0), (20.0, 1.2))),
        Lane("top_k", 40, ((12.0, 50),)),
    )


@pytest.mark.parametrize(
    ("key", "at", "seconds"),
    [
        ("stem_top_k", 375, 5.0),
        ("stem_top_k", 100, 0.0),
        ("guidance", 375, 15.0),
        ("guidance", 800, 22.0),  # only the late codebooks are still written
        ("top_p", 800, 30.0),  # and those do not read it
    ],
)
def test_side_by_side_the_late_codebooks_are_at_an_earlier_frame(key: str, at: int, seconds: float) -> None:
    (lane,) = lanes_of(recipe((key, at, 2), seconds=30, model="v2-large"))
    assert lane.turns == ((seconds, 2),)


@pytest.mark.parametrize(
    "said",
    [
        {"notes": ("the transformers took turns: no room",)},
        {"settings": {**VALUES, "schedule": "two-pass"}},
        {"chosen": {"schedule": "two-pass"}},
        {"schedule": "two-pass", "settings": {**VALUES, "schedule": "lockstep"}},
    ],
)
@pytest.mark.parametrize(
    ("key", "at", "seconds"),
    [
        ("temperature", 500, 20.0),
        ("stem_top_k", 500, 0.0),  # read when their turn comes
        ("stem_top_k", 850, 4.0),
        ("guidance", 850, 4.0),
        ("temperature", 850, 30.0),
    ],
)
def test_in_two_passes_each_counts_from_its_own_beginning(
    said: dict[str, Any], key: str, at: int, seconds: float
) -> None:
    (lane,) = lanes_of(recipe((key, at, 2), seconds=30, **said))
    assert lane.turns == ((seconds, 2),)


def test_what_a_stage_reads_at_its_start_counts_from_the_beginning() -> None:
    (lane,) = lanes_of(recipe(("flow_steps", 0, 16), stage="audio", seconds=30))
    assert lane == Lane("flow_steps", 10, ((0.0, 16),))


def test_turning_back_before_it_was_read_leaves_no_lane() -> None:
    assert lanes_of(recipe(("temperature", 0, 1.0), ("temperature", 0, USUAL), seconds=30)) == ()
    (lane,) = lanes_of(recipe(("temperature", 25, 1.0), ("temperature", 25, 1.1), ("temperature", 50, 1.1)))
    assert lane.turns == ((1.0, 1.1),)


def test_a_recipe_that_somebody_edited_gives_what_can_be_drawn(tmp_path: Path) -> None:
    good = recipe(("temperature", 25, 1.0), seconds=30)
    save(good, tmp_path)
    path = tmp_path / "recipe.json"
    text = path.read_text()
    for was, now in (('"at": 25', '"at": "soon"'), ('"value": 1.0', '"value": [1]')):
        path.write_text(text.replace(was, now))
        assert load(tmp_path) is None
    path.write_text(text.replace('"key": "tem', '"key": "xem'))
    edited = load(tmp_path)
    assert edited is not None
    assert lanes_of(edited) == ()
    path.write_text(text.replace('"model": "demo"', '"model": "gone"'))
    edited = load(tmp_path)
    assert edited is not None
    assert lanes_of(edited) == ()
    path.write_text(text)
    assert lanes_of(load(tmp_path) or good) == (Lane("temperature", USUAL, ((1.0, 1.0),)),)


@pytest.mark.parametrize("schedule", ["lockstep", "two-pass"])
def test_a_lane_is_what_the_engine_read(toy: str, tmp_path: Path, schedule: str) -> None:
    from core.making.render import render

    asked = job(toy, tmp_path, schedule=schedule, length=4)

    def turn(stage: str, done: int) -> Verdict:
        if stage == "tokens":
            steps = {20: ("temperature", 1.5), 60: ("temperature", 1.25), 80: ("stem_temperature", 0.5)}
            if done in steps:
                key, value = steps[done]
                watch.knobs[key] = value
        return Verdict.GO

    watch = Watching(asked, turn)
    render(asked, watch)
    made = load(asked.folder)
    assert made is not None
    late = 80 - 5 if schedule == "lockstep" else 0  # in two passes their turn has not come yet
    assert lanes_of(made) == (
        Lane("temperature", 0.8, ((20 / 25, 1.5), (60 / 25, 1.25))),
        Lane("stem_temperature", 0.0, ((late / 25, 0.5),)),
    )
