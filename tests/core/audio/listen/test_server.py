"""The server over real sockets: the page, takes and their sound, and what is told of the state."""

import gzip
import io
import json
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx2
import numpy as np
import pytest
import soundfile
import uvicorn

from core.audio.listen import sending, stream
from core.audio.listen.pieces import LONGEST
from core.audio.listen.serve import Server, serve
from core.audio.listen.stage import Command, Stage
from core.audio.spool import growing
from core.errors import SongdeskError
from core.library.listening import LibraryShelf
from core.library.store import Store
from core.meter import State
from core.takes.claim import claimed
from core.takes.job import PREVIEW
from tests.core.audio.listen.conftest import RATE, TOKEN, make_sounding, sound
from tests.made import finish, make


@pytest.fixture
def id_(client: httpx2.Client) -> str:
    return str(client.get("takes").json()["takes"][0]["id"])


def test_the_page_is_packed_and_its_sound_is_not(client: httpx2.Client, id_: str) -> None:
    wants = {"accept-encoding": "gzip"}
    with client.stream("GET", "", headers=wants) as page:
        packed = b"".join(page.iter_raw())
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-encoding"] == "gzip"
    assert b"<html" in gzip.decompress(packed)
    for path in (f"takes/{id_}/sound/mix", f"takes/{id_}/peaks/mix"):
        assert "content-encoding" not in client.get(path, headers=wants).headers


def test_every_file_that_the_page_names_is_there(client: httpx2.Client) -> None:
    page = client.get("").text
    named = [part.split('"')[0] for key in ('src="', 'href="') for part in page.split(key)[1:]]
    assert "listen.js" in named
    for name in named:
        found = client.get(name)
        assert (name, found.status_code) == (name, 200)
    assert client.get("listen.js").headers["content-type"].startswith("text/javascript")
    assert client.get("__init__.py").status_code == 404


def test_takes_are_listed_and_told_with_their_lyrics(client: httpx2.Client, store: Store) -> None:
    make(store.root / "boats", "20261126-120000-2", State.FAILED)
    make_sounding(store.root / "rain", "20261127-120000-1", seconds=1.0)
    store.sync()
    listed = client.get("takes").json()
    assert [card["name"] for card in listed["takes"]] == ["20261127-120000-1", "20261126-120000-1"]
    assert listed["left_out"] == 0
    told = client.get(f"takes/{listed['takes'][1]['id']}").json()
    assert (told["title"], told["stems"], told["seconds"]) == ("Boats", ["mix", "vocal"], 1.0)
    assert told["sections"][0]["tag"] == "verse"
    assert told["sections"][0]["lines"] == [{"text": "half a line", "seconds": None}]
    assert client.get("takes/nosuchtake").status_code == 404


def test_a_sound_comes_whole_or_by_one_range(client: httpx2.Client, id_: str, take: Path) -> None:
    path, data = f"takes/{id_}/sound/mix", (take / "sound.wav").read_bytes()
    whole = client.get(path)
    assert (whole.content, whole.headers["accept-ranges"]) == (data, "bytes")
    assert whole.headers["content-type"] == "audio/wav"
    for asked, first, last in (
        ("0-9", 0, 9),
        ("44-", 44, len(data) - 1),
        ("-100", len(data) - 100, len(data) - 1),
    ):
        part = client.get(path, headers={"range": f"bytes={asked}"})
        assert part.status_code == 206
        assert part.content == data[first : last + 1]
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(data)}"
    head = client.head(path)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(data)))
    assert client.get(f"takes/{id_}/sound/backing").status_code == 404


def test_a_sound_that_is_another_by_now_is_sent_whole(client: httpx2.Client, id_: str, take: Path) -> None:
    path = f"takes/{id_}/sound/mix"
    mark = client.get(path).headers["etag"]
    assert client.get(path, headers={"if-none-match": mark}).status_code == 304
    part = {"range": "bytes=0-9", "if-range": mark}
    assert client.get(path, headers=part).status_code == 206
    other = take / "other.wav"
    other.write_bytes((take / "sound.wav").read_bytes())
    other.replace(take / "sound.wav")
    assert client.get(path, headers=part).status_code == 200
    assert client.get(path, headers={"if-none-match": mark}).status_code == 200


def test_a_range_is_cut_where_parts_are_wanted(
    monkeypatch: pytest.MonkeyPatch, client: httpx2.Client, id_: str, take: Path
) -> None:
    monkeypatch.setattr(sending, "PART", 1000)
    path, data = f"takes/{id_}/sound/mix?part", (take / "sound.wav").read_bytes()
    for asked, first, last in (("0-", 0, 999), ("10-5000", 10, 1009), ("10-20", 10, 20), ("-5", -5, None)):
        part = client.get(path, headers={"range": f"bytes={asked}"})
        assert part.status_code == 206
        assert part.content == (data[first : last + 1] if last is not None else data[first:])
        assert part.headers["content-range"].endswith(f"/{len(data)}")
    near = len(data) - 10
    assert client.get(path, headers={"range": f"bytes={near}-"}).content == data[near:]
    assert client.get(path, headers={"range": f"bytes={len(data)}-"}).status_code == 416
    assert client.get(path, headers={"range": "bytes=9-2"}).status_code == 400
    assert client.get(path).content == data


def test_a_download_has_a_name_that_every_system_takes(client: httpx2.Client, store: Store) -> None:
    song = {"title": '../Zwei: "Boote"/\\ 船', "lyrics": "", "style": ""}
    folder = make_sounding(store.root / "zwei", "20261128-120000-1", song=song)
    store.note(folder)
    id_ = client.get("takes").json()["takes"][0]["id"]
    said = client.get(f"takes/{id_}/sound/vocal?download").headers["content-disposition"]
    assert said.startswith("attachment; filename*=utf-8''Zwei")
    name = unquote(said.partition("''")[2])
    assert not set('/\\:"') & set(name)
    assert said.endswith("%20%28vocal%29.wav")


def test_an_outline_is_sent_as_bytes(client: httpx2.Client, id_: str) -> None:
    data = client.get(f"takes/{id_}/peaks/mix").content
    count = int.from_bytes(data[4:8], "little")
    assert (data[:4], len(data), count) == (b"SDP1", 12 + count, 50)
    assert np.frombuffer(data[8:12], "<f4")[0] == pytest.approx(1.0)
    assert data[12] == pytest.approx(128, abs=2)
    assert data[12 + 25] < 10


@pytest.mark.parametrize(("kind", "form"), [("opus", "OGG"), ("mp3", "MP3")])
def test_a_small_rendition_is_made_once_and_then_sent(
    client: httpx2.Client, id_: str, tmp_path: Path, kind: str, form: str
) -> None:
    path = f"takes/{id_}/light/mix?kind={kind}"
    first = client.get(path)
    assert (first.status_code, first.headers["retry-after"]) == (503, "1")
    assert 0 <= first.json()["made"] < 1
    _until(lambda: client.head(path).status_code == 200)
    light = client.get(path)
    assert client.get(path, headers={"range": "bytes=0-3"}).content == light.content[:4]
    copy = tmp_path / f"light.{kind}"
    copy.write_bytes(light.content)
    assert soundfile.info(copy).format == form
    assert soundfile.info(copy).duration == pytest.approx(1.0, abs=0.1)
    (made,) = (tmp_path / "cache").glob(f"*.{kind}")
    before = made.stat().st_ino
    again = client.get(path)
    assert (again.status_code, again.headers["etag"]) == (200, light.headers["etag"])
    assert made.stat().st_ino == before


def test_a_growing_take_is_heard_in_pieces_as_far_as_it_is(client: httpx2.Client, store: Store) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    frames = sound(0.5)
    with claimed(folder), growing(folder / PREVIEW, RATE) as spool:
        spool.append(frames[:1000])
        store.note(folder)
        card = client.get("takes").json()["takes"][0]
        assert (card["grows"], card["stems"], card["seconds"]) == (True, ["mix"], pytest.approx(1000 / RATE))
        path = f"takes/{card['id']}/piece"
        assert _samples(client.get(path).content) == pytest.approx(frames[:1000], abs=1 / 32768)
        spool.append(frames[1000:])
        piece = client.get(path, params={"from": 1000, "count": 500})
        assert _samples(piece.content) == pytest.approx(frames[1000:1500], abs=1 / 32768)
        told = {key: piece.headers[f"x-{key}"] for key in ("frames-known", "frames-from", "frames-count")}
        assert told == {"frames-known": "24000", "frames-from": "1000", "frames-count": "500"}
        past = client.get(path, params={"from": 24_000})
        assert (past.status_code, past.headers["x-frames-known"]) == (416, "24000")
        assert client.get(f"takes/{card['id']}/sound/mix").status_code == 404
        outline = client.get(f"takes/{card['id']}/peaks/mix").content
        assert int.from_bytes(outline[4:8], "little") == 25
    finish(folder)
    soundfile.write(folder / "sound.wav", frames, RATE)
    store.note(folder)
    assert client.get(path).status_code == 404
    assert client.get(f"takes/{card['id']}/sound/mix").status_code == 200


def test_no_piece_is_longer_than_ten_seconds(client: httpx2.Client, store: Store) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    with claimed(folder), growing(folder / PREVIEW, RATE) as spool:
        spool.append(sound(LONGEST + 1))
        store.note(folder)
        id_ = client.get("takes").json()["takes"][0]["id"]
        piece = client.get(f"takes/{id_}/piece", params={"count": 10**11})
    assert piece.headers["x-frames-count"] == str(round(LONGEST * RATE))


def test_what_a_tab_asks_for_is_done_and_what_it_does_is_known(
    client: httpx2.Client, stage: Stage, here: dict[str, str], id_: str
) -> None:
    asked: list[Command] = []
    stage.drive(asked.append)
    assert client.post("do", json={"do": "seek", "place": 0.5}, headers=here).status_code == 204
    assert client.post("do", json={"do": "take", "take": id_}, headers=here).status_code == 204
    assert asked == [Command("seek", place=0.5), Command("take", take=id_)]
    told = {"tab": "a-1", "place": 0.25, "playing": True, "revision": 3}
    assert client.post("heard", json=told, headers=here).status_code == 204
    (tab,) = stage.tabs()
    assert (tab.name, tab.heard and tab.heard.place) == ("a-1", 0.25)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("do", {"do": "delete"}),
        ("do", {"do": "seek"}),
        ("do", {"do": "seek", "place": -1}),
        ("do", {"do": "seek", "place": "1"}),
        ("do", {"do": "seek", "place": True}),
        ("do", {"do": "take", "take": "nosuchtake"}),
        ("do", {"do": "stem", "stem": "../mix"}),
        ("do", {"do": "volume", "volume": 1.5}),
        ("do", ["play"]),
        ("heard", {"tab": "a b", "place": 0}),
        ("heard", {"tab": "a", "place": None}),
        ("heard", {"tab": "a", "place": 10**400}),
        ("do", {"do": "seek", "place": 10**400}),
        ("heard", {"tab": "a", "place": 0, "playing": "yes"}),
        ("heard", {"tab": "a", "place": 0, "revision": 1.5}),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    client: httpx2.Client, stage: Stage, here: dict[str, str], path: str, said: object
) -> None:
    before = stage.state
    refused = client.post(path, json=said, headers=here)
    assert refused.status_code == 400
    assert refused.json()["error"]
    assert stage.state == before
    assert stage.tabs() == ()


def test_not_a_number_is_refused(client: httpx2.Client, here: dict[str, str]) -> None:
    headers = {**here, "content-type": "application/json"}
    body = b'{"do": "seek", "place": NaN}'
    assert client.post("do", content=body, headers=headers).status_code == 400


class Events:
    """The events of a stream, one at a time."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.iter_lines()

    def next(self, kind: str) -> dict[str, object]:
        """The data of the next event of a kind."""
        for line in self._lines:
            if line == f"event: {kind}":
                break
        data = next(line for line in self._lines if line.startswith("data: "))
        found = json.loads(data.removeprefix("data: "))
        assert isinstance(found, dict)
        return found


@pytest.fixture
def events(client: httpx2.Client) -> Iterator[Events]:
    with client.stream("GET", "events", params={"tab": "one"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)


def test_every_change_is_told_at_once(events: Events, stage: Stage) -> None:
    first = events.next("state")
    assert (first["take"], first["playing"], first["tabs"]) == ("", False, 1)
    stage.change(take="abc", title="Boats", playing=True, place=2.0, seconds=60.0)
    second = events.next("state")
    assert (second["title"], second["playing"], second["place"]) == ("Boats", True, 2.0)
    assert second["revision"] == stage.state.revision
    assert second["revision"] != first["revision"]


def test_a_name_that_utf8_cannot_hold_is_told_all_the_same(
    events: Events, stage: Stage, client: httpx2.Client
) -> None:
    stage.change(take="abc", title="caf\udce9", seconds=60.0)
    assert events.next("state")["title"] in ("", "caf\udce9")
    assert client.get("state").json()["title"] == "caf\udce9"


def test_a_tab_is_there_as_long_as_its_stream_is(client: httpx2.Client, stage: Stage) -> None:
    with client.stream("GET", "events", params={"tab": "one"}) as response:
        told = Events(response)  # kept: without it the stream is closed
        told.next("state")
        _until(lambda: [tab.name for tab in stage.tabs()] == ["one"])
    _until(lambda: stage.tabs() == ())


def test_a_link_that_is_quiet_is_heard_to_hold(
    monkeypatch: pytest.MonkeyPatch, events: Events, stage: Stage
) -> None:
    events.next("state")
    monkeypatch.setattr(stream, "BEAT", 0.01)
    stage.change(place=1.0)
    events.next("state")
    beat = events.next("beat")
    assert (beat["place"], beat["tabs"], beat["lead"]) == (1.0, 1, "")


def test_other_takes_are_told_of(
    monkeypatch: pytest.MonkeyPatch, client: httpx2.Client, store: Store
) -> None:
    monkeypatch.setattr(stream, "LOOK", 0.02)
    with client.stream("GET", "events", params={"tab": "one"}) as response:
        told = Events(response)
        told.next("state")
        store.note(make_sounding(store.root / "rain"))
        told.next("takes")
    assert len(client.get("takes").json()["takes"]) == 2


def test_a_look_that_breaks_is_logged_once_and_the_next_one_tells_of_other_takes(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    client: httpx2.Client,
    shelf: LibraryShelf,
) -> None:
    monkeypatch.setattr(stream, "LOOK", 0.02)
    version, looks = shelf.version, iter(range(1000))

    def odd() -> int:
        if next(looks) in (0, 3, 4):  # the first, and two later ones on end
            raise ValueError("nobody thought of this")
        return version() + next(looks)

    monkeypatch.setattr(shelf, "version", odd)
    with client.stream("GET", "events", params={"tab": "one"}) as response:
        told = Events(response)
        told.next("state")
        versions = [told.next("takes")["version"] for _ in range(4)]
    assert len(set(versions)) == 4
    logged = [record for record in caplog.records if record.name == stream.__name__]
    assert len(logged) == 2
    assert all(record.exc_info is not None for record in logged)


@pytest.mark.parametrize("ends", [RuntimeError("broken"), SystemExit(3)])
def test_a_server_that_ends_while_it_starts_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stage: Stage,
    shelf: LibraryShelf,
    tmp_path: Path,
    ends: BaseException,
) -> None:
    async def startup(*_: object, **__: object) -> None:
        raise ends

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    with pytest.raises(SongdeskError, match="did not start"):
        serve(stage, shelf, path=tmp_path / "socket", cache=tmp_path / "cache")
    assert any(record.exc_info and record.exc_info[1] is ends for record in caplog.records)
    assert not (tmp_path / "socket").exists()


def test_the_end_of_the_server_ends_streams_and_gives_back_the_port(
    server: Server, client: httpx2.Client, stage: Stage, shelf: LibraryShelf
) -> None:
    with client.stream("GET", "events", params={"tab": "one"}) as response:
        lines = response.iter_lines()
        next(lines)
        server.close()
        assert not server.is_running
        assert all("error" not in line for line in lines)
    assert stage.tabs() == ()
    again = serve(stage, shelf, port=server.port, token=TOKEN)
    try:
        assert (again.url, again.moved) == (server.url, "")
        assert client.get("state").json()["revision"]
    finally:
        again.close()


def test_the_end_does_not_wait_for_somebody_who_does_not_read(
    server: Server, client: httpx2.Client, store: Store
) -> None:
    folder = make_sounding(store.root / "long", "20261128-120000-1")
    with (folder / "sound.wav").open("ab") as file:
        file.truncate(64 << 20)
    store.note(folder)
    id_ = client.get("takes").json()["takes"][0]["id"]
    with client.stream("GET", f"takes/{id_}/sound/mix") as response:
        next(response.iter_raw())
        server.close()
        assert not server.is_running


def test_a_second_studio_takes_another_port_and_says_so(
    server: Server, stage: Stage, shelf: LibraryShelf
) -> None:
    other = serve(stage, shelf, port=server.port)
    try:
        assert other.port != server.port
        assert f"port {server.port} is taken" in other.moved
        assert str(other.port) in other.moved
        assert other.token != server.token
        assert httpx2.get(f"{other.url}state").status_code == 200
        assert httpx2.get(other.url.replace(str(other.port), str(server.port))).status_code == 404
    finally:
        other.close()


def test_a_socket_is_for_its_owner_alone(stage: Stage, shelf: LibraryShelf, tmp_path: Path) -> None:
    path = tmp_path / "listen.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # by a studio that was killed
    server = serve(stage, shelf, path=path, token=TOKEN)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (server.url, server.port) == ("", 0)
        way = httpx2.HTTPTransport(uds=str(path))
        with httpx2.Client(transport=way, base_url=f"http://localhost/{TOKEN}/") as client:
            assert client.get("state").status_code == 200
        with pytest.raises(SongdeskError, match="another songdesk listens there"):
            serve(stage, shelf, path=path)
    finally:
        server.close()
    assert not path.exists()


def test_a_file_in_the_place_of_a_socket_stays(stage: Stage, shelf: LibraryShelf, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(SongdeskError, match="no socket"):
        serve(stage, shelf, path=path)
    assert path.read_text() == "mine"


def _samples(wav: bytes) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    assert rate == RATE
    return np.asarray(samples)


def _until(done: object, patience: float = 20.0) -> None:
    assert callable(done)
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)
