"""What a take's folder promises holds through crashes, hands that edit, and takes that grow out of takes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Paused, SongdeskError
from core.making.render import render
from core.takes import recipe as recipes
from core.takes.branch import drafts, job_of, prepare, render_again, resing
from core.takes.job import artifact_file
from core.takes.mark import FILE, load_mark, save_mark
from core.takes.recipe import Recipe
from core.takes.tokenhash import codes_in
from tests.core.making.test_render import Watching
from tests.core.takes.test_going_on import SONG, begun, breaks, made, recipe_of, take_in, values_for

OTHER = replace(SONG, lyrics="[verse]\nQuite other words are here\n\n[chorus]\nLet it go")


@pytest.mark.parametrize("title", ["draft", "Draft", "preview", "draft_vocal"])
def test_no_title_makes_a_sound_that_is_taken_for_a_draft(toy: str, tmp_path: Path, title: str) -> None:
    job = prepare(replace(SONG, title=title), toy, values_for(toy), home=tmp_path)
    assert (job.folder / made(job).audio).is_file()


def test_a_finished_draft_names_its_sound_alone(toy: str, tmp_path: Path) -> None:
    (job,) = drafts(SONG, toy, values_for(toy), home=tmp_path, count=1, seconds=1)
    made(job)
    outcome = render(job_of(job.folder), Watching(job))
    assert [path.name for path in outcome.files] == ["boats.wav"]
    assert recipe_of(job).sounds == ("boats.wav",)


@pytest.mark.parametrize(("schedule", "stop"), [("two-pass", 30), ("two-pass", 70), ("lockstep", 30)])
def test_what_a_resung_take_begins_with_stays_through_a_break(
    toy: str, tmp_path: Path, schedule: str, stop: int
) -> None:
    parent = begun(toy, tmp_path)
    made(parent)
    child = resing(take_in(parent), OTHER, values_for(toy, seed=4, schedule=schedule), 1.0)
    with pytest.raises(Paused):
        made(child, breaks("tokens", stop))
    made(job_of(child.folder))
    kept, sung = (codes_in(artifact_file(job.folder, "tokens"))[:, :25] for job in (parent, child))
    assert (kept == sung).all()


def test_a_take_that_lost_what_it_begins_with_is_refused(toy: str, tmp_path: Path) -> None:
    parent = begun(toy, tmp_path)
    made(parent)
    child = resing(take_in(parent), SONG, values_for(toy, seed=4), 1.0)
    with pytest.raises(Paused):
        made(child, breaks("tokens", 40))
    artifact_file(child.folder, "start").unlink()
    with pytest.raises(SongdeskError, match="begins with is gone"):
        made(job_of(child.folder))


def test_a_take_is_rendered_again_and_again_by_whatever_model(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = begun(toy, tmp_path)
    made(parent)
    sung = begun_again = resing(take_in(parent), SONG, values_for(toy, seed=4), 1.0)
    tokens = made(sung).tokens
    monkeypatch.setattr("core.levo.identity.ARTIFACTS", "another")
    for steps in (1, 3):
        begun_again = render_again(take_in(begun_again), values_for(toy, flow_steps=steps))
        watch = Watching(begun_again)
        render(job_of(begun_again.folder), watch)
        assert watch.stages == ["audio"]
        assert recipe_of(begun_again).tokens == tokens


@pytest.mark.parametrize("last", ["audio in the recipe", "the end in the recipe"])
def test_a_sound_that_was_whole_is_not_made_again(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    job = begun(toy, tmp_path)
    save = recipes.save

    def cut(recipe: Recipe, folder: Path) -> None:
        if recipe.state != "running" or (last == "audio in the recipe" and "audio" in recipe.stages):
            raise SongdeskError("cut off")
        save(recipe, folder)

    with monkeypatch.context() as patch:
        patch.setattr(recipes, "save", cut)
        with pytest.raises(SongdeskError, match="cut off"):
            made(job)
    watch = Watching(job)
    outcome = render(job_of(job.folder), watch)
    assert watch.stages == []
    recipe = recipe_of(job)
    assert (recipe.state, recipe.seconds, outcome.files) == ("done", 2.0, (job.audio,))
    assert recipe.samples == made(begun(toy, tmp_path / "other")).samples
    assert set(recipe.weights) == {"tokens", "flow", "vae"}


def test_a_note_somebody_spoilt_is_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("star: false\nnote: the best: chorus ever\n")
    save_mark(tmp_path, replace(load_mark(tmp_path), star=True))
    assert load_mark(tmp_path).star
    assert "chorus ever" in (tmp_path / "take-unread.yaml").read_text()


def test_a_recipe_that_somebody_spoilt_is_none(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    text = recipes.to_json(recipe_of(job))
    for spoilt in (
        {"kin": {"parent": "x", "why": "resing", "seconds": 1e308, "kept": ""}},
        {"kin": {"parent": 5, "why": "resing", "seconds": 1, "kept": ""}},
        {"seams": [{"frame": "x", "is_exact": True}]},
        {"until": "20"},
        {"until": -1},
        {"schedule": 5},
        {"knobs": [{"stage": "tokens", "at": "x", "key": "top_k", "value": 1}]},
        {"files": {"a": 3}},
    ):
        raw = json.loads(text) | spoilt
        with pytest.raises(ValueError, match="not a recipe"):
            recipes.from_json(json.dumps(raw))
