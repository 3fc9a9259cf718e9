"""The outline of somebody's own recording is kept elsewhere, and never needed to be."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.outline import outline_of
from core.errors import SongdeskError
from core.paths import outline_cache


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "music"
    folder.mkdir()
    path = folder / "ref.wav"
    soundfile.write(path, np.full((8000, 1), 0.5, dtype=np.float32), 4000)
    return path


def test_nothing_is_written_beside_the_recording(recording: Path) -> None:
    peaks = outline_of(recording)
    assert peaks.seconds == 2.0
    assert max(peaks.values) == pytest.approx(0.5, abs=0.01)
    assert [path.name for path in recording.parent.iterdir()] == ["ref.wav"]
    assert len(list(outline_cache().iterdir())) == 1


def test_it_is_measured_once_until_the_file_changes(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = outline_of(recording)
    with monkeypatch.context() as patch:
        patch.setattr("core.audio.peaks.measure", lambda path: pytest.fail("measured again"))
        assert outline_of(recording) == first
    soundfile.write(recording, np.full((12000, 1), 0.25, dtype=np.float32), 4000)
    assert outline_of(recording).seconds == 3.0


def test_a_cache_that_cannot_be_written_costs_only_time(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert outline_of(recording).seconds == 2.0


def test_what_is_no_sound_is_said(recording: Path) -> None:
    recording.write_text("words")
    with pytest.raises(SongdeskError, match="no sound file"):
        outline_of(recording)
    with pytest.raises(SongdeskError, match="no such"):
        outline_of(recording.with_name("gone.wav"))
