"""A player made of voices: one is turned where it can be, or followed by another."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from core.audio.cue import Cue, Loop
from core.audio.seat import TAB
from core.audio.voices import Voice

_END = 0.05
"""Seconds before the end that count as the end."""
_SETTLE = 0.08
"""Seconds without another order before a new voice begins: a held key is not a queue of them."""


class Start(Protocol):
    """Makes a voice for a cue, to follow another voice."""

    def __call__(self, cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        """`settle` is the time it waits first (s)."""


class VoicePlayer:
    """Plays on this machine, as `core.audio.player.Player` asks for; a lost device is its voice's to bear."""

    can_seek = True

    def __init__(self, backend: str, reason: str, start: Start) -> None:
        self.backend = backend
        self._reason = reason
        self._start = start
        self._cue: Cue | None = None
        """What is in hand; where it begins is where the player rests."""
        self._seconds = 0.0
        self._volume = 1.0
        self._voice: Voice | None = None
        self._last: Voice | None = None

    @property
    def reason(self) -> str:
        """Why this one, or what the last playing failed of, how else to hear it, and the file's place."""
        if self.trouble and self._voice is not None:
            return f"{self.trouble}; {TAB} · the file is at {self._voice.path}"
        return (self._voice.away or self._voice.said if self._voice else "") or self._reason

    @property
    def trouble(self) -> str:
        """What the last playing failed of."""
        return self._voice.trouble if self._voice is not None else ""

    @property
    def playing(self) -> bool:
        """Whether a voice is at work."""
        return self._voice is not None and self._voice.sounding

    @property
    def waiting(self) -> bool:
        """Whether the voice has come to the end of what there is so far."""
        return self._voice is not None and self._voice.waiting

    @property
    def duration(self) -> float:
        """Length of the file (s), as far as is known."""
        return max(self._seconds, self._voice.known if self._voice is not None and self._grows else 0.0)

    @property
    def position(self) -> float:
        """Where in the file it is (s)."""
        voice = self._voice
        if voice is None:
            return self._cue.begin if self._cue is not None else 0.0
        if voice.reached_end and not voice.sounding:
            return self.duration
        return min(self.duration, voice.position)

    @property
    def _grows(self) -> bool:
        return self._cue is not None and self._cue.grows

    def load(self, path: Path, *, seconds: float | None = None, grows: bool = False) -> None:
        """Take up a file, silent at its beginning; raises SongdeskError when it cannot be read."""
        known = length(path) if seconds is None else seconds
        self._silence()
        self._cue, self._seconds = Cue(path, grows=grows), known

    def swap(
        self, path: Path, *, seconds: float | None = None, grows: bool = False, gain: float = 1.0
    ) -> None:
        """Go on with another file at the same place; raises SongdeskError when it cannot be read."""
        known = length(path) if seconds is None else seconds
        cue, at = self._cue or Cue(path), self.position
        self._seconds = known
        self._aim(replace(cue, path=path, gain=gain, grows=grows, begin=min(at, known)), follow=True)

    def grow(self, seconds: float) -> None:
        """Know that so much (s) of a growing file is there."""
        if self._grows:
            self._seconds = max(self._seconds, seconds)

    def loop(self, stretch: Loop | None) -> None:
        """Go round a stretch (s) from now on, or on to the end."""
        if self._cue is not None and self._cue.loop != stretch:
            self._aim(replace(self._cue, loop=stretch, begin=self.position), follow=True)

    def set_volume(self, volume: float) -> None:
        """Multiply what is heard by `volume`, 0 to 1; a program is run again with a softer copy."""
        assert 0 <= volume <= 1, "a volume is a fraction"
        if volume == self._volume:
            return
        self._volume = volume
        if self.playing and self._voice is not None and not self._voice.set_volume(volume):
            self._start_again()

    def play(self) -> None:
        """Sound from the position, or from the beginning when it is at the end."""
        if self._cue is None or self.playing:
            return
        begin = self.position
        self._silence()
        if begin >= self.duration - _END and not self._cue.grows:
            begin = self._cue.loop[0] if self._cue.loop else 0.0
        self._cue = replace(self._cue, begin=begin)
        self._begin(settle=0.0)

    def pause(self) -> None:
        """Fall silent and stay at the position."""
        if self._cue is not None:
            self._cue = replace(self._cue, begin=self.position)
        self._silence()

    def seek(self, seconds: float) -> None:
        """Move to a place (s), kept within the file, and go on playing if it was."""
        if self._cue is not None:
            self._aim(replace(self._cue, begin=min(self.duration, max(0.0, seconds))), follow=False)

    def close(self) -> None:
        """Fall silent and wait until nothing is left running."""
        self.pause()
        if self._last is not None:
            self._last.wait(3.0)

    def _aim(self, cue: Cue, *, follow: bool) -> None:
        """Take up a cue, and let it be heard if there is sound."""
        self._cue = cue
        if not self.playing or self._voice is None:
            self._silence()
        elif not self._voice.turn(cue, follow=follow):
            self._start_again(cue)

    def _start_again(self, cue: Cue | None = None) -> None:
        assert self._cue is not None, "there is a voice, so it has a cue"
        self._cue = cue or replace(self._cue, begin=self.position)
        self._silence()
        self._begin(settle=_SETTLE)

    def _begin(self, *, settle: float) -> None:
        assert self._cue is not None, "there is something to play"
        voice = self._start(self._cue, self._last, settle=settle, volume=self._volume)
        self._voice = self._last = voice
        voice.start()

    def _silence(self) -> None:
        if self._voice is not None:
            self._voice.halt()
            self._reason = self._voice.said or self._reason
            self._voice = None


def length(path: Path) -> float:
    """Length of a sound file (s); raises SongdeskError when it cannot be read."""
    from core.audio.files import info

    return info(path).seconds
