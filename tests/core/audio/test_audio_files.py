"""Sound files read whole or in part, and everything that can be wrong with them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.files import info, read, read_window
from core.errors import SongdeskError
from tests.core.audio.tones import noise, tone, write


def first_second(path: Path) -> object:
    return read_window(path, start=0, seconds=1)


def test_a_missing_file_says_so_and_where(tmp_path: Path) -> None:
    for reader in (info, read, first_second):
        with pytest.raises(SongdeskError, match="no such sound file") as caught:
            reader(tmp_path / "none.wav")
        assert "none.wav" in caught.value.where


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all" * 50, b"ID3\x04\x00"])
def test_a_damaged_file_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    for reader in (info, read, first_second):
        with pytest.raises(SongdeskError, match="damaged"):
            reader(tmp_path / "a.wav")


def test_a_folder_is_no_sound_file(tmp_path: Path) -> None:
    for reader in (info, read, first_second):
        with pytest.raises(SongdeskError, match="is a directory"):
            reader(tmp_path)


def test_a_flac_cut_in_half_is_damaged(tmp_path: Path) -> None:
    write(tmp_path / "a.flac", noise(96_000), "flac")
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SongdeskError, match="damaged"):
        read(tmp_path / "a.flac")


def test_a_sound_file_that_holds_nan_is_damaged(tmp_path: Path) -> None:
    samples = np.full(100, np.nan, np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
    with pytest.raises(SongdeskError, match="damaged"):
        read(tmp_path / "a.wav")


def test_a_wav_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(), "wav")
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[: 58 + 8 * 1000])
    assert np.array_equal(read(tmp_path / "a.wav")[0], tone()[:, :1000])


def test_a_mono_file_of_another_rate_is_read_as_it_is(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ogg", tone()[0, :8000], 16_000, format="OGG", subtype="VORBIS")
    samples, rate = read(tmp_path / "a.ogg")
    assert (samples.shape, rate) == ((1, 8000), 16_000)


KINDS = {"wav": "FLOAT", "flac": "PCM_24", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}


@pytest.fixture
def frames_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames each call of the sound library gave."""
    counts: list[int] = []
    honest = soundfile.SoundFile.read

    def counting(self: soundfile.SoundFile, *args: object, **more: object) -> object:
        samples = honest(self, *args, **more)
        counts.append(len(samples))
        return samples

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    return counts


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_is_that_stretch_of_the_whole_and_nothing_else_is_read(
    tmp_path: Path, kind: str, frames_read: list[int]
) -> None:
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, tone(6.0).T, 44_100, format=kind.upper(), subtype=KINDS[kind])
    whole, rate = read(path)
    frames_read.clear()
    for start, seconds in ((0.0, 0.5), (1.2345, 1.0), (4.0, 0.25)):
        samples, same_rate = read_window(path, start=start, seconds=seconds)
        first = round(start * rate)
        wanted = round(seconds * rate)
        assert same_rate == rate == 44_100
        assert samples.flags.c_contiguous
        assert samples.dtype == np.float32
        assert np.abs(samples - whole[:, first : first + wanted]).max() < 1e-4
        lead = min(first, rate) if kind == "mp3" else 0
        assert frames_read.pop() == lead + wanted
    assert frames_read == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_ends_with_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, tone(2.0).T, 48_000, format=kind.upper(), subtype=KINDS[kind])
    whole, _ = read(path)
    samples, _ = read_window(path, start=1.5, seconds=60.0)
    assert np.abs(samples - whole[:, 72_000:]).max() < 1e-4


def test_a_window_of_half_an_hour_reads_the_window_alone(tmp_path: Path, frames_read: list[int]) -> None:
    path = tmp_path / "long.wav"
    rate, place = 48_000, 1500 * 48_000
    with soundfile.SoundFile(path, "w", rate, 1, subtype="PCM_16") as file:
        file.write(np.zeros(1, np.int16))
    header = bytearray(path.read_bytes()[:-2])
    header[-4:] = (2 * 1800 * rate).to_bytes(4, "little")
    with path.open("wb") as sparse:
        sparse.write(header)
        sparse.seek(len(header) + 2 * place)
        sparse.write(np.arange(10 * rate, dtype="<i2").tobytes())
        sparse.truncate(len(header) + 2 * 1800 * rate)
    assert info(path).seconds == 1800
    samples, _ = read_window(path, start=1500.0, seconds=10.0)
    assert samples.shape == (1, 10 * rate)
    assert np.array_equal(samples[0] * 32_768, np.arange(10 * rate, dtype="<i2"))
    assert frames_read == [10 * rate]


def test_a_window_keeps_the_channels_of_the_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(8000)[0], 8000)
    assert read_window(tmp_path / "a.wav", start=0.5, seconds=0.1)[0].shape == (1, 800)


@pytest.mark.parametrize("start", [2.0, 2.5, 1e6])
def test_a_window_beyond_the_end_says_how_long_the_file_is(tmp_path: Path, start: float) -> None:
    write(tmp_path / "a.wav", tone(2.0), "wav")
    with pytest.raises(SongdeskError, match=r"is 2\.0 s long") as caught:
        read_window(tmp_path / "a.wav", start=start, seconds=1.0)
    assert caught.value.where == str(tmp_path / "a.wav")
    assert "2.0 s" in caught.value.hint
    assert len(str(caught.value).splitlines()) == 1


def test_a_window_of_a_file_without_sound_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(0), "wav")
    with pytest.raises(SongdeskError, match="no sound in this file"):
        read_window(tmp_path / "a.wav", start=0, seconds=1.0)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_window_with_samples_that_are_not_numbers_says_at_which_second(
    tmp_path: Path, broken: float
) -> None:
    samples = tone(4.0).T.copy()
    samples[int(3.3 * 48_000) :, 1] = broken
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
    with pytest.raises(SongdeskError, match=r"not numbers at 3\.3 s"):
        read_window(tmp_path / "a.wav", start=2.0, seconds=2.0)
    assert read_window(tmp_path / "a.wav", start=1.0, seconds=2.0)[0].shape == (2, 96_000)


@pytest.mark.parametrize("kind", ["flac", "mp3"])
def test_a_window_where_a_damaged_file_breaks_off_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, noise(192_000).T * 0.5, 48_000, format=kind.upper(), subtype=KINDS[kind])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert read_window(path, start=0.5, seconds=1.0)[0].shape == (2, 48_000)
    for start in (1.5, 3.5):
        with pytest.raises(SongdeskError, match=r"damaged|breaks off"):
            read_window(path, start=start, seconds=1.0)
