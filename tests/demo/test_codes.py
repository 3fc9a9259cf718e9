"""Codes by rule: what a song's facts become, frame by frame, and that text and codes agree."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.levo.text import demo_tokenizers
from core.paths import conf_file
from corpus import articulation
from corpus.rng import stream
from corpus.song import Song, Syllable, compose
from corpus.sounds import Sound
from corpus.words import syllables
from train.alignment import aims
from train.codes import codes_of
from train.spelling import pieces
from train.styles import export_styles
from train.symbols import BOOKS, CODES, MIX, describe, sound_code
from train.trial import bpm_of, edits, judged

SEEDS = range(1_000_000, 1_000_012)


@pytest.fixture(scope="module")
def songs() -> list[tuple[Song, np.ndarray]]:
    return [(song, codes_of(song)) for song in (compose(seed, seconds=15.0) for seed in SEEDS)]


def syllables_of(song: Song) -> list[Syllable]:
    return [one for section in song.sections for line in section.lines for one in line.syllables]


def test_every_code_has_a_meaning_of_its_own_and_room_is_left() -> None:
    for book, codes in zip(BOOKS, CODES, strict=True):
        assert len(codes) == len(book) <= 1024
    assert describe(1, 0) == describe(2, 0) == "none"
    assert describe(0, CODES[0]["bar", 3]) == "bar 3"


def test_events_tell_the_song_in_order(songs: list[tuple[Song, np.ndarray]]) -> None:
    for song, codes in songs:
        told = [MIX[code] for code in codes[0]]
        sung = syllables_of(song)
        assert codes.shape == (3, round(song.seconds * 25))
        assert [one[1] for one in told if one[0] == "section"] == [part.tag for part in song.sections]
        assert [one for one in told if one[0] == "sound"] == [MIX[sound_code(one.sound)] for one in sung]
        assert [one[1] for one in told if one[0] == "pitch"] == [one.pitch for one in sung]
        assert [one[0] for one in told].count("end") == 1
        lines = [line for section in song.sections for line in section.lines]
        assert [one[0] for one in told].count("line") == len(lines)
        places = [min(at, 15) for line in lines for at in range(len(line.syllables))]
        assert [one[1] for one in told if one[0] == "place"] == places
        voice = [one[0] for one in told if one[0] in ("line", "place", "sound", "pitch")]
        assert voice == [
            kind for at in places for kind in (["line"] * (at == 0) + ["place", "sound", "pitch"])
        ]
        assert [one[0] for one in told].count("chord") == len(song.chords)


def test_there_is_a_voice_in_the_codes_where_there_is_one_in_the_sound(
    songs: list[tuple[Song, np.ndarray]],
) -> None:
    missed = extra = total = 0
    for song, codes in songs:
        level = np.zeros(codes.shape[1] * 8 + 400)
        for line in (line for section in song.sections for line in section.lines):
            moves = articulation.articulate(line, rng=stream(1, "x"), force=1.0)
            first = round(moves.start * 200)
            heard = np.maximum(moves.voice, moves.hiss.max(axis=1))[max(0, -first) :]
            at = slice(max(0, first), max(0, first) + len(heard))
            level[at] = np.maximum(level[at], heard[: len(level[at])])
        loud = level[: codes.shape[1] * 8].reshape(-1, 8).mean(axis=1)
        missed += int(np.sum((loud > 0.3) & (codes[1] == 0)))
        extra += int(np.sum((loud < 0.02) & (codes[1] > 0)))
        total += codes.shape[1]
    assert missed < 0.004 * total
    assert extra < 0.01 * total


def test_silence_and_what_rings_on_are_code_0(songs: list[tuple[Song, np.ndarray]]) -> None:
    for _, codes in songs:
        assert not codes[1:, -20:].any()
        assert codes[2, 5] > 0
    song = compose(
        3, lyrics="[verse] We are here. ; [silence] ; [outro-short]", description="pop, the bpm is 90"
    )
    middle = song.sections[1]
    inside = slice(int(middle.start * 25) + 10, int(middle.end * 25) - 10)
    assert not codes_of(song)[2, inside].any()


def test_the_tempo_can_be_read_from_the_codes(songs: list[tuple[Song, np.ndarray]]) -> None:
    for song, codes in songs:
        assert bpm_of(codes) == pytest.approx(song.style.bpm, rel=0.01)


def test_a_song_judged_by_its_own_codes_is_perfect_and_by_others_is_not(
    songs: list[tuple[Song, np.ndarray]],
) -> None:
    (song, codes), (_, other) = songs[0], songs[1]
    own = judged(song, codes, longest=60.0)
    assert own.ended
    assert (own.sounds, own.vowels, own.sections) == (0, 0, 0)
    assert judged(song, other, longest=60.0).sounds > 0.5


def test_edits_counts_the_fewest_changes() -> None:
    assert edits("kitten", "sitting") == 3
    assert edits("", "abc") == 3


def test_a_sound_that_is_not_listed_becomes_one_that_is_like_it() -> None:
    assert MIX[sound_code(Sound("", "o", "i", "st", "nd"))] == ("sound", "s", "o", "n")
    assert MIX[sound_code(Sound("", "a", "i", "tx", ""))] == ("sound", "tx", "ai", "")


@pytest.mark.parametrize(
    "word", ["whisper", "fire", "beautiful", "little", "create", "quiet", "flame", "every"]
)
def test_a_word_is_cut_into_as_many_pieces_as_it_is_sung_in(word: str) -> None:
    cut = pieces(word)
    assert "".join(cut) == word
    assert len(cut) == len(syllables(word))


def test_every_tag_and_syllable_is_found_in_the_text(songs: list[tuple[Song, np.ndarray]]) -> None:
    words = demo_tokenizers(conf_file("demo-tokenizer.json"), "v2")
    for song, _ in songs:
        found = aims(song, words)
        assert sum(one.is_tag for one in found) == len(song.sections)
        assert sum(not one.is_tag for one in found) == len(syllables_of(song))
        assert all(one.first <= two.first for one, two in pairwise(found))
        assert found[-1].last <= len(words.encode_lyrics(song.lyrics).ids)


def test_no_token_of_a_word_is_more_than_one_syllable() -> None:
    words = demo_tokenizers(conf_file("demo-tokenizer.json"), "v2")
    for word in ("Whisper", "forever", "tomorrow", "lantern", "melody"):
        assert len(words.encode_lyrics(word).ids) - 1 >= len(syllables(word))


def test_built_in_styles_are_windows_of_songs(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    export_styles(tmp_path)
    table = load_file(tmp_path / "styles.safetensors")
    assert {(codes.shape, str(codes.dtype)) for codes in table.values()} == {((3, 250), "int16")}
    assert all((codes >= 0).all() and codes[1].any() for codes in table.values())
