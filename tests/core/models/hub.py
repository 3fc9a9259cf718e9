"""A hub on this machine that answers as the real one does, or badly as told."""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "c0ffee" + "0" * 34


@dataclass(frozen=True)
class Trick:
    """How one answer to a GET differs from what it should be."""

    cut: int | None = None
    """Close the connection after so many bytes of the body."""
    stall: int | None = None
    """Send no more after so many bytes, for as long as the hub is there."""
    length: int = 0
    """Added to the length that is told."""
    ranges: bool = True
    """False: send the whole whatever part is asked for."""
    begin: int = 0
    """Added to the place that a part is said to begin at, and does."""
    body: bytes | None = None
    """Sent instead."""
    kind: str = "application/octet-stream"
    status: int = 0
    """Sent instead of a body."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """Files by `owner/name/path`, and what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    tricks: deque[Trick] = field(default_factory=deque)
    """Each spoils one GET."""
    always: Trick | None = None
    """Spoils those after."""
    refusal: Trick | None = None
    """Answers every HEAD."""
    shown: dict[str, str] = field(default_factory=dict)
    """Headers of a HEAD that are told otherwise; empty ones are left out."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and range of each request."""
    tokens: list[tuple[str, str]] = field(default_factory=list)
    """Host and token of each request."""
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    sent: int = 0
    """Bytes of bodies."""

    def gets(self) -> list[str]:
        """The ranges of the requests for content, of the redirected ones."""
        return [part for method, path, part in self.asked if method == "GET" and path.startswith("/cdn/")]


@contextmanager
def serving(**files: bytes) -> Iterator[Hub]:
    """A hub at work."""
    hub = Hub(dict(files))

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass

    def do_HEAD(self) -> None:
        self._note()
        if self.hub.refusal:
            self._refuse(self.hub.refusal)
            return
        name = self._name()
        if name is None:
            self._refuse(Trick(status=404, headers={"X-Error-Code": "EntryNotFound"}))
            return
        self._redirect(name)

    def do_GET(self) -> None:
        self._note()
        name = self._name()
        if name is None:
            self._refuse(Trick(status=404, headers={"X-Error-Code": "EntryNotFound"}))
        elif "/resolve/" in self.path:
            self._redirect(name)
        else:
            self._send(self.hub.files[name])

    def _note(self) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        host, token = self.headers.get("Host", ""), self.headers.get("Authorization", "")
        self.hub.tokens.append((host.partition(":")[0], token))

    def _name(self) -> str | None:
        path = unquote(self.path).removeprefix("/cdn/").lstrip("/")
        repo, resolve, rest = path.partition("/resolve/")
        name = f"{repo}/{rest.partition('/')[2]}" if resolve else path
        return name if name in self.hub.files else None

    def _redirect(self, name: str) -> None:
        """As the hub sends to its store, which is another host and gets no token."""
        content = self.hub.files[name]
        port = self.hub.url.rpartition(":")[2]
        shown = {
            "Location": f"http://localhost:{port}/cdn/{name}",
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Xet-Hash": "0" * 64,
            "Content-Length": "0",
        } | self.hub.shown
        self.send_response(302)
        for key, value in shown.items():
            if value:
                self.send_header(key, value)
        self.end_headers()

    def _refuse(self, trick: Trick) -> None:
        self.send_response(trick.status)
        for key, value in {**trick.headers, "Content-Length": "0"}.items():
            self.send_header(key, value)
        self.end_headers()

    def _send(self, content: bytes) -> None:
        trick = self.hub.tricks.popleft() if self.hub.tricks else self.hub.always or Trick()
        if trick.status:
            self._refuse(trick)
            return
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and trick.ranges else None
        if start is not None and start >= len(content):
            self._refuse(Trick(status=416))
            return
        begin = (start or 0) + trick.begin
        body = content[begin:] if trick.body is None else trick.body
        self.send_response(200 if start is None or trick.body is not None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Type", trick.kind)
        self.send_header("Content-Length", str(len(body) + trick.length))
        self.end_headers()
        self._body(body, trick)

    def _body(self, body: bytes, trick: Trick) -> None:
        end = next((end for end in (trick.cut, trick.stall) if end is not None), len(body))
        try:
            self.wfile.write(body[:end])
            self.wfile.flush()
        except OSError:
            return
        self.hub.sent += len(body[:end])
        if trick.stall is not None:
            self.hub.over.wait(60)
        if trick.length or end < len(body) or trick.cut is not None:
            self.close_connection = True
            time.sleep(0)
