"""Whether a file is the published one: its size and hash, as far as they are known."""

import hashlib
from pathlib import Path

from core.errors import SongdeskError
from core.models.hub import Remote
from core.models.suspect import suspect
from core.models.told import Progress, Tell, Verified
from core.registry import PublishedFile
from core.sizes import gigabytes

_BLOCK = 8 << 20


def verify(path: Path, file: PublishedFile, tell: Tell, remote: Remote | None = None) -> Verified:
    """Read a file to its end and compare with what is known; SongdeskError says what it is instead."""
    size = path.stat().st_size
    wanted = remote.size if remote else file.bytes
    if wanted is not None and size != wanted:
        raise _wrong(path, file, f"{_kind(size, wanted)}: {_sizes(size, wanted)}")
    digest = _digest(path, size, file, tell)
    if not file.agrees(digest) or (remote and remote.sha256 not in ("", digest)):
        raise _wrong(path, file, "not the published file: its SHA-256 is another")
    return Verified(file.path, _how(file, remote), digest)


def require_published(remote: Remote) -> None:
    """Refuse what a hub offers before it comes when it cannot be the file that is known."""
    file = remote.file
    if file.bytes is not None and remote.size != file.bytes:
        what = f"has another size on the hub: {_sizes(remote.size, file.bytes)}"
    elif remote.sha256 and not file.agrees(remote.sha256):
        what = "has another SHA-256 on the hub"
    else:
        return
    raise SongdeskError(
        f"{file.path} {what} than songdesk knows",
        where=file.repo,
        hint="look whether its publisher has changed it; another file can be described in models.yaml",
    )


def _how(file: PublishedFile, remote: Remote | None) -> str:
    """By what a file was verified, in words."""
    says = "as the hub says" if remote else "as songdesk knows it"
    if file.is_known_by_hash:
        return "size and SHA-256 as songdesk knows them"
    if remote and remote.sha256:
        known = "; the known part of the hash agrees" if file.sha256 else ""
        return f"size and SHA-256 {says}{known}"
    size = f"size {says}" if remote or file.bytes is not None else ""
    part = "the known part of the hash agrees" if file.sha256 else "no hash of it is known"
    return "; ".join(filter(None, (size, part)))


def _digest(path: Path, size: int, file: PublishedFile, tell: Tell) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
            done += len(block)
            tell(Progress("verifying", file.path, done, size))
    return digest.hexdigest()


def _wrong(path: Path, file: PublishedFile, what: str) -> SongdeskError:
    other = suspect(path)
    said = f"{other} in place of the file" if other else what
    return SongdeskError(f"{file.path} is {said}", where=str(path), hint="fetch it again")


def _kind(size: int, wanted: int) -> str:
    return "cut short" if size < wanted else "larger than the published file"


def _sizes(size: int, wanted: int) -> str:
    if gigabytes(size) == gigabytes(wanted):
        return f"{size:,} bytes, not {wanted:,}"
    return f"{gigabytes(size)}, not {gigabytes(wanted)}"
