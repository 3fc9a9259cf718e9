"""The take that plays: its waveform, and the player behind it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from core.audio.peaks import of as peaks_of
from core.audio.player import Player
from core.errors import SongdeskError
from tui.widgets.waveform import Marks, Waveform

_LOOKS_PER_SECOND = 2
"""How often the position is drawn: each look may repaint the whole wave over a slow link."""
OpenPlayer = Callable[[], Player]


def real_player() -> Player:
    """Whatever makes sound on this machine."""
    from core.audio.player import open_player

    return open_player()


class Deck(Vertical):
    """Loads a take, plays and pauses it, and goes back and forth in it."""

    class Spoke(Message):
        """What the player does now; times in seconds."""

        def __init__(self, text: str, position: float | None, duration: float | None) -> None:
            super().__init__()
            self.text = text
            self.position = position
            self.duration = duration

    class Silent(Message):
        """Somebody wants to hear a take where nothing makes sound."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Refused(Message):
        """A take cannot be played."""

        def __init__(self, error: SongdeskError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, open_player: OpenPlayer, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.path: Path | None = None
        """The take in hand."""
        self._bytes = 0
        """Bytes of it when it was taken up; one that is still rendered grows."""
        self._open_player = open_player
        self._player: Player | None = None
        self._one_at_a_time = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """The wave alone: what the player says goes to the transport."""
        yield Waveform()

    def on_mount(self) -> None:
        """Begin to look where the player stands."""
        self.set_interval(1 / _LOOKS_PER_SECOND, self._look)

    async def on_unmount(self) -> None:
        """Fall silent."""
        if self._player is not None:
            await asyncio.to_thread(self._player.close)

    async def load(self, path: Path, mark: Callable[[float], Marks], *, play: bool) -> None:
        """Take up a sound file and, if asked, play it; `mark` tells its sections from its length (s)."""
        async with self._one_at_a_time:
            try:
                if self._player is None:
                    self._player = await asyncio.to_thread(self._open_player)
                size = await asyncio.to_thread(_size, path)
                if (path, size) != (self.path, self._bytes):
                    peaks = await asyncio.to_thread(peaks_of, path)
                    self._player.pause()
                    self._player.load(path)
                    self.path, self._bytes = path, size
                    self.query_one(Waveform).show(peaks, mark(peaks.seconds))
                if play:
                    self._player.seek(0.0)
                    self._play(self._player)
            except SongdeskError as error:
                self.post_message(self.Refused(error))
        self._look()

    def eject(self) -> None:
        """Put the take away."""
        if self._player is not None:
            self._player.pause()
        self.path = None
        self.query_one(Waveform).show(None)
        self.post_message(self.Spoke("", None, None))

    @property
    def playing(self) -> bool:
        """Whether there is sound now."""
        return self._player is not None and self._player.playing

    def toggle(self) -> None:
        """Play, or pause."""
        if self._player is not None and self.path is not None:
            if self._player.playing:
                self._player.pause()
            else:
                self._play(self._player)
        self._look()

    def seek(self, seconds: float) -> None:
        """Go that far on, or back when negative (s)."""
        if self._player is not None and self.path is not None:
            self._player.seek(self._player.position + seconds)
        self._look()

    def _play(self, player: Player) -> None:
        player.play()
        if player.backend == "none":
            self.post_message(self.Silent(player.reason))

    def _look(self) -> None:
        player = self._player
        if player is None or self.path is None:
            return
        self.query_one(Waveform).position = player.position
        if player.backend == "none":
            self.post_message(self.Spoke(player.reason, None, None))
            return
        state = "▶ playing" if player.playing else "⏸ paused"
        self.post_message(self.Spoke(f"{state} {player.reason}", player.position, player.duration))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
