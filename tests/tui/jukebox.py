"""A player that makes no sound and remembers what it was told; time passes when a test says so."""

from pathlib import Path

import soundfile

from core.audio.cue import Loop
from core.errors import SongdeskError


class Jukebox:
    """Behaves as `core.audio.player.Player`; its position stays where it was put."""

    backend = "jukebox"
    can_seek = True

    def __init__(self) -> None:
        self.reason = "through the jukebox"
        self.trouble = ""
        self.position = 0.0
        self.duration = 0.0
        self.playing = False
        self.waiting = False
        self.path: Path | None = None
        self.grows = False
        self.gain = 1.0
        self.volume = 1.0
        self.looped: Loop | None = None
        self.swaps = 0
        self.is_closed = False

    def sounds(self) -> bool:
        """Whether it plays; a call, so that a type checker expects it to change."""
        return self.playing

    def goes_round(self) -> bool:
        """Whether a stretch goes round."""
        return self.looped is not None

    def load(self, path: Path, *, seconds: float | None = None, grows: bool = False) -> None:
        """Take up a file."""
        if not path.exists():
            raise SongdeskError("no such sound file", where=str(path))
        self.duration = soundfile.info(path).duration if seconds is None else seconds
        self.path, self.grows, self.gain, self.looped = path, grows, 1.0, None
        self.position, self.playing, self.waiting = 0.0, False, False

    def swap(
        self, path: Path, *, seconds: float | None = None, grows: bool = False, gain: float = 1.0
    ) -> None:
        """Go on with another file."""
        self.duration = soundfile.info(path).duration if seconds is None else seconds
        self.path, self.grows, self.gain, self.waiting = path, grows, gain, False
        self.position = min(self.position, self.duration)
        self.swaps += 1

    def grow(self, seconds: float) -> None:
        """Know that there is more."""
        self.duration = max(self.duration, seconds)
        self.waiting = self.waiting and self.position >= self.duration

    def loop(self, stretch: Loop | None) -> None:
        """Go round."""
        self.looped = stretch

    def set_volume(self, volume: float) -> None:
        """Be louder or softer."""
        self.volume = volume

    def play(self) -> None:
        """Play."""
        self.playing = True

    def pause(self) -> None:
        """Pause."""
        self.playing = self.waiting = False

    def seek(self, seconds: float) -> None:
        """Move."""
        self.position = min(self.duration, max(0.0, seconds))

    def close(self) -> None:
        """Fall silent for good."""
        self.playing, self.is_closed = False, True

    def pass_time(self, seconds: float) -> None:
        """Be heard for a while, up to the end."""
        self.position = min(self.duration, self.position + seconds)
        self.waiting = self.grows and self.position >= self.duration
