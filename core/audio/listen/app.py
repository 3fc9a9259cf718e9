"""What the server answers, behind its guard: the page, the state and its stream, takes and their sound."""

import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundfile import SoundFileError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.audio.listen.asked import Unfit, command, heard, tab_of
from core.audio.listen.guard import App, Guard
from core.audio.listen.pieces import piece
from core.audio.listen.renditions import KINDS, Being, Renditions
from core.audio.listen.sending import safe_name, send_file
from core.audio.listen.shelf import Shelf
from core.audio.listen.stream import Wire
from core.errors import SongdeskError

if TYPE_CHECKING:
    from core.audio.peaks import Peaks

PAGE = Path(__file__).with_name("page")
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_MOST = 500
"""Takes in a list: the newest; how many are left out is said."""
_COUNT = 480_000
"""Samples of a piece where nobody says how many; it is cut to what a piece may have."""
_DIGITS = 12
_PLAIN = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream")
"""What is not worth being packed."""


def build(wire: Wire, shelf: Shelf, renditions: Renditions, token: str) -> App:
    """The whole application."""
    desk = _Desk(wire, shelf, renditions)
    gets = {
        "state": desk.state,
        "events": desk.events,
        "takes": desk.takes,
        "takes/{id}": desk.take,
        "takes/{id}/sound/{stem}": desk.sound,
        "takes/{id}/light/{stem}": desk.light,
        "takes/{id}/peaks/{stem}": desk.peaks,
        "takes/{id}/piece": desk.piece,
    }
    routes = [Route(f"/{path}", answer, methods=["GET"]) for path, answer in gets.items()]
    routes += [
        Route("/do", desk.do, methods=["POST"]),
        Route("/heard", desk.heard, methods=["POST"]),
        Route("/", _page, methods=["GET"]),
        Route("/{name}", _page, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={SongdeskError: _trouble})
    app.router.redirect_slashes = False
    return Guard(GZipMiddleware(app, compresslevel=6, exclude_content_types=_PLAIN), token)


class _Json(JSONResponse):
    """JSON in ASCII: the name of a file may hold what UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class _Desk:
    """Answers."""

    def __init__(self, wire: Wire, shelf: Shelf, renditions: Renditions) -> None:
        self._wire = wire
        self._shelf = shelf
        self._renditions = renditions

    async def state(self, _: Request) -> Response:
        return _Json(self._wire.facts())

    async def events(self, request: Request) -> Response:
        try:
            tab = tab_of(request.query_params.get("tab", "tab"))
        except Unfit as error:
            return _unfit(error)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return StreamingResponse(self._wire.events(tab), media_type="text/event-stream")

    async def do(self, request: Request) -> Response:
        body = await request.body()
        try:
            wish = await run_in_threadpool(command, body, self._shelf)
        except Unfit as error:
            return _unfit(error)
        await run_in_threadpool(self._wire.stage.ask, wish)
        return Response(status_code=204)

    async def heard(self, request: Request) -> Response:
        try:
            tab, told = heard(await request.body())
        except Unfit as error:
            return _unfit(error)
        self._wire.stage.report(tab, told)
        return Response(status_code=204)

    async def takes(self, _: Request) -> Response:
        cards = await run_in_threadpool(self._shelf.cards)
        listed = [asdict(card) for card in cards[:_MOST]]
        return _Json({"takes": listed, "left_out": len(cards) - len(listed)})

    async def take(self, request: Request) -> Response:
        found = await run_in_threadpool(self._told, request.path_params["id"])
        return Response(status_code=404) if found is None else _Json(found)

    def _told(self, id: str) -> dict[str, object] | None:  # noqa: A002
        card = self._shelf.card(id)
        if card is None:
            return None
        return {**asdict(card), "sections": [asdict(part) for part in self._shelf.parts(id)]}

    async def sound(self, request: Request) -> Response:
        id_, stem = request.path_params["id"], request.path_params["stem"]
        file = await run_in_threadpool(self._shelf.sound, id_, stem)
        return await send_file(request, file, name=await self._name(request, id_, stem, file))

    async def light(self, request: Request) -> Response:
        id_, stem = request.path_params["id"], request.path_params["stem"]
        sound = await run_in_threadpool(self._shelf.sound, id_, stem)
        if sound is None:
            return Response(status_code=404)
        kind = request.query_params.get("kind", "")
        found = await run_in_threadpool(self._renditions.of, sound, kind if kind in KINDS else None)
        if isinstance(found, Being):
            return _Json({"made": found.made}, status_code=503, headers={"retry-after": "1"})
        return await send_file(request, found, name=await self._name(request, id_, stem, found))

    async def _name(self, request: Request, id: str, stem: str, file: Path | None) -> str:  # noqa: A002
        """What a download is called; empty where none is asked for."""
        if "download" not in request.query_params or file is None:
            return ""
        card = await run_in_threadpool(self._shelf.card, id)
        return safe_name(card.title if card is not None else "song", stem, file.suffix)

    async def peaks(self, request: Request) -> Response:
        """`SDP1`, uint32 n, float32 seconds (little-endian), then n bytes: the outline, 0 to 255."""
        try:
            found = await run_in_threadpool(
                self._shelf.peaks, request.path_params["id"], request.path_params["stem"]
            )
        except SongdeskError:
            found = None
        if found is None:
            return Response(status_code=404)
        return Response(_packed(found), media_type="application/octet-stream")

    async def piece(self, request: Request) -> Response:
        """A wav file of what there is of a growing take from a sample on."""
        query = request.query_params
        try:
            first, count = _count(query.get("from", "0")), _count(query.get("count", str(_COUNT)))
        except ValueError:
            return _Json({"error": "from, count: samples"}, status_code=400)
        stem = query.get("stem", "mix")
        file = await run_in_threadpool(self._shelf.growing, request.path_params["id"], stem)
        try:
            found = await run_in_threadpool(piece, file, first, count) if file is not None else None
        except (OSError, SoundFileError):  # it was finished, or given up, this moment
            found = None
        if found is None:
            return Response(status_code=404)
        headers = {
            "x-frames-known": str(found.known),
            "x-frames-from": str(found.first),
            "x-frames-count": str(found.count),
            "x-sample-rate": str(found.rate),
        }
        if not found.count:
            return Response(status_code=416, headers=headers)
        return Response(found.data, media_type="audio/wav", headers=headers)


async def _page(request: Request) -> Response:
    """A file of the page: one of those that lie there, whatever the name says."""
    name = request.path_params.get("name", "index.html")
    data = await run_in_threadpool(_page_file, name)
    return Response(status_code=404) if data is None else Response(data, media_type=_KINDS[Path(name).suffix])


def _page_file(name: str) -> bytes | None:
    try:
        file = next(file for file in PAGE.iterdir() if file.name == name and file.suffix in _KINDS)
        return file.read_bytes()
    except (StopIteration, OSError):
        return None


def _packed(peaks: "Peaks") -> bytes:
    levels = bytes(min(255, max(0, round(value * 255))) for value in peaks.values)
    return struct.pack("<4sIf", b"SDP1", len(levels), peaks.seconds) + levels


def _count(text: str) -> int:
    """Samples; ValueError for what is no number of them."""
    if not text.isdecimal() or not text.isascii() or len(text) > _DIGITS:
        raise ValueError(text)
    return int(text)


async def _trouble(_: Request, error: Exception) -> Response:
    """What the library, or a rendition, cannot give now."""
    return _Json({"error": str(error)}, status_code=500)


def _unfit(error: Unfit) -> Response:
    return _Json({"error": str(error)}, status_code=400)
