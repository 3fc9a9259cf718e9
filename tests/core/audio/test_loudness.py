"""Integrated loudness: the standard's tones and EBU Tech 3341's sequences, matching, and what is kept."""

import subprocess
import sys
from math import inf
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio import loudness
from core.audio.loudness import Loudness, matched
from core.errors import SongdeskError

RATE = 48_000


def tone(
    path: Path, *parts: tuple[float, float], hertz: float = 1000.0, rate: int = RATE, channels: int = 2
) -> Path:
    """A sine with parts of (peak dBFS, seconds), the same in each channel."""
    level = np.concatenate([np.full(round(seconds * rate), 10 ** (peak / 20)) for peak, seconds in parts])
    wave = level * np.sin(2 * np.pi * hertz * np.arange(len(level)) / rate)
    soundfile.write(path, np.repeat(wave[:, None], channels, 1).astype(np.float32), rate, subtype="FLOAT")
    return path


def test_a_full_sine_in_one_channel_is_3_below_and_in_both_is_nothing_below(tmp_path: Path) -> None:
    """BS.1770-4: 997 Hz at 0 dBFS in one front channel reads -3.01."""
    one = tone(tmp_path / "one.wav", (0.0, 3.0), hertz=997, channels=1)
    both = tone(tmp_path / "both.wav", (0.0, 3.0), hertz=997)
    assert loudness.measure(one).lufs == pytest.approx(-3.01, abs=0.01)
    assert loudness.measure(both).lufs == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((-23.0, 20.0),), -23.0),
        (((-33.0, 20.0),), -33.0),
        (((-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)), -23.0),
        pytest.param(
            ((-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)),
            -23.0,
            marks=pytest.mark.slow,
        ),
        (((-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)), -23.0),
    ],
)
def test_the_sequences_of_ebu_tech_3341_read_as_they_should(
    tmp_path: Path, parts: tuple[tuple[float, float], ...], expected: float
) -> None:
    assert loudness.measure(tone(tmp_path / "a.wav", *parts)).lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_other_rates_read_the_same(tmp_path: Path, rate: int) -> None:
    path = tone(tmp_path / "a.wav", (-23.0, 5.0), rate=rate)
    assert loudness.measure(path).lufs == pytest.approx(-23.0, abs=0.1)


def test_what_is_too_low_to_be_heard_hardly_counts(tmp_path: Path) -> None:
    low = loudness.measure(tone(tmp_path / "low.wav", (-10.0, 3.0), hertz=20))
    mid = loudness.measure(tone(tmp_path / "mid.wav", (-10.0, 3.0)))
    high = loudness.measure(tone(tmp_path / "high.wav", (-10.0, 3.0), hertz=8000))
    assert low.lufs < mid.lufs - 10
    assert high.lufs == pytest.approx(mid.lufs + 4 - 0.69, abs=0.2)


def test_the_spectrum_filters_exactly_as_the_two_recursions_would(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    samples = rng.uniform(-0.3, 0.3, (RATE * 2 + 123, 1)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    signal = samples[:, 0].astype(np.float64)
    for above, below in (loudness._SHELF, loudness._HIGH_PASS):
        out = np.zeros_like(signal)
        x1 = x2 = y1 = y2 = 0.0
        for n, x0 in enumerate(signal):
            y0 = above[0] * x0 + above[1] * x1 + above[2] * x2 - below[1] * y1 - below[2] * y2
            out[n], x2, x1, y2, y1 = y0, x1, x0, y1, y0
        signal = out
    steps = np.square(signal[: RATE * 2]).reshape(20, -1).mean(axis=1)
    power = np.array([steps[n : n + 4].mean() for n in range(17)])
    assert loudness.measure(tmp_path / "a.wav").lufs == pytest.approx(
        -0.691 + 10 * np.log10(power.mean()), abs=1e-6
    )


@pytest.mark.parametrize("seconds", [0.0, 0.3, 5.0])
def test_silence_and_scraps_have_no_loudness(tmp_path: Path, seconds: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((round(seconds * RATE), 2), np.float32), RATE)
    assert not loudness.of(tmp_path / "a.wav").is_known
    assert loudness.of(tmp_path / "a.wav") == Loudness(-inf)


def test_the_louder_is_turned_down_and_never_the_other_up() -> None:
    assert matched(Loudness(-14), Loudness(-20)) == pytest.approx((10 ** (-6 / 20), 1.0))
    assert matched(Loudness(-20), Loudness(-14)) == pytest.approx((1.0, 10 ** (-6 / 20)))
    assert matched(Loudness(-20), Loudness(-20)) == (1.0, 1.0)
    assert matched(Loudness(-inf), Loudness(-14)) == (1.0, 1.0)


def test_it_is_measured_once_and_again_when_the_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = tone(tmp_path / "a.wav", (-20.0, 1.0))
    first = loudness.of(audio)
    measured: list[Path] = []

    def measure(path: Path) -> Loudness:
        measured.append(path)
        return Loudness(-9.0)

    monkeypatch.setattr(loudness, "measure", measure)
    assert loudness.of(audio).lufs == pytest.approx(first.lufs, abs=0.001)
    assert measured == []
    tone(audio, (-30.0, 2.0))
    assert loudness.of(audio) == Loudness(-9.0)
    assert measured == [audio]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version":1}'])
def test_what_was_kept_and_damaged_is_measured_again(tmp_path: Path, damage: str) -> None:
    audio = tone(tmp_path / "a.wav", (-20.0, 1.0))
    first = loudness.of(audio)
    (tmp_path / "a.wav.loudness.json").write_text(damage)
    assert loudness.of(audio).lufs == pytest.approx(first.lufs, abs=0.001)


def test_a_file_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="no such sound file"):
        loudness.of(tmp_path / "none.wav")


def test_importing_it_costs_the_interface_no_numpy() -> None:
    code = "import sys, core.audio.loudness; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
