"""Playing takes: through PortAudio where it works, else a player program, else a line that says why not."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from core.audio.voices import DeviceVoice, Program, ProgramVoice, SoundModule, Voice
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


class Player(Protocol):
    """Plays one file at a time; every call returns at once and belongs to one thread."""

    @property
    def backend(self) -> str:
        """What makes the sound, such as `PortAudio` or `paplay`; `none` when nothing does."""

    @property
    def reason(self) -> str:
        """One line: why this backend, or what went wrong."""

    @property
    def can_seek(self) -> bool:
        """Whether it can begin anywhere."""

    @property
    def position(self) -> float:
        """Where in the file it is (s)."""

    @property
    def duration(self) -> float:
        """Length of the file (s); 0 without one."""

    @property
    def playing(self) -> bool:
        """Whether sound is being made."""

    def load(self, path: Path) -> None:
        """Take up a file, silent at its beginning; raises SongdeskError when it cannot be read."""

    def play(self) -> None:
        """Sound from the position, or from the beginning when it is at the end."""

    def pause(self) -> None:
        """Fall silent and stay at the position."""

    def seek(self, seconds: float) -> None:
        """Move to a place (s), kept within the file, and go on playing if it was."""

    def close(self) -> None:
        """Fall silent and leave nothing running; waits a second or two at most."""


Start = Callable[[Path, float, Voice | None], Voice]
"""Makes a voice for a file from a place (s), to follow another voice."""


def open_player(
    *,
    load_sound: Callable[[], SoundModule] | None = None,
    find: Callable[[str], str | None] = shutil.which,
    remote: bool | None = None,
) -> Player:
    """Choose what plays sound on this machine; it may take a moment, as it asks PortAudio for its devices.

    The arguments replace the import of sounddevice, the search for programs and the look for an SSH session.
    """
    far = over_ssh() if remote is None else remote
    sound, device = _sound_device(load_sound or _import_sounddevice)
    if sound is not None:
        return Deck(
            "PortAudio", f"through PortAudio: {device}" + _far(far), partial(DeviceVoice, sound=sound)
        )
    for program in PROGRAMS:
        executable = find(program.name)
        if executable is not None:
            reason = f"through {program.name} ({device}); the position is an estimate" + _far(far)
            return Deck(program.name, reason, partial(ProgramVoice, program=program, executable=executable))
    names = ", ".join(program.name for program in PROGRAMS)
    return NoPlayer(f"no sound here: {device}, and none of {names} is installed" + _far(far))


class Deck:
    """A player made of voices: each play or seek starts a new one after the last."""

    can_seek = True

    def __init__(self, backend: str, reason: str, start: Start) -> None:
        self.backend = backend
        self.duration = 0.0
        self._reason = reason
        self._start = start
        self._path: Path | None = None
        self._rest = 0.0
        self._voice: Voice | None = None
        self._last: Voice | None = None

    @property
    def reason(self) -> str:
        """Why this backend, or what the last playing failed of, with the file's place."""
        voice = self._voice
        if voice is None or not voice.trouble:
            return self._reason
        return f"{voice.trouble} · the file is at {voice.path}"

    @property
    def playing(self) -> bool:
        """Whether a voice is at work."""
        return self._voice is not None and self._voice.sounding

    @property
    def position(self) -> float:
        """Where in the file it is (s)."""
        voice = self._voice
        if voice is None:
            return self._rest
        if voice.reached_end and not voice.sounding:
            return self.duration
        return min(self.duration, voice.begin + voice.heard)

    def load(self, path: Path) -> None:
        """Take up a file, silent at its beginning; raises SongdeskError when it cannot be read."""
        from core.audio.files import info

        seconds = info(path).seconds
        self._silence()
        self._path, self.duration, self._rest = path, seconds, 0.0

    def play(self) -> None:
        """Sound from the position, or from the beginning when it is at the end."""
        if self._path is None or self.playing:
            return
        begin = self.position
        self._silence()
        if begin >= self.duration - _END:
            begin = 0.0
        voice = self._start(self._path, begin, self._last)
        self._voice = self._last = voice
        voice.start()

    def pause(self) -> None:
        """Fall silent and stay at the position."""
        self._rest = self.position
        self._silence()

    def seek(self, seconds: float) -> None:
        """Move to a place (s), kept within the file, and go on playing if it was."""
        going = self.playing
        self._silence()
        self._rest = min(self.duration, max(0.0, seconds))
        if going:
            self.play()

    def close(self) -> None:
        """Fall silent and wait until nothing is left running."""
        self.pause()
        if self._last is not None:
            self._last.wait(3.0)

    def _silence(self) -> None:
        if self._voice is not None:
            self._voice.halt()
            self._voice = None


class NoPlayer:
    """Plays nothing and says why; the file's length and place are still known."""

    backend = "none"
    can_seek = False
    playing = False
    position = 0.0

    def __init__(self, reason: str) -> None:
        self.duration = 0.0
        self._reason = reason
        self._path: Path | None = None

    @property
    def reason(self) -> str:
        """Why there is no sound, and where the file is."""
        return f"{self._reason} · the file is at {self._path}" if self._path else self._reason

    def load(self, path: Path) -> None:
        """Take up a file; raises SongdeskError when it cannot be read."""
        from core.audio.files import info

        self.duration = info(path).seconds
        self._path = path

    def play(self) -> None:
        """Do nothing: `reason` says why."""

    def pause(self) -> None:
        """Do nothing."""

    def seek(self, seconds: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _import_sounddevice() -> SoundModule:
    import sounddevice

    return cast("SoundModule", sounddevice)


def _sound_device(load_sound: Callable[[], SoundModule]) -> tuple[SoundModule | None, str]:
    """The module and its default output by name, or None and why it cannot be used."""
    try:
        sound = load_sound()
    except ImportError:
        return None, "sounddevice is not installed"
    except OSError:
        return None, "PortAudio is not installed"
    try:
        return sound, str(sound.query_devices(kind="output")["name"])
    except (sound.PortAudioError, ValueError, KeyError):
        return None, "PortAudio finds no output device"


def _far(remote: bool) -> str:
    return " · over SSH: sound plays on the server, not where you sit" if remote else ""
