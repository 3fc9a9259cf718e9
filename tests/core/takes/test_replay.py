"""A take made again is the same to the bit, or says in plain words what is not."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.numpy import save_file

from core.audio.writer import AudioWriter
from core.engine import Verdict
from core.errors import Cancelled, SongdeskError
from core.library.imported import bring_in
from core.making.render import render
from core.meter import State
from core.takes import recipe as recipes
from core.takes.branch import drafts, job_of, prepare, resing
from core.takes.job import Job, Outcome
from core.takes.recipe import Kin, Recipe, Seam
from core.takes.replay import replay, verdict
from core.takes.take import Take, take_of, takes_of
from tests.core.audio.tones import names, noise
from tests.core.making.test_render import Watching
from tests.core.takes.test_going_on import SONG, begun, values_for

CODES = np.arange(300, dtype=np.int32).reshape(3, 100)
Codes = npt.NDArray[np.int32]


def run(job: Job) -> Outcome:
    with torch.inference_mode():
        return render(job, Watching(job))


def take_in(job: Job) -> Take:
    take = take_of(job.folder)
    assert take is not None
    return take


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where folders go that are to be removed."""
    (tmp_path / "places").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "places"))
    return tmp_path / "places"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a take lies once a test has rendered it."""
    return tmp_path_factory.mktemp("rendered") / "boats"


@pytest.fixture
def take(toy: str, rendered: Path, tmp_path: Path) -> Take:
    """A take of one second in flac, mix and vocal, of its own for each test."""
    if not rendered.exists():
        run(begun(toy, rendered, format="flac", stems="mix+vocal", length=1))
    shutil.copytree(rendered, tmp_path / "boats")
    (found,) = takes_of(tmp_path / "boats")
    return found


def recipe_of(take: Take) -> Recipe:
    recipe = recipes.load(take.folder)
    assert recipe is not None
    return recipe


def test_a_take_is_made_again_to_the_bit(take: Take, places: Path) -> None:
    before = names(take.folder)
    found = replay(take, run)
    assert (found.kind, found.reasons, found.words) == ("bit-identical", (), "bit-identical")
    assert names(take.folder) == before
    assert names(places) == []


def test_a_take_with_turned_knobs_that_was_stopped_is_made_again(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path, length=4)
    watch = Watching(job)

    def turn(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done == 10:
            watch.knobs["temperature"] = 1.6
        return Verdict.FINISH if stage == "tokens" and done == 60 else Verdict.GO

    watch._at = turn
    render(job, watch)
    assert take_in(job).state == "stopped"

    def turned(again: Job) -> Outcome:
        second = Watching(again)
        return render(again, second)

    assert replay(take_in(job), turned).kind == "bit-identical"


def test_a_take_that_grew_out_of_another_is_made_again(toy: str, tmp_path: Path) -> None:
    first = begun(toy, tmp_path, length=3)
    run(first)
    child = resing(take_in(first), replace(SONG, style="rock"), values_for(toy, length=4, seed=9), 2.0)
    run(child)
    assert replay(take_in(child), run).kind == "bit-identical"


def test_other_sound_of_the_same_tokens_is_told(take: Take) -> None:

    def otherwise(again: Job) -> Outcome:
        return run(replace(again, values=again.values.replace(flow_steps=3)))

    found = replay(take, otherwise)
    assert found.kind == "tokens-identical"
    assert found.words == "tokens identical"
    assert "flow_steps was 2, now 3" in found.reasons


def test_other_tokens_are_told_from_where_on(take: Take) -> None:

    def otherwise(again: Job) -> Outcome:
        return run(replace(again, values=again.values.replace(seed=4)))

    found = replay(take, otherwise)
    assert found.kind == "different"
    assert found.reasons[0].startswith("the tokens differ from frame 0 on, 0.00 s")
    assert "seed was 3, now 4" in found.reasons


def test_other_weights_are_named(take: Take) -> None:
    recipe = recipe_of(take)
    assert recipe.weights.keys() >= {"tokens", "flow", "vae"}
    other = replace(
        recipe, weights={**recipe.weights, "flow": "0" * 64}, samples={"mix": "1"}, made_with="cuda"
    )
    recipes.save(other, take.folder)
    found = replay(take, run)
    assert found.kind == "tokens-identical"
    assert found.reasons[0] == "the sound differs"
    assert found.reasons[1].startswith("made with cuda, now with ")
    assert found.reasons[2].startswith("the flow weights are others: 000000000000, now ")


def test_a_take_without_its_sound_cannot_be_compared(toy: str, tmp_path: Path, places: Path) -> None:
    job = prepare(SONG, toy, values_for(toy), home=tmp_path)
    with pytest.raises(SongdeskError, match="no sound to compare"):
        replay(take_in(job), run)


def test_a_replay_that_is_given_up_leaves_nothing(take: Take, places: Path) -> None:
    with pytest.raises(Cancelled):
        replay(take, lambda again: Outcome(again, State.CANCELLED))
    with pytest.raises(SongdeskError, match="full"):
        replay(take, lambda again: Outcome(again, State.FAILED, error=SongdeskError("the disk is full")))
    assert names(places) == []


def test_what_is_not_here_any_more_is_the_difference(take: Take, tmp_path: Path) -> None:
    recipe = recipe_of(take)
    gone = str(tmp_path / "gone.wav")
    changed = [
        (replace(recipe, model="v9-huge"), "unknown model"),
        (replace(recipe, model="v2-large"), "not here"),
        (replace(recipe, song={**recipe.song, "reference": {"path": gone, "style": "", "start": 0.0}}), gone),
    ]
    for other, reason in changed:
        recipes.save(other, take.folder)
        found = replay(take, lambda _: pytest.fail("nothing can be run"))
        assert found.kind == "different"
        assert reason in found.reasons[0]


def recipe_with(**changes: object) -> Recipe:
    recipe = Recipe(
        song={"title": "boats", "lyrics": "", "style": "", "reference": None, "settings": {}},
        model="demo",
        settings={"seed": 3, "schedule": "auto"},
        state="done",
        songdesk="1",
        made_with="cpu, torch 2",
        audio="a.wav",
        wanted={"conditions": "c", "tokens": "t"},
        samples={"mix": "1"},
    )
    return replace(recipe, **changes)  # type: ignore[arg-type]


def folder_with(path: Path, codes: Codes | None) -> Path:
    path.mkdir(exist_ok=True)
    if codes is not None:
        save_file({"codes": codes}, path / "tokens.safetensors")
    return path


OTHER = CODES.copy()
OTHER[1, 40:] += 1


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (OTHER, "the tokens differ from frame 40 on, 1.60 s"),
        (CODES[:, :90].copy(), "the tokens differ from frame 90 on, 3.60 s (100 frames, now 90)"),
        (None, "the tokens differ; from where on cannot be told, as they are not all here"),
    ],
)
def test_the_first_frame_that_differs_is_named(tmp_path: Path, now: Codes | None, told: str) -> None:
    before, after = folder_with(tmp_path / "a", CODES), folder_with(tmp_path / "b", now)
    found = verdict(recipe_with(), before, recipe_with(samples={"mix": "2"}), after)
    assert found.kind == "different"
    assert found.reasons[0] == told
    assert found.reasons[1].endswith("cpu, torch 2 does not repeat itself")


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"made_with": ""}, {}, "made with a device not told, now with cpu, torch 2"),
        ({"songdesk": "0.9"}, {}, "made by songdesk 0.9, now by 1"),
        ({"weights": {"mix_encoder": "a" * 64}}, {"weights": {"mix_encoder": "b" * 64}},
         "the mix encoder weights are others: aaaaaaaaaaaa, now bbbbbbbbbbbb"),
        ({"seams": (Seam(50, is_exact=False), Seam(75, is_exact=True))}, {},
         "composing was broken off at 2.00 s and gone on with, which left a trace in the tokens"),
        ({"schedule": "lockstep"}, {"schedule": "two-pass"},
         "the tokens were made by the schedule lockstep, now by two-pass"),
        ({"wanted": {"conditions": "x"}}, {}, "the model or its weights are not what they were"),
        ({"wanted": {"conditions": "x"}, "song": {"reference": {"path": "/x"}}}, {},
         "the reference has other sound than it had, or the model or its weights are not what they were"),
        ({"kin": Kin("20261126-1", "render", 2.5, "abc")}, {},
         "all that is told of both is equal: cpu, torch 2 does not repeat itself"),
        ({"notes": ("memory ran out while composing with a: it went on with b",)}, {},
         "memory ran out while composing with a: it went on with b; "
         "such a take cannot be made again to the token"),
        ({"notes": ("memory ran out while composing with a: it was begun again with b",)}, {},
         "all that is told of both is equal: cpu, torch 2 does not repeat itself"),
        ({}, {"notes": ("memory ran out while composing with a: it went on with b",)},
         "when it was made again, memory ran out while composing with a: it went on with b"),
        ({"kin": Kin("20261126-1", "resing", 2.5, "abc")}, {},
         "it begins with 2.5 s of take 20261126-1, which are not here any more"),
        ({"settings": {"seed": 3, "double": True}}, {"settings": {"seed": 3, "double": False, "new": 1}},
         "double was on, now off"),
    ],
)  # fmt: skip
def test_each_ingredient_that_differs_is_named(
    tmp_path: Path, before: Mapping[str, object], now: Mapping[str, object], told: str
) -> None:
    one, other = folder_with(tmp_path / "a", CODES), folder_with(tmp_path / "b", OTHER)
    found = verdict(recipe_with(**before), one, recipe_with(samples={"mix": "2"}, **now), other)
    assert found.reasons[1:] == (told,)


def test_a_take_of_an_earlier_songdesk_is_compared_by_its_files(tmp_path: Path) -> None:
    one, other = folder_with(tmp_path / "a", CODES), folder_with(tmp_path / "b", CODES)
    for folder in (one, other):
        with AudioWriter(folder / "a.wav", format="wav") as writer:
            writer.write(noise(500))
    early = recipe_with(samples={})
    assert verdict(early, one, recipe_with(), other).kind == "bit-identical"
    with AudioWriter(other / "a.wav", format="wav") as writer:
        writer.write(noise(500, seed=2))
    found = verdict(early, one, recipe_with(), other)
    assert found.kind == "tokens-identical"
    assert "does not tell of its samples" in found.reasons[0]
    (one / "tokens.safetensors").unlink()
    assert "tokens were not kept" in verdict(early, one, recipe_with(), other).reasons[0]


def test_a_song_that_was_brought_in_is_made_again_to_the_bit(take: Take) -> None:
    assert take.audio is not None
    brought = bring_in(take.audio)
    assert brought.notes == ()
    assert brought.song.lyrics == SONG.lyrics
    (other,) = takes_of(brought.home)
    assert other.folder != take.folder
    assert recipe_of(other).sounds == recipe_of(take).sounds
    assert replay(other, run).kind == "bit-identical"


def test_a_child_that_was_brought_in_is_composed_to_the_same_tokens(toy: str, tmp_path: Path) -> None:
    first = begun(toy, tmp_path, length=3)
    run(first)
    child = resing(take_in(first), SONG, values_for(toy, length=4, seed=9), 2.0)
    run(child)
    brought = bring_in(child.audio)
    take = take_of(brought.folder)
    assert take is not None
    assert replay(take, run).kind in ("bit-identical", "tokens-identical")
    grown = resing(take, SONG, values_for(toy, length=5, seed=5), 3.0)
    assert run(grown).state is State.DONE


@pytest.mark.slow
def test_a_draft_that_was_brought_in_is_gone_on_with(toy: str, tmp_path: Path) -> None:
    whole = begun(toy, tmp_path / "whole", length=4)
    run(whole)
    (draft,) = drafts(SONG, toy, values_for(toy, length=4), home=tmp_path, count=1, seconds=2.0)
    same = replace(draft, values=draft.values.replace(seed=3))
    outcome = run(same)
    assert outcome.file is not None
    brought = bring_in(outcome.file)
    take = take_of(brought.folder)
    assert take is not None
    assert (take.state, take.can_go_on) == ("draft", True)
    watch = Watching(job_of(take.folder))
    render(job_of(take.folder), watch)
    first = next(done for stage, done, _ in watch.steps if stage == "tokens")
    assert first > 10, "its tokens are used again"
    ended, wanted = recipes.load(take.folder), recipes.load(whole.folder)
    assert ended is not None
    assert wanted is not None
    assert ended.tokens == wanted.tokens
