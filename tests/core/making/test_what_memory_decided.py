"""What memory decided of a take is no reason to make it anew, and goes on being told."""

from dataclasses import replace
from pathlib import Path

import pytest

import core.levo.family
import core.making.ways
from core.cli.places import Place, Wish
from core.errors import SongdeskError
from core.family import family_of
from core.making.governor import Room, choose
from core.takes import recipe as recipes
from core.takes.branch import job_of, render_again
from core.takes.job import Job
from core.takes.recipe import Recipe, stepped_down
from core.takes.take import take_of
from tests.core.making.test_governor import LADDER
from tests.core.making.test_stepping_down import Free, host, made, recipe_of, rungs, short
from tests.core.takes.test_going_on import begun


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Free:
    """A ladder for the toy, and memory as a test says."""
    memory = Free()
    monkeypatch.setattr(core.levo.family, "ladder", rungs)
    monkeypatch.setattr(core.making.ways, "free_memory", memory)
    monkeypatch.setattr(core.making.ways, "overhead_of", lambda *about: 0)
    return memory


def stepped(toy: str, home: Path) -> tuple[Job, Recipe]:
    """A take that went on by a leaner way in the middle of its tokens."""
    job = begun(toy, home)
    recipe, _ = made(job, short(("tokens", 30, host)))
    return job, recipe


def test_a_take_of_leaner_ways_is_the_one_that_was_asked_for(toy: str, tmp_path: Path, memory: Free) -> None:
    takes = [stepped(toy, tmp_path / "stepped")]
    memory.turns = [5.0]
    takes.append((lean := begun(toy, tmp_path / "lean"), made(lean)[0]))
    for job, recipe in takes:
        assert "+memory:schedule=two-pass" in recipe.stages["tokens"]
        wish = Wish(job.song, *family_of(toy), job.values)
        assert Place(job.folder, job.audio, recipe).made(wish) == (job.audio,)
        turned = {**recipe.stages, "tokens": recipe.stages["tokens"] + "+temperature=0.1@9"}
        assert Place(job.folder, job.audio, replace(recipe, stages=turned)).made(wish) == ()


def test_sound_made_of_given_tokens_tells_how_those_were_made(toy: str, tmp_path: Path) -> None:
    job, before = stepped(toy, tmp_path)
    assert len(before.seams) == 1
    given = replace(job_of(job.folder), first="audio", goes_on=False, values=job.values.replace(flow_steps=3))
    recipe, _ = made(given)
    assert (recipe.seams, recipe.schedule, recipe.tokens) == (before.seams, "two-pass", before.tokens)
    assert recipe.chosen == before.chosen
    assert recipe.weights == before.weights
    assert stepped_down(recipe) == stepped_down(before) != ()
    recipes.save(replace(recipe, stages={**recipe.stages, "tokens": "others"}), job.folder)
    strange, _ = made(given)
    assert (strange.seams, strange.schedule, strange.tokens, stepped_down(strange)) == ((), "", "", ())
    assert "kv_cache" not in strange.chosen


def test_sound_made_anew_still_tells_that_memory_ran_out(toy: str, tmp_path: Path) -> None:
    job, before = stepped(toy, tmp_path)
    take = take_of(job.folder)
    assert take is not None
    child = render_again(take, job.values.replace(flow_steps=3))
    assert stepped_down(recipe_of(child)) == stepped_down(before) != ()


@pytest.mark.parametrize("is_trusted", [False, True])
def test_who_trusts_memory_already_is_not_told_to(is_trusted: bool) -> None:
    room = Room(None, is_trusted=is_trusted)
    with pytest.raises(SongdeskError) as refused:
        choose(LADDER, lambda rung: room, title="composing", below=LADDER)
    assert ("memory=trusted" in str(refused.value)) is not is_trusted
