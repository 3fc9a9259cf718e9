"""A small library on a server of its own, and somebody who asks it over real sockets."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile

from core.audio.listen.serve import Server, serve
from core.audio.listen.stage import Stage
from core.library.listening import LibraryShelf
from core.library.store import Store, open_store
from core.meter import State
from tests.made import make

RATE = 48_000
TOKEN = "t0ken-of-the-tests_abcdefghijklmn"


def sound(seconds: float = 1.0) -> np.ndarray:
    """Stereo, of which each sample is another: a place can be told by its value."""
    ramp = np.linspace(-0.5, 0.5, round(RATE * seconds), dtype=np.float32)
    return np.stack([ramp, -ramp], axis=1)


def make_sounding(home: Path, name: str = "20261126-120000-1", **facts: object) -> Path:
    """A finished take with a mix and a vocal; gives its folder."""
    folder = make(home, name, State.DONE, **facts)
    soundfile.write(folder / "sound.wav", sound(), RATE, subtype="PCM_16")
    soundfile.write(folder / "sound_vocal.wav", sound(), RATE, subtype="PCM_16")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_sounding(tmp_path / "songs" / "boats", seconds=1.0)
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


@pytest.fixture
def take(store: Store) -> Path:
    """The folder of the one take."""
    return store.root / "boats" / "takes" / "20261126-120000-1"


@pytest.fixture
def shelf(store: Store) -> LibraryShelf:
    return LibraryShelf(store)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def server(stage: Stage, shelf: LibraryShelf, tmp_path: Path) -> Iterator[Server]:
    server = serve(stage, shelf, port=0, token=TOKEN, cache=tmp_path / "cache")
    yield server
    server.close()


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=10) as client:
        yield client


@pytest.fixture
def here(server: Server) -> dict[str, str]:
    """What a page of the server's own sends with a POST."""
    return {"origin": f"http://127.0.0.1:{server.port}"}


def ask(server: Server, path: str, *headers: str, method: str = "GET", body: str = "") -> bytes:
    """A request as it is written here: no library mends its path or headers."""
    lines = [f"{method} {path} HTTP/1.1", *(headers or (f"Host: 127.0.0.1:{server.port}",))]
    more = [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, *more, "Connection: close", "", body]).encode()


@dataclass
class Raw:
    """A connection by hand."""

    peer: socket.socket

    def send(self, data: bytes) -> "Raw":
        self.peer.sendall(data)
        return self

    def all(self) -> bytes:
        """Everything up to the end of the connection."""
        got = b""
        try:
            while data := self.peer.recv(1 << 16):
                got += data
        except ConnectionError:
            pass
        return got

    @property
    def status(self) -> int:
        """Of the first answer; 0 where the connection ended without one."""
        line = self.all().split(b"\r\n", 1)[0].split()
        return int(line[1]) if len(line) > 1 else 0


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[[], Raw]]:
    opened: list[socket.socket] = []

    def connect() -> Raw:
        opened.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        return Raw(opened[-1])

    yield connect
    for peer in opened:
        peer.close()
