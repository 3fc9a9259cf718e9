"""The module sounddevice with an ear instead of a device."""

import threading
import time
from collections.abc import Callable, Mapping

from cffi import FFI  # type: ignore[import-untyped]

from core.audio.voices import SoundStream

RATE = 8000


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


class FakePortAudioError(Exception):
    """Stands for sounddevice.PortAudioError."""


class FakeStream:
    """Calls back as PortAudio does, `speed` times as fast, with a real byte buffer of C."""

    def __init__(self, sound: "FakeSound", channels: int, callback: Callable[..., None]) -> None:
        self.sound = sound
        self.active = False
        self.latency = sound.latency
        self._channels = channels
        self._callback = callback
        self._thread = threading.Thread(target=self._call)
        self._over = threading.Event()

    def start(self) -> None:
        self.sound.open_streams += 1
        assert self.sound.open_streams == 1, "two voices at once"
        self.active = True
        self._thread.start()

    def stop(self) -> None:
        self._end()

    def close(self) -> None:
        self._end()
        self.sound.open_streams -= 1

    def _end(self) -> None:
        self._over.set()
        self._thread.join()
        self.active = False

    def _call(self) -> None:
        frames = 100
        ffi = FFI()
        while not self._over.wait(frames / RATE / self.sound.speed):
            if self.sound.unplugged:
                self.active = False
                return
            if self.sound.stuck:
                continue
            data = ffi.new("float[]", [0.99] * frames * self._channels)
            self._callback(ffi.buffer(data), frames, None, None)
            self.sound.heard += list(data)


class FakeSound:
    """The module sounddevice, with an ear."""

    PortAudioError: type[Exception] = FakePortAudioError

    def __init__(self, *, speed: float = 1.0, device: bool = True, busy: bool = False) -> None:
        self.speed = speed
        self.heard: list[float] = []
        self.open_streams = 0
        self.unplugged = False
        self.stuck = False
        self.latency = 0.0
        self.opened = 0
        self.looks = 0
        self.name = "Imaginary Speakers" if device else ""
        """The device that is there; PortAudio knows of it once it has looked."""
        self._known = self.name
        self._busy = busy

    def _initialize(self) -> None:
        assert self.open_streams == 0, "PortAudio takes all streams with it"
        self.looks += 1
        self._known = self.name

    def query_devices(self, device: int | None = None, kind: str | None = None) -> Mapping[str, object]:
        if not self._known:
            raise FakePortAudioError("Error querying device -1")
        return {"name": self._known}

    def RawOutputStream(
        self, *, samplerate: int, channels: int, dtype: str, latency: float, callback: Callable[..., None]
    ) -> SoundStream:
        assert (samplerate, dtype) in ((RATE, "float32"), (2 * RATE, "float32"))
        self.opened += 1
        if self._busy:
            raise FakePortAudioError("Device unavailable")
        return FakeStream(self, channels, callback)
