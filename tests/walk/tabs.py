"""Tabs of a real browser at a real server of sound, over takes that lie in a folder."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soundfile
from playwright.sync_api import Browser, BrowserContext, Page

from core.audio import peaks
from core.audio.listen.serve import Server, serve
from core.audio.listen.shelf import Card, Line, Part
from core.audio.listen.stage import Command, Heard, Stage, State

RATE = 48_000
TOKEN = "a-token-that-stays-the-same"
STEMS = ("mix", "vocal", "backing")
PARTS = (
    Part("intro", 0.0, "estimated", ()),
    Part("verse", 8.0, "estimated", (Line("We folded the morning in two."), Line("It floated."))),
    Part("chorus", 20.0, None, (Line("Paper boats.", 20.0), Line("Down to the sea.", 26.0))),
)
_LOOK = 0.05
_PATIENCE = 30.0
_SPY = """
window.sounds = []; window.starts = []; window.played = []; window.contexts = [];
const Real = window.Audio;
window.Audio = class extends Real { constructor(...a) { super(...a); window.sounds.push(this); } };
const Context = window.AudioContext;
window.AudioContext = class extends Context {
  constructor(...a) { super(...a); window.contexts.push(this); }
};
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when) {
  window.starts.push({ when, seconds: this.buffer.duration, now: this.context.currentTime });
  window.played.push(...this.buffer.getChannelData(0).filter((_, i) => i % 480 === 0));
  return start.call(this, when);
};
window.sounding = () => {
  const now = window.sounds.filter((s) => !s.paused);
  return now.map((s) => ({ url: new URL(s.src).pathname, place: s.currentTime, volume: s.volume,
                           decoded: s.webkitAudioDecodedByteCount }));
};
"""
"""Keeps what the page makes to sound, so that a test can look at it."""


class Folder:
    """A shelf of takes in a folder: `ID.STEM.wav`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, Card] = {}
        self._version = 1

    def add(
        self, name: str, stems: Sequence[str] = STEMS, *, seconds: float = 40.0, grows: bool = False
    ) -> None:
        self.known[name] = Card(
            name, "Paper boats", f"Paper boats, {name}", name, "ready", seconds, False, tuple(stems), grows
        )
        self._version += 1

    def file(self, id: str, stem: str = "mix") -> Path:  # noqa: A002
        return self.root / f"{id}.{stem}.wav"

    def version(self) -> int:
        return self._version

    def cards(self) -> Sequence[Card]:
        return list(self.known.values())

    def card(self, id: str) -> Card | None:  # noqa: A002
        return self.known.get(id)

    def sound(self, id: str, stem: str) -> Path | None:  # noqa: A002
        card = self.known.get(id)
        return self.file(id, stem) if card is not None and not card.grows and stem in card.stems else None

    def growing(self, id: str, stem: str) -> Path | None:  # noqa: A002
        card = self.known.get(id)
        return self.file(id, stem) if card is not None and card.grows and stem in card.stems else None

    def peaks(self, id: str, stem: str) -> peaks.Peaks | None:  # noqa: A002
        file = self.sound(id, stem)
        return peaks.of(file) if file is not None else None

    def parts(self, id: str) -> Sequence[Part]:  # noqa: A002
        return PARTS

    def place_of(self, file: Path) -> tuple[str, str] | None:
        id_, stem, _ = file.name.split(".")
        return (id_, stem) if id_ in self.known else None


def make_sound(file: Path, seconds: float, *, level: float = 0.1) -> None:
    """Noise, so that nothing of it can be packed away: a browser has to fetch every second."""
    noise = np.random.default_rng(len(file.name)).normal(0, level, (round(RATE * 2), 2)).clip(-1, 1)
    with soundfile.SoundFile(file, "w", RATE, 2, "PCM_16") as sound:
        for _ in range(round(seconds / 2)):
            sound.write(noise)


class Desk:
    """A stage, a shelf and a server that can be started again at the same address."""

    def __init__(self, shelf: Folder, cache: Path) -> None:
        self.shelf = shelf
        self._cache = cache
        self.asked: list[Command] = []
        self.server: Server | None = None
        self._port = 0
        self.open()

    def open(self, state: State | None = None) -> None:
        """Serve, as a studio does that has just begun."""
        self.stage = Stage(state or State(title="Paper boats"))
        self.stage.drive(self._obey)
        self.server = serve(self.stage, self.shelf, port=self._port, token=TOKEN, cache=self._cache)
        self._port = self.server.port

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    @property
    def url(self) -> str:
        assert self.server is not None, "it serves"
        return self.server.url

    def _obey(self, command: Command) -> None:
        self.asked.append(command)
        self.stage.obey(command)

    def asked_to(self) -> list[str]:
        return [command.do for command in self.asked]

    @property
    def heard(self) -> Heard | None:
        """What the first tab reports."""
        tabs = self.stage.tabs()
        return tabs[0].heard if tabs else None

    @property
    def sounds(self) -> bool:
        return self.heard is not None and self.heard.playing


class Tab:
    """A page of the browser, what it asked for and what went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.page.add_init_script(_SPY)
        self.requests: list[tuple[str, str, str]] = []
        self.wrong: list[str] = []
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._say)

    def _note(self, request: Any) -> None:
        path = request.url.partition(f"{TOKEN}/")[2]
        self.requests.append((request.method, path, request.headers.get("range", "")))

    def _say(self, message: Any) -> None:
        # A link that is down is the matter of some tests.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.wrong.append(message.text)

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Let the page go on until something holds; a failure with the page's words when it never does."""
        end = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"{what or 'it'} never came; the page: {self.page.inner_text('body')}")
            self.page.wait_for_timeout(1000 * _LOOK)

    def rest(self, seconds: float) -> None:
        self.page.wait_for_timeout(1000 * seconds)

    @property
    def status(self) -> str:
        return self.page.inner_text("#status")

    def sounding(self) -> list[dict[str, Any]]:
        """The audio elements that play: url, place (s), volume, bytes decoded."""
        found: list[dict[str, Any]] = self.page.evaluate("sounding()")
        return found

    @property
    def place(self) -> float:
        """Where the element is that plays (s)."""
        return max((float(sound["place"]) for sound in self.sounding()), default=-1.0)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()


class Tabs:
    """Tabs of one person's browser, which share what it remembers."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context()
        self._tabs: list[Tab] = []

    def open(self, url: str, *, looks: bool = True) -> Tab:
        """A tab at an address, which is looked into until it has its link.

        A browser takes every such look for something that the person does there.
        """
        tab = Tab(self._context)
        self._tabs.append(tab)
        tab.page.goto(url)
        if looks:
            tab.until(lambda: "Looking" not in tab.status, "the link")
        return tab

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wrong = [line for tab in self._tabs for line in tab.wrong]
        with suppress(Exception):
            self._context.close()
        if kind is None:
            assert not wrong, f"the page complains: {wrong}"
