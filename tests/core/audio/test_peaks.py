"""Outlines of sound files: right where it is loud, cheap, and kept."""

import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from core.audio import kept, peaks
from core.audio.peaks import Peaks
from core.audio.spool import Spool
from core.errors import SongdeskError


def burst(path: Path, *, at: float, seconds: float = 4.0, rate: int = 48_000, level: float = 0.8) -> Path:
    """A silent stereo file but for a tenth of a second on the right channel."""
    samples = np.zeros((int(seconds * rate), 2), np.float32)
    start = int(at * rate)
    samples[start : start + rate // 10, 1] = -level
    soundfile.write(path, samples, rate, subtype="FLOAT", format="WAV")
    return path


@pytest.mark.parametrize("rate", [48_000, 44_100, 22_050, 8_000])
def test_the_outline_is_high_where_the_sound_is_loud(tmp_path: Path, rate: int) -> None:
    outline = peaks.measure(burst(tmp_path / "a.wav", at=3.0, rate=rate))
    assert outline.seconds == pytest.approx(4.0)
    columns = outline.columns(40)
    assert [index for index, value in enumerate(columns) if value > 0.5] in ([30], [30, 31])
    assert max(columns) == pytest.approx(0.8, abs=0.01)
    assert columns[0] == 0.0


def test_the_last_piece_of_a_second_counts(tmp_path: Path) -> None:
    samples = np.zeros(48_000 + 3, np.float32)
    samples[-1] = 1.0
    soundfile.write(tmp_path / "a.wav", samples, 48_000)
    assert peaks.measure(tmp_path / "a.wav").columns(10)[-1] == pytest.approx(1.0)


def test_values_beyond_full_scale_are_drawn_full(tmp_path: Path) -> None:
    assert max(peaks.measure(burst(tmp_path / "a.wav", at=1, level=3.0)).values) == 1.0


@given(
    st.lists(st.floats(0, 1), max_size=60).map(tuple),
    st.integers(0, 200),
)
def test_columns_keep_the_highest_peak_at_any_width(values: tuple[float, ...], width: int) -> None:
    columns = Peaks(values, 1.0).columns(width)
    assert len(columns) == width
    assert set(columns) <= {0.0, *values}
    if values and width:
        assert max(columns) == max(values)


def test_columns_wider_than_the_outline_repeat_it_in_order() -> None:
    assert Peaks((0.1, 0.9), 1.0).columns(4) == (0.1, 0.1, 0.9, 0.9)


def test_an_outline_is_kept_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = burst(tmp_path / "a.wav", at=1)
    first = peaks.of(audio)
    assert peaks.beside(audio).is_file()

    def fail(audio: Path) -> Peaks:
        raise AssertionError("measured twice")

    monkeypatch.setattr(peaks, "measure", fail)
    assert peaks.of(audio) == first


def test_an_outline_of_a_changed_file_is_measured_again(tmp_path: Path) -> None:
    audio = burst(tmp_path / "a.wav", at=1)
    before = peaks.of(audio)
    burst(audio, at=3)
    os.utime(audio, (1, 1))
    assert peaks.of(audio) != before


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 1}', "\x00\x01"])
def test_a_damaged_outline_is_measured_again(tmp_path: Path, damage: str) -> None:
    audio = burst(tmp_path / "a.wav", at=1)
    first = peaks.of(audio)
    peaks.beside(audio).write_text(damage)
    assert peaks.of(audio) == first


def test_a_missing_or_damaged_sound_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="no such"):
        peaks.of(tmp_path / "none.wav")
    (tmp_path / "bad.wav").write_text("no sound")
    with pytest.raises(SongdeskError, match="damaged"):
        peaks.of(tmp_path / "bad.wav")
    assert not peaks.beside(tmp_path / "bad.wav").exists()


def test_silence_and_emptiness_are_flat(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 2), np.float32), 48_000)
    assert peaks.measure(tmp_path / "a.wav").columns(5) == (0.0,) * 5


def test_a_whole_song_is_measured_quickly_and_in_little_memory(tmp_path: Path) -> None:
    song = burst(tmp_path / "a.wav", at=100, seconds=180)
    spent = []
    for _ in range(3):
        started = time.process_time()
        outline = peaks.measure(song)
        spent.append(time.process_time() - started)
    tracemalloc.start()
    peaks.measure(song)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(outline.values) == 9000
    assert min(spent) < 0.3
    assert most < 40 << 20  # the samples are 69 MB


def test_the_outline_type_costs_the_interface_no_numpy() -> None:
    code = "import sys, core.audio.peaks; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_outline_of_a_growing_file_is_read_on_from_where_it_was(tmp_path: Path) -> None:
    swell = np.linspace(0, 0.9, 48_000 * 3, dtype=np.float32)[:, None].repeat(2, 1)
    path, outline = tmp_path / "preview.wav", None
    with path.open("xb+", buffering=0) as file:
        spool = Spool(file, 48_000)
        for start in range(0, len(swell), 31_337):
            spool.append(swell[start : start + 31_337])
            outline = peaks.extended(path, outline)
            assert outline.seconds == pytest.approx(spool.frames / 48_000)
    assert outline == peaks.measure(path)
    assert not peaks.beside(path).exists()


def test_the_folder_of_a_take_that_went_meanwhile_is_not_made_anew(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(SongdeskError, match="no such sound file"):
        kept.store(gone / "song.wav.peaks.json", gone / "song.wav", "stamp", 1, {})
    assert not gone.exists()
