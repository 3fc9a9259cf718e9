"""What a hub says of a file, and its bytes from any place on, by `huggingface_hub`'s own client.

Endpoint, mirror, token, proxy, time limits and offline mode are the library's (HF_ENDPOINT, HF_TOKEN,
HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT and so on). Files come by plain HTTP and not by its xet protocol, as
with HF_HUB_DISABLE_XET=1: only so can a download go on from the byte where a killed process left it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from httpx2 import (
    HTTPError,
    InvalidURL,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    Response,
    StreamError,
    Timeout,
    UnsupportedProtocol,
)
from huggingface_hub import constants, get_hf_file_metadata, get_session, hf_hub_url
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # it exports lazily

from core.errors import SongdeskError
from core.registry import PublishedFile

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another attempt can change."""
_LOOK = "look at HF_ENDPOINT"
_USUAL = "https://huggingface.co"
"""Where the hub is unless HF_ENDPOINT tells another place."""
_LONGEST_WAIT = 60.0
"""Seconds that a hub can ask us to wait at most."""


class Passing(Exception):
    """An attempt failed in a way that another one may not."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the hub asks to be left alone."""


class Unranged(Passing):
    """The hub does not send parts of a file as it should: the next attempt asks for the whole."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file as the hub has it now."""

    file: PublishedFile
    commit: str
    size: int
    sha256: str
    """Of a file in Git LFS; empty where the hub tells none."""
    etag: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a hub sends of a file."""

    start: int
    """The place in the file that it begins at."""
    kind: str
    """The content type."""
    pieces: Iterator[bytes]
    """As they come; raises Passing when they end early or do not come."""


def host() -> str:
    """The hub that is asked, without what opens it to a person."""
    return constants.ENDPOINT.partition("://")[2].rpartition("@")[2] or constants.ENDPOINT.rpartition("@")[2]


def look_at_endpoint() -> str:
    """What to add to a hint where a variable says which hub to ask; else nothing."""
    return "" if constants.ENDPOINT == _USUAL else f"; {_LOOK}"


def look_up(file: PublishedFile) -> Remote:
    """Ask the hub for a file's size and hash.

    Raises Passing, and SongdeskError where asking again is no use.
    """
    with _told(file):
        found = get_hf_file_metadata(_url(file, None), timeout=constants.HF_HUB_ETAG_TIMEOUT)
    if found.commit_hash is None or found.etag is None or not found.size or found.size < 0:
        raise SongdeskError(
            "what answers is no hub: it tells no version, hash or size of the file",
            where=_url(file, None),
            hint=f"{_LOOK}, and whether the network asks you to log in first",
        )
    digest = found.etag if _DIGEST.fullmatch(found.etag) else ""
    return Remote(file, found.commit_hash, found.size, digest, found.etag)


@contextmanager
def opened(remote: Remote, start: int) -> Iterator[Body]:
    """Have the hub send a file from byte `start` on, or the whole where it will not.

    Raises Passing, and SongdeskError where asking again is no use.
    """
    file = remote.file
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = Timeout(constants.HF_HUB_DOWNLOAD_TIMEOUT)
    with (
        _told(file),
        get_session().stream("GET", _url(file, remote.commit), headers=headers, timeout=timeout) as answer,
    ):
        answer.raise_for_status()
        is_packed = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
        pieces = answer.iter_bytes() if is_packed else answer.iter_raw()
        yield Body(_start(answer, remote, is_packed), answer.headers.get("Content-Type", ""), pieces)


def _start(answer: Response, remote: Remote, is_packed: bool) -> int:
    """Where in the file an answer begins."""
    if answer.status_code != 206:
        return 0
    told = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if told is None or is_packed or told[2] not in ("*", str(remote.size)):
        raise Unranged("the answer does not say what part of the file it is")
    return int(told[1])


@contextmanager
def _told(file: PublishedFile) -> Iterator[None]:
    """Say what went wrong in a way that can be mended, or that it may be tried again."""
    try:
        if not constants.HF_HUB_OFFLINE:
            _require_token_that_can_be_sent()
        yield
    except OfflineModeIsEnabled as error:
        raise SongdeskError(
            f"{file.name} would be fetched, and HF_HUB_OFFLINE forbids it",
            hint="unset it, or name a folder that has the files with --from",
        ) from error
    except (UnsupportedProtocol, InvalidURL) as error:
        raise SongdeskError(
            f"no address to ask for {file.path}: {_reason(error)}", where=host(), hint=_LOOK
        ) from error
    except StreamError as error:
        raise Passing(_reason(error)) from error
    except HTTPError as error:
        answer = getattr(error, "response", None)
        told = _refusal(file, answer) if isinstance(answer, Response) else Passing(_reason(error))
        raise told from error


def _require_token_that_can_be_sent() -> None:
    """Refuse one that no header can hold, here: what the client says of it has the token in it."""
    try:
        sent = build_hf_headers().get("authorization", "")
    except UnicodeError:  # of the file that it is kept in
        sent = "\0"
    if not (sent.isascii() and sent.isprintable()):
        raise SongdeskError(
            "the token has a letter that no token has",
            hint="copy it from the hub anew: into HF_TOKEN, or with `hf auth login`; "
            "public files come without one",
        ) from None


def _refusal(file: PublishedFile, answer: Response) -> Exception:
    code = answer.status_code
    if code in _AGAIN:
        return Passing(f"the hub answers {code}", _asked_wait(answer))
    if code == 416:
        return Unranged("the hub has no such part of the file")
    page = f"{constants.ENDPOINT}/{file.repo}"
    if code in (401, 403) or answer.headers.get("X-Error-Code") in ("GatedRepo", "RepoNotFound"):
        return SongdeskError(
            f"the hub does not give {file.path} of {file.repo} to you ({code})",
            where=page,
            hint="accept its terms there if it has any, and give a token that may read it: "
            "`hf auth login`, or HF_TOKEN",
        )
    if code == 404:
        return SongdeskError(
            f"{file.path} is not there (404)",
            where=page,
            hint="look whether its publisher has moved it; --from takes it from a folder",
        )
    return SongdeskError(f"the hub answers {code} for {file.path}", where=page, hint="try again later")


def _asked_wait(answer: Response) -> float:
    told = answer.headers.get("Retry-After", "")
    return min(float(told), _LONGEST_WAIT) if told.isascii() and told.isdigit() else 0.0


def _reason(error: Exception) -> str:
    """Why an attempt failed, in one line."""
    match error:
        case ReadTimeout():
            return "nothing comes any more"
        case ReadError() | RemoteProtocolError():
            return "the connection was lost"
    lines = str(error).splitlines()
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return f"{name}: {lines[0]}" if lines and lines[0] else name


def _url(file: PublishedFile, commit: str | None) -> str:
    return hf_hub_url(file.repo, file.path, revision=commit)
