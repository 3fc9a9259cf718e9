"""The open song and its files: opened once at a time, taken in again after edits from outside, never lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.config import Config
from core.errors import SongdeskError
from core.library.draft import FACTS, LYRICS, load_draft, save_draft
from core.song import Song
from core.takes.take import home_of
from tui.open_files import OpenFiles
from tui.opening import Kept, prepare_from
from tui.session import Session, open_last

SONG = Song("Paper boats", "[verse]\nWe folded the morning in two.", "pop, female", settings={"seed": "7"})


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return tmp_path / "songs"


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(Config())
    session.open(SONG, go_on=True)
    session.save()
    yield session
    session.files.close()


def kept(home: Path) -> list[Song | None]:
    return [load_draft(folder) for folder in sorted(home.glob("draft-*"))]


def look(session: Session) -> str:
    outside = session.look_outside(session.song)
    if outside is None:
        return ""
    session.catch_up(outside)
    return outside.said


def test_nothing_changed_is_nothing_to_say(session: Session) -> None:
    session.save()
    (session.home / LYRICS).touch()
    assert look(session) == ""


def test_an_edit_from_outside_is_taken_in(session: Session) -> None:
    (session.home / LYRICS).write_text("[verse]\nOther words.\n")
    assert "changed outside" in look(session)
    assert session.song.lyrics == "[verse]\nOther words."
    assert session.is_saved
    assert look(session) == ""
    assert kept(session.home) == []


def test_a_setting_written_by_hand_is_in_force(session: Session) -> None:
    save_draft(session.home, replace(SONG, settings={"temperature": "0.5"}))
    look(session)
    assert session.values["temperature"] == 0.5


def test_what_was_not_saved_is_kept_beside_the_edit(session: Session) -> None:
    session.rewrite(lyrics="mine")
    save_draft(session.home, replace(SONG, style="theirs"))
    said = look(session)
    assert session.song == replace(SONG, style="theirs")
    assert kept(session.home) == [replace(SONG, lyrics="mine")]
    assert str(session.home) in said


def test_the_same_edit_on_both_sides_is_no_conflict(session: Session) -> None:
    session.rewrite(lyrics="the same")
    save_draft(session.home, session.song)
    look(session)
    assert session.is_saved
    assert kept(session.home) == []


@pytest.mark.parametrize("facts", ["title: [", "title: a\nsettings:\n  temperature: 99\n"])
def test_an_edit_that_cannot_be_read_waits_for_its_writer(session: Session, facts: str) -> None:
    (session.home / FACTS).write_text(facts)
    with pytest.raises(SongdeskError):
        session.look_outside(session.song)
    assert session.song == SONG
    for words in ("one", "two"):
        session.rewrite(lyrics=words)
        with pytest.raises(SongdeskError, match="yours is in"):
            session.look_outside(session.song)
    assert kept(session.home) == [replace(SONG, lyrics="two")]
    assert (session.home / FACTS).read_text() == facts
    (session.home / FACTS).write_text("title: Paper boats\nstyle: mended\n")
    assert "changed outside" in look(session)
    assert session.song.style == "mended"


def test_files_that_are_gone_can_be_written_again(session: Session) -> None:
    for path in session.home.iterdir():
        path.unlink()
    assert "are gone" in look(session)
    assert not session.is_saved
    assert look(session) == ""
    session.save()
    assert load_draft(session.home) == SONG


def test_a_song_that_is_open_elsewhere_becomes_a_copy_that_is_written_once_it_differs(
    session: Session,
) -> None:
    second = Session(Config())
    assert "open in another studio" in second.open(SONG, go_on=True)
    assert (second.song.title, second.song.lyrics) == ("Paper boats 2", SONG.lyrics)
    assert second.is_saved
    third = Session(Config())
    third.adopt(prepare_from(third.files, session.home, third.values_of))
    assert third.song.title not in {"Paper boats", "Paper boats 2"}
    third.files.close()
    assert not third.home.exists()
    second.rewrite(lyrics="mine")
    second.save()
    assert load_draft(home_of("Paper boats")) == SONG
    assert load_draft(home_of("Paper boats 2")) == replace(SONG, title="Paper boats 2", lyrics="mine")
    second.files.close()


def test_a_take_of_a_copy_has_its_song_beside_it(session: Session) -> None:
    second = Session(Config())
    second.open(SONG, go_on=True)
    job = second.begin()
    assert load_draft(job.folder.parent.parent) == second.song
    second.files.close()


def test_a_song_left_is_free_and_one_never_written_leaves_nothing(session: Session, library: Path) -> None:
    session.open(Song("Never written", "", ""), go_on=True)
    assert OpenFiles(home_of("x")).of(home_of("Paper boats")).is_ours
    session.open(Song("Another", "", ""), go_on=True)
    assert {path.name for path in library.iterdir()} == {"Paper boats", "Another"}


def test_a_song_that_does_not_open_leaves_the_other_one_open(session: Session, library: Path) -> None:
    save_draft(home_of("Bad"), Song("Bad", "", "", settings={"temperature": "99"}))
    with pytest.raises(SongdeskError, match="temperature"):
        prepare_from(session.files, home_of("Bad"), session.values_of)
    with pytest.raises(SongdeskError, match="no song here"):
        prepare_from(session.files, library / "nowhere", session.values_of)
    assert session.song == SONG
    bad = OpenFiles(home_of("Bad"))
    bad.hold()
    assert bad.is_ours
    bad.close()


def test_renaming_keeps_the_hold_and_the_takes(session: Session) -> None:
    take = session.begin().id
    session.adopt(session.rename("Tin ships"))
    assert session.home == home_of("Tin ships")
    assert session.song.title == "Tin ships"
    assert (session.home / "takes" / take).is_dir()
    other = OpenFiles(session.home)
    other.hold()
    assert not other.is_ours
    other.close()


def test_a_renaming_that_is_refused_keeps_the_hold(session: Session) -> None:
    save_draft(home_of("Taken"), replace(SONG, title="Taken"))
    with pytest.raises(SongdeskError, match="already"):
        session.rename("Taken")
    other = OpenFiles(home_of("Paper boats"))
    other.hold()
    assert not other.is_ours
    other.close()
    session.rewrite(lyrics="more")
    session.save()
    assert load_draft(home_of("Paper boats")) == replace(SONG, lyrics="more")


def test_the_last_song_is_opened_or_the_next_that_can_be(library: Path) -> None:
    for title in ("Old", "Last", "Damaged"):
        save_draft(home_of(title), replace(SONG, title=title))
    (home_of("Damaged") / FACTS).write_text("title: [")
    session = Session(Config())
    assert open_last(session, [home_of("Old"), home_of("Last")]) == ""
    assert session.song.title == "Old"
    said = open_last(session, [home_of("Damaged"), home_of("Old")])
    assert "Damaged cannot be opened" in said
    assert session.song.title == "Last"
    assert open_last(session, [library.parent / "elsewhere"]) == ""
    assert session.song.title == "Last"
    session.files.close()


def test_without_any_song_a_new_one_is_begun() -> None:
    session = Session(Config())
    assert open_last(session, []) == ""
    assert session.song.title == "untitled"
    session.files.close()


def test_an_edit_stays_where_nothing_can_be_kept_beside_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.rewrite(lyrics="mine")
    (session.home / LYRICS).write_text("theirs\n")
    with monkeypatch.context() as full:
        full.setattr("core.library.draft.write_text", refuse)
        with pytest.raises(SongdeskError) as caught:
            session.look_outside(session.song)
    assert not isinstance(caught.value, Kept)
    assert kept(session.home) == []
    assert "yours was kept" in look(session)
    assert session.song.lyrics == "theirs"
    assert [song.lyrics for song in kept(session.home) if song] == ["mine"]


def test_a_song_half_written_is_no_edit_from_outside(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.rewrite(lyrics="new", style="rock")

    def fail(path: Path, text: str) -> None:
        if path.name == FACTS:
            refuse(path, text)
        path.write_text(text)

    with monkeypatch.context() as full:
        full.setattr("core.library.draft.write_text", fail)
        with pytest.raises(SongdeskError):
            session.save()
    assert look(session) == ""
    session.save()
    assert load_draft(session.home) == replace(SONG, lyrics="new", style="rock")


def test_files_that_appear_under_a_song_never_written_are_not_overwritten() -> None:
    session = Session(Config())
    session.open(replace(SONG, title="New"), go_on=True)
    save_draft(session.home, replace(SONG, title="New", lyrics="theirs"))
    assert "yours was kept" in look(session)
    assert session.song.lyrics == "theirs"
    session.files.close()


def refuse(path: Path, text: str) -> None:
    raise SongdeskError("no space left", where=f"{path} {len(text)}")
