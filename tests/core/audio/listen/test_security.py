"""Nothing outside the library is read, nothing changed without the token, and nobody holds the server up."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from core.audio.listen.guard import Guard
from core.audio.listen.serve import Server
from core.audio.listen.stage import Stage
from core.library.store import Store
from core.meter import State
from core.takes.claim import claimed
from core.takes.job import PREVIEW
from tests.core.audio.listen.conftest import TOKEN, Raw, ask, make_sounding
from tests.made import change, make

SECRET = b"nobody else is to read this"
PATHS = ("", "state", "takes", "events", "do", "heard", "listen.js", "nothing")
OUTSIDE = (
    "../secret.wav",
    "../../secret.wav",
    "/etc/passwd",
    "....//secret.wav",
    "..\\secret.wav",
    ".",
    "..",
    "~",
)
"""What somebody may write for an id, a stem or a file."""


@pytest.fixture
def id_(client: httpx2.Client) -> str:
    return str(client.get("takes").json()["takes"][0]["id"])


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A sound outside the library."""
    path = tmp_path / "secret.wav"
    path.write_bytes(SECRET)
    return path


# The token


def test_without_the_token_there_is_nothing(server: Server, connect: Callable[[], Raw]) -> None:
    for token in ("", "/", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "é", "..", f"x/../{TOKEN}"):
        for path in PATHS:
            raw = connect().send(ask(server, f"/{quote(token, safe='/%.')}/{path}"))
            assert raw.all().startswith(b"HTTP/1.1 404 "), (token, path)


def test_what_is_there_and_what_is_not_is_refused_alike(server: Server, connect: Callable[[], Raw]) -> None:
    answers = {connect().send(ask(server, f"/wrong/{path}")).all().split(b"\r\n", 2)[2] for path in PATHS}
    assert len(answers) == 1


def test_without_the_token_nothing_is_changed(server: Server, stage: Stage) -> None:
    before = stage.state
    url, here = f"http://127.0.0.1:{server.port}", {"origin": f"http://127.0.0.1:{server.port}"}
    for path in ("/do", f"/{TOKEN[:-1]}/do", "/x/do"):
        assert httpx2.post(f"{url}{path}", json={"do": "play"}, headers=here).status_code == 404
    assert stage.state == before


def test_tokens_are_drawn_anew_and_long() -> None:
    from core.audio.listen.tokens import fresh_token

    drawn = {fresh_token() for _ in range(100)}
    assert len(drawn) == 100
    assert {len(token) for token in drawn} == {32}


def test_the_address_without_its_slash_leads_to_the_page(server: Server) -> None:
    answer = httpx2.get(server.url.rstrip("/"))
    assert (answer.status_code, answer.headers["location"]) == (308, f"{TOKEN}/")


# Where a request comes from


def test_a_name_that_could_be_rebound_is_refused(server: Server, connect: Callable[[], Raw]) -> None:
    ours = ("127.0.0.1:{port}", "localhost:9999", "LOCALHOST", "[::1]:8737")
    others = (
        "evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example:8737",
        "localhost@evil.example", "127.0.0.2:{port}", "0.0.0.0:{port}", "localhost:8737, evil.example", "",
    )  # fmt: skip
    for host in (*ours, *others):
        raw = connect().send(ask(server, f"/{TOKEN}/state", f"Host: {host.format(port=server.port)}"))
        assert (host, raw.status) == (host, 200 if host in ours else 421)


def test_two_hosts_are_one_too_many(server: Server, connect: Callable[[], Raw]) -> None:
    raw = connect().send(ask(server, f"/{TOKEN}/state", "Host: localhost", "Host: evil.example"))
    assert raw.status in (400, 421)


def test_a_foreign_page_may_neither_read_nor_change(
    server: Server, client: httpx2.Client, stage: Stage
) -> None:
    before, port = stage.state, server.port
    others = (f"https://127.0.0.1:{port}", "http://127.0.0.1", f"http://localhost:{port}", "null", "")
    for origin in ("http://evil.example", f"http://127.0.0.1:{port}.evil.example", *others):
        foreign = {"origin": origin}
        assert client.get("state", headers=foreign).status_code == 403
        assert client.post("do", json={"do": "play"}, headers=foreign).status_code == 403
    assert stage.state == before


def test_a_change_says_where_it_comes_from_and_is_json(
    client: httpx2.Client, stage: Stage, here: dict[str, str]
) -> None:
    before, body = stage.state, json.dumps({"do": "play"})
    assert client.post("do", content=body, headers={"content-type": "application/json"}).status_code == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {**here, "content-type": kind}
        assert client.post("do", content=body, headers=headers).status_code == 415
    assert stage.state == before
    typed = {**here, "content-type": "application/json; charset=utf-8"}
    assert client.post("do", content=body, headers=typed).status_code == 204
    assert stage.state.playing


def test_there_are_no_other_methods(server: Server, connect: Callable[[], Raw], stage: Stage) -> None:
    before = stage.state
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"):
        assert connect().send(ask(server, f"/{TOKEN}/do", method=method)).status == 405
    assert stage.state == before


def test_reading_changes_nothing(client: httpx2.Client, stage: Stage) -> None:
    before = stage.state
    assert client.get("do", params={"do": "play"}).status_code == 404
    assert stage.state == before


def test_browsers_are_told_to_keep_strangers_out(
    client: httpx2.Client, id_: str, here: dict[str, str]
) -> None:
    answers = [client.get(path) for path in ("", "state", f"takes/{id_}/sound/mix", "nothing", "takes/x")]
    answers.append(client.post("do", json={"do": "nonsense"}, headers=here))
    answers.append(httpx2.get(str(client.base_url).replace(TOKEN, "wrong")))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


# Outside the library


@pytest.mark.parametrize(
    "path",
    [
        "{}", "takes/{}", "takes/{}/sound/mix", "takes/{id}/sound/{}", "takes/{}/light/mix",
        "takes/{id}/light/{}", "takes/{}/peaks/mix", "takes/{id}/peaks/{}", "takes/{}/piece",
        "takes/{id}/piece?stem={}",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("secret")
def test_no_path_leads_out_of_the_library(
    server: Server, connect: Callable[[], Raw], id_: str, path: str
) -> None:
    for inside in OUTSIDE:
        once = quote(inside, safe="")
        for form in (inside, once, once.replace(".", "%2e"), quote(once, safe="")):
            got = connect().send(ask(server, f"/{TOKEN}/{path.format(form, id=id_)}")).all()
            is_page = path == "{}" and got.split(b"\r\n\r\n", 1)[1].startswith(b"<!doctype html>")
            assert int(got.split(b" ", 2)[1]) in (400, 404) or is_page, form
            assert SECRET not in got
            assert b"root:" not in got


@pytest.mark.parametrize("name", ["sound.wav", "sound_vocal.wav"])
def test_a_link_out_of_the_library_is_not_followed(
    client: httpx2.Client, id_: str, take: Path, secret: Path, name: str
) -> None:
    (take / name).unlink()
    (take / name).symlink_to(secret)
    stem = "vocal" if "vocal" in name else "mix"
    for kind in ("sound", "light", "peaks"):
        answer = client.get(f"takes/{id_}/{kind}/{stem}")
        assert (kind, answer.status_code) == (kind, 404)
        assert SECRET not in answer.content
    assert stem not in client.get(f"takes/{id_}").json()["stems"]


def test_neither_a_link_of_a_growing_sound(client: httpx2.Client, store: Store, secret: Path) -> None:
    folder = make(store.root / "rain", "20261127-120000-1", State.RUNNING)
    (folder / PREVIEW).symlink_to(secret)
    with claimed(folder):
        store.note(folder)
        assert len(client.get("takes").json()["takes"]) == 1
        from core.library.listening import LibraryShelf

        id_ = LibraryShelf(store).place_of(folder / PREVIEW)
        assert id_ is not None
        assert client.get(f"takes/{id_[0]}/piece").status_code == 404


def test_a_take_or_a_song_elsewhere_is_not_heard(client: httpx2.Client, store: Store, tmp_path: Path) -> None:
    real = make_sounding(tmp_path / "elsewhere" / "rain")
    (store.root / "rain").symlink_to(tmp_path / "elsewhere" / "rain")
    (store.root / "boats" / "takes" / "20261129-120000-1").symlink_to(real)
    store.sync()
    assert len(store.takes()) == 3
    assert len(client.get("takes").json()["takes"]) == 1


@pytest.mark.parametrize(
    "named", ["recipe.json", "../../song.yaml", "tokens.safetensors", "../../../../secret.wav"]
)
def test_a_recipe_names_no_other_file_as_sound(
    client: httpx2.Client, store: Store, id_: str, take: Path, secret: Path, named: str
) -> None:
    (take / "tokens.safetensors").write_bytes(SECRET)
    (store.root / "boats" / "song.yaml").write_bytes(SECRET)
    change(take, audio=named)
    store.note(take)
    answer = client.get(f"takes/{id_}/sound/mix")
    assert answer.status_code == 404
    assert client.get("takes").json()["takes"] == []


def test_a_pipe_in_the_place_of_a_sound_is_no_sound(client: httpx2.Client, id_: str, take: Path) -> None:
    (take / "sound.wav").unlink()
    os.mkfifo(take / "sound.wav")
    assert client.get(f"takes/{id_}/sound/mix").status_code == 404


def test_a_take_in_the_trash_is_no_longer_heard(
    client: httpx2.Client, store: Store, id_: str, take: Path
) -> None:
    bin_ = store.root / "boats" / "trash"
    bin_.mkdir()
    take.rename(bin_ / take.name)
    store.sync()
    assert client.get(f"takes/{id_}/sound/mix").status_code == 404


def test_listening_leaves_the_library_as_it_was(
    client: httpx2.Client, store: Store, id_: str, take: Path
) -> None:
    def content() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in take.iterdir() if not p.name.endswith(".peaks.json")}

    before = content()
    for path in ("", "state", "takes", f"takes/{id_}", f"takes/{id_}/sound/mix", f"takes/{id_}/peaks/mix"):
        assert client.get(path).status_code == 200
    assert content() == before


# Ranges


def test_a_range_is_one_range_or_the_whole_or_nothing(client: httpx2.Client, id_: str, take: Path) -> None:
    size, huge = (take / "sound.wav").stat().st_size, "99999999999999999999999"
    many = ",".join(f"{n}-{n}" for n in range(500))
    answers = {
        "bytes=0-1,5-6": 200, f"bytes={many}": 200,
        f"bytes={huge}-": 416, f"bytes=0-{huge}": 206, f"bytes=-{huge}": 206, "bytes=-0": 416,
        "bytes=9-2": 400, "bytes=--5": 416, "bytes=a-b": 400, "bytes=": 400, "lines=0-5": 400, "bytes": 400,
        f"bytes={'9' * 5000}-": 400,
    }  # fmt: skip
    for asked, status in answers.items():
        answer = client.get(f"takes/{id_}/sound/mix", headers={"range": asked})
        assert (asked, answer.status_code) == (asked, status)
        assert len(answer.content) <= size
        assert "multipart" not in answer.headers.get("content-type", "")
        if status == 416:
            assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_piece_is_counted_in_plain_numbers(client: httpx2.Client, id_: str) -> None:
    for asked in ("-1", "1e9", "9" * 13, "٣", "0x1", " 1", ""):
        for key in ("from", "count"):
            assert client.get(f"takes/{id_}/piece", params={key: asked}).status_code == 400


# What is not asked as browsers ask


def test_odd_targets_lead_nowhere(server: Server, connect: Callable[[], Raw]) -> None:
    for path in ("*", f"http://127.0.0.1/{TOKEN}/state", f"//{TOKEN}/state", f"/%2f{TOKEN}/state"):
        assert connect().send(ask(server, path)).status in (400, 404)


async def test_the_guard_knows_nothing_but_http() -> None:
    async def app(*_: object) -> None:
        raise AssertionError("it was let through")

    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0)
        return {}

    await Guard(app, TOKEN)({"type": "websocket", "path": f"/{TOKEN}/"}, receive, send)
    assert sent == []
