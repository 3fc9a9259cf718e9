"""Songs as plain text come back as they were, and what is wrong in one is named with its line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.plaintext import import_text_song, write_text_song
from core.song import BUILT_IN_STYLES, Reference, Song

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "",
        " a ",
        "Verse 1:\nla",
        "[verse]\nla\n",
        '"quoted"',
        "a: b",
        "title: x",
        "\r\n",
        "\u2028",
        "\ufeff",
        "é",
    ]
)
NAMES = st.sampled_from(["seed", "top_k", "cfg.coef", "Upper", "two words", "a:b", '"', "\n", ""]) | TEXT
REFERENCES = st.none() | st.builds(
    Reference,
    path=st.sampled_from(["", "/music/ref.flac", "/music/a b.wav"]),
    style=st.sampled_from(["", *BUILT_IN_STYLES]),
    start=st.floats(0, 86_399),
)
SONGS = st.builds(Song, TEXT, TEXT, TEXT, REFERENCES, st.dictionaries(NAMES, TEXT, max_size=4))


def written(folder: Path, text: str) -> Path:
    path = folder / "boats.txt"
    path.write_bytes(text.encode())
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(song=SONGS)
def test_a_song_comes_back_as_it_was(tmp_path: Path, song: Song) -> None:
    path = tmp_path / "song.txt"
    write_text_song(path, song)
    assert import_text_song(path)[0] == song


def test_the_file_is_one_to_read(tmp_path: Path) -> None:
    song = Song(
        "Paper Boats",
        "[verse]\nPaper boats\n",
        "female, folk pop",
        Reference(path=str(tmp_path / "audio" / "ref.flac"), start=12.5),
        {"temperature": "0.9"},
    )
    path = tmp_path / "boats.txt"
    write_text_song(path, song)
    assert path.read_text(encoding="utf-8") == (
        "title: Paper Boats\nstyle: female, folk pop\nreference file: audio/ref.flac\nreference start: 12.5\n"
        "set temperature: 0.9\n\n[verse]\nPaper boats\n\n"
    )
    assert import_text_song(path)[0] == song


def test_a_header_by_hand_may_be_short_and_of_any_case(tmp_path: Path) -> None:
    text = "Title:Boats\r\nReference style:  jazz\r\nset top_k : 50\r\n\r\n[verse]\r\nla"
    path = written(tmp_path, text.replace("Title:", "Title: "))
    assert import_text_song(path)[0] == Song(
        "Boats", "[verse]\r\nla", "", Reference(style="Jazz"), {"top_k": "50"}
    )


def test_a_file_without_header_is_lyrics_of_any_form(tmp_path: Path) -> None:
    song, converted = import_text_song(written(tmp_path, "Verse 1:\nla\n\nChorus\nlo\n"))
    assert song == Song("boats", "[verse]\nla\n\n[chorus]\nlo\n", "")
    assert converted is not None
    assert converted.source == "headings such as Verse 1:"
    own = "[verse]\nla\n"
    assert import_text_song(written(tmp_path, own)) == (Song("boats", own, ""), None)


def test_a_song_files_line_brings_its_title_and_style(tmp_path: Path) -> None:
    line = '{"idx": "rain", "gt_lyric": "[verse] La la. ; [chorus] Lo.", "descriptions": "pop"}'
    assert import_text_song(written(tmp_path, line))[0] == Song(
        "rain", "[verse]\nLa la\n\n[chorus]\nLo\n", "pop"
    )


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("title: a\nstyle: b\n[verse]\nla\n", 3, "key: value"),
        ("title: a\nartist: b\n\nla\n", 2, "unknown key 'artist'"),
        ("title: a\ntitle: b\n\nla\n", 2, "stands on line 1"),
        ('title: a\nstyle: "b\n\nla\n', 2, "not closed"),
        ('title: a\nstyle: "b" c\n\nla\n', 2, "not closed"),
        ("title: a\nreference start: soon\n\nla\n", 2, "seconds from 0"),
        ("title: a\nreference start: nan\n\nla\n", 2, "seconds from 0"),
        ("title: a\nreference start: -1\n\nla\n", 2, "seconds from 0"),
        ("title: a\nreference style: Polka\n\nla\n", 2, "unknown reference style"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SongdeskError) as caught:
        import_text_song(path)
    assert caught.value.where == f"{path}:{line}"
    assert what in caught.value.what
    assert caught.value.hint


def test_a_file_that_is_not_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    with pytest.raises(SongdeskError, match="cannot read"):
        import_text_song(path)
    path.write_bytes(b"la\n\xff\xfe")
    with pytest.raises(SongdeskError, match="UTF-8") as caught:
        import_text_song(path)
    assert caught.value.where == f"{path}:2"


def test_half_a_character_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    with pytest.raises(SongdeskError, match="half a character"):
        write_text_song(path, Song("a", "la \ud83d", ""))
    assert not path.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=TEXT
    | st.lists(st.sampled_from(["title: a", "set x: 1", "style:", "\n", "\n\n", "la", ": "])).map("".join)
)
def test_any_text_gives_a_song_or_one_clear_line(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    said = ""
    try:
        import_text_song(path)
    except SongdeskError as error:
        said = str(error)
    assert said == "" or (said.startswith(f"{path}:") and len(said.splitlines()) == 1)
