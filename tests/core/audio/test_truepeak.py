"""The true peak: right, never below the samples, and the same however the sound is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.truepeak import TruePeak
from tests.core.audio.tones import Samples, between_samples, noise


def true_peak(samples: Samples, *, block: int = 1 << 20) -> float:
    meter = TruePeak()
    for start in range(0, samples.shape[1], block):
        meter.push(samples[:, start : start + block])
    return meter.value


def decibels(ratio: float) -> float:
    return 20 * float(np.log10(ratio))


def exact_peak(samples: Samples, *, factor: int = 32) -> float:
    """The peak of the periodic sound through these samples, by zero padding its spectrum."""
    frames = samples.shape[1]
    fine = np.fft.irfft(np.fft.rfft(samples.astype(np.float64)), frames * factor) * factor
    return float(np.abs(fine).max())


def test_a_peak_between_samples_is_found() -> None:
    samples = between_samples(1.2)
    assert np.abs(samples).max() < 0.86
    assert decibels(true_peak(samples) / 1.2) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("hertz", [50, 997, 5000, 9000, 11_999])
def test_a_tone_in_any_phase_is_measured_within_a_fifth_of_a_decibel(hertz: int) -> None:
    axis = 2 * np.pi * hertz * np.arange(4800) / 48_000
    fade = np.minimum(1, np.minimum(np.arange(4800), np.arange(4800)[::-1]) / 1000)
    for phase in np.linspace(0, np.pi, 7):
        wave = (0.7 * fade * np.sin(axis + phase)).astype(np.float32)
        assert -0.2 < decibels(true_peak(np.stack([wave, 0 * wave])) / 0.7) < 0.02


def test_a_dense_sound_is_measured_within_a_fifth_of_a_decibel() -> None:
    spectrum = np.fft.rfft(noise(48_000))
    spectrum[:, 12_000:] = 0
    samples = np.fft.irfft(spectrum).astype(np.float32)
    samples[:, :100] = samples[:, -100:] = 0
    assert -0.2 < decibels(true_peak(samples) / exact_peak(samples)) < 0.02


def test_a_level_that_stays_is_its_own_peak() -> None:
    samples = np.full((2, 4000), 0.25, np.float32)
    fade = np.hanning(2000)[:1000].astype(np.float32)
    samples[:, :1000] *= fade
    samples[:, -1000:] *= fade[::-1]
    assert true_peak(samples) == pytest.approx(0.25, abs=1e-5)


def test_silence_and_nothing_have_no_peak() -> None:
    assert TruePeak().value == 0
    assert true_peak(np.zeros((2, 100), np.float32)) == 0


@pytest.mark.parametrize("place", [0, 1, 50, 98, 99])
@pytest.mark.parametrize("channel", [0, 1])
def test_no_sample_is_louder_than_the_true_peak_not_even_the_first_or_last(place: int, channel: int) -> None:
    samples = np.zeros((2, 100), np.float32)
    samples[channel, place] = -0.75
    assert true_peak(samples) == 0.75


def test_a_swing_after_the_last_sample_counts_and_asking_changes_nothing() -> None:
    samples = between_samples(1.0)[:, :9000]  # breaks off at full level
    meter = TruePeak()
    meter.push(samples)
    assert meter.value == meter.value > 1.0
    silent = np.zeros((2, 200), np.float32)
    meter.push(silent)
    assert meter.value == true_peak(np.concatenate([samples, silent], axis=1))


@settings(deadline=None, max_examples=25)
@given(cuts=st.lists(st.integers(0, 40_000), max_size=12), seed=st.integers(0, 99))
def test_block_boundaries_change_no_bit(cuts: list[int], seed: int) -> None:
    samples = noise(40_000, seed=seed)
    meter = TruePeak()
    for block in np.split(samples, sorted(cuts), axis=1):
        meter.push(block)
    assert meter.value == true_peak(samples)


def test_sample_by_sample_is_the_same_too() -> None:
    samples = noise(300)
    assert true_peak(samples, block=1) == true_peak(samples)
