"""Songs beyond the corpus's own: of the length asked for, readable by the product, sung as written."""

import numpy as np
import pytest

from core.levo.text import demo_tokenizers
from core.lyrics.parse import parse
from core.lyrics.wire import from_wire
from core.paths import conf_file
from corpus import english, tags
from corpus.song import Song
from corpus.vocabulary import WORDS
from corpus.words import syllables
from train import everyday
from train.alignment import aims
from train.symbols import SECTIONS
from train.variety import described, line, varied

_SECONDS = (9.0, 15.0, 30.0, 60.0, 95.0)


@pytest.fixture(scope="module")
def songs() -> list[tuple[float, Song]]:
    return [
        (seconds, varied(seed, np.random.default_rng(seed), seconds))
        for seed, seconds in enumerate(_SECONDS * 8)
    ]


def test_songs_are_about_as_long_as_asked(songs: list[tuple[float, Song]]) -> None:
    ratios = np.array([song.seconds / seconds for seconds, song in songs])
    assert np.mean((ratios > 0.8) & (ratios < 1.2)) > 0.8
    assert 0.9 < np.median(ratios) < 1.1


def test_what_they_sing_is_what_stands_there(songs: list[tuple[float, Song]]) -> None:
    words = demo_tokenizers(conf_file("demo-tokenizer.json"), "v2")
    for _, song in songs:
        found = aims(song, words)
        written = parse(from_wire(song.lyrics))
        assert [section.tag for section in song.sections] == [section.tag for section in written.sections]
        sung = sum(len(syllables(one.text)) for section in written.sections for one in section.lines)
        assert sum(not one.is_tag for one in found) == sung
        assert sum(one.is_tag for one in found) == len(song.sections)


def test_there_is_every_section_and_both_languages(songs: list[tuple[float, Song]]) -> None:
    told = {section.tag for _, song in songs for section in song.sections}
    assert {"verse", "chorus", "bridge", "inst-short", "intro-short", "outro-short"} <= told <= set(SECTIONS)
    lines = [one.text for _, song in songs for section in song.sections for one in section.lines]
    assert {text.isascii() for text in lines} == {True, False}
    assert {2, 3, 4} <= {len(section.lines) for _, song in songs for section in song.sections}


def test_descriptions_ask_for_all_there_is() -> None:
    rng = np.random.default_rng(3)
    asked = [tags.read(described(rng)) for _ in range(200)]
    assert {style.family.name for style in asked} >= {"pop", "rock", "electronic", "jazz", "hip hop", "latin"}
    assert 0.25 < np.mean([style.mode == "minor" for style in asked]) < 0.75
    assert min(style.bpm for style in asked) < 65
    assert max(style.bpm for style in asked) > 165


def test_lines_have_the_syllables_asked_for() -> None:
    rng = np.random.default_rng(4)
    assert all(len(syllables(line(rng, count, is_chinese=True))) == count for count in range(1, 12))
    sung = [len(syllables(line(rng, 6, is_chinese=False))) for _ in range(50)]
    assert min(sung) >= 6
    assert np.mean(sung) < 7.5


def test_words_are_little_common_and_unheard_of_and_can_all_be_sung() -> None:
    rng = np.random.default_rng(5)
    drawn = {everyday.word(rng) for _ in range(3000)}
    assert all(english.syllables(word) for word in drawn)
    assert len(drawn & set(everyday.LITTLE)) > 80
    assert len(drawn - set(everyday.LITTLE) - set(everyday.COMMON)) > 500
    assert len(set(everyday.COMMON) - set(WORDS)) > 800
