"""The open song without its screen: drafts, knobs, marks and takes that somebody has touched."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from core.config import Config
from core.errors import SongdeskError
from core.library.draft import save_draft
from core.meter import Meter, State
from core.paths import sample_file
from core.settings import Live
from core.song import Song
from core.takes.job import Outcome
from core.takes.take import home_of
from tui.making import recipe_so_far
from tui.session import FIRST, Session, song_to_start_with
from tui.widgets.takes_list import widths_for

SONG = Song("Paper boats", "[verse]\nWe folded the morning in two.\n", "pop, female")


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


@pytest.fixture
def session() -> Session:
    session = Session(Config())
    session.open(SONG, go_on=True)
    return session


@pytest.mark.parametrize("go_on", [True, False])
def test_the_draft_of_another_title_is_never_taken_for_this_one(session: Session, go_on: bool) -> None:
    save_draft(home_of("Boats"), replace(SONG, title="Another"))
    with pytest.raises(SongdeskError, match="holds another song, Another → choose another title"):
        session.open(replace(SONG, title="Boats"), go_on=go_on)
    assert session.song == SONG


def test_one_title_written_in_two_ways_is_one_song(session: Session) -> None:
    session.open(replace(SONG, title="Cafe\u0301"), go_on=True)
    session.save()
    assert session.open(replace(SONG, title="Caf\u00e9"), go_on=True) == ""


@pytest.mark.parametrize(
    ("key", "phase", "heard", "words"),
    [
        ("temperature", 1, Live.PHASE, "temperature 1.2"),
        ("temperature", 2, Live.STEP, "temperature 1.2 at 0:15"),
        ("temperature", 3, Live.SONG, ""),
        ("flow_guidance", 2, Live.PHASE, "flow_guidance 1.2"),
        ("flow_guidance", 3, Live.SONG, ""),
        ("length", 2, Live.SONG, ""),
    ],
)
def test_a_knob_says_when_it_is_heard_and_stays_in_the_take(
    session: Session, key: str, phase: int, heard: Live, words: str
) -> None:
    job = session.begin()
    session.began(job, recipe_so_far(job))
    session.turn(key, 1.2)
    meter = Meter(job=job.id, state=State.RUNNING, phase=phase, done=375, total=1000, seconds=30.0)
    assert session.turn_live(key, meter) is heard
    assert session.rows[0].detail == words
    session.end(Outcome(job, State.DONE, seconds=30.0, took=9.0, notes=("clipped",)))
    assert session.rows[0].detail == "; ".join(part for part in ("made in 9 s", words, "clipped") if part)


def test_the_marks_are_those_of_the_lyrics_that_were_sung(session: Session) -> None:
    job = session.begin()
    session.end(Outcome(job, State.DONE, seconds=30.0))
    session.rewrite(lyrics="[chorus]\nOther words\n\n[bridge]\nAnd more\n")
    assert [name for _, name in session.marks(job.id, 30.0)] == ["~verse"]


@pytest.mark.parametrize(
    "facts",
    [
        {"seconds": float("nan")},
        {"seconds": -1e300},
        {"seconds": "long"},
        {"settings": {"seed": None}},
        {"settings": []},
        {"song": 7},
        {"audio": "../../../etc/passwd"},
        {"state": "\ud800[/b]"},
        {"notes": 3},
    ],
)
def test_a_recipe_somebody_has_touched_does_not_stop_the_studio(
    session: Session, facts: dict[str, object]
) -> None:
    job = session.begin()
    whole = {
        "song": {"title": "Paper boats"},
        "model": "demo",
        "settings": {"seed": 1},
        "state": "done",
        "songdesk": "0",
        "knobs": [],
        "notes": [],
        "seconds": 3.0,
    }
    (job.folder / "recipe.json").write_text(json.dumps({**whole, **facts}))
    again = Session(Config())
    again.open(SONG, go_on=True)
    assert all(len(row.cells("", widths_for(80))) == 5 for row in again.rows)
    assert all(again.sound_of(row.id) is None for row in again.rows)


def test_the_plan_follows_the_settings(session: Session) -> None:
    session.turn("length", 20.0)
    assert session.plan().seconds == 20.0
    assert session.plan().peak > 0


def test_a_first_start_opens_a_song_that_the_demo_has_time_to_sing_to_its_end() -> None:
    song = song_to_start_with(None)
    assert song is not None
    session = Session(Config())
    session.open(song, go_on=True)
    sung = soundfile.info(sample_file(FIRST).parent / "audio" / f"{song.title}.flac").duration
    assert session.chosen.is_built_in
    assert sung < session.plan().seconds
