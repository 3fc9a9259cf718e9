"""A player whose sound is made by browser tabs: it changes the stage, and says what the tabs do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.audio.cue import Loop
from core.audio.listen.stage import Command, Stage, Tab
from core.audio.voiceplayer import length

_END = 0.05
"""Seconds before the end that count as the end."""


@dataclass(frozen=True, slots=True)
class Named:
    """What listeners call a sound."""

    title: str
    take: str
    """Its id on the shelf."""
    stem: str = "mix"


NameOf = Callable[[Path], Named | None]
"""Names a sound file; None for one that is not on the shelf. Reads no disk."""


class TabPlayer:
    """Behaves as `core.audio.player.Player`."""

    backend = "browser"
    can_seek = True

    def __init__(self, stage: Stage, name_of: NameOf, *, address: str) -> None:
        """`address` is what the person opens."""
        self.stage = stage
        self._name_of = name_of
        self._address = address
        self._stretch: Loop | None = None
        self._is_foreign = False
        """Whether the file in hand is none that a tab may have."""

    @property
    def reason(self) -> str:
        """Where it is heard, or why not and what to do about it."""
        return self.standing if self._awake() else f"{self.standing}: open {self._address}"

    @property
    def trouble(self) -> str:
        """Why nothing is heard: no tab, one asleep, a browser that holds the sound back, or no take."""
        is_heard = any(not _is_blocked(tab) for tab in self._awake()) and not self._is_foreign
        return "" if is_heard else self.reason

    @property
    def standing(self) -> str:
        """Who listens, or why nobody does, in a few words."""
        tabs = self._awake()
        if not tabs and self.stage.tabs():
            return "the browser tab is silent, as if its machine were asleep"
        if not tabs:
            return "the browser tab has gone" if self.stage.was_visited else "no browser tab listens yet"
        if all(map(_is_blocked, tabs)):
            return "the browser holds the sound back: press the button in its tab"
        if self._is_foreign:
            return "only takes of the library are heard in a browser tab"
        return "through a browser tab" if len(tabs) == 1 else f"through {len(tabs)} browser tabs"

    @property
    def position(self) -> float:
        """Where in the file the tabs are (s)."""
        return self.stage.position()

    @property
    def duration(self) -> float:
        """Length of the file (s), as far as is known of one that grows."""
        return self.stage.state.seconds

    @property
    def playing(self) -> bool:
        """Whether it is to be heard, by whoever listens."""
        return self.stage.state.playing

    @property
    def waiting(self) -> bool:
        """Whether it has come to the end, for now, of a file that grows."""
        state = self.stage.state
        return state.playing and state.grows and self.position >= state.seconds - _END

    def load(self, path: Path, *, seconds: float | None = None, grows: bool = False) -> None:
        """Take up a file, silent at its beginning; raises SongdeskError when its length cannot be read."""
        self._stretch = None
        self._show(path, seconds, grows=grows, gain=1.0, place=0.0, playing=False)

    def swap(
        self, path: Path, *, seconds: float | None = None, grows: bool = False, gain: float = 1.0
    ) -> None:
        """Go on with another file at the same place; raises as `load`."""
        self._show(path, seconds, grows=grows, gain=gain)

    def grow(self, seconds: float) -> None:
        """Know that so much (s) of a growing file is there."""
        state = self.stage.state
        if state.grows and seconds > state.seconds:
            self.stage.change(seconds=seconds, loop=self._bounded(max(seconds, state.whole)))

    def expect(self, whole: float) -> None:
        """Know the length (s) that a growing file will have."""
        state = self.stage.state
        if state.grows and whole != state.whole:
            self.stage.change(whole=whole, loop=self._bounded(max(state.seconds, whole)))

    def loop(self, stretch: Loop | None) -> None:
        """Go round a stretch (s) from now on, or on to the end."""
        self._stretch, state = stretch, self.stage.state
        bounded = self._bounded(max(state.seconds, state.whole))
        if bounded != state.loop:
            self.stage.change(loop=bounded)

    def set_volume(self, volume: float) -> None:
        """Multiply what is heard by `volume`, 0 to 1."""
        self.stage.change(volume=volume)

    def play(self) -> None:
        """Sound from the position, or from the beginning when it is at the end."""
        if self.stage.state.take and not self.playing:
            self.stage.obey(Command("play"))

    def pause(self) -> None:
        """Fall silent and stay at the position."""
        if self.playing:
            self.stage.obey(Command("pause"))

    def seek(self, seconds: float) -> None:
        """Move to a place (s), kept within the file, and go on playing if it was."""
        self.stage.obey(Command("seek", place=seconds))

    def close(self) -> None:
        """Have nothing played any more."""
        self.stage.change(take="", title="", playing=False, seconds=0.0, grows=False, whole=0.0, loop=None)

    def _awake(self) -> tuple[Tab, ...]:
        """The tabs of which there is word."""
        return tuple(tab for tab in self.stage.tabs() if not tab.is_silent)

    def _show(self, path: Path, seconds: float | None, *, grows: bool, **fields: float | bool) -> None:
        known = length(path) if seconds is None else seconds
        named = self._name_of(path)
        self._is_foreign = named is None
        if named is None:
            named, fields = Named("", ""), fields | {"playing": False}
        before = self.stage.state
        whole = before.whole if grows and before.grows and named.take == before.take else 0.0
        self.stage.change(
            title=named.title,
            take=named.take,
            stem=named.stem,
            seconds=known,
            grows=grows,
            whole=whole,
            loop=self._bounded(max(known, whole)),
            **{"place": min(self.position, known), **fields},
        )

    def _bounded(self, seconds: float) -> Loop | None:
        """What goes round, within the length (s)."""
        if self._stretch is None:
            return None
        first, last = self._stretch[0], min(self._stretch[1], seconds)
        return (first, last) if first < last else None


def _is_blocked(tab: Tab) -> bool:
    return tab.heard is not None and tab.heard.blocked
