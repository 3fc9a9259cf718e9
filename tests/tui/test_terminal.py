"""Before and after the app: refusals, the slow-link profile, a clean terminal, and the theme."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import Config
from core.errors import SongdeskError
from tests.tui.pty_terminal import Terminal
from tui.terminal import SLOW_LINK, clean_terminal, prepare_environment, refuse_without_terminal, run_studio
from tui.theme import PLAIN, choose_theme


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_the_studio_refuses_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "stderr", Tty())
    with pytest.raises(SongdeskError, match="terminal on stdin →") as caught:
        run_studio(None, Config())
    assert "songdesk render" in caught.value.hint


def test_stdout_may_be_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Tty())
    monkeypatch.setattr(sys, "stderr", Tty())
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    refuse_without_terminal()


def test_a_slow_link_gets_fewer_frames_unless_somebody_chose_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SLOW_LINK:
        monkeypatch.delenv(name, raising=False)
    prepare_environment()
    assert "TEXTUAL_FPS" not in os.environ
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "full")
    prepare_environment()
    assert os.environ["TEXTUAL_FPS"] == "30"
    assert os.environ["TEXTUAL_ANIMATIONS"] == "full"
    for name in SLOW_LINK:
        monkeypatch.delenv(name, raising=False)


def test_the_entry_does_not_import_textual_before_the_profile_is_set() -> None:
    code = "import sys, tui.terminal; sys.exit('textual' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode
        == 0
    )


GUARDED = """
import os, sys
from pathlib import Path
from tui.terminal import clean_terminal
try:
    with clean_terminal(Path(sys.argv[1])):
        os.write(1, b"a library on stdout\\n")
        os.write(2, b"a library on stderr\\n")
        sys.__stderr__.write("the screen\\n")
        if sys.argv[2] == "breaks":
            raise ValueError
except ValueError:
    pass
print("after, on stdout")
sys.stderr.write("after, on stderr\\n")
sys.__stderr__.flush()
"""


@pytest.mark.parametrize("end", ["returns", "breaks"])
def test_what_libraries_write_goes_to_the_log_and_the_descriptors_come_back(tmp_path: Path, end: str) -> None:
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, str(log), end],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert log.read_text() == "a library on stdout\na library on stderr\n"
    assert done.stdout == "after, on stdout\n"
    assert done.stderr == "the screen\nafter, on stderr\n"
    assert log.stat().st_mode & 0o077 == 0


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    fds = Path("/proc/self/fd")
    if not fds.is_dir():
        pytest.skip("no /proc here")
    before = len(list(fds.iterdir()))
    for _ in range(3):
        with clean_terminal(tmp_path / "log"):
            pass
    assert len(list(fds.iterdir())) == before


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "xterm-256color"}, "songdesk"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "songdesk"),
        ({"TERM": "screen-256color", "NO_COLOR": "1"}, PLAIN),
        ({"TERM": "xterm"}, PLAIN),
        ({"TERM": "linux"}, PLAIN),
        ({"TERM": "rxvt-16color"}, PLAIN),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, PLAIN),
        ({}, PLAIN),
    ],
)
def test_few_or_no_colours_start_in_the_terminals_own(environment: dict[str, str], theme: str) -> None:
    assert choose_theme("songdesk", environment) == theme


def test_a_theme_somebody_chose_stays_unless_there_is_to_be_no_colour() -> None:
    assert choose_theme("nord", {"TERM": "xterm"}) == "nord"
    assert choose_theme("nord", {"TERM": "xterm", "NO_COLOR": "1"}) == PLAIN


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(SongdeskError, match="no theme is called 'mauve'"):
        choose_theme("mauve", {})


def test_keys_from_before_the_studio_was_there_do_nothing_in_it(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio(typed=b"zzz\r\r")
    assert "zzz" not in terminal.text()
    assert re.search(r"^ 1 +\[verse\]", terminal.text(), re.MULTILINE), "jump mode, which is Enter's"
    terminal.type(b"yyy")
    terminal.until(lambda: "yyy" in terminal.text())
