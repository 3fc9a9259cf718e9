"""Sound files: round trips, equal bytes, cutting, and everything that can go wrong on a disk."""

import hashlib
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from core.audio.files import FORMATS, AudioWriter, Format, info, read
from core.errors import Cancelled, SongdeskError

Samples = npt.NDArray[np.float32]


def tone(seconds: float = 0.5, *, level: float = 0.5) -> Samples:
    time_axis = np.arange(int(48_000 * seconds)) / 48_000
    left = np.sin(2 * np.pi * 440 * time_axis)
    right = np.sin(2 * np.pi * 660 * time_axis)
    return (level * np.stack([left, right])).astype(np.float32)


def write(path: Path, samples: Samples, kind: Format, *, block: int = 5000) -> AudioWriter:
    with AudioWriter(path, format=kind) as writer:
        for start in range(0, samples.shape[1], block):
            writer.write(samples[:, start : start + block])
    return writer


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_wav_gives_back_every_bit_even_beyond_full_scale(tmp_path: Path) -> None:
    samples = tone(level=1.7)
    writer = write(tmp_path / "a.wav", samples, "wav")
    again, rate = read(tmp_path / "a.wav")
    assert rate == 48_000
    assert np.array_equal(again, samples)
    assert writer.clipped == 0
    assert writer.peak == pytest.approx(1.7, abs=1e-3)
    assert writer.frames == samples.shape[1]


def test_flac_gives_back_24_bits(tmp_path: Path) -> None:
    write(tmp_path / "a.flac", tone(), "flac")
    again, _ = read(tmp_path / "a.flac")
    assert np.abs(again - tone()).max() <= 2**-23
    assert soundfile.info(tmp_path / "a.flac").subtype == "PCM_24"


def test_mp3_sounds_like_what_went_in(tmp_path: Path) -> None:
    write(tmp_path / "a.mp3", tone(), "mp3")
    again, rate = read(tmp_path / "a.mp3")
    assert rate == 48_000
    middle = slice(4000, 20_000)
    assert np.abs(again[:, middle] - tone()[:, middle]).max() < 0.02


@pytest.mark.parametrize("kind", ["flac", "mp3"])
def test_cut_samples_are_counted_and_do_not_wrap(tmp_path: Path, kind: Format) -> None:
    samples = tone(level=2.0)
    writer = write(tmp_path / "a", samples, kind)
    again, _ = read(tmp_path / "a")
    assert writer.clipped == int((np.abs(samples) > 1).sum()) > 0
    assert writer.peak == pytest.approx(2.0, abs=1e-3)
    loud = samples[:, 2000:20_000] > 1.5
    assert again[:, 2000:20_000][loud].min() > 0.5


@pytest.mark.parametrize("kind", FORMATS)
def test_info_tells_what_was_written(tmp_path: Path, kind: Format) -> None:
    write(tmp_path / "a", tone(), kind)
    facts = info(tmp_path / "a")
    assert (facts.sample_rate, facts.channels, facts.format) == (48_000, 2, kind)
    assert facts.seconds == pytest.approx(0.5, abs=0.03)


def test_equal_samples_give_equal_bytes_seconds_later_and_in_other_blocks(tmp_path: Path) -> None:
    first = {kind: write(tmp_path / f"1.{kind}", tone(), kind).sha256 for kind in FORMATS}
    time.sleep(1.1)
    for kind in FORMATS:
        writer = write(tmp_path / f"2.{kind}", tone(), kind)
        written = (tmp_path / f"2.{kind}").read_bytes()
        assert written == (tmp_path / f"1.{kind}").read_bytes()
        assert writer.sha256 == first[kind] == hashlib.sha256(written).hexdigest()
    assert write(tmp_path / "3.wav", tone(), "wav", block=777).sha256 == first["wav"]


def test_the_wav_header_counts_its_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(), "wav")
    written = (tmp_path / "a.wav").read_bytes()
    assert struct.unpack("<I", written[4:8])[0] == len(written) - 8
    assert b"PEAK" not in written[:100]


@pytest.mark.parametrize("kind", FORMATS)
def test_no_sound_at_all_is_still_a_file(tmp_path: Path, kind: Format) -> None:
    with AudioWriter(tmp_path / "a", format=kind) as writer:
        writer.write(np.zeros((2, 0), np.float32))
    assert (writer.frames, writer.peak) == (0, 0.0)
    assert (tmp_path / "a").exists()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("raised", [Cancelled, KeyboardInterrupt, RuntimeError])
def test_nothing_remains_of_a_file_that_was_abandoned(
    tmp_path: Path, kind: Format, raised: type[BaseException]
) -> None:
    def abandon() -> None:
        with AudioWriter(tmp_path / "a", format=kind) as writer:
            writer.write(tone())
            assert len(names(tmp_path)) == 1
            assert not (tmp_path / "a").exists()
            raise raised

    with pytest.raises(raised):
        abandon()
    assert names(tmp_path) == []


def test_samples_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    broken = tone()
    broken[1, 7] = np.nan
    with pytest.raises(SongdeskError, match="not numbers"):
        write(tmp_path / "a.wav", broken, "wav")
    assert names(tmp_path) == []


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError) as caught:
        AudioWriter(tmp_path / "a.aac", format="aac")  # type: ignore[arg-type]
    assert "flac" in caught.value.hint


@pytest.mark.parametrize("kind", FORMATS)
def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path, kind: Format) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SongdeskError, match="cannot write here"):
        write(tmp_path / "out" / "a", tone(), kind)


FILL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from core.audio.files import AudioWriter
from core.errors import SongdeskError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, kind, room = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
noise = np.random.default_rng(1).uniform(-1, 1, (2, 48_000)).astype("float32")
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    with AudioWriter(path, format=kind) as writer:
        for _ in range(int(sys.argv[4])):
            writer.write(noise)
except SongdeskError as error:
    print(error)
    sys.exit(7)
"""


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("room", "blocks"), [(0, 1), (20_000, 1), (20_000, 3)])
def test_a_full_disk_is_never_a_silent_short_file(
    tmp_path: Path, kind: Format, room: int, blocks: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path / "a"), kind, str(room), str(blocks)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert "cannot write here: file too large" in done.stdout
    assert done.stderr == ""
    assert names(tmp_path) == []


def mounted(folder: Path) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("kind", FORMATS)
def test_a_real_full_disk_is_one_clear_error(tmp_path: Path, kind: Format) -> None:
    small = tmp_path / "small"
    if not mounted(small):
        pytest.skip("this user cannot mount a small disk")
    try:
        noise = np.random.default_rng(1).uniform(-1, 1, (2, 480_000)).astype(np.float32)
        with pytest.raises(SongdeskError, match="no space left"):
            write(small / "a", noise, kind)
        assert names(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


WAIT = """
import sys, time
from pathlib import Path
import numpy as np
from core.audio.files import AudioWriter
with AudioWriter(Path(sys.argv[1]), format=sys.argv[2]) as writer:
    writer.write(np.zeros((2, 48_000), "float32"))
    print("ready", flush=True)
    time.sleep(60)
"""


def test_ctrl_c_while_writing_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WAIT, str(tmp_path / "a"), "flac"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        child.wait(20)
    assert names(tmp_path) == []


def test_a_missing_file_says_so_and_where(tmp_path: Path) -> None:
    for reader in (info, read):
        with pytest.raises(SongdeskError, match="no such sound file") as caught:
            reader(tmp_path / "none.wav")
        assert "none.wav" in caught.value.where


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all" * 50, b"ID3\x04\x00"])
def test_a_damaged_file_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    for reader in (info, read):
        with pytest.raises(SongdeskError, match="damaged"):
            reader(tmp_path / "a.wav")


def test_a_folder_is_no_sound_file(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="is a directory"):
        read(tmp_path)


def test_a_flac_cut_in_half_is_damaged(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-1, 1, (2, 96_000)).astype(np.float32)
    write(tmp_path / "a.flac", noise, "flac")
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
