"""Composition: what a description and lyrics ask for is what is played."""

from itertools import pairwise

import pytest

from core import style
from core.lyrics.budget import syllables as counted
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import from_wire, to_wire
from corpus import tags
from corpus.form import lay, line_bars, tag_bars
from corpus.hanzi import READINGS
from corpus.melody import RANGES
from corpus.song import compose
from corpus.sounds import CONSONANTS, VOWELS
from corpus.words import syllables

SEEDS = range(40)


def test_a_seed_decides_the_whole_song_and_another_seed_decides_another() -> None:
    assert compose(3) == compose(3)
    assert compose(3) != compose(4)


def test_instrumental_sections_are_as_long_as_their_tags_say_at_every_tempo() -> None:
    for tag in dialect("levo").tags:
        if tag.sung:
            continue
        for bpm in range(50, 201):
            seconds = tag_bars(tag.name, bpm) * 240 / bpm
            assert tag.seconds[0] <= seconds <= tag.seconds[1] + 1e-6, (tag.name, bpm, seconds)


def test_sections_follow_each_other_without_gap_and_as_the_lyrics_have_them() -> None:
    for seed in SEEDS:
        song = compose(seed, seconds=60)
        named = [section.tag for section in parse(from_wire(song.lyrics)).sections]
        assert [section.tag for section in song.sections] == named
        assert all(a.end == pytest.approx(b.start) for a, b in pairwise(song.sections))


def test_drawn_songs_come_near_the_length_asked_for() -> None:
    near = [abs(compose(seed, seconds=30).seconds / 30 - 1) < 0.25 for seed in SEEDS]
    assert sum(near) >= 0.9 * len(near)


def test_every_syllable_lies_in_its_line_and_the_line_in_its_section() -> None:
    for seed in SEEDS:
        for section in compose(seed).sections:
            for line in section.lines:
                assert section.start - 1e-6 <= line.start < line.end <= section.end
                assert all(a.end <= b.start + 1e-6 and a.start < a.end for a, b in pairwise(line.syllables))


def test_melodies_stay_in_key_and_in_their_register() -> None:
    for seed in SEEDS:
        song = compose(seed)
        scale = {song.key.pitch(degree) % 12 for degree in range(7)}
        for section in song.sections:
            for line in section.lines:
                low, high = RANGES[line.gender]
                assert all(one.pitch % 12 in scale and low <= one.pitch <= high for one in line.syllables)


def test_a_chorus_that_comes_back_is_sung_to_the_same_melody() -> None:
    song = compose(
        5,
        lyrics="[chorus] Hold the line. We are one ; [verse] Walk with me ; "
        "[chorus] Hold the line. We are one ; [outro-short]",
    )
    first, _, again, _ = song.sections
    assert [[s.pitch for s in line.syllables] for line in first.lines] == [
        [s.pitch for s in line.syllables] for line in again.lines
    ]


def test_drawn_lyrics_are_in_the_published_form_and_descriptions_in_the_vocabulary() -> None:
    for seed in SEEDS:
        song = compose(seed)
        assert to_wire(parse(from_wire(song.lyrics)), dialect("levo")) == song.lyrics
        assert not [n for n in style.check_style(song.description) if n.severity != "hint"]
        assert all(style.find(tag) or tag.startswith("the bpm is") for tag in style.split(song.description))


def test_a_description_is_read_as_it_is_meant() -> None:
    read = tags.read("Female, folk pop, hopeful, acoustic guitar, piano, the bpm is 96")
    assert (read.gender, read.family.name, read.mode, read.bpm) == ("female", "folk", "major", 96)
    assert read.instruments == (("chords", "acoustic guitar"), ("chords", "piano"))
    assert tags.read("mandopop ballad, sad").family.name == "ballad"
    assert tags.read("metalcore, angry").mode == "minor"


@pytest.mark.slow
def test_names_that_are_drawn_cover_most_of_the_vocabulary_in_the_long_run() -> None:
    drawn = {tag for seed in range(3000) for tag in style.split(tags.draw(seed))}
    known = {tag.name for tag in style.vocabulary() if tag.dimension in ("genre", "emotion")}
    assert len(known & drawn) > 0.8 * len(known)


def test_any_tag_of_the_vocabulary_can_be_played() -> None:
    for tag in style.vocabulary():
        assert tags.read(tag.name).family


@pytest.mark.parametrize(
    ("line", "vowels"),
    [
        ("Paper boats", "e E o"),
        ("silver station", "i E e E"),
        ("hold the light", "o E a"),
        ("晚风吹过", "a E e o"),
        ("绿雪", "y y"),
        ("moon", "u"),
    ],
)
def test_words_have_the_vowels_they_are_spelt_with(line: str, vowels: str) -> None:
    assert [sound.vowel for sound in syllables(line)] == vowels.split()


def test_syllables_are_about_as_many_as_the_product_counts() -> None:
    for seed in SEEDS:
        for section in compose(seed).sections:
            for line in section.lines:
                assert abs(len(line.syllables) - counted(line.text)) <= 2, line.text


def test_only_known_sounds_come_out_of_words() -> None:
    text = " ".join(READINGS) + " strengths rhythm queue psychology Übermut señor 42 xyz 漢字"
    for sound in syllables(text):
        assert sound.vowel in VOWELS
        assert set(sound.onset + sound.coda) <= set(CONSONANTS), sound
        assert set(sound.glide) <= set(VOWELS)


def test_lines_get_the_bars_they_need() -> None:
    assert line_bars(7, 60) == 1
    assert line_bars(7, 120) == 2
    assert line_bars(20, 120) == 4
    assert lay("[verse] one two three", 100)[0].bars == 1


def test_no_lyrics_and_only_marks_make_a_short_silent_song_without_harm() -> None:
    assert compose(1, lyrics="").seconds < 2
    assert not any(section.sung for section in compose(1, lyrics="[verse] ... ; [chorus] !?").sections)
