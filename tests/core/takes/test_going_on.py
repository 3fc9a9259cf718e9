"""A take that was broken off anywhere is gone on with to what it would have been."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from core.audio.files import read
from core.engine import Verdict
from core.errors import Cancelled, Paused, SongdeskError
from core.family import family_of, resolve_for
from core.making.render import render
from core.meter import State
from core.settings import Override, Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.branch import again, drafts, endings, extend, job_of, prepare, render_again, resing
from core.takes.job import Job, KnobChange, artifact_file
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.recipe import Recipe, Seam
from core.takes.take import Take, take_of, takes_of
from core.takes.tokenhash import codes_in, token_hash
from tests.core.making.test_render import Watching

SONG = Song("boats", "[verse]\nPaper boats\n\n[chorus]\nHold the line", "female, pop")
At = Callable[[str, int], Verdict]
Whole = Callable[[str, str], Recipe]


def values_for(toy: str, **settings: object) -> Values:
    kind, chosen = family_of(toy)
    return resolve_for(kind, chosen, [Override({"seed": 3, **settings})])


def begun(toy: str, home: Path, **settings: object) -> Job:
    return prepare(SONG, toy, values_for(toy, **settings), home=home)


def recipe_of(job: Job) -> Recipe:
    recipe = recipes.load(job.folder)
    assert recipe is not None
    return recipe


def take_in(job: Job) -> Take:
    take = take_of(job.folder)
    assert take is not None
    return take


def breaks(stage: str, done: int, error: type[BaseException] = Paused) -> At:
    def at(now: str, units: int) -> Verdict:
        if now == stage and units >= done:
            raise error
        return Verdict.GO

    return at


def made(job: Job, at: At | None = None) -> Recipe:
    watch = Watching(job, at)
    render(job, watch)
    return recipe_of(job)


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The recipe of the song made in one go, by either schedule; made once."""

    @cache
    def make(toy: str, schedule: str) -> Recipe:
        return made(begun(toy, tmp_path_factory.mktemp("whole"), schedule=schedule))

    return make


def test_a_take_stands_in_its_folder_before_it_is_made(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    assert [take.state for take in takes_of(tmp_path)] == ["queued"]
    assert job_of(job.folder, device="auto") == job
    assert not list((tmp_path / "takes").glob(".*"))


@pytest.mark.parametrize("schedule", ["lockstep", "two-pass"])
@pytest.mark.parametrize(("stage", "done"), [("conditions", 0), ("tokens", 0), ("tokens", 33), ("audio", 1)])
def test_a_paused_take_goes_on_to_the_sound_of_one_that_was_not(
    toy: str, tmp_path: Path, uninterrupted: Whole, schedule: str, stage: str, done: int
) -> None:
    whole = uninterrupted(toy, schedule)
    job = begun(toy, tmp_path, schedule=schedule)
    with pytest.raises(Paused):
        made(job, breaks(stage, done))
    paused = take_in(job)
    assert paused.state == "paused"
    assert paused.can_go_on
    done_before = read_journal(job.folder / JOURNAL)
    assert (stage, done) != ("tokens", 33) or (done_before is not None and len(done_before.books[0]) >= 30)
    recipe = made(job_of(job.folder))
    assert recipe.state == State.DONE.value
    assert (recipe.tokens, recipe.samples) == (whole.tokens, whole.samples)
    assert [seam.is_exact for seam in recipe.seams] == [True] * (stage == "tokens" and done > 0)
    assert not (job.folder / JOURNAL).exists()


def test_a_stage_that_was_finished_is_not_made_again(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    with pytest.raises(Cancelled):
        made(job, breaks("audio", 1, Cancelled))
    watch = Watching(job)
    render(job_of(job.folder), watch)
    assert watch.stages == ["audio"]


def test_a_coarse_cache_leaves_a_seam_that_the_recipe_tells_of(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path, kv_cache="int8")
    with pytest.raises(Paused):
        made(job, breaks("tokens", 20))
    recipe = made(job_of(job.folder))
    assert recipe.seams == (Seam(20, is_exact=False),)
    assert recipe.stages["tokens"].endswith("+seam@20")


def test_knobs_turned_before_the_break_stay_turned(toy: str, tmp_path: Path) -> None:
    def turn(watch: Watching, stop: int | None) -> At:
        def at(stage: str, done: int) -> Verdict:
            if stage == "tokens" and done == 8:
                watch.knobs |= {"temperature": 1.7, "flow_steps": 3}
            if stage == "tokens" and done == stop:
                raise Paused
            return Verdict.GO

        return at

    recipes_made = []
    for name, stop in (("a", None), ("b", 30)):
        job = begun(toy, tmp_path / name)
        watch = Watching(job)
        watch._at = turn(watch, stop)
        if stop is None:
            render(job, watch)
        else:
            with pytest.raises(Paused):
                render(job, watch)
            render(job_of(job.folder), Watching(job))
        recipes_made.append(recipe_of(job))
    whole, parts = recipes_made
    assert parts.knobs == whole.knobs
    assert whole.knobs == (
        KnobChange("tokens", 8, "temperature", 1.7),
        KnobChange("audio", 0, "flow_steps", 3),
    )
    assert (parts.tokens, parts.samples) == (whole.tokens, whole.samples)


@pytest.mark.parametrize("schedule", ["lockstep", "two-pass"])
def test_a_take_is_made_again_with_its_knobs_turned_as_they_were(
    toy: str, tmp_path: Path, schedule: str
) -> None:
    job = begun(toy, tmp_path / "a", schedule=schedule)
    watch = Watching(job)

    def turn(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done == 8:
            watch.knobs["temperature"] = 1.7
        return Verdict.FINISH if stage == "tokens" and done >= 38 else Verdict.GO

    watch._at = turn
    render(job, watch)
    recipe = recipe_of(job)
    assert recipe.state == State.STOPPED.value
    (tmp_path / "b").mkdir()
    copy = made(again(take_in(job), tmp_path / "b"))
    assert copy.state == State.STOPPED.value
    assert (copy.tokens, copy.samples, copy.knobs) == (recipe.tokens, recipe.samples, recipe.knobs)


def test_a_draft_is_the_beginning_of_the_take_it_becomes(
    toy: str, tmp_path: Path, uninterrupted: Whole
) -> None:
    whole = uninterrupted(toy, "auto")
    (job,) = drafts(SONG, toy, values_for(toy), home=tmp_path, count=1, seconds=1)
    job = replace(job, values=job.values.replace(seed=3))
    drafted = made(job)
    assert (drafted.state, drafted.seconds, drafted.audio) == ("draft", 1.0, "draft.wav")
    assert read(job.folder / "draft.wav")[0].shape == (2, 48_000)
    draft = codes_in(artifact_file(job.folder, "draft-tokens"))
    rest = made(job_of(job.folder))
    assert rest.state == "done"
    assert (rest.tokens, rest.samples) == (whole.tokens, whole.samples)
    assert (codes_in(artifact_file(job.folder, "tokens"))[:, :25] == draft).all()
    left = {path.name for path in job.folder.iterdir()}
    assert not {name for name in left if name.startswith("draft")}


def test_drafts_have_seeds_of_their_own(toy: str, tmp_path: Path) -> None:
    jobs = drafts(SONG, toy, values_for(toy), home=tmp_path, count=4)
    assert len({job.values.whole("seed") for job in jobs}) == 4
    assert {job.until for job in jobs} == {20.0}


def test_what_is_sung_before_the_place_stays(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    whole = made(parent)
    changed = replace(SONG, lyrics="[verse]\nPaper boats\n\n[chorus]\nLet it go")
    child = resing(take_in(parent), changed, values_for(toy, seed=4), 1.0)
    recipe = made(child)
    kept = codes_in(artifact_file(parent.folder, "tokens"))[:, :25]
    assert (codes_in(artifact_file(child.folder, "tokens"))[:, :25] == kept).all()
    assert recipe.tokens != whole.tokens
    assert recipe.kin == recipes.Kin(parent.id, "resing", 1.0, token_hash(kept))
    assert take_in(child).kin == recipe.kin


def test_a_resung_take_that_is_cut_off_goes_on_from_where_it_was(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    made(parent)
    whole = made(resing(take_in(parent), SONG, values_for(toy, seed=4), 0.6))
    child = resing(take_in(parent), SONG, values_for(toy, seed=4), 0.6)
    with pytest.raises(Paused):
        made(child, breaks("tokens", 40))
    recipe = made(job_of(child.folder))
    assert (recipe.tokens, recipe.samples) == (whole.tokens, whole.samples)


def test_a_song_goes_on_behind_its_end_and_ends_otherwise(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    made(parent)
    longer = made(extend(take_in(parent), SONG, values_for(toy, length=3)))
    assert longer.seconds == 3
    others = endings(take_in(parent), SONG, values_for(toy), 1.0, 2)
    assert len({made(job).tokens for job in others}) == 2


def test_no_room_and_no_tokens_are_said(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    with pytest.raises(SongdeskError, match="no tokens"):
        resing(take_in(parent), SONG, values_for(toy), 1.0)
    made(parent)
    with pytest.raises(SongdeskError, match="raise length"):
        resing(take_in(parent), SONG, values_for(toy), 1.99)
    assert [path.name for path in (tmp_path / "takes").iterdir()] == [parent.id]


def test_a_take_is_rendered_again_from_its_tokens(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    whole = made(parent)
    child = render_again(take_in(parent), values_for(toy, flow_steps=3, seed=-1, temperature=1.9))
    watch = Watching(child)
    render(child, watch)
    recipe = recipe_of(child)
    assert watch.stages == ["audio"]
    assert recipe.tokens == whole.tokens
    assert recipe.samples != whole.samples
    assert recipe.settings["seed"] == 3


def test_a_resung_take_is_rendered_again_as_a_whole(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    made(parent)
    child = resing(take_in(parent), SONG, values_for(toy, seed=4), 1.0)
    sung = made(child)
    coarse = made(render_again(take_in(child), values_for(toy, flow_steps=1)))
    assert coarse.tokens == sung.tokens
    assert any("made anew" in note for note in coarse.notes)


def test_a_failure_is_told_by_the_recipe(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    with pytest.raises(SongdeskError, match="not enough memory"):
        made(job, breaks("tokens", 9, MemoryError))
    assert take_in(job).trouble.startswith("not enough memory for this song: composing needs 0.0")
    assert made(job_of(job.folder)).error == ""


def test_a_take_cut_off_between_its_tokens_and_its_recipe_keeps_its_knobs(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(toy, tmp_path)
    watch = Watching(job)

    def turn(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done == 8:
            watch.knobs["temperature"] = 1.7
        return Verdict.GO

    watch._at = turn
    save = recipes.save

    def fail(recipe: Recipe, folder: Path) -> None:
        if "tokens" in recipe.stages or recipe.state != "running":
            raise SongdeskError("cut off")
        save(recipe, folder)

    monkeypatch.setattr(recipes, "save", fail)
    with pytest.raises(SongdeskError, match="cut off"):
        render(job, watch)
    monkeypatch.setattr(recipes, "save", save)
    assert (job.folder / JOURNAL).exists()
    after = Watching(job)
    render(job_of(job.folder), after)
    assert after.stages == ["audio"]
    assert recipe_of(job).knobs == (KnobChange("tokens", 8, "temperature", 1.7),)


def test_what_another_state_of_the_model_made_is_put_aside_and_said(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(toy, tmp_path)
    with pytest.raises(Paused):
        made(job, breaks("tokens", 30))
    monkeypatch.setattr("core.levo.identity.ARTIFACTS", "another")
    recipe = made(job_of(job.folder))
    assert recipe.state == "done"
    aside = sorted(path.name for path in job.folder.glob("*-????????.*"))
    assert [name.split("-")[0] for name in aside] == ["conditions", "tokens"]
    assert sum("another state of the model" in note for note in recipe.notes) == 2
    written = read_journal(job.folder / aside[1])
    assert written is not None
    assert len(written.books[0]) == 30
