"""What tmux lets through to the terminals that it is shown on, and what it knows of them."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from core.environment import terminal_variables
from core.terminals import Version, version_of

_PATIENCE = 3.0
_OF_THE_PANE = "#{version}|#{allow-passthrough}|#{set-clipboard}"
_OF_A_CLIENT = (
    "#{client_pid}|#{client_control_mode}|#{client_termname}|#{client_termfeatures}|#{client_termtype}"
)


@dataclass(frozen=True, slots=True)
class Client:
    """A terminal that a session of tmux is shown on."""

    variables: Mapping[str, str]
    """Those that tell of the terminal, as tmux was attached from it."""
    above: tuple[str, ...] = ()
    """Names of the programs that it was attached from."""
    features: tuple[str, ...] = ()
    answer: str = ""
    """What the terminal says that it is."""


@dataclass(frozen=True, slots=True)
class Tmux:
    """What a pane's tmux was asked."""

    version: Version = ()
    passthrough: str = ""
    """`off`, `on` (while the pane can be seen), `all`; in 3.3 `0`, `1`; before that nothing: it passes."""
    clipboard: str = ""
    """`on`, `external` (only what tmux copies itself), `off`."""
    clients: tuple[Client, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether it hands on what is wrapped for the terminal."""
        return self.passthrough in ("on", "1", "all") or (not self.passthrough and self.version < (3, 3))


def ask_tmux(pane: str) -> Tmux | None:
    """Ask the tmux around us about a pane, by its id; None where there is none or it does not answer."""
    program = shutil.which("tmux")
    if program is None or not pane:
        return None
    command = [program, "display-message", "-p", "-t", pane, _OF_THE_PANE, ";", "list-clients", "-t", pane]
    try:
        done = subprocess.run(  # noqa: S603 - tmux, as found on PATH
            [*command, "-F", _OF_A_CLIENT],
            capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return read_answer(done.stdout)


def read_answer(told: str) -> Tmux | None:
    """What tmux told, a line for the pane and one for each client; asks their processes for variables."""
    lines = told.splitlines()
    if not lines or lines[0].count("|") != 2:
        return None
    version, passthrough, clipboard = lines[0].split("|")
    clients = (_client(*line.split("|", 4)) for line in lines[1:] if line.count("|") >= 4)
    return Tmux(version_of(version), passthrough, clipboard, tuple(clients))


def _client(pid: str, is_controlled: str, term: str, features: str, answer: str) -> Client:
    if is_controlled == "1":  # a program that draws the panes itself, and takes what it likes
        return Client({})
    named = tuple(features.split(",")) if features else ()
    try:
        process = psutil.Process(int(pid))
        above = tuple(parent.name() for parent in process.parents())
        variables = terminal_variables(process.environ())
    except (psutil.Error, OSError, ValueError):
        return Client({"TERM": term}, (), named, answer)
    return Client({**variables, "TERM": term}, above, named, answer)


def load_buffer(text: str) -> bool:
    """Have the tmux around us take text as its newest buffer and put it on its terminals' clipboards.

    False where it did not; from 3.2 on.
    """
    program = shutil.which("tmux")
    if program is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 - tmux, as found on PATH
            [program, "load-buffer", "-w", "-"],
            input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
