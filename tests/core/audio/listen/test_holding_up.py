"""Nobody holds the server up: large requests, slow ones, and more connections than it takes."""

import json
import time
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest

from core.audio.listen import connection, guard
from core.audio.listen.serve import Server
from core.audio.listen.stage import Stage
from tests.core.audio.listen.conftest import TOKEN, Raw, ask


def test_large_headers_are_refused(server: Server, connect: Callable[[], Raw]) -> None:
    host = f"Host: 127.0.0.1:{server.port}"
    for headers in ([f"X-Large: {'x' * 20_000}"], [f"X-{n}: {'x' * 90}" for n in range(250)]):
        assert connect().send(ask(server, f"/{TOKEN}/state", host, *headers)).status in (400, 431)
    endless = connect()
    endless.send(f"GET /{TOKEN}/state HTTP/1.1\r\n{host}\r\nX-Large: ".encode())
    try:
        for _ in range(100):
            endless.send(b"x" * 1000)
    except ConnectionError:
        return
    assert endless.status == 400


def test_a_long_path_is_refused(server: Server, connect: Callable[[], Raw]) -> None:
    assert connect().send(ask(server, f"/{TOKEN}/{'x' * 20_000}")).status in (400, 404, 431)


@pytest.mark.parametrize("size", [guard.LARGEST_BODY + 1, 1 << 20])
def test_a_large_body_is_refused(
    client: httpx2.Client, stage: Stage, here: dict[str, str], size: int
) -> None:
    before = stage.state
    body = json.dumps({"do": "play", "more": "x" * size})
    headers = {**here, "content-type": "application/json"}
    with suppress(httpx2.HTTPError):  # the connection may end before all of it is sent
        assert client.post("do", content=body, headers=headers).status_code == 413
    assert stage.state == before


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /",
        f"GET /{TOKEN}/state HTTP/1.1\r\nHost: localhost\r\n".encode(),
        f"POST /{TOKEN}/do HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{".encode(),
    ],
)
def test_who_is_slow_to_ask_is_dropped(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[[], Raw], client: httpx2.Client, begun: bytes
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.3)
    slow = connect()
    if begun:
        slow.send(begun)
    got = slow.all()  # ends
    assert b" 200 " not in got
    assert b" 204 " not in got
    assert client.get("state").status_code == 200


def test_who_drips_is_dropped_as_well(monkeypatch: pytest.MonkeyPatch, connect: Callable[[], Raw]) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.3)
    slow, begun = connect(), time.monotonic()
    try:
        slow.send(f"GET /{TOKEN}/state HTTP/1.1\r\nHost: localhost\r\n".encode())
        while time.monotonic() < begun + 20:
            slow.send(b"X: y\r\n")
            time.sleep(0.05)
    except ConnectionError:
        return
    raise AssertionError("it was held for ever")


def test_only_so_many_connections_are_held(
    monkeypatch: pytest.MonkeyPatch, server: Server, connect: Callable[[], Raw], client: httpx2.Client
) -> None:
    monkeypatch.setattr(connection, "MOST", 5)
    idlers = [connect() for _ in range(25)]
    assert client.get("state").status_code == 200  # whoever asks is answered in the place of an idler
    gone = 0
    for idler in idlers:
        idler.peer.settimeout(0.05)
        try:
            gone += not idler.peer.recv(1)
        except TimeoutError:
            continue
        except ConnectionError:
            gone += 1
    assert gone >= 20


def test_streams_that_are_in_use_are_not_given_up_for_others(
    monkeypatch: pytest.MonkeyPatch, server: Server, connect: Callable[[], Raw], stage: Stage
) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    tabs = []
    for n in range(3):
        tabs.append(connect().send(ask(server, f"/{TOKEN}/events?tab=t{n}")))
        assert tabs[-1].peer.recv(15).startswith(b"HTTP/1.1 200")
    late = connect()
    with suppress(ConnectionError):
        late.send(ask(server, f"/{TOKEN}/state"))
    assert late.status == 0
    deadline = time.monotonic() + 10.0
    while len(stage.tabs()) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)  # a stream's head is sent before its tab counts as there
    assert len(stage.tabs()) == 3
