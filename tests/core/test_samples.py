"""What ships as a sample is a good example: no error, no warning, not even a hint."""

import re
from pathlib import Path

import pytest

from core.family import family_of
from core.lyrics.language import language
from core.lyrics.parse import parse
from core.paths import sample_file
from core.review import review
from core.song import Song
from core.songfile import read_songs, write_songs
from core.style import bpm_of, check_style, find, split

_FILES = ("harbor-light.jsonl", "xia-yi-zhan.jsonl", "paper-boats.jsonl", "songs.jsonl")


def _songs(name: str) -> list[Song]:
    lines, problems = read_songs(sample_file(name))
    assert problems == ()
    return [line.song for line in lines]


_SONGS = [song for name in _FILES for song in _songs(name)]
_STYLES = [
    line
    for line in sample_file("styles.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("song", _SONGS, ids=lambda song: song.title)
def test_a_sample_song_passes_every_check(song: Song) -> None:
    kind, chosen = family_of("demo")
    assert review(song, kind, chosen) == ()


@pytest.mark.parametrize("name", _FILES)
def test_a_sample_is_written_as_songdesk_writes_it(name: str, tmp_path: Path) -> None:
    write_songs(tmp_path / name, _songs(name))
    assert (tmp_path / name).read_text(encoding="utf-8") == sample_file(name).read_text(encoding="utf-8")


def test_the_longest_sample_has_an_opening_two_verses_a_chorus_a_bridge_and_an_end() -> None:
    (song,) = _songs("paper-boats.jsonl")
    tags = [section.tag for section in parse(song.lyrics).sections]
    assert tags == ["intro-short", "verse", "chorus", "verse", "chorus", "bridge", "outro-short"]


def test_the_samples_sing_in_several_languages() -> None:
    written = {
        "chinese": any(language(song.lyrics) == "zh" for song in _SONGS),
        "japanese": any(re.search("[\u3040-\u30ff]", song.lyrics) for song in _SONGS),
        "spanish": any(re.search("[áéíóúñ]", song.lyrics) for song in _SONGS),
        "mixed": any(re.search("[a-z]{4}.*\n.*[\u4e00-\u9fff]{4}", song.lyrics) for song in _SONGS),
        "english": any(song.lyrics.isascii() for song in _SONGS),
    }
    assert [name for name, found in written.items() if not found] == []


def test_no_two_sample_songs_have_one_name() -> None:
    titles = [song.title for song in _SONGS]
    assert len(set(titles)) == len(titles) >= 5


@pytest.mark.parametrize("description", _STYLES)
def test_a_sample_description_is_all_vocabulary_with_a_voice_first_and_a_tempo_last(description: str) -> None:
    assert check_style(description) == ()
    tags = split(description)
    voice = find(tags[0])
    assert voice is not None
    assert voice.dimension == "gender"
    assert bpm_of(tags[-1:]) is not None


def test_the_sample_descriptions_are_many_and_different() -> None:
    assert len(set(_STYLES)) == len(_STYLES) >= 20
