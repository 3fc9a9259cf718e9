"""Playing takes: through PortAudio where it works, else a player program, else a line that says why not."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from core.audio.backends import AUTO, PORTAUDIO, PROGRAMS, Backend, backends, missing
from core.audio.cue import Loop
from core.audio.seat import TAB, Seat, take_seat
from core.audio.voiceplayer import VoicePlayer, length
from core.audio.voices import SoundModule


class Player(Protocol):
    """Plays one file at a time; every call returns at once and belongs to one thread."""

    @property
    def backend(self) -> str:
        """What makes the sound, such as `PortAudio` or `paplay`; `none` when nothing does."""

    @property
    def reason(self) -> str:
        """One line: why this backend, or what went wrong."""

    @property
    def trouble(self) -> str:
        """What the last playing failed of; empty when it did not."""

    @property
    def can_seek(self) -> bool:
        """Whether it can begin anywhere."""

    @property
    def position(self) -> float:
        """Where in the file it is (s)."""

    @property
    def duration(self) -> float:
        """Length of the file (s), so far as is known of one that grows; 0 without one."""

    @property
    def playing(self) -> bool:
        """Whether sound is being made, or waited for."""

    @property
    def waiting(self) -> bool:
        """Whether it has come to the end, for now, of a file that grows, and goes on when there is more."""

    def load(self, path: Path, *, seconds: float | None = None, grows: bool = False) -> None:
        """Take up a file, silent at its beginning; raises SongdeskError when it cannot be read.

        With its length (s) given it is not opened before it is played.
        """

    def swap(
        self, path: Path, *, seconds: float | None = None, grows: bool = False, gain: float = 1.0
    ) -> None:
        """Go on with another file at the same place, its samples multiplied by `gain`; raises as `load`."""

    def grow(self, seconds: float) -> None:
        """Know that so much (s) of a growing file is there."""

    def loop(self, stretch: Loop | None) -> None:
        """Go round a stretch (s) from now on, or on to the end."""

    def set_volume(self, volume: float) -> None:
        """Multiply what is heard by `volume`, 0 to 1."""

    def play(self) -> None:
        """Sound from the position, or from the beginning when it is at the end."""

    def pause(self) -> None:
        """Fall silent and stay at the position."""

    def seek(self, seconds: float) -> None:
        """Move to a place (s), kept within the file, and go on playing if it was."""

    def close(self) -> None:
        """Fall silent and leave nothing running; waits a second or two at most."""


def open_player(
    *,
    load_sound: Callable[[], SoundModule] | None = None,
    find: Callable[[str], str | None] = shutil.which,
    remote: bool | None = None,
    seat: Seat | None = None,
    prefer: str = AUTO,
) -> Player:
    """Choose what plays sound on this machine; it may take some seconds, as sound servers are asked.

    `prefer` names a backend, such as `paplay`, in place of the first that works. The other arguments replace
    the import of sounddevice, the search for programs, and the look for an SSH session and sound servers.
    """
    around = seat or take_seat(find)
    around = around if remote is None else replace(around, far=remote)
    seen: list[Backend] = []
    for each in backends(around, find, load_sound, only=prefer):
        if each.start is not None:
            return VoicePlayer(each.name, _reason(each, seen, around), each.start)
        seen.append(each)
    why = missing(seen)
    if prefer != AUTO:
        why = why or ("" if seen else f"it is none of {', '.join((PORTAUDIO, *PROGRAMS))}")
        why = f"studio.sound asks for {prefer} alone{f': {why}' if why else ''}"
    return NoPlayer(f"no sound here: {why}; {TAB}")


def _reason(chosen: Backend, before: list[Backend], seat: Seat) -> str:
    """Why this one, in a line: also what was meant to be used and cannot be."""
    passed = "".join(f" · {each.why}" for each in before if each.name == PORTAUDIO)
    broken = f" · {seat.pulse.trouble}" if seat.pulse.is_set and seat.pulse.trouble else ""
    return f"through {chosen.name}: {chosen.why}{passed}{broken}{chosen.remark}"


class NoPlayer:
    """Plays nothing and says why; the file's length and place are still known."""

    backend = "none"
    trouble = ""
    can_seek = False
    playing = False
    waiting = False
    position = 0.0

    def __init__(self, reason: str) -> None:
        self.duration = 0.0
        self._reason = reason
        self._path: Path | None = None

    @property
    def reason(self) -> str:
        """Why there is no sound, and where the file is."""
        return f"{self._reason} · the file is at {self._path}" if self._path else self._reason

    def load(self, path: Path, *, seconds: float | None = None, grows: bool = False) -> None:  # noqa: ARG002
        """Take up a file; raises SongdeskError when it cannot be read."""
        self.duration = length(path) if seconds is None else seconds
        self._path = path

    def swap(
        self,
        path: Path,
        *,
        seconds: float | None = None,
        grows: bool = False,
        gain: float = 1.0,  # noqa: ARG002
    ) -> None:
        """Take up another file; raises SongdeskError when it cannot be read."""
        self.load(path, seconds=seconds, grows=grows)

    def grow(self, seconds: float) -> None:
        """Know that so much (s) of a growing file is there."""
        self.duration = max(self.duration, seconds)

    def loop(self, stretch: Loop | None) -> None:
        """Do nothing."""

    def set_volume(self, volume: float) -> None:
        """Do nothing."""

    def play(self) -> None:
        """Do nothing: `reason` says why."""

    def pause(self) -> None:
        """Do nothing."""

    def seek(self, seconds: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
