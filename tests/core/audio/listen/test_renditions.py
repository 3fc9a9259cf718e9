"""Small renditions: of what they are made, what becomes of those that fail, and how much room they take."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.listen import renditions
from core.audio.listen.renditions import Being, Renditions
from core.errors import SongdeskError


def write(path: Path, rate: int = 48_000, seconds: float = 0.2, channels: int = 2) -> Path:
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (round(rate * seconds), channels)).astype(np.float32)
    soundfile.write(path, noise, rate)
    return path


def made(maker: Renditions, sound: Path, kind: renditions.Kind | None = None) -> Path:
    """The rendition, when it is there."""
    end = time.monotonic() + 30
    while isinstance(found := maker.of(sound, kind), Being):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


@pytest.fixture
def maker(tmp_path: Path) -> Renditions:
    return Renditions(tmp_path / "cache")


def test_a_rate_that_opus_has_not_becomes_an_mp3(maker: Renditions, tmp_path: Path) -> None:
    sound = write(tmp_path / "a.flac", rate=44_100, channels=1)
    file = made(maker, sound)
    assert (file.suffix, soundfile.info(file).samplerate) == (".mp3", 44_100)
    with pytest.raises(SongdeskError, match="44100 Hz"):
        made(maker, sound, "opus")
    maker.close()


def test_another_content_has_a_rendition_of_its_own(maker: Renditions, tmp_path: Path) -> None:
    first = made(maker, write(tmp_path / "a.wav"))
    second = made(maker, write(tmp_path / "a.wav", seconds=0.4))
    assert first != second
    assert soundfile.info(second).duration == pytest.approx(0.4, abs=0.05)
    maker.close()


def test_what_cannot_be_made_is_said_and_tried_again(maker: Renditions, tmp_path: Path) -> None:
    sound = write(tmp_path / "a.wav")
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(SongdeskError):
        made(maker, sound)
    (tmp_path / "cache").unlink()
    assert made(maker, sound).is_file()
    maker.close()


def test_what_was_heard_longest_ago_makes_room(
    monkeypatch: pytest.MonkeyPatch, maker: Renditions, tmp_path: Path
) -> None:
    files = [made(maker, write(tmp_path / f"{n}.wav", seconds=0.2 + n / 10)) for n in range(2)]
    for age, file in zip((100, 50), files, strict=True):
        os.utime(file, (time.time() - age, file.stat().st_mtime))
    before = files[0].stat().st_mtime_ns
    made(maker, tmp_path / "0.wav")
    assert files[0].stat().st_mtime_ns == before
    monkeypatch.setattr(renditions, "_ROOM", sum(file.stat().st_size for file in files) + 100)
    third = made(maker, write(tmp_path / "3.wav"))
    assert third.is_file()
    end = time.monotonic() + 30
    while files[1].exists():  # room is made once the new one is there
        assert time.monotonic() < end
        time.sleep(0.01)
    assert files[0].is_file()
    maker.close()


def test_the_end_leaves_nothing_half_made(maker: Renditions, tmp_path: Path) -> None:
    sound = write(tmp_path / "long.wav", seconds=60)
    assert isinstance(maker.of(sound), Being)
    maker.close()
    assert [*(tmp_path / "cache").glob("**/*")] == []
