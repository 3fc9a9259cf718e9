"""A connection that does not wait for ever, and the server that holds only so many of them."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.audio.listen.guard import LARGEST_HEAD

MOST = 64
"""Connections at once; each browser opens six, of which it keeps one for the events of all its tabs."""
PATIENCE = 5.0
"""Seconds in which a request must be here, whole."""


class Connection(H11Protocol):
    """Drops whoever is slow to say what is wanted; one too many takes the place of the idlest, or goes.

    A slow reader is let be: browsers stop reading a song when they have enough of it for a while.
    """

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take up a connection."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._expect()
        held = [other for other in self.connections if not other.transport.is_closing()]
        if len(held) > MOST:
            min(held, key=_claim).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, and wait for the rest of the request only so long."""
        super().data_received(data)
        if self._is_amid():
            self._expect()
        else:
            self._rest()

    def _is_amid(self) -> bool:
        """Whether a request has begun and is not here as a whole."""
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def _expect(self) -> None:
        if self._limit is None:
            self._limit = self.loop.call_later(PATIENCE, self.transport.abort)

    def _rest(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


def _claim(connection: Any) -> tuple[bool, bool, float]:
    """What a connection has to say for itself: that it is being answered, that it was, that it is young."""
    was_answered = connection.cycle is not None
    return was_answered and not connection.cycle.response_complete, was_answered, connection.since


class Serving(uvicorn.Server):
    """Says that it answers, on its own thread."""

    def __init__(self, config: uvicorn.Config, answers: Callable[[], None]) -> None:
        super().__init__(config)
        self._answers = answers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        await super().startup(sockets)
        self._answers()


def configured(app: Any) -> uvicorn.Config:
    """Uvicorn as it serves one person on this machine: nothing about anybody is logged but errors."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
