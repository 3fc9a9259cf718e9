"""Sound: what was composed can be measured in what is heard."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio import loudness as product
from corpus import articulation, voice
from corpus.articulation import AFTER, BEFORE
from corpus.heard import mode, pitch, tempo, timbre, words
from corpus.heard.frames import spectra
from corpus.instruments import note
from corpus.kit import LEVELS, stroke
from corpus.loudness import lufs
from corpus.render import Stems, render
from corpus.song import Line, Section, Song, Syllable, compose
from corpus.sounds import Sound
from corpus.timbres import HELD, STRUCK
from corpus.types import RATE, Track, Wave
from corpus.vowels import formants

Heard = Callable[..., tuple[Song, Stems]]
STYLES = (
    "female, pop, happy, piano, drums, the bpm is 112",
    "male, rock, angry, electric guitar, the bpm is 132",
    "female, ballad, sad, piano, strings, the bpm is 72",
    "male, jazz, calm, saxophone, the bpm is 104",
    "female, electronic, energetic, synthesizer, the bpm is 126",
    "male, hip hop, dark, 808 bass, the bpm is 88",
)
SOME = [*STYLES[:2], *(pytest.param(style, marks=pytest.mark.slow) for style in STYLES[2:])]
"""Each style for itself; four of them in the slow tests alone."""


def test_the_same_song_has_the_same_samples(heard: Heard) -> None:
    song, stems = heard(STYLES[0])
    again = render(song)
    assert np.array_equal(stems.vocal, again.vocal)
    assert np.array_equal(stems.backing, again.backing)


@pytest.mark.slow
def test_another_process_makes_the_same_samples() -> None:
    code = (
        "import hashlib; from corpus.song import compose; from corpus.render import Stems, render; "
        "stems = render(compose(9, seconds=12)); print(hashlib.sha256(stems.mix.tobytes()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, stdout=-1
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_stems_add_up_to_a_mix_of_the_length_that_was_composed(heard: Heard) -> None:
    song, stems = heard(STYLES[0])
    assert stems.mix.shape == (2, round(song.seconds * RATE))
    assert stems.mix.dtype == np.float32
    assert np.array_equal(stems.mix, stems.vocal + stems.backing)


@pytest.mark.parametrize("style", SOME)
def test_every_style_keeps_its_tempo_loudness_and_headroom(heard: Heard, style: str) -> None:
    song, stems = heard(style)
    assert tempo.bpm_near(stems.mix, song.style.bpm) == pytest.approx(song.style.bpm, rel=0.02)
    assert lufs(stems.mix) == pytest.approx(-16.0, abs=2.0)
    assert np.abs(stems.mix).max() < 1.0
    assert np.isfinite(stems.mix).all()


@pytest.mark.parametrize("style", SOME)
def test_the_voice_is_heard_where_it_sings_and_only_there(heard: Heard, style: str) -> None:
    song, stems = heard(style)
    sung = _rms(stems.vocal, [section for section in song.sections if section.sung])
    rest = _rms(stems.vocal, [section for section in song.sections if not section.sung])
    assert sung - rest >= 12.0
    assert sung >= _rms(stems.backing, [section for section in song.sections if section.sung]) - 4.0


def test_nobody_sings_in_an_instrumental(heard: Heard) -> None:
    _, stems = heard(STYLES[0], lyrics="[intro-short] ; [inst-medium] ; [outro-short]")
    assert not stems.vocal.any()
    assert lufs(stems.mix) == pytest.approx(-16.0, abs=0.5)


def test_nothing_new_sounds_in_a_silence(heard: Heard) -> None:
    song, stems = heard(STYLES[0], lyrics="[inst-short] ; [silence] ; [inst-short]")
    still = song.sections[1]
    assert _level(stems.mix, still.start + 1.2, still.end) < _level(stems.mix, 0.0, still.start) - 35.0


@pytest.mark.parametrize("style", SOME)
def test_the_register_tells_the_gender(heard: Heard, style: str) -> None:
    song, stems = heard(style)
    assert pitch.gender(stems.vocal) == song.style.gender


@pytest.mark.slow
def test_the_chorus_lifts(heard: Heard) -> None:
    gains = []
    for style in STYLES:
        song, stems = heard(style)
        verse, chorus = song.sections[1], song.sections[2]
        gains.append(_rms(stems.mix, [chorus]) - _rms(stems.mix, [verse]))
    assert min(gains) > 0.5
    assert np.mean(gains) > 1.5


@pytest.mark.parametrize("style", SOME)
def test_thirds_tell_the_mode(heard: Heard, style: str) -> None:
    song, stems = heard(style)
    assert (mode.thirds(stems.backing, song.key.tonic) > 0) == (song.key.mode == "major")


@pytest.mark.parametrize("gender", ["male", "female"])
@pytest.mark.parametrize("vowel", ["a", "e", "i", "o", "E"])
def test_a_sung_vowel_has_its_formants(gender: str, vowel: str) -> None:
    low = 45 if gender == "male" else 58
    sound = _sung(Sound("", vowel), gender, [low, low + 2, low + 3, low + 5, low + 7])
    envelope, f = _envelope(sound)
    for wanted in formants(vowel, gender)[:2]:
        near = (f > wanted * 0.75) & (f < wanted * 1.2)
        top = f[near][np.argmax(envelope[near])]
        assert top == pytest.approx(wanted, rel=0.15), (wanted, top)


def test_a_sung_note_has_the_pitch_it_was_given() -> None:
    for gender, note_of in (("male", 50), ("female", 66)):
        tracked = pitch.f0(_sung(Sound("", "a"), gender, [note_of]))
        wanted = 440 * 2 ** ((note_of - 69) / 12)
        assert float(np.median(tracked[tracked > 0])) == pytest.approx(wanted, rel=0.02)


@pytest.mark.slow
def test_vowels_are_told_apart_by_an_ear_that_heard_other_songs(heard: Heard) -> None:
    features, labels = [], []
    for style in STYLES:
        song, stems = heard(style)
        for line in (line for section in song.sections for line in section.lines):
            features.append(words.shape(stems.vocal, [(one.start, one.end) for one in line.syllables]))
            labels.append([one.sound.vowel for one in line.syllables])
    half = len(features) // 2
    ear = words.learn(np.concatenate(features[:half]), [one for line in labels[:half] for one in line])
    judged = ear.judge(np.concatenate(features[half:]))
    right = np.mean(
        [a == b for a, b in zip(judged, [one for line in labels[half:] for one in line], strict=True)]
    )
    assert right > 0.6


def test_loudness_in_memory_is_what_the_product_measures_in_a_file(heard: Heard, tmp_path: Path) -> None:
    _, stems = heard(STYLES[1])
    soundfile.write(tmp_path / "a.wav", stems.mix.T, RATE, subtype="FLOAT")
    assert lufs(stems.mix) == pytest.approx(product.measure(tmp_path / "a.wav").lufs, abs=0.15)


def test_every_instrument_plays_the_note_that_is_asked_for() -> None:
    for player in (*STRUCK, *HELD):
        if player in ("bells", "vibraphone"):
            continue
        sound = note(player, 57)
        assert np.isfinite(sound).all()
        tracked = pitch.f0(sound[:RATE])
        assert np.median(tracked[tracked > 0]) == pytest.approx(220.0, rel=0.02), player


@pytest.mark.slow
def test_noise_is_far_from_music_and_songs_are_near_each_other(heard: Heard) -> None:
    one, other = (heard(STYLES[at])[1].mix for at in (0, 4))
    hiss = np.random.Generator(np.random.Philox(key=3)).standard_normal(one.shape).astype(np.float32) * 0.1
    assert timbre.distance(one, hiss) > 5 * timbre.distance(one, other)


@pytest.mark.slow
def test_a_song_is_known_again_by_its_colour(heard: Heard) -> None:
    pairs = []
    for style in STYLES:
        song, stems = heard(style)
        middle = song.sections[2].start
        halves = _cut(stems.mix, 0.0, middle), _cut(stems.mix, middle, song.seconds)
        pairs.append((timbre.fingerprint(halves[0]), timbre.fingerprint(halves[1])))
    weights = timbre.judge(pairs)
    nearer = [
        timbre.apart(pairs[a][0], pairs[a][1], weights) < timbre.apart(pairs[a][0], pairs[b][1], weights)
        for a in range(len(pairs))
        for b in range(len(pairs))
        if a != b
    ]
    assert np.mean(nearer) >= 0.8


def test_every_drum_of_every_kit_can_be_struck() -> None:
    for kit in ("acoustic", "rock", "electronic", "boom", "soft", "brushes", "light", "latin"):
        for drum, level in LEVELS.items():
            assert np.abs(stroke(kit, drum)).max() == pytest.approx(level, rel=1e-3)


@pytest.mark.slow
def test_instruments_that_are_named_change_the_sound(heard: Heard) -> None:
    shapes = [
        np.log(
            spectra(
                heard(f"female, pop, happy, {name}, the bpm is 112")[1].backing.mean(axis=0), 4096, 4096
            ).mean(axis=0)
        )
        for name in ("piano", "electric guitar", "saxophone", "strings")
    ]
    for at, one in enumerate(shapes):
        assert all(np.std(one - other) > 0.13 for other in shapes[at + 1 :])


@pytest.mark.parametrize("style", SOME)
def test_songs_are_no_noise(heard: Heard, style: str) -> None:
    assert timbre.flatness(heard(style)[1].mix) < 0.12


def test_a_mixed_song_has_both_voices() -> None:
    song = compose(1, lyrics="[verse] we walk alone ; [chorus] we walk as one", description="mixed, pop")
    assert {line.gender for section in song.sections for line in section.lines} == {"female", "male"}


def _sung(sound: Sound, gender: str, notes: list[int]) -> Wave:
    """One vowel on several notes of 0.7 s."""
    syllables = tuple(
        Syllable(sound, BEFORE + 0.8 * k, BEFORE + 0.8 * k + 0.7, p) for k, p in enumerate(notes)
    )
    line = Line("", gender, syllables[0].start, syllables[-1].end, syllables)
    rng = np.random.Generator(np.random.Philox(key=1))
    moves = articulation.articulate(line, rng=rng, force=1.0)
    assert len(moves.voice) * articulation.HOP / RATE == pytest.approx(line.end + AFTER, abs=0.02)
    return voice.sing(moves, rng=rng, force=1.0)


def _envelope(sound: Wave) -> tuple[Track, Track]:
    """The spectrum's envelope (dB): harmonics of several notes fill in each other's gaps."""
    heights = np.square(spectra(sound, 4096, 1024)).mean(axis=0)
    f = np.arange(len(heights), dtype=np.float64) * (RATE / 4096)
    width = np.hanning(15) / np.hanning(15).sum()
    smooth = np.convolve(heights, width, "same") * np.maximum(f, 80.0)
    return np.asarray(10 * np.log10(smooth + 1e-14), dtype=np.float64), np.asarray(f, dtype=np.float64)


def _rms(sound: Wave, sections: list[Section]) -> float:
    return _decibels(np.concatenate([_cut(sound, one.start, one.end) for one in sections], axis=1))


def _level(sound: Wave, start: float, end: float) -> float:
    return _decibels(_cut(sound, start, end))


def _cut(sound: Wave, start: float, end: float) -> Wave:
    return sound[:, round(start * RATE) : round(end * RATE)]


def _decibels(sound: Wave) -> float:
    return float(20 * np.log10(float(np.sqrt(np.mean(np.square(sound)))) + 1e-9))
