"""A real sshd on loopback with keys of its own, and a client's terminal that counts what comes."""

import fcntl
import getpass
import os
import pty
import select
import shlex
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import pyte

from tests.tui.pty_terminal import QUERIES
from tests.walk.services import program
from tests.walk.sound import wait_for
from tests.walk.terminals import KEYS

_SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
"""
_PRIVSEP = Path("/run/sshd")
"""What sshd wants there when it runs as root; Debian makes it with the service, which is not used here."""


class SshServer:
    """sshd in the foreground on a free port; only this user, only the key made for it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="songdesk-ssh-"))
        for name in ("host", "user"):
            subprocess.run(
                [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)],
                check=True, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        if os.getuid() == 0:
            _PRIVSEP.mkdir(mode=0o755, exist_ok=True)
        self.port = _free_port()
        config = self.folder / "config"
        config.write_text(_SERVER.format(port=self.port, folder=self.folder))
        self._log = (self.folder / "log").open("wb")
        # sshd starts itself again for each connection, and must be called by its full path for that.
        self._daemon = subprocess.Popen(
            [program("sshd"), "-D", "-e", "-f", str(config)],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        wait_for(self._answers, "that sshd listens")

    def _answers(self) -> bool:
        assert self._daemon.poll() is None, f"sshd ended:\n{self.log()}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
            return link.recv(4) == b"SSH-"
        return False

    def log(self) -> str:
        """What sshd said."""
        return (self.folder / "log").read_text(errors="replace")

    def client(self, *command: str) -> list[str]:
        """The command line of an ssh client with a terminal."""
        options = {
            "IdentityFile": self.folder / "user", "IdentitiesOnly": "yes", "BatchMode": "yes",
            "UserKnownHostsFile": self.folder / "known", "StrictHostKeyChecking": "no", "LogLevel": "ERROR",
        }  # fmt: skip
        named = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        where = ["-p", str(self.port), f"{getpass.getuser()}@127.0.0.1"]
        return [program("ssh"), "-F", "none", "-tt", *named, *where, shlex.join(command)]

    def close(self) -> None:
        """End the server and forget the keys."""
        self._daemon.terminate()
        self._daemon.wait(10)
        self._log.close()
        for left in self.folder.iterdir():
            left.unlink()
        self.folder.rmdir()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Link:
    """A command's terminal: what it drew, and how much came over the link for it."""

    def __init__(self, size: tuple[int, int], command: list[str], **environment: str) -> None:
        width, height = size
        self.screen = pyte.Screen(width, height)
        self.log = bytearray()
        """Everything that came."""
        self.times: list[tuple[float, int]] = []
        """When anything came, by the monotonic clock, and how much had come by then."""
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._slave, self._before = slave, termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )  # fmt: skip
        self._closed = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):
            while not self._closed:
                if select.select([self._master], [], [], 0.1)[0]:
                    data = os.read(self._master, 65536)
                    with self._lock:
                        self.log += data
                        self.times.append((time.monotonic(), len(self.log)))
                        self._stream.feed(QUERIES.sub(b"", data))

    def send(self, keys: bytes) -> None:
        """Bytes as a keyboard sends them."""
        os.write(self._master, keys)

    def press(self, key: str) -> None:
        """One key of KEYS."""
        self.send(KEYS[key][1])

    def type(self, text: str) -> None:
        """Characters as they are."""
        self.send(text.encode())

    def text(self) -> str:
        """What stands on the screen."""
        with self._lock:
            return "\n".join(self.screen.display)

    def cursor(self) -> tuple[int, int]:
        """Column and row of the terminal's cursor, shown or not."""
        with self._lock:
            return self.screen.cursor.x, self.screen.cursor.y

    @property
    def bytes(self) -> int:
        """How much came over the link so far."""
        return len(self.log)

    def has_more_than(self, count: int) -> bool:
        """Whether more bytes than so many came."""
        return self.bytes > count

    def quiet(self, pause: float = 0.7, timeout: float = 60.0) -> None:
        """Wait until nothing has come for a while (s)."""
        deadline = time.monotonic() + timeout
        before = -1
        while before != self.bytes:
            assert time.monotonic() < deadline, f"not quiet within {timeout:g} s:\n{self.text()}"
            before = self.bytes
            time.sleep(pause)

    def is_alive(self) -> bool:
        """Whether the client still runs."""
        return self.process.poll() is None

    def ended(self, timeout: float = 30.0) -> int:
        """Wait for the exit code, and for the last of what came."""
        code = self.process.wait(timeout)
        time.sleep(0.3)
        return code

    @property
    def is_restored(self) -> bool:
        """Whether the line discipline, the screen and the cursor are as they were."""
        shown = self.log.rfind(b"\x1b[?25h") > self.log.rfind(b"\x1b[?25l")
        left = self.log.rfind(b"\x1b[?1049l") > self.log.rfind(b"\x1b[?1049h")
        return termios.tcgetattr(self._slave) == self._before and shown and left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_alive():
            self.process.kill()
            self.process.wait(10)
        self._closed = True
        self._reader.join(10)
        os.close(self._master)
        os.close(self._slave)
