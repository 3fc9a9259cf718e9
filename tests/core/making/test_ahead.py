"""A song that is heard while it is composed: the same song, rendered once, and never less to hear."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.audio.files import read
from core.engine import Verdict
from core.errors import Cancelled, Paused, SongdeskError
from core.levo import weights
from core.levo.shapes import EDGE_SAMPLES, SAMPLES_PER_FRAME
from core.levo.synthesis.flow import Flow, Problem
from core.making.outlet import Preview
from core.making.render import render
from core.making.watch import Watch
from core.takes import recipe as recipes
from core.takes.job import AHEAD, AHEAD_KIND, PREVIEW, Job, artifact_file
from core.takes.recipe import Recipe
from tests.core.making.test_render import Watching, job

LENGTH = 4
"""Seconds of a song of two windows, the first of which is full at 2.4 s."""
FIRST = 60
"""Frames of a full window."""


class Hearing(Watching):
    """A watch that keeps what was to be heard while the song was composed."""

    sound = np.empty((2, 0), np.float32)
    file = Path()

    def heard(self, preview: Path, seconds: float) -> None:
        if self.stages[-1] == "tokens":
            self.sound, self.file = read(preview)[0], preview
            assert self.sound.shape[1] == round(seconds * 48_000)
            assert preview.name == AHEAD


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    """Every window that the flow has solved, by what was known of it."""
    seen: list[Problem] = []
    begin = Flow.by_steps

    def note(self: Flow, problem: Problem, *given: object, **named: object) -> object:
        seen.append(problem)
        return begin(self, problem, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Flow, "by_steps", note)
    return seen


def made(asked: Job, at: Callable[[str, int], Verdict] | None = None) -> Hearing:
    watch = Hearing(asked, at)
    with torch.inference_mode():
        render(asked, watch)
    return watch


def recipe_of(asked: Job) -> Recipe:
    found = recipes.load(asked.folder)
    assert found is not None
    return found


def test_the_song_is_the_same_and_its_beginning_is_heard_while_it_is_composed(
    windowed: str, tmp_path: Path, solved: list[Problem]
) -> None:
    plain, asked = (
        job(windowed, tmp_path, ahead, length=LENGTH, decode_chunk=8, ahead=ahead) for ahead in ("off", "on")
    )
    silent, windows = made(plain), len(solved)
    assert silent.sound.shape[1] == 0
    solved.clear()
    watch = made(asked)
    assert len(solved) == windows == 2, "none is solved twice"
    whole = read(asked.audio)[0]
    assert np.array_equal(whole, read(plain.audio)[0])
    assert watch.file == asked.folder / AHEAD
    heard = watch.sound.shape[1]
    assert heard >= FIRST * SAMPLES_PER_FRAME - EDGE_SAMPLES - 8 * SAMPLES_PER_FRAME
    assert np.array_equal(watch.sound, whole[:, :heard])
    one, other = recipe_of(plain), recipe_of(asked)
    assert (one.stages, one.tokens, one.chosen) == (other.stages, other.tokens, other.chosen)
    assert {path.name for path in asked.folder.iterdir()} == {path.name for path in plain.folder.iterdir()}


def test_stems_are_made_behind_it_and_the_first_of_them_is_heard(
    windowed: str, tmp_path: Path, solved: list[Problem]
) -> None:
    plain, asked = (
        job(windowed, tmp_path, ahead, length=LENGTH, stems="vocal+backing", decode_chunk=8, ahead=ahead)
        for ahead in ("off", "on")
    )
    made(plain)
    windows = len(solved)
    solved.clear()
    watch = made(asked)
    assert len(solved) == windows == 4
    vocal, backing = ((tmp_path / f"on_{name}.wav") for name in ("vocal", "bgm"))
    assert np.array_equal(watch.sound, read(vocal)[0][:, : watch.sound.shape[1]])
    assert watch.sound.any()
    assert np.array_equal(read(backing)[0], read(tmp_path / "off_bgm.wav")[0])


@pytest.mark.parametrize("error", [Paused, Cancelled])
def test_what_was_solved_before_a_break_is_not_solved_again(
    windowed: str, tmp_path: Path, solved: list[Problem], error: type[Cancelled]
) -> None:
    asked = job(windowed, tmp_path, length=LENGTH, ahead="on")

    def put_down(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done == 80:
            raise error
        return Verdict.GO

    with torch.inference_mode(), pytest.raises(error):
        render(asked, Hearing(asked, put_down))
    assert len(solved) == 1
    left = {path.name for path in asked.folder.iterdir()}
    assert artifact_file(asked.folder, AHEAD_KIND).name in left
    assert AHEAD not in left
    watch = made(replace(asked, goes_on=True))
    assert len(solved) == 2
    assert watch.sound.shape[1], "it is heard again"
    plain = job(windowed, tmp_path, "plain", length=LENGTH, ahead="off")
    made(plain)
    assert np.array_equal(read(asked.audio)[0], read(plain.audio)[0])


def test_what_another_machine_solved_and_composed_is_not_taken_as_what_this_one_would(
    windowed: str, tmp_path: Path, solved: list[Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_down(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done == 80:
            raise Paused
        return Verdict.GO

    for name, made_here in (("here", True), ("there", False)):
        asked = job(windowed, tmp_path, name, length=LENGTH, ahead="on")
        with torch.inference_mode(), pytest.raises(Paused):
            render(asked, Hearing(asked, put_down))
        solved.clear()
        with monkeypatch.context() as machine:
            if not made_here:
                machine.setattr("core.device.processor_name", lambda: "another one")
            made(replace(asked, goes_on=True))
        assert len(solved) == (1 if made_here else 2)
        assert [seam.is_exact for seam in recipe_of(asked).seams] == [made_here]


def test_networks_are_loaded_between_steps_of_composing(
    windowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []
    seen: dict[int, int] = {}
    cast = weights._cast

    def note(*given: Any) -> torch.Tensor:
        loaded.append(1)
        return cast(*given)

    def look(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done > FIRST:
            seen[done] = len(loaded)
        return Verdict.GO

    monkeypatch.setattr(weights, "_PIECE", 1)
    monkeypatch.setattr(weights, "_cast", note)
    made(job(windowed, tmp_path, length=LENGTH, ahead="on"), look)
    counts = [seen[done] for done in sorted(seen)]
    assert counts[-1] - counts[0] > 10
    assert max(later - now for now, later in pairwise(counts)) == 1, "one tensor is read at a time"


def test_a_song_that_is_stopped_keeps_what_was_rendered_ahead(
    windowed: str, tmp_path: Path, solved: list[Problem]
) -> None:
    asked = job(windowed, tmp_path, length=LENGTH, ahead="on", decode_chunk=8)

    def enough(stage: str, done: int) -> Verdict:
        return Verdict.FINISH if stage == "tokens" and done == 67 else Verdict.GO

    watch = made(asked, enough)
    whole = read(asked.audio)[0]
    assert FIRST * SAMPLES_PER_FRAME < whole.shape[1] < LENGTH * 48_000
    assert len(solved) == 2, "the window that was begun is solved to its end"
    assert np.array_equal(watch.sound, whole[:, : watch.sound.shape[1]])


def test_a_stop_that_comes_when_all_is_composed_cuts_nothing(
    windowed: str, tmp_path: Path, solved: list[Problem]
) -> None:
    plain, asked = (
        job(windowed, tmp_path, ahead, length=LENGTH, decode_chunk=8, ahead=ahead) for ahead in ("off", "on")
    )
    last = max(done for stage, done, _ in made(plain).steps if stage == "tokens")
    made(asked, lambda stage, done: Verdict.FINISH if (stage, done) == ("tokens", last) else Verdict.GO)
    one, other = recipe_of(plain), recipe_of(asked)
    assert (other.state, other.knobs, other.stages) == ("done", (), one.stages)
    assert asked.audio.stat().st_size > 0
    assert np.array_equal(read(asked.audio)[0], read(plain.audio)[0])


def test_a_knob_of_the_sound_turned_meanwhile_makes_the_sound_anew(
    windowed: str, tmp_path: Path, solved: list[Problem]
) -> None:
    sounds, notes = {}, {}
    for ahead in ("off", "on"):
        asked = job(windowed, tmp_path, ahead, length=6, ahead=ahead)
        watch = Hearing(asked)

        def turn(stage: str, done: int, watch: Hearing = watch) -> Verdict:
            if stage == "tokens" and done == 80:
                watch.knobs["flow_guidance"] = 3.0
            return Verdict.GO

        watch._at = turn
        with torch.inference_mode():
            render(asked, watch)
        sounds[ahead], notes[ahead] = read(asked.audio)[0], recipe_of(asked).notes
        assert [(knob.stage, knob.key) for knob in recipe_of(asked).knobs] == [("audio", "flow_guidance")]
    assert np.array_equal(sounds["on"], sounds["off"])
    assert not any("a knob of the sound was turned" in note for note in notes["off"])
    assert any("a knob of the sound was turned" in note for note in notes["on"])
    assert len(solved) == 4 + 1 + 4


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"schedule": "two-pass"}, "one after the other"),
        ({"compatibility": "upstream"}, "compatibility"),
        ({"flow_precision": "bf16"}, "halves"),
    ],
)
def test_where_it_cannot_be_the_recipe_says_why(
    windowed: str, tmp_path: Path, settings: dict[str, Any], why: str
) -> None:
    asked = job(windowed, tmp_path, length=LENGTH, ahead="on", **settings)
    assert made(asked).sound.shape[1] == 0
    (told,) = (note for note in recipe_of(asked).notes if "while it was composed" in note)
    assert why in told


@pytest.mark.parametrize("error", [SongdeskError("no space left"), RuntimeError("out of memory\nat all")])
def test_a_song_is_composed_on_where_its_preview_fails(
    windowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(self: Preview, samples: torch.Tensor) -> None:
        raise error

    monkeypatch.setattr(Preview, "audio", refuse)
    asked = job(windowed, tmp_path, length=LENGTH, ahead="on", decode_chunk=8)
    made(asked)
    first = str(error).partition("\n")[0]
    notes = recipe_of(asked).notes
    assert f"not rendered any further while it was composed: {first}" in notes
    assert len(notes) == len(set(notes))


def test_a_damaged_file_of_what_was_solved_is_not_believed(
    windowed: str, tmp_path: Path, solved: list[Problem]
) -> None:
    asked = job(windowed, tmp_path, length=3, ahead="on")

    def spoil(stage: str, done: int) -> Verdict:
        path = artifact_file(asked.folder, AHEAD_KIND)
        if stage == "tokens" and path.exists():
            path.write_bytes(b"not tensors")
        return Verdict.GO

    made(asked, spoil)
    assert len(solved) == 1 + 2


def test_what_can_be_heard_never_shrinks(windowed: str, tmp_path: Path) -> None:
    asked = job(windowed, tmp_path, length=LENGTH, ahead="on", decode_chunk=8)
    seen: list[tuple[int, str, float]] = []

    class Looking(Watch):
        def heard(self, preview: Path, seconds: float) -> None:
            super().heard(preview, seconds)
            now = self.meter
            assert now.preview is not None
            assert now.preview.is_file()
            seen.append((now.phase, now.preview.name, now.preview_seconds))

    watch = Looking(asked)
    with torch.inference_mode():
        render(asked, watch)
    seconds = [each for *_, each in seen]
    assert seconds == sorted(seconds)
    assert {name for phase, name, _ in seen if phase == 2} == {AHEAD}
    names = [name for phase, name, _ in seen if phase == 3]
    assert names == sorted(names), "the file is changed once"
    assert names[0] == AHEAD
    assert names[-1] == PREVIEW
    assert seconds[-1] == LENGTH
