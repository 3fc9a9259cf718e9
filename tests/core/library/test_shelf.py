"""The library as a list: every song is there, damaged ones too, and renaming or copying loses nothing."""

import os
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.library.draft import FACTS, LYRICS, OLD, load_draft, save_draft
from core.library.shelf import duplicate, is_taken, next_titles, rename, save_as, songs
from core.song import Song
from core.takes.claim import claimed
from core.takes.take import home_of

SONG = Song("Paper boats", "[verse]\nOne line\n", "pop", settings={"seed": "7"})


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return tmp_path / "songs"


def put(title: str, *, takes: int = 0, age: float = 0.0) -> Path:
    home = home_of(title)
    save_draft(home, Song(title, "[verse]\nOne line", "pop"))
    for number in range(takes):
        (home / "takes" / f"20261126-120000-{number}").mkdir(parents=True)
    for path in home.iterdir():
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return home


def test_songs_are_listed_with_what_changed_last_first(library: Path) -> None:
    put("Old", age=500)
    put("New: a", takes=2)
    put("Between", age=50)
    (library / "notes.txt").write_text("not a song")
    (library / "empty").mkdir()
    (library / ".git").mkdir()
    listed = songs()
    assert [song.title for song in listed] == ["New: a", "Between", "Old"]
    assert [song.takes for song in listed] == [2, 0, 0]
    assert listed[1].changed == 1_700_000_000 - 50
    assert not any(song.trouble for song in listed)


def test_a_library_that_is_not_there_is_an_empty_list() -> None:
    assert songs() == ()


def test_a_damaged_song_is_listed_as_such_and_left_as_it_is(library: Path) -> None:
    put("Whole")
    (put("Broken") / FACTS).write_text("title: [")
    old = library / "Older"
    old.mkdir()
    (old / OLD).write_text("{")
    listed = {song.title: song.trouble for song in songs()}
    assert listed["Whole"] == ""
    assert "song.yaml:" in listed["Broken"]
    assert OLD in listed["Older"]
    assert (old / OLD).read_text() == "{"


def test_a_song_of_before_and_one_written_by_hand_are_listed_by_their_titles(library: Path) -> None:
    for name in ("By hand", "Before-1a2b3c"):
        (library / name).mkdir(parents=True)
    (library / "By hand" / LYRICS).write_text("[verse]\n")
    (library / "Before-1a2b3c" / OLD).write_text(
        '{"title": "Before?", "lyrics": "", "style": "", "reference": null, "settings": {}}'
    )
    assert {song.title for song in songs()} == {"By hand", "Before?"}


def test_renaming_moves_the_folder_with_its_takes() -> None:
    home = put("Paper boats", takes=1)
    moved = rename(home, "Tin/ships")
    assert moved == home_of("Tin/ships")
    assert not home.exists()
    assert load_draft(moved) == Song("Tin/ships", "[verse]\nOne line", "pop")
    assert len(list((moved / "takes").iterdir())) == 1


def test_a_title_that_is_taken_is_refused_and_both_songs_stay() -> None:
    one, other = put("One"), put("Other", takes=1)
    for act in (lambda: rename(one, "Other"), lambda: save_as(SONG, "Other")):
        with pytest.raises(SongdeskError, match="a song called Other already"):
            act()
    assert {song.title for song in songs()} == {"One", "Other"}
    assert len(list((other / "takes").iterdir())) == 1


def test_renaming_to_its_own_title_changes_nothing_and_an_empty_folder_is_no_song(library: Path) -> None:
    home = put("One", takes=1)
    assert rename(home, "One") == home
    (library / "Two").mkdir()
    assert not is_taken("Two")
    assert len(list((rename(home, "Two") / "takes").iterdir())) == 1


def test_a_song_of_that_folder_under_another_title_gets_its_name() -> None:
    home = put("One")
    odd = home.with_name("cloned by hand")
    home.rename(odd)
    assert rename(odd, "One") == home
    assert not odd.exists()


def test_what_is_not_there_cannot_be_renamed(library: Path) -> None:
    with pytest.raises(SongdeskError, match="no song here"):
        rename(library / "nowhere", "One")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_library_that_cannot_be_written_is_said_in_one_line(library: Path) -> None:
    home = put("One")
    library.chmod(0o500)
    try:
        with pytest.raises(SongdeskError, match="cannot write here"):
            rename(home, "Two")
    finally:
        library.chmod(0o700)
    assert home.exists()


def test_a_copy_has_the_next_title_and_no_takes() -> None:
    home = put("Paper boats", takes=2)
    first, folder = duplicate(home)
    assert first == Song("Paper boats 2", "[verse]\nOne line", "pop")
    assert load_draft(folder) == first
    assert not (folder / "takes").exists()
    again, _ = duplicate(folder)
    assert again.title == "Paper boats 3"


def test_a_number_that_counts_nothing_stays_in_the_title() -> None:
    put("Summer of 69")
    assert next(next_titles("Summer of 69")) == "Summer of 69 2"
    assert next(next_titles("1984")) == "1984 2"


def test_save_as_leaves_the_first_song_alone() -> None:
    home = put("Paper boats", takes=1)
    copy, folder = save_as(SONG, "Tin ships")
    assert (copy.title, copy.lyrics, load_draft(folder)) == ("Tin ships", SONG.lyrics, copy)
    first = load_draft(home)
    assert first is not None
    assert first.title == "Paper boats"


def test_five_hundred_songs_are_read_without_opening_their_lyrics(library: Path) -> None:
    for number in range(500):
        folder = library / f"Song {number:03}"
        folder.mkdir(parents=True)
        (folder / FACTS).write_text(f"title: 'Song {number:03}'\nstyle: pop\n")
        (folder / LYRICS).write_bytes(b"\xff not to be read")
    listed = songs()
    assert len(listed) == 500
    assert not any(song.trouble for song in listed)


def test_a_song_that_cannot_be_written_keeps_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    home = put("Paper boats", takes=1)

    def fail(path: Path, text: str) -> None:
        raise SongdeskError("no space left", where=f"{path} {len(text)}")

    with monkeypatch.context() as full:
        full.setattr("core.library.draft.write_text", fail)
        with pytest.raises(SongdeskError, match="no space left"):
            rename(home, "Glass boats")
    assert load_draft(home) == Song("Paper boats", "[verse]\nOne line", "pop")
    assert (home / "takes" / "20261126-120000-0").is_dir()
    assert not home_of("Glass boats").exists()


def test_a_title_that_a_studio_has_begun_is_taken() -> None:
    home = put("Paper boats")
    with claimed(home_of("Paper boats 2")):
        assert is_taken("Paper boats 2")
        assert next(next_titles("Paper boats")) == "Paper boats 3"
        with pytest.raises(SongdeskError, match="already"):
            rename(home, "Paper boats 2")
    assert not is_taken("Paper boats 2")
