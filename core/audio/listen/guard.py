"""Who may ask: the token in the path, a Host that rebinding cannot forge, and no foreign page."""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_HEAD = 16 * 1024
"""Bytes of a request's line and headers."""
LARGEST_BODY = 4096
"""Bytes that a POST may have."""
PATIENCE = 5.0
"""Seconds within which they must have come."""
_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?")
"""With any port: a forwarded one is another than ours. Any name of somebody's own could be rebound to us."""
_CONTENT = "default-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'"
_HEADERS = {
    "content-security-policy": f"{_CONTENT}; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the address has the token
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Lets through to an app what may pass, with the token taken off the path."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; there are no others than of HTTP."""
        if scope["type"] != "http":
            return
        first, slash, rest = str(scope["path"]).removeprefix("/").partition("/")
        if not hmac.compare_digest(first.encode(), self._token):
            await _refuse(send, 404)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = _refused(str(scope["method"]), headers, scope["headers"])
        if refused:
            await _refuse(send, refused)
            return
        if not slash:
            await _refuse(send, 308, {"location": f"{first}/"})
            return
        if scope["method"] == "POST":
            body = await _body(receive)
            if body is None:
                await _refuse(send, 413)
                return
            receive = _again(body, receive)
        path = f"/{rest}"
        await self._app(
            {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}, receive, _with_headers(send)
        )


def _refused(method: str, headers: Mapping[str, str], raw: list[tuple[bytes, bytes]]) -> int:
    """The status that a request with the token is refused with; 0 where it may pass."""
    if sum(len(name) + len(value) for name, value in raw) > LARGEST_HEAD:
        return 431
    host = headers.get("host", "")
    if sum(name == b"host" for name, _ in raw) != 1 or not _HOST.fullmatch(host.lower()):
        return 421
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        return 403
    if method not in ("GET", "HEAD", "POST"):
        return 405
    if method != "POST":
        return 0
    if origin is None:
        return 403
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return 0 if kind == "application/json" else 415


async def _body(receive: Receive) -> bytes | None:
    """All of a request's body; None where it is too large, or does not come."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += bytes(message.get("body", b""))
                if len(body) > LARGEST_BODY:
                    return None
                if not message.get("more_body", False):
                    return body
    except TimeoutError:
        return None


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read, and then what comes after it."""
    left = [body]

    async def give() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return give


def _with_headers(send: Send) -> Send:
    """Sends on, with our headers where the app has not set them."""

    async def give(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            named = {name.lower() for name, _ in given}
            more = [(n.encode(), v.encode()) for n, v in _HEADERS.items() if n.encode() not in named]
            message = {**message, "headers": [*given, *more]}
        await send(message)

    return give


async def _refuse(send: Send, status: int, more: Mapping[str, str] | None = None) -> None:
    """Answer with a status alone; the connection ends with it, and what is left of the request."""
    headers = {**_HEADERS, "content-length": "0", "connection": "close", **(more or {})}
    start = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": b""})
