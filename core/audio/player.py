"""Playing takes: through PortAudio where it works, else a player program, else a line that says why not."""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from core.audio.cue import Cue, Loop
from core.audio.voices import Program, SoundModule, Voice
from core.device import over_ssh

PROGRAMS = (
    Program("pw-play"),
    Program("paplay"),
    Program("aplay", ("-q",)),
    Program("ffplay", ("-nodisp", "-autoexit", "-loglevel", "error"), seeks="-ss"),
    Program("afplay"),
)
"""System players in the order they are tried; each but ffplay is given wav alone."""

_END = 0.05
"""Seconds before the end that count as the end."""
_SETTLE = 0.08
"""Seconds without another order before a new voice begins: a held key is not a queue of them."""


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


class Start(Protocol):
    """Makes a voice for a cue, to follow another voice."""

    def __call__(self, cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        """`settle` is the time it waits first (s)."""


def open_player(
    *,
    load_sound: Callable[[], SoundModule] | None = None,
    find: Callable[[str], str | None] = shutil.which,
    remote: bool | None = None,
) -> Player:
    """Choose what plays sound on this machine; it may take a moment, as it asks PortAudio for its devices.

    The arguments replace the import of sounddevice, the search for programs and the look for an SSH session.
    """
    far = _far(over_ssh() if remote is None else remote)
    sound, device = _sound_device(load_sound or _import_sounddevice)
    if sound is not None:
        return Deck("PortAudio", f"through PortAudio: {device}{far}", _device_voices(sound, device))
    for program in PROGRAMS:
        executable = find(program.name)
        if executable is not None:
            reason = f"through {program.name} ({device}); the position is an estimate{far}"
            return Deck(program.name, reason, _program_voices(program, executable))
    names = ", ".join(program.name for program in PROGRAMS)
    return NoPlayer(f"no sound here: {device}, and none of {names} is installed{far}")


class Deck:
    """A player made of voices: one is turned where it can be, or followed by another."""

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
        """Why this backend, or what the last playing failed of, with the file's place."""
        if self.trouble and self._voice is not None:
            return f"{self.trouble} · the file is at {self._voice.path}"
        return (self._voice.said if self._voice else "") or self._reason

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
        known = _length(path) if seconds is None else seconds
        self._silence()
        self._cue, self._seconds = Cue(path, grows=grows), known

    def swap(
        self, path: Path, *, seconds: float | None = None, grows: bool = False, gain: float = 1.0
    ) -> None:
        """Go on with another file at the same place; raises SongdeskError when it cannot be read."""
        known = _length(path) if seconds is None else seconds
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
        self.duration = _length(path) if seconds is None else seconds
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


def _device_voices(sound: SoundModule, device: str) -> Start:
    from core.audio.devicevoice import DeviceVoice

    def start(cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        return DeviceVoice(cue, before, sound=sound, device=device, settle=settle, volume=volume)

    return start


def _program_voices(program: Program, executable: str) -> Start:
    from core.audio.programvoice import ProgramVoice

    def start(cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        return ProgramVoice(cue, before, program=program, executable=executable, settle=settle, volume=volume)

    return start


def _length(path: Path) -> float:
    from core.audio.files import info

    return info(path).seconds


def _import_sounddevice() -> SoundModule:
    import sounddevice

    return cast("SoundModule", sounddevice)


def _sound_device(load_sound: Callable[[], SoundModule]) -> tuple[SoundModule | None, str]:
    """The module and its default output by name, or None and why it cannot be used."""
    from core.audio.devicevoice import look_anew, output_name

    try:
        sound = load_sound()
    except ImportError:
        return None, "sounddevice is not installed"
    except OSError:
        return None, "PortAudio is not installed"
    for looks in (1, 2):
        with contextlib.suppress(sound.PortAudioError, ValueError, KeyError):
            return sound, output_name(sound)
        if looks == 1:
            look_anew(sound)  # the list may be as old as the process
    return None, "PortAudio finds no output device"


def _far(remote: bool) -> str:
    return " · over SSH: sound plays on the server, not where you sit" if remote else ""
