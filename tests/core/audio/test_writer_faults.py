"""Everything that can go wrong while sound is written: it is said in one line, and nothing is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.atomic import sweep
from core.audio import encode, spool
from core.audio.writer import AudioWriter, Depth, Format
from core.errors import Cancelled, SongdeskError
from tests.core.audio.tones import KINDS, names, noise, tone, write

each_kind = pytest.mark.parametrize(("kind", "depth"), KINDS)
each_encoded_kind = pytest.mark.parametrize(("kind", "depth"), KINDS[1:])
ROOT = Path(__file__).parents[3]


@each_kind
@pytest.mark.parametrize("raised", [Cancelled, KeyboardInterrupt, RuntimeError])
def test_nothing_remains_of_a_file_that_was_abandoned(
    tmp_path: Path, kind: Format, depth: Depth, raised: type[BaseException]
) -> None:
    def abandon(preview: Path | None) -> None:
        with AudioWriter(tmp_path / "a", format=kind, depth=depth, spool=preview) as writer:
            writer.write(tone())
            assert writer.spool.exists()
            assert not (tmp_path / "a").exists()
            raise raised

    for preview in (None, tmp_path / "preview.wav"):
        with pytest.raises(raised):
            abandon(preview)
        assert names(tmp_path) == []


@each_kind
def test_the_file_of_an_earlier_time_stays_until_the_new_one_is_whole(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    def abandon() -> None:
        with AudioWriter(tmp_path / "a", format=kind, depth=depth) as writer:
            writer.write(tone())
            raise Cancelled

    (tmp_path / "a").write_text("earlier")
    with pytest.raises(Cancelled):
        abandon()
    assert (tmp_path / "a").read_text() == "earlier"


@each_encoded_kind
@pytest.mark.parametrize("raised", [KeyboardInterrupt, RuntimeError])
def test_nothing_remains_when_the_last_step_is_broken_off(
    tmp_path: Path,
    kind: Format,
    depth: Depth,
    raised: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise raised

    monkeypatch.setattr(encode, "_scaled", broken)
    with pytest.raises(raised):
        write(tmp_path / "a", tone(), kind, depth=depth)
    assert names(tmp_path) == []


def test_samples_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    for broken in (np.nan, np.inf):
        samples = tone()
        samples[1, 7] = broken
        with pytest.raises(SongdeskError, match="not numbers"):
            write(tmp_path / "a.wav", samples, "wav")
    assert names(tmp_path) == []


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError) as caught:
        AudioWriter(tmp_path / "a.aac", format="aac")  # type: ignore[arg-type]
    assert "flac" in caught.value.hint
    with pytest.raises(SongdeskError) as caught:
        AudioWriter(tmp_path / "a.wav", format="wav", depth="32")  # type: ignore[arg-type]
    assert "float" in caught.value.hint


@each_kind
def test_an_unwritable_folder_is_one_clear_error_before_anything_is_written(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    (tmp_path / "out").write_text("a file")
    good, bad = tmp_path / "fine", tmp_path / "out" / "a"
    for path, preview, named in ((bad, None, bad), (bad, good, bad), (good, bad, bad)):
        writer = AudioWriter(path, format=kind, depth=depth, spool=preview)
        with pytest.raises(SongdeskError, match="cannot write here") as caught, writer:
            pytest.fail("the block must not run")
        assert caught.value.where == str(named)
    assert names(tmp_path) == ["out"]


def test_a_folder_in_place_of_the_preview_is_one_clear_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "preview.wav").mkdir()
    writer = AudioWriter(tmp_path / "a.wav", format="wav", spool=tmp_path / "preview.wav")
    with pytest.raises(SongdeskError, match="cannot write here"), writer:
        pytest.fail("the block must not run")
    assert names(tmp_path) == ["preview.wav"]


@each_kind
def test_more_than_a_wav_can_hold_is_one_clear_error(
    tmp_path: Path, kind: Format, depth: Depth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_WAV_LIMIT", 8 * 24_000)
    write(tmp_path / "fits", tone(), kind, depth=depth)
    with pytest.raises(SongdeskError, match="4 gib"):
        write(tmp_path / "a", tone(0.51), kind, depth=depth)
    assert names(tmp_path) == ["fits"]


@each_kind
def test_a_preview_that_was_taken_away_is_an_error_or_harmless(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    with AudioWriter(tmp_path / "whole", format=kind, depth=depth) as writer:
        writer.write(tone())

    def robbed() -> AudioWriter:
        with AudioWriter(tmp_path / "a", format=kind, depth=depth) as writer:
            writer.write(tone())
            writer.spool.unlink()
        return writer

    if (kind, depth) == ("wav", "float"):
        with pytest.raises(SongdeskError, match="cannot write here: no such file"):
            robbed()
        assert names(tmp_path) == ["whole"]
    else:
        assert robbed().sha256 == writer.sha256


@each_encoded_kind
def test_a_preview_that_was_cut_is_never_a_silent_short_file(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    def cut() -> None:
        with AudioWriter(tmp_path / "a", format=kind, depth=depth) as writer:
            writer.write(tone())
            os.truncate(writer.spool, 1000)

    with pytest.raises(SongdeskError, match="another program changed the preview"):
        cut()
    assert names(tmp_path) == []


FILL = """
import os, resource, signal, sys
from pathlib import Path
import numpy as np
from core.audio.writer import AudioWriter
from core.errors import SongdeskError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, kind, depth, when = Path(sys.argv[1]), *sys.argv[2:5]
noise = np.random.default_rng(1).uniform(-1, 1, (2, 48_000)).astype("float32")
def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for size, blocks in ((0, 1), (20_000, 1), (20_000, 3)):
    try:
        with AudioWriter(path, format=kind, depth=depth) as writer:
            if when == "growing":
                room(size)
            for _ in range(blocks):
                writer.write(noise)
            room(size)
        print("it was written")
    except SongdeskError as error:
        print(error)
    room(resource.RLIM_INFINITY)
    print(os.listdir(path.parent))
"""


@pytest.mark.parametrize(
    ("kind", "depth", "when"),
    [("flac", "float", "growing"), *((kind, depth, "ending") for kind, depth in KINDS[1:])],
)
def test_a_full_disk_is_never_a_silent_short_file(
    tmp_path: Path, kind: Format, depth: Depth, when: str
) -> None:
    path = tmp_path / "a"
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path), kind, depth, when],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    refused = f"{path}: cannot write here: file too large → free some space or choose another folder"
    assert done.stdout.splitlines() == [refused, "[]"] * 3
    assert done.stderr == ""


def mounted(folder: Path, *, size: str) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@each_kind
@pytest.mark.parametrize("full", ["preview", "file"])
def test_a_real_full_disk_is_one_clear_error_that_names_the_disk(
    tmp_path: Path, kind: Format, depth: Depth, full: str
) -> None:
    small = tmp_path / "small"
    if not mounted(small, size="64k"):
        pytest.skip("this user cannot mount a small disk")
    try:
        path, preview = (small / "a", tmp_path / "p") if full == "file" else (tmp_path / "a", small / "p")
        with pytest.raises(SongdeskError, match="no space left") as caught:
            write(path, noise(192_000), kind, depth=depth, spool=preview)
        assert caught.value.where.startswith(str(small))
        assert names(small) == []
        assert names(tmp_path) == ["small"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


WAIT = """
import sys, time
from pathlib import Path
import numpy as np
from core.audio.writer import AudioWriter
with AudioWriter(Path(sys.argv[1]), format="flac") as writer:
    writer.write(np.zeros((2, 48_000), "float32"))
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_leaves_nothing_and_a_kill_leaves_only_what_is_swept(
    tmp_path: Path, sent: signal.Signals
) -> None:
    command = [sys.executable, "-c", WAIT, str(tmp_path / "a.flac")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(sent)
        child.wait(20)
    if sent == signal.SIGKILL:
        assert len(names(tmp_path)) == 2
        sweep(tmp_path / "a.flac")
    assert names(tmp_path) == []
