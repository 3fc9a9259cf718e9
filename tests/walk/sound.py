"""A sound server without a sound card: what is played into it can be recorded and looked at."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tests.walk.services import program

RATE = 48000
_SINK = "null"
_FLOWS = 20_000
"""Bytes of a recording (0.1 s) from which it is known to run."""
_TAIL = 0.4
"""Seconds recorded after the last sound: what is still on its way."""

Sound = npt.NDArray[np.float32]
"""Frames by channels."""


def wait_for(condition: Callable[[], object], saying: str, timeout: float = 20.0) -> None:
    """Wait until a condition holds; fails with these words after the timeout (s)."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{saying} did not happen within {timeout:g} s"
        time.sleep(0.02)


class SoundServer:
    """PulseAudio with nothing but a socket and a null sink, in folders of its own."""

    def __init__(self) -> None:
        # Not under pytest's folders: the path of a socket may have 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="songdesk-sound-"))
        for name in ("home", "run", "config/pulse"):
            (self._folder / name).mkdir(mode=0o700, parents=True)
        socket = self._folder / "run" / "native"
        (self._folder / "config/pulse/client.conf").write_text("autospawn = no\n")
        asoundrc = self._folder / "asoundrc"
        asoundrc.write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self.environment = {
            "PULSE_SERVER": f"unix:{socket}",
            "PULSE_COOKIE": str(self._folder / "cookie"),
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{asoundrc}",
        }
        """What leads PortAudio and Pulse's programs here."""
        self._socket = socket
        self._log = (self._folder / "log").open("wb")
        self._daemon = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._daemon = subprocess.Popen(
            [
                program("pulseaudio"), "-n", "--daemonize=no", "--system=no", "--exit-idle-time=-1",
                "--use-pid-file=no", "--log-target=stderr", "--disable-shm=yes",
                f"--load=module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
                f"--load=module-null-sink sink_name={_SINK} rate={RATE} channels=2 format=float32le",
            ],
            env=self._own_environment(),
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        try:
            wait_for(self._answers, "that the sound server answers")
        except AssertionError as error:
            self.close()
            raise AssertionError(f"{error}:\n{self.log()}") from None
        return self._daemon

    def kill(self) -> None:
        """Let the server die without a word, as one that crashes."""
        self._daemon.kill()
        self._daemon.wait(10)

    def restart(self) -> None:
        """Start it anew at the same place."""
        self._socket.unlink(missing_ok=True)
        self._daemon = self._start()

    def _own_environment(self) -> dict[str, str]:
        folders = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config"}
        return {**os.environ, **{key: str(self._folder / name) for key, name in folders.items()}}

    def _answers(self) -> bool:
        assert self._daemon.poll() is None, f"the sound server ended:\n{self.log()}"
        return self.ask("pactl", "info").returncode == 0

    def log(self) -> str:
        """What the server said."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def ask(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run one of Pulse's programs against this server."""
        return subprocess.run(
            [program(command[0]), *command[1:]],
            check=False,
            capture_output=True,
            text=True,
            timeout=20,
            env={**self._own_environment(), **self.environment},
        )

    @contextmanager
    def recording(self) -> Iterator["Recording"]:
        """Record what goes to the sink until the end of the block, and a little on."""
        recording = Recording(self._folder / f"{time.monotonic_ns()}.wav")
        command = [
            program("parec"), f"--device={_SINK}.monitor", "--format=s16le", f"--rate={RATE}", "--channels=2",
            "--file-format=wav", "--latency-msec=20", str(recording.path),
        ]  # fmt: skip
        with subprocess.Popen(
            command, env={**self._own_environment(), **self.environment}, stdin=subprocess.DEVNULL
        ) as recorder:
            try:
                wait_for(lambda: recording.bytes > _FLOWS, "that the recorder records")
                yield recording
                enough = recording.bytes + _TAIL * RATE * 4
                wait_for(lambda: recording.bytes > enough, "that the recorder goes on")
            finally:
                recorder.send_signal(signal.SIGINT)
                recorder.wait(10)

    def close(self) -> None:
        """End the server and take its folders away."""
        if self._daemon.poll() is None:
            self._daemon.terminate()
            try:
                self._daemon.wait(5)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait(5)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Recording:
    """A file that grows while it is recorded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def bytes(self) -> int:
        """How much is written."""
        return self.path.stat().st_size if self.path.exists() else 0

    def samples(self) -> Sound:
        """All that was heard, once the recording has ended."""
        samples, rate = soundfile.read(self.path, dtype="float32", always_2d=True)
        assert rate == RATE
        return np.asarray(samples, dtype=np.float32)
