"""The studio's folders: one for every title, takes that are never overwritten."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.meter import State
from core.settings import Override, Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.branch import prepare
from core.takes.take import folder_name, takes_of

SONG = Song("Paper boats", "[verse]\nhalf a li", "pop, female", settings={"seed": "7"})


def values(**given: object) -> Values:
    kind, chosen = family_of("demo")
    return resolve_for(kind, chosen, [Override(given)])


@given(st.text())
def test_any_title_becomes_one_plain_folder_name(title: str) -> None:
    name = folder_name(title)
    assert name not in {"", ".", ".."}
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert not name.startswith(".")
    assert len(name.encode()) <= 120


@pytest.mark.parametrize(("one", "other"), [("a/b", "a-b"), ("x:y", "x-y"), ("x:y", "x?y"), ("", "untitled")])
def test_two_titles_never_share_a_folder(one: str, other: str) -> None:
    assert folder_name(one) != folder_name(other)


def test_takes_begun_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    jobs = [prepare(SONG, "demo", values(), home=tmp_path) for _ in range(12)]
    assert len({job.folder for job in jobs}) == 12
    assert all(job.folder.is_dir() and job.folder.name == job.id for job in jobs)
    assert all(job.audio.parent == job.folder and not job.audio.exists() for job in jobs)


def test_a_job_draws_a_seed_unless_one_was_given(tmp_path: Path) -> None:
    drawn = {prepare(SONG, "demo", values(), home=tmp_path).values.whole("seed") for _ in range(3)}
    assert len(drawn) > 1
    assert all(0 <= seed < 2**31 for seed in drawn)
    assert prepare(SONG, "demo", values(seed=7), home=tmp_path).values.whole("seed") == 7


def test_the_sound_is_named_after_the_song_and_the_format(tmp_path: Path) -> None:
    job = prepare(Song("../a [b]", "", ""), "demo", values(format="mp3"), home=tmp_path)
    assert job.audio.name.startswith("-a [b]")
    assert job.audio.suffix == ".mp3"
    assert job.audio.resolve().is_relative_to(tmp_path.resolve())


def test_takes_are_listed_newest_first_and_an_unfinished_one_says_so(tmp_path: Path) -> None:
    for number in range(11):
        job = prepare(SONG, "demo", values(seed=number), home=tmp_path)
        recipes.save(recipes.begin(job, {}), job.folder)
    job.folder.joinpath(job.audio.name).write_bytes(b"x")
    ended = recipes.load(job.folder)
    assert ended is not None

    recipes.save(replace(ended, state=State.DONE.value, audio=job.audio.name, seconds=3.0), job.folder)
    takes = takes_of(tmp_path)
    assert [take.seed for take in takes] == list(range(10, -1, -1))
    assert (takes[0].state, takes[0].audio, takes[0].seconds) == ("done", job.audio, 3.0)
    assert (takes[1].state, takes[1].audio, takes[1].seconds) == ("interrupted", None, None)


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    blocker = tmp_path / "home"
    blocker.write_text("")
    with pytest.raises(SongdeskError, match="cannot write here"):
        prepare(SONG, "demo", values(), home=blocker)
    assert takes_of(blocker) == ()
