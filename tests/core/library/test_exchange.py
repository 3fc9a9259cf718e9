"""Songs from and to files outside the library: the file's name tells the form."""

from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.library.exchange import read_any, write_any
from core.song import Song

SONG = Song("Paper/boats", "[verse]\nOne line\n", "pop, female", settings={"temperature": "0.9"})


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "A.JSONL", "lyrics"])
def test_a_song_goes_out_and_comes_back(tmp_path: Path, name: str) -> None:
    write_any(tmp_path / name, SONG)
    (song,), _ = read_any(tmp_path / name)
    assert song.lyrics.split() == SONG.lyrics.split()
    assert (song.style, dict(song.settings)) == (SONG.style, dict(SONG.settings))
    assert song.title.startswith("Paper")


def test_every_song_of_a_file_and_what_is_odd_in_it(tmp_path: Path) -> None:
    line = '{{"idx": "{}", "gt_lyric": "[verse] Line.", "melody": 1}}\n'
    (tmp_path / "a.jsonl").write_text(line.format("One") + line.format("Two") + "{\n")
    songs, notes = read_any(tmp_path / "a.jsonl")
    assert [song.title for song in songs] == ["One", "Two"]
    assert any("unknown key" in note for note in notes)
    assert any(":3:" in note and "broken JSON" in note for note in notes)


def test_lyrics_of_other_tools_are_converted_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "Gulls.txt").write_text(
        "Verse 1:\nOne line here\nAnd two\n\nChorus:\nOh the sea\nOh the sea\n"
    )
    (song,), notes = read_any(tmp_path / "Gulls.txt")
    assert song.title == "Gulls"
    assert "[verse]" in song.lyrics
    assert notes[0].startswith("read as ")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [("a.jsonl", "{\n", "broken JSON"), ("a.jsonl", "", "no song"), ("a.txt", "\xff", "")],
)
def test_what_holds_no_song_says_why(tmp_path: Path, name: str, content: str, what: str) -> None:
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(SongdeskError) as caught:
        read_any(tmp_path / name)
    assert what in caught.value.what
    assert name in caught.value.where
