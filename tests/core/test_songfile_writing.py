"""Song files as written: what is written is read back equal, and only what can be read back is written."""

import json
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.song import BUILT_IN_STYLES, Reference, Song
from core.songfile import read_songs, safe_name, write_songs

_WORDS = st.lists(st.sampled_from(["rain", "夜", "sing", "río", "船", "home"]), min_size=1, max_size=5)
_LINE = _WORDS.map(" ".join)
_SECTION = st.one_of(
    st.sampled_from(["[intro-short]", "[inst-medium]", "[outro-long]", "[silence]"]),
    st.tuples(
        st.sampled_from(["[verse]", "[chorus]", "[bridge]"]), st.lists(_LINE, min_size=1, max_size=4)
    ).map(lambda section: "\n".join([section[0], *section[1]])),
)
_SONGS = st.builds(
    Song,
    title=st.text(max_size=20).filter(lambda title: safe_name(title) is None),
    lyrics=st.lists(_SECTION, min_size=1, max_size=5).map("\n\n".join),
    style=st.sampled_from(["", "female, pop", "男声, 民谣", 'a "quoted" tag']),
    reference=st.none() | st.sampled_from(BUILT_IN_STYLES).map(lambda style: Reference(style=style)),
    settings=st.dictionaries(st.sampled_from(["temp", "top_k", "seed"]), st.integers(0, 99).map(str)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    st.lists(_SONGS, min_size=1, max_size=3, unique_by=lambda song: normalize("NFC", song.title).casefold())
)
def test_what_is_written_is_read_back_equal(tmp_path: Path, songs: list[Song]) -> None:
    write_songs(tmp_path / "out.jsonl", songs)
    lines, problems = read_songs(tmp_path / "out.jsonl")
    assert problems == ()
    assert [line.song for line in lines] == songs


def test_a_reference_file_travels_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.wav").touch()
    song = Song("a", "[verse]\nOne", "", Reference(path=str(tmp_path / "one" / "a.wav"), start=2.5))
    write_songs(tmp_path / "one" / "songs.jsonl", [song])
    assert read_songs(tmp_path / "one" / "songs.jsonl")[0][0].song == song
    (tmp_path / "one").rename(tmp_path / "two")
    (moved,), problems = read_songs(tmp_path / "two" / "songs.jsonl")
    assert problems == ()
    assert moved.song.reference == Reference(path=str(tmp_path / "two" / "a.wav"), start=2.5)


def test_a_reference_elsewhere_is_written_with_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    song = Song("a", "[verse]\nOne", "", Reference(path=str(tmp_path / "a.wav")))
    write_songs(tmp_path / "deep" / "songs.jsonl", [song])
    assert read_songs(tmp_path / "deep" / "songs.jsonl")[0][0].song == song


def test_only_published_keys_are_written_for_a_plain_song(tmp_path: Path) -> None:
    song = Song("夜", "[verse]\nOne", "pop", Reference(style="Jazz"), {"temp": "0.9", "top_k": "50"})
    write_songs(tmp_path / "out.jsonl", [song])
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == {
        "idx": "夜",
        "gt_lyric": "[verse] One.",
        "descriptions": "pop",
        "auto_prompt_audio_type": "Jazz",
        "parameters": "temp:0.9, top_k:50",
    }


@pytest.mark.parametrize("titles", [["../up"], ["a", "A"], []])
def test_a_file_that_could_not_be_read_back_is_not_written(tmp_path: Path, titles: list[str]) -> None:
    with pytest.raises(SongdeskError):
        write_songs(tmp_path / "out.jsonl", [Song(title, "[verse]\nOne", "") for title in titles])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_lyric_tag_is_written_as_it_stands(tmp_path: Path) -> None:
    song = Song("a", "[hook]\nHey now\n\n[verse]\nOne line", "")
    write_songs(tmp_path / "out.jsonl", [song])
    assert read_songs(tmp_path / "out.jsonl")[0][0].song == song


def test_half_a_character_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="half a character"):
        write_songs(tmp_path / "out.jsonl", [Song("a", "[verse]\nOne \udc80 two", "")])
    assert list(tmp_path.iterdir()) == []
