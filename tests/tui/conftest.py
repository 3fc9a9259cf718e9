"""What every test of the interface stands on: a plain environment and waiting on conditions."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pyte
import pytest
from textual.app import App
from textual.driver import Driver
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from tests.tui.pty_terminal import Terminal


class Until(Protocol):
    """Waits until a condition holds, or fails the test once the deadline (s) has passed."""

    async def __call__(
        self, pilot: Pilot[object], condition: Callable[[], object], *, timeout: float = 5.0, saying: str = ""
    ) -> None: ...


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def until() -> Until:
    """`await until(pilot, lambda: app.results)`: a condition with a deadline instead of a sleep."""

    async def wait(
        pilot: Pilot[object], condition: Callable[[], object], *, timeout: float = 5.0, saying: str = ""
    ) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(saying or f"the condition did not hold within {timeout:g} s")
            await pilot.pause(0.01)

    return wait


class PyteTerminal:
    """A terminal in memory: what the app wrote, drawn by pyte, and how many characters it took."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.size = (width, height)
        self.screen = pyte.Screen(width, height)
        self.characters = 0
        self._stream = pyte.Stream(self.screen)

    def feed(self, data: str) -> None:
        self.characters += len(data)
        self._stream.feed(data)

    def cells(self) -> list[list[tuple[object, ...]]]:
        """Every cell as (character, foreground, background, bold, italic, underline, reverse)."""
        return [
            [
                (c.data, c.fg, c.bg, c.bold, c.italics, c.underscore, c.reverse)
                for c in (self.screen.buffer[y][x] for x in range(self.size[0]))
            ]
            for y in range(self.size[1])
        ]

    def text(self) -> str:
        """The characters on the screen, one line per row."""
        return "\n".join(self.screen.display)

    async def repainted(self, app: App[None], pilot: Pilot[None]) -> list[list[tuple[object, ...]]]:
        """Every cell after the terminal was wiped and the app drew itself without caches."""
        for widget in app.screen.query("*"):
            widget.notify_style_update()
            widget.refresh()
        self.screen.reset()
        app.refresh()
        await pilot.pause()
        return self.cells()

    @property
    def driver_class(self) -> type[Driver]:
        """Pass as `App(driver_class=…)` and run with `run_test(headless=False)`."""
        terminal = self

        class PyteDriver(HeadlessDriver):
            @property
            def is_headless(self) -> bool:
                return False

            def write(self, data: str) -> None:
                terminal.feed(data)

        return PyteDriver


@pytest.fixture
def pyte_terminal() -> PyteTerminal:
    """An 80×24 terminal in memory."""
    return PyteTerminal()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A file with one song."""
    path = tmp_path / "song.jsonl"
    lines = ". ".join(f"A line of song number {n}" for n in range(12))
    path.write_text(
        f'{{"idx": "Paper boats", "gt_lyric": "[verse] {lines}.", "descriptions": "pop, female"}}\n'
    )
    return path


@pytest.fixture
def open_studio(tmp_path: Path, song: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens the studio in a process of its own: `open_studio((80, 24), engine="Stubborn")`.

    `typed` are keys that come at once, long before it is there.
    """
    terminals: list[Terminal] = []

    def start(
        size: tuple[int, int] = (80, 24), *, engine: str = "Rehearsal", typed: bytes = b"", **environment: str
    ) -> Terminal:
        homes = {"SONGDESK_LIBRARY": str(tmp_path / "songs"), "XDG_STATE_HOME": str(tmp_path / "state")}
        terminal = Terminal(size, str(song), engine, **homes, **environment)
        terminals.append(terminal)
        terminal.type(typed)
        terminal.until(lambda: "Compose" in terminal.text())
        terminal.quiet()
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()
