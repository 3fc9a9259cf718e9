"""A file sent as browsers want it: one Range at a time, an ETag, HEAD, and 304 for what they have."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from core.audio.listen.shelf import MEDIA

PART = 1 << 20
"""Bytes of a range at most, where `?part` is in the address."""
_FROM = re.compile(rb"bytes=(\d{1,15})-(\d{0,15})")


class _OneRange(FileResponse):
    """Sends the whole file where several ranges are asked for."""

    max_ranges = 1
    chunk_size = 128 * 1024


async def send_file(
    request: Request, file: Path | None, *, name: str = "", more: Mapping[str, str] | None = None
) -> Response:
    """Send a sound file, 404 where there is none; with a `name` as a download of that name.

    A browser opens six connections to a server, for all its tabs, and keeps one whose range it has not read
    to its end: `?part` in the address has a range cut to what it soon reads.
    """
    kind = MEDIA.get(file.suffix.lower()) if file is not None else None
    facts = await run_in_threadpool(_facts, file) if file is not None and kind else None
    if file is None or facts is None:
        return Response(status_code=404)
    headers = {"etag": etag(facts), "cache-control": "private, no-cache", **(more or {})}
    if _has(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    if "part" in request.query_params:
        request.scope["headers"] = [(key, _cut(key, value)) for key, value in request.scope["headers"]]
    return _OneRange(file, headers=headers, media_type=kind, stat_result=facts, filename=name or None)


def etag(facts: os.stat_result) -> str:
    """What changes when a file does: ours appear under their name whole, each as a file of its own."""
    return f'"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"'


def safe_name(title: str, stem: str, suffix: str) -> str:
    """A name for a download that no file system minds and no shell, made of a title."""
    kept = "".join(char if char.isalnum() or char in " -_().," else "-" for char in title)
    words = " ".join(kept.split()).strip(" .-")[:80].strip(" .-") or "song"
    return f"{words}{'' if stem == 'mix' else f' ({stem})'}{suffix}"


def _cut(key: bytes, value: bytes) -> bytes:
    """A header, a range in it cut to a part: a server may send less than was asked for (RFC 9110, 15.3.7)."""
    asked = _FROM.fullmatch(value.strip()) if key == b"range" else None
    if asked is None:
        return value
    first, longest = int(asked[1]), int(asked[1]) + PART - 1
    return b"bytes=%d-%d" % (first, min(int(asked[2] or longest), longest))


def _facts(file: Path) -> os.stat_result | None:
    """What the file system knows of a regular file; None of anything else."""
    try:
        facts = file.lstat()
    except OSError:
        return None
    return facts if stat.S_ISREG(facts.st_mode) else None


def _has(sent: str, ours: str) -> bool:
    """Whether a browser has the file as it is."""
    return sent.strip() == "*" or ours in (each.strip().removeprefix("W/") for each in sent.split(","))
