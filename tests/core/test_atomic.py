"""Files appear whole or not at all."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.atomic import replacing, write_text
from core.errors import SongdeskError


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    final = tmp_path / "deep" / "song.txt"
    with replacing(final) as temporary:
        temporary.write_text("la")
        assert not final.exists()
        assert temporary.parent == final.parent
    assert final.read_text() == "la"
    assert names(final.parent) == ["song.txt"]


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, raised: type[BaseException]
) -> None:
    final = tmp_path / "song.txt"
    write_text(final, "old")
    with contextlib.suppress(raised), replacing(final) as temporary:
        temporary.write_text("half")
        raise raised
    assert final.read_text() == "old"
    assert names(tmp_path) == ["song.txt"]


def test_the_file_gets_the_ordinary_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SongdeskError, match="cannot write here") as caught:
        write_text(tmp_path / "out" / "deeper" / "song.txt", "x")
    assert "song.txt" in caught.value.where


def test_a_folder_in_place_of_the_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "song.txt").mkdir()
    with pytest.raises(SongdeskError, match="cannot write here"):
        write_text(tmp_path / "song.txt", "x")
    assert names(tmp_path) == ["song.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_write_permission_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SongdeskError, match="permission denied"):
        write_text(tmp_path / "song.txt", "x")


def test_an_error_about_another_file_is_not_blamed_on_this_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        (tmp_path / "elsewhere" / "b").read_text()
    assert names(tmp_path) == []


def test_a_very_long_name_still_fits_while_it_is_temporary(tmp_path: Path) -> None:
    write_text(tmp_path / ("歌" * 80 + ".json"), "x")
    assert len(names(tmp_path)) == 1


FILL = """
import resource, signal, sys
from pathlib import Path
from core.atomic import write_text
from core.errors import SongdeskError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_text(Path(sys.argv[1]), "x" * 100_000)
except SongdeskError as error:
    print(error)
    sys.exit(7)
"""


def test_running_out_of_room_is_one_clear_error_and_no_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path / "a")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert "cannot write here: file too large" in done.stdout
    assert names(tmp_path) == []


WAIT = """
import sys, time
from pathlib import Path
from core.atomic import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WAIT, str(tmp_path / "a")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        child.wait(20)
    assert names(tmp_path) == []
