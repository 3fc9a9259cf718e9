"""Knobs and the wish to stop, around a break: what the recipe tells makes the take again, bit for bit."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.engine import Verdict
from core.errors import Paused, SongdeskError
from core.making import stage_run
from core.making.render import render
from core.settings import Value
from core.takes.branch import drafts, job_of
from core.takes.job import STOP, Job, KnobChange
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import Journal, read_journal
from core.takes.recipe import Recipe
from core.takes.replay import replay
from core.tensors import save_tensors
from tests.core.making.test_render import Watching
from tests.core.takes.test_going_on import SONG, At, begun, breaks, made, recipe_of, take_in, values_for

BOTH = ("lockstep", "two-pass")
Turn = tuple[str, int, str, Value]


def turned(job: Job, turns: Sequence[Turn], at: At = lambda stage, done: Verdict.GO) -> Recipe:
    """Make a job with knobs turned at (stage, units), and what else is to happen."""
    watch = Watching(job)

    def turn(stage: str, done: int) -> Verdict:
        watch.knobs |= {key: value for where, when, key, value in turns if (where, when) == (stage, done)}
        return at(stage, done)

    watch._at = turn
    render(job, watch)
    return recipe_of(job)


def stops(when: int, pause: int | None = None) -> At:
    """The wish to end the song from so many units on, and a break."""

    def at(stage: str, done: int) -> Verdict:
        if stage == "tokens" and pause is not None and done >= pause:
            raise Paused
        return Verdict.FINISH if stage == "tokens" and done >= when else Verdict.GO

    return at


def made_again(job: Job) -> str:
    """The verdict on making a take again."""
    return replay(take_in(job), lambda again: render(again, Watching(again))).kind


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The disk has no room for the tokens, until what this gives is called."""

    def refuse(path: Path, *rest: Any) -> None:
        if path.name.startswith("tokens"):
            raise SongdeskError("no space left")
        save_tensors(path, *rest)

    monkeypatch.setattr(stage_run, "save_tensors", refuse)
    return lambda: monkeypatch.setattr(stage_run, "save_tensors", save_tensors)


@pytest.mark.parametrize("schedule", ["lockstep", pytest.param("two-pass", marks=pytest.mark.slow)])
def test_knobs_stand_in_the_recipe_also_where_nothing_was_left_to_compose(
    toy: str, tmp_path: Path, full: Callable[[], None], schedule: str
) -> None:
    job = begun(toy, tmp_path, schedule=schedule, kv_cache="int8")
    with pytest.raises(SongdeskError, match="no space"):
        turned(job, [("tokens", 8, "temperature", 1.7)])
    full()
    recipe = made(job_of(job.folder))
    assert recipe.knobs == (KnobChange("tokens", 8, "temperature", 1.7),)
    assert recipe.seams == (), "nothing was composed behind it"
    assert made_again(job) == "bit-identical"


def test_a_knob_of_the_second_pass_stays_where_it_was_turned(toy: str, tmp_path: Path) -> None:
    turns: list[Turn] = [("tokens", 60, "stem_temperature", 1.5)]
    whole = turned(begun(toy, tmp_path / "a", schedule="two-pass"), turns)
    job = begun(toy, tmp_path / "b", schedule="two-pass")
    with pytest.raises(Paused):
        turned(job, turns, breaks("tokens", 70))
    recipe = made(job_of(job.folder))
    assert (recipe.tokens, recipe.knobs) == (whole.tokens, whole.knobs)
    assert [seam.is_exact for seam in recipe.seams] == [True]


@pytest.mark.parametrize("schedule", ["lockstep", pytest.param("two-pass", marks=pytest.mark.slow)])
def test_a_song_without_guidance_goes_on_without(toy: str, tmp_path: Path, schedule: str) -> None:
    turns: list[Turn] = [("tokens", 8, "guidance", 3.0)]
    whole = turned(begun(toy, tmp_path / "a", guidance=1, schedule=schedule), turns)
    job = begun(toy, tmp_path / "b", guidance=1, schedule=schedule)
    with pytest.raises(Paused):
        turned(job, turns, breaks("tokens", 20))
    assert made(job_of(job.folder)).tokens == whole.tokens


def test_a_knob_of_the_sound_survives_a_break_in_the_sound(toy: str, tmp_path: Path) -> None:
    turns: list[Turn] = [("tokens", 8, "flow_steps", 3)]
    whole = turned(begun(toy, tmp_path / "a"), turns)
    job = begun(toy, tmp_path / "b")
    with pytest.raises(Paused):
        turned(job, turns, breaks("audio", 1))
    recipe = made(job_of(job.folder))
    assert (recipe.samples, recipe.knobs) == (whole.samples, whole.knobs)


def test_a_knob_whose_codes_were_lost_is_told_where_it_was_heard(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    with pytest.raises(Paused):
        made(job, breaks("tokens", 20))
    written = read_journal(job.folder / JOURNAL)
    assert written is not None
    with Journal(job.folder / JOURNAL, written.made_from) as journal:
        journal.knob(KnobChange("tokens", 30, "temperature", 1.7))
        journal.knob(KnobChange("tokens", 30, STOP, True))
    with pytest.raises(Paused):
        turned(job_of(job.folder), [("tokens", 24, "temperature", 0.3)], breaks("tokens", 40))
    recipe = made(job_of(job.folder))
    assert recipe.knobs == (
        KnobChange("tokens", 20, "temperature", 1.7),
        KnobChange("tokens", 24, "temperature", 0.3),
    )
    assert made_again(job) == "bit-identical"


@pytest.mark.parametrize("schedule", BOTH)
def test_a_song_ended_while_it_is_taken_in_again(toy: str, tmp_path: Path, schedule: str) -> None:
    job = begun(toy, tmp_path, schedule=schedule)
    with pytest.raises(Paused):
        made(job, breaks("tokens", 30))
    recipe = turned(job_of(job.folder), [], stops(0))
    assert (recipe.state, recipe.seconds) == ("stopped", 30 / 25)
    assert made_again(job) == "bit-identical"


def test_a_song_ended_in_the_first_pass_is_not_ended_again_in_the_second(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path, schedule="two-pass")
    with pytest.raises(Paused):
        turned(job, [], stops(40, pause=65))
    recipe = turned(job_of(job.folder), [], stops(70))
    assert (recipe.state, recipe.seconds) == ("stopped", 40 / 25)
    assert made_again(job) == "bit-identical"


def test_a_draft_that_was_ended_early_is_a_song_that_was(toy: str, tmp_path: Path) -> None:
    (job,) = drafts(SONG, toy, values_for(toy), home=tmp_path, count=1, seconds=1)
    assert turned(job, [], stops(10)).seconds == 0.4
    recipe = made(job_of(job.folder))
    assert (recipe.state, recipe.seconds) == ("stopped", 0.4)
    assert made_again(job) == "bit-identical"


def test_a_draft_of_two_passes_that_was_turned_at_owns_up_to_its_seam(toy: str, tmp_path: Path) -> None:
    values = values_for(toy, schedule="two-pass")
    (job,) = drafts(SONG, toy, values, home=tmp_path, count=1, seconds=1)
    turned(job, [("tokens", 35, "stem_temperature", 1.5)])
    assert [seam.is_exact for seam in made(job_of(job.folder)).seams] == [False]


def test_pausing_again_and_again_at_one_place_is_one_seam(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    with pytest.raises(Paused):
        made(job, breaks("tokens", 20))
    for _ in range(3):
        with pytest.raises(Paused):
            made(job_of(job.folder), breaks("tokens", 0))
    assert len(made(job_of(job.folder)).seams) == 1
