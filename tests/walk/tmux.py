"""A tmux server of the test's own, with one window."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.walk.link import Link
from tests.walk.services import program
from tests.walk.terminals import KEYS

PROMPT = "walk> "
_LEAVE_OUT = {
    "NO_COLOR",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SSH_TTY",
    "TEXTUAL_THEME",
    "COLORTERM",
    "TMUX",
    "CI",
}


class Tmux:
    """A window of a size with a plain shell, driven by send-keys and read by capture-pane."""

    def __init__(self, size: tuple[int, int], environment: dict[str, str], *, term: str = "screen") -> None:
        """`term` is what tmux says it is: `screen` has few colours."""
        # Not under pytest's folders: the path of a socket may have 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="songdesk-tmux-"))
        plain = {key: value for key, value in os.environ.items() if key not in _LEAVE_OUT}
        self._environment = {
            **plain, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
            "ENV": "", "TMUX_TMPDIR": str(self._folder), **environment,
        }  # fmt: skip
        width, height = size
        options = ["set", "-g", "default-terminal", term, ";", "set", "-g", "status", "off", ";"]
        self._tmux(*options, "new-session", "-d", "-x", str(width), "-y", str(height), "exec /bin/sh")
        # A shell may think better of a prompt that it inherits.
        self.type(f"PS1='{PROMPT}'")
        self.press("enter")

    def _tmux(self, *arguments: str) -> str:
        command = [program("tmux"), "-u", "-L", "walk", "-f", os.devnull, *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=20, env=self._environment
        )
        assert done.returncode == 0, f"tmux {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def press(self, key: str) -> None:
        """One key of KEYS."""
        self._tmux("send-keys", KEYS[key][0])

    def type(self, text: str) -> None:
        """Characters as they are."""
        self._tmux("send-keys", "-l", "--", text)

    def text(self) -> str:
        """What stands in the window."""
        return self._tmux("capture-pane", "-p")

    def cursor(self) -> tuple[int, int]:
        """Column and row of the terminal's cursor, shown or not."""
        column, row = self.state("cursor_x"), self.state("cursor_y")
        return int(column), int(row)

    def state(self, name: str) -> str:
        """One of tmux's own variables of the pane, such as `alternate_on`."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def tell(self, *command: str) -> str:
        """One of tmux's own commands."""
        return self._tmux(*command)

    def shown_on(self, size: tuple[int, int], **environment: str) -> Link:
        """The window on a terminal of its own, with what that one leaves in the environment."""
        attach = [program("tmux"), "-u", "-L", "walk", "-f", os.devnull, "attach"]
        return Link(size, attach, **{**self._environment, "TMUX": "", **environment})

    def is_alive(self) -> bool:
        """Whether the window is there; asking for anything fails where it is not."""
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(
            [program("tmux"), "-L", "walk", "kill-server"],
            check=False, capture_output=True, timeout=20, env=self._environment,
        )  # fmt: skip
        for left in sorted(self._folder.rglob("*"), reverse=True):
            left.rmdir() if left.is_dir() else left.unlink()
        self._folder.rmdir()
