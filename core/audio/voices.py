"""What every voice has in common: it plays one cue on a thread of its own and can be told to be silent."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.audio.cue import Cue
from core.errors import SongdeskError

TICK = 0.03
"""Seconds between looks at whether to halt."""
GROWTH_TICK = 0.1
"""Seconds between looks at whether a file has grown."""
LEAD_IN = 0.1
"""Seconds of silence before the first sound: Bluetooth and HDMI wake up slowly and swallow a beginning."""
RESTS = (1.0, 2.0)
"""Seconds before a lost device is tried again, and once more: a sound server is started anew within them."""
_SURE = 0.5
"""Seconds of sound after which a device is known to work, so that its end is a loss and not a refusal."""
_NAP = 2.0
"""Seconds that the machine's own clock must have stood for it to have slept."""


class DeviceLost(SongdeskError):
    """What made sound makes none any more; another try may mend it."""


class SoundStream(Protocol):
    """An open output stream of sounddevice."""

    @property
    def active(self) -> bool:
        """Whether it still asks for samples."""

    @property
    def latency(self) -> float:
        """How long after it was asked for sound is heard (s)."""

    def start(self) -> None:
        """Begin asking for samples."""

    def stop(self) -> None:
        """End; what was given in the last `latency` seconds may be lost."""

    def close(self) -> None:
        """End at once and give the device back."""


class SoundModule(Protocol):
    """What is used of the module sounddevice."""

    PortAudioError: type[Exception]

    def query_devices(self, device: int | None = None, kind: str | None = None) -> Mapping[str, object]:
        """The default device of a kind."""

    def RawOutputStream(
        self,
        *,
        samplerate: int,
        channels: int,
        dtype: str,
        latency: float,
        callback: Callable[[memoryview, int, object, object], None],
    ) -> SoundStream:
        """A stream that fills a byte buffer in a callback on a thread of its own; `latency` is a wish (s)."""


@dataclass(frozen=True, slots=True)
class Program:
    """A player program and the arguments before the file."""

    name: str
    options: tuple[str, ...] = ()


class Voice(ABC):
    """Plays a cue on a thread of its own, after the voice before it has fallen silent.

    It waits `settle` seconds first, so that a voice that is soon followed by another costs nothing.
    """

    def __init__(self, cue: Cue, before: "Voice | None", *, settle: float = 0.0, volume: float = 1.0) -> None:
        self.cue = cue
        self.volume = volume
        """By how much samples are multiplied, over the cue's gain."""
        self.trouble = ""
        """Why it fell silent before the end; empty when it did not."""
        self.said = ""
        """What is new about where the sound goes; empty when nothing is."""
        self.away = ""
        """What is being done about a device that was lost; empty when there is sound."""
        self.known = 0.0
        """Length of the file as far as it was seen (s)."""
        self.reached_end = False
        self.waiting = False
        """Whether it is silent at the end, for now, of a file that grows."""
        self._before = before
        self._settle = settle
        self._slept = slept()
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)

    @property
    def path(self) -> Path:
        """The file it plays."""
        return self.cue.path

    @property
    @abstractmethod
    def position(self) -> float:
        """Where in the file it is (s)."""

    @property
    def sounding(self) -> bool:
        """Whether it has begun and not yet ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def halt(self) -> None:
        """Fall silent soon; returns at once."""
        self._halt.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended and given everything back."""
        self._thread.join(seconds)

    def turn(self, cue: Cue, *, follow: bool) -> bool:  # noqa: ARG002
        """Go on with another cue, from its beginning or, with `follow`, from wherever this one is by then.

        False where it takes a new voice.
        """
        return False

    def set_volume(self, volume: float) -> bool:  # noqa: ARG002
        """Sound louder or softer from now on; False where it takes a new voice."""
        return False

    def _run(self) -> None:
        """Wait for the voice before, play, and keep what went wrong."""
        if self._before is not None:
            self._before.wait()
            self._follow(self._before)
            self._before = None
        if self._halt.wait(self._settle) if self._settle else self._halt.is_set():
            return
        try:
            self._play_through()
        except SongdeskError as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"cannot play: {(error.strerror or str(error)).lower()}"
        finally:
            self.waiting, self.away = False, ""

    def _play_through(self) -> None:
        """Play to the end; when the device is lost on the way, try again at the same place, and once more."""
        rests: Iterator[float] = iter(())
        while True:
            try:
                self._play()
                return
            except DeviceLost as error:
                if self._heard() >= _SURE:
                    rests = iter(RESTS)
                elif not self.away:
                    raise  # it never worked: that is told at once
                place, self.waiting = self._stay(), False
                self.away = f"{error.what}: trying again at {_minutes(place)}"
                rest = next(rests, None)
                if rest is None:
                    what = f"{error.what}: paused at {_minutes(place)}, play tries again"
                    raise SongdeskError(what) from error
            if self._halt.wait(rest):
                return

    def _heed_sleep(self) -> None:
        """Raise DeviceLost after the machine slept: the stream may be dead without a word."""
        before, self._slept = self._slept, slept()
        if self._slept - before > _NAP:
            raise DeviceLost("the machine slept")

    def _is_back(self) -> None:
        """Say nothing more of a loss, once it is sure that there is sound."""
        if self.away and self._heard() >= _SURE:
            self.away = ""

    @abstractmethod
    def _heard(self) -> float:
        """How long it has sounded since its device was opened last (s)."""

    @abstractmethod
    def _stay(self) -> float:
        """Make ready to go on where it is (s) after a loss."""

    def _follow(self, before: "Voice") -> None:  # noqa: B027 - most have nothing to heed
        """Heed how the voice before it ended."""

    @abstractmethod
    def _play(self) -> None: ...


def slept() -> float:
    """Seconds that the machine slept since some moment: while it does, the monotonic clock stands still."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    now = time.time() if clock is None else time.clock_gettime(clock)
    return now - time.monotonic()


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
