"""The server of sound: on loopback or a socket of one's own, in a thread of its own, until it is closed."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from core.audio.listen.shelf import Shelf
from core.audio.listen.stage import Stage
from core.audio.listen.tokens import fresh_token
from core.errors import SongdeskError
from core.paths import rendition_cache

if TYPE_CHECKING:
    import uvicorn

    from core.audio.listen.renditions import Renditions
    from core.audio.listen.stream import Wire

_log = logging.getLogger(__name__)
PORT = 8737
"""The same every time, so that the line that forwards it stays the same."""
_START = 20.0
"""Seconds that the server may take to be there: its libraries are read from the disk."""
_END = 4.0
_QUEUE = 64


def serve(
    stage: Stage,
    shelf: Shelf,
    *,
    port: int = PORT,
    path: Path | None = None,
    token: str | None = None,
    cache: Path | None = None,
) -> "Server":
    """Serve a stage and a shelf: on 127.0.0.1 at a port, or on a socket at a path that its owner alone opens.

    Where the port is taken a free one is, with a token of its own, and `moved` says so; 0 takes any. Without
    a token one is drawn.
    Returns when it can be reached. Raises SongdeskError when it cannot be begun.
    """
    from core.audio.listen.app import build
    from core.audio.listen.connection import configured
    from core.audio.listen.renditions import Renditions
    from core.audio.listen.stream import Wire

    listener, moved = _tcp(port) if path is None else (_unix(path), "")
    # Whoever has the port instead may have been sent the kept token by a tab that is still open.
    token = fresh_token() if moved or not token else token
    wire, renditions = Wire(stage, shelf), Renditions(cache or rendition_cache())
    config = configured(build(wire, shelf, renditions, token))
    server = Server(config, listener, wire, renditions, token=token, path=path, moved=moved)
    server.start()
    return server


class Server:
    """Runs in a thread of its own."""

    def __init__(
        self,
        config: "uvicorn.Config",
        listener: socket.socket,
        wire: "Wire",
        renditions: "Renditions",
        *,
        token: str,
        path: Path | None,
        moved: str,
    ) -> None:
        from core.audio.listen.connection import Serving

        self.token = token
        self.path = path
        """The socket, where it is not on a port."""
        self.port = 0 if path is not None else int(listener.getsockname()[1])
        self.moved = moved
        """Why it is on another port than was asked for; empty where it is not."""
        self._listener = listener
        self._wire = wire
        self._renditions = renditions
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_decided = threading.Event()
        """Set when it serves, or is known not to."""
        self._has_ended = False
        self._uvicorn = Serving(config, self._is_decided.set)
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)

    @property
    def url(self) -> str:
        """The page's address, with the token, as it is on this machine; empty for a socket."""
        # By number: what has the name localhost on another family of addresses is somebody else's.
        return f"http://127.0.0.1:{self.port}/{self.token}/" if self.port else ""

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it ends; whether it still serves then."""
        self._thread.join(seconds)
        return self.is_running

    def start(self) -> None:
        """Begin to serve, and return when it can be reached; raises SongdeskError when it cannot."""
        self._thread.start()
        self._is_decided.wait(_START)
        if not self._uvicorn.started or self._has_ended:
            self.close()
            raise SongdeskError("the listening server did not start", hint="look into songdesk.log")

    def close(self) -> None:
        """End every stream and connection, and give back the port; waits a second or two at most."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._end)
        self._thread.join(_END)
        self._renditions.close()
        self._listener.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()

    def _end(self) -> None:
        self._wire.end()
        self._uvicorn.should_exit = True

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (Exception, SystemExit):  # noqa: BLE001 - it is told of in `start`, or seen by `is_running`
            _log.exception("the listening server has ended")
        finally:
            self._has_ended = True
            self._is_decided.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._uvicorn.serve(sockets=[self._listener])
        for connection in list(self._uvicorn.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)


def _tcp(port: int) -> tuple[socket.socket, str]:
    """A listener on loopback, and why it is not at the port that was asked for."""
    try:
        return _bound(port), ""
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise SongdeskError(f"no port can be had: {error.strerror}", where=f"127.0.0.1:{port}") from error
        why = "taken, perhaps by another studio" if error.errno == errno.EADDRINUSE else "not for everybody"
    try:
        listener = _bound(0)
    except OSError as error:
        raise SongdeskError(f"no port can be had: {error.strerror}", where="127.0.0.1") from error
    return listener, f"port {port} is {why}: {listener.getsockname()[1]} is used instead"


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(_QUEUE)
    except OSError:
        listener.close()
        raise
    return listener


def _unix(path: Path) -> socket.socket:
    """A listener at a path that nobody but its owner may open; one that nobody listens on is replaced."""
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(OSError):  # Linux has the file be born so; elsewhere nobody is let in yet
            os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_QUEUE)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(
            f"no socket can be made: {reason}", where=str(path), hint="name another path"
        ) from error
    return listener


def _clear(path: Path) -> None:
    """Remove a socket that was left behind; SongdeskError for one in use, and for any other file."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise SongdeskError("this is no socket", where=str(path), hint="name another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass
    raise SongdeskError("another songdesk listens there", where=str(path), hint="name another path")
