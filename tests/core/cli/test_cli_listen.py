"""`songdesk listen`: serves until it is told to leave, and says how to come there."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from core.cli import main
from core.library.store import open_store
from core.meter import State
from tests.core.audio.listen.conftest import make_sounding
from tests.made import make

ROOT = Path(__file__).parents[3]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.7 50000 93.184.216.34 22")
    return tmp_path / "songs"


@pytest.fixture
def running(library: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command with a take named, at a port that is free."""
    make_sounding(library / "boats", seconds=1.0)
    code = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "listen", "--port", "0", "20261126-120000-1"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    yield process
    process.kill()
    process.communicate()


def test_it_serves_the_take_until_it_is_told_to_leave(running: "subprocess.Popen[str]") -> None:
    assert running.stdout is not None
    url = running.stdout.readline().strip()
    state = httpx2.get(f"{url}state", timeout=20).json()
    assert (state["title"], state["playing"], state["place"]) == ("Boats", True, 0.0)
    running.send_signal(signal.SIGTERM)
    out, said = running.communicate(timeout=30)
    assert (running.returncode, out) == (128 + signal.SIGTERM, "")
    port = url.split(":")[2].split("/")[0]
    assert f"ssh -N -L {port}:127.0.0.1:{port} " in said
    assert "@93.184.216.34\n" in said
    assert "Ctrl-C ends it" in said


def test_a_take_that_cannot_be_heard_is_refused_in_one_line(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(library / "boats", "20261126-120000-1", State.FAILED)
    store = open_store()
    store.close()
    for name, what in (
        ("nosuch", "no take called nosuch"),
        ("20261126-120000-1", "nothing to hear of this take"),
    ):
        assert main(["listen", "--port", "0", name]) == 2
        said = capsys.readouterr().err
        assert what in said
        assert said.count("\n") == 1


@pytest.mark.parametrize("port", ["-1", "65536", "x", "1.5"])
def test_a_port_is_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["listen", "--port", port])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_port_and_a_socket_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["listen", "--port", "0", "--socket", "x"])
    assert "not allowed with" in capsys.readouterr().err
