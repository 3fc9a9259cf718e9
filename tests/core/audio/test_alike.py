"""How much of one sound is in another."""

from pathlib import Path

import numpy as np
import pytest

from core.audio import alike as module
from core.audio.alike import alike
from core.audio.writer import AudioWriter
from core.errors import SongdeskError


def sound(path: Path, samples: np.ndarray) -> Path:
    with AudioWriter(path, format="wav") as writer:
        writer.write(samples.astype(np.float32))
    return path


@pytest.mark.parametrize("at", [0, 1, 99, 100, 250])
def test_the_first_sample_that_differs_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(module, "_BLOCK", 100)
    wave = np.random.default_rng(1).uniform(-1, 1, (2, 300))
    other = wave.copy()
    other[1, at] = 0
    assert alike(sound(tmp_path / "a.wav", wave), sound(tmp_path / "b.wav", other)) == at


@pytest.mark.parametrize("length", [0, 100, 150, 200, 300])
def test_the_end_of_the_shorter_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(module, "_BLOCK", 100)
    wave = np.ones((2, 300)) / 2
    one, other = sound(tmp_path / "a.wav", wave), sound(tmp_path / "b.wav", wave[:, :length])
    assert alike(one, other) == alike(other, one) == length


def test_what_is_no_sound_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no")
    with pytest.raises(SongdeskError):
        alike(tmp_path / "a.wav", tmp_path / "b.wav")
