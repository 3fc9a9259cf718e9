"""One playing of a file from one place: through a sound device, or by a player program as a child."""

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
import wave
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from core.errors import SongdeskError

_BLOCK = 2048
"""Frames read at once."""
_AHEAD = 24
"""Blocks read ahead of the device: about a second."""
_TICK = 0.03
"""Seconds between looks at whether to halt."""
_PATIENCE = 0.5
"""Seconds a child has to leave when asked, before it is made to."""


class SoundStream(Protocol):
    """An open output stream of sounddevice."""

    @property
    def active(self) -> bool:
        """Whether it still asks for samples."""

    def start(self) -> None:
        """Begin asking for samples."""

    def stop(self) -> None:
        """End when what it has been given is heard."""

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
        callback: Callable[[memoryview, int, object, object], None],
    ) -> SoundStream:
        """A stream that fills a byte buffer in a callback on a thread of its own."""


@dataclass(frozen=True, slots=True)
class Program:
    """A player program and the arguments before the file; `seeks` is its option for a start in seconds."""

    name: str
    options: tuple[str, ...] = ()
    seeks: str = ""


class Voice(ABC):
    """Plays one file from one place on a thread of its own, after the voice before it has fallen silent."""

    def __init__(self, path: Path, start: float, before: "Voice | None") -> None:
        self.path = path
        self.begin = start
        """Where in the file it begins (s)."""
        self.trouble = ""
        """Why it fell silent before the end; empty when it did not."""
        self.reached_end = False
        self._before = before
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)

    @property
    @abstractmethod
    def heard(self) -> float:
        """Seconds of sound since it began."""

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

    def _run(self) -> None:
        """Wait for the voice before, play, and keep what went wrong."""
        if self._before is not None:
            self._before.wait()
            self._before = None
        if self._halt.is_set():
            return
        try:
            self._play()
        except SongdeskError as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"cannot play: {(error.strerror or str(error)).lower()}"

    @abstractmethod
    def _play(self) -> None: ...


class DeviceVoice(Voice):
    """Feeds a PortAudio stream, whose callback takes bytes and never waits."""

    def __init__(self, path: Path, start: float, before: Voice | None, *, sound: SoundModule) -> None:
        super().__init__(path, start, before)
        self._sound = sound
        self._ready: deque[bytes] = deque()
        self._rest = memoryview(b"")
        self._all_read = False
        self._drained = threading.Event()
        self._bytes_heard = 0
        self._bytes_per_second = 1

    @property
    def heard(self) -> float:
        """Seconds handed to the device since it began."""
        return self._bytes_heard / self._bytes_per_second

    def fill(self, buffer: memoryview, _frames: int, _when: object, _status: object) -> None:
        """The stream's callback: sound as far as it is ready, then silence."""
        place = 0
        while place < len(buffer):
            if not self._rest and not self._next_block():
                break
            piece = self._rest[: len(buffer) - place]
            buffer[place : place + len(piece)] = piece
            self._rest = self._rest[len(piece) :]
            place += len(piece)
        self._bytes_heard += place
        buffer[place:] = bytes(len(buffer) - place)

    def _next_block(self) -> bool:
        # Read before looking, so that a block put down in between is not taken for the end.
        all_read = self._all_read
        try:
            self._rest = memoryview(self._ready.popleft())
        except IndexError:
            if all_read:
                self._drained.set()
            return False
        return True

    def _play(self) -> None:
        from core.audio.files import blocks, info

        facts = info(self.path)
        self._bytes_per_second = facts.sample_rate * facts.channels * 4
        with (
            self._sound_errors(),
            contextlib.closing(blocks(self.path, _BLOCK, start=self.begin)) as pieces,
            self._stream(facts.sample_rate, facts.channels) as stream,
        ):
            for piece in pieces:
                while self._going(stream) and len(self._ready) >= _AHEAD:
                    self._halt.wait(_TICK)
                self._ready.append(piece.tobytes())
                if self._halt.is_set():
                    return
            self._all_read = True
            while self._going(stream) and not self._drained.wait(_TICK):
                pass
            self.reached_end = self._drained.is_set()

    def _going(self, stream: SoundStream) -> bool:
        if self._halt.is_set():
            return False
        if not stream.active and not self._drained.is_set():
            raise SongdeskError("the sound device stopped")
        return True

    @contextlib.contextmanager
    def _sound_errors(self) -> Iterator[None]:
        try:
            yield
        except self._sound.PortAudioError as error:
            raise SongdeskError(f"the sound device cannot be used: {error}") from error

    @contextlib.contextmanager
    def _stream(self, rate: int, channels: int) -> Iterator[SoundStream]:
        stream = self._sound.RawOutputStream(
            samplerate=rate, channels=channels, dtype="float32", callback=self.fill
        )
        try:
            stream.start()
            yield stream
            if self.reached_end:
                stream.stop()
        finally:
            stream.close()


class ProgramVoice(Voice):
    """Runs a player program on the file, or on a copy of what is left of it from the place asked for."""

    def __init__(
        self, path: Path, start: float, before: Voice | None, *, program: Program, executable: str
    ) -> None:
        super().__init__(path, start, before)
        self._executable = executable
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._started: float | None = None
        self._stopped: float | None = None

    @property
    def heard(self) -> float:
        """Seconds since the program started, by the clock: the program tells nothing."""
        if self._started is None:
            return 0.0
        return (self._stopped or time.monotonic()) - self._started

    def halt(self) -> None:
        """Ask the program to end; its thread makes it, if it does not."""
        with self._lock:
            self._halt.set()
            self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Halt and wait until nothing is left running."""
        self.halt()
        self.wait(4 * _PATIENCE)

    def _play(self) -> None:
        atexit.register(self.end)
        try:
            with self._command() as command, tempfile.TemporaryFile() as complaints:
                self._run_child(command, complaints)
        finally:
            atexit.unregister(self.end)

    def _run_child(self, command: list[str], complaints: IO[bytes]) -> None:
        with self._lock:
            if self._halt.is_set():
                return
            self._child = child = subprocess.Popen(  # noqa: S603 — one of PROGRAMS, as found on PATH
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                start_new_session=True,
            )
            self._started = time.monotonic()
        try:
            while child.poll() is None and not self._halt.wait(_TICK):
                pass
        finally:
            self._stopped = time.monotonic()
            self._reap(child)
        if not self._halt.is_set():
            self._judge(child.returncode, complaints)

    def _reap(self, child: "subprocess.Popen[bytes]") -> None:
        try:
            if child.poll() is None:
                child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        with self._lock:
            # What it started itself goes with it, though it may have ended first.
            self._signal(signal.SIGKILL)
            child.wait()
            self._child = None

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and whatever it started; the caller holds the lock."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)

    def _judge(self, status: int, complaints: IO[bytes]) -> None:
        if status == 0:
            self.reached_end = True
            return
        complaints.seek(0)
        lines = complaints.read(4000).decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), f"exit status {status}")
        raise SongdeskError(f"{self._program.name} stopped: {said[:120]}")

    @contextlib.contextmanager
    def _command(self) -> Iterator[list[str]]:
        program = [self._executable, *self._program.options]
        if self._program.seeks:
            yield [*program, self._program.seeks, f"{self.begin:.3f}", str(self.path.absolute())]
        elif self.begin == 0 and self.path.suffix.lower() == ".wav":
            yield [*program, str(self.path.absolute())]
        else:
            with tempfile.TemporaryDirectory(prefix="songdesk-") as folder:
                rest = Path(folder) / "rest.wav"
                self._copy_rest(rest)
                yield [*program, str(rest)]

    def _copy_rest(self, target: Path) -> None:
        """Write what is left of the file as 16-bit wav, which every program plays."""
        import numpy as np

        from core.audio.files import blocks, info

        facts = info(self.path)
        with target.open("wb") as file, wave.open(file, "wb") as rest:
            rest.setparams((facts.channels, 2, facts.sample_rate, 0, "NONE", ""))
            for block in blocks(self.path, _BLOCK * 16, start=self.begin):
                if self._halt.is_set():
                    return
                rest.writeframesraw((np.clip(block, -1, 1) * 32767).astype("<i2").tobytes())
