"""Fetching a model: what there is to do, and doing it; it can be cut off anywhere and gone on with."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from core.errors import SongdeskError
from core.models.download import download, persist
from core.models.folder import Found
from core.models.hub import Passing, Remote, look_up
from core.models.places import source_path
from core.models.presence import presence_of
from core.models.store import (
    begun,
    drop_part,
    drop_source,
    fitting_part,
    keep,
    left_sources,
    mark_source,
    out_folder,
    settle,
)
from core.models.told import Note, Placed, Progress, Tell, Verified
from core.models.verify import require_published, verify
from core.paths import checkpoints
from core.registry import PublishedFile, Variant
from core.sizes import gigabytes
from core.takes.claim import claimed

_SPARE = 64 << 20
"""Bytes to leave free on the disk."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file that is to become part of a model."""

    file: PublishedFile
    size: int
    """Bytes."""
    there: int = 0
    """Bytes of it that came before."""
    remote: Remote | None = None
    """As the hub has it; None for one that is on this machine."""
    says: Remote | None = None
    """What the hub says of one that is here as published, where songdesk itself does not know its hash."""
    found: Found | None = None
    """Where a person has it."""

    @property
    def to_come(self) -> int:
        """Bytes to download."""
        return self.size - self.there if self.remote else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What fetching a model comes to; nothing is done yet."""

    chosen: Variant
    items: tuple[Item, ...]
    """In the order they are done: the largest first, which takes the least room in all."""
    lacking: tuple[PublishedFile, ...]
    """Files that cannot be had there."""
    is_keeping: bool
    """Whether files stay as published beside what is made of them."""
    free: int
    """Bytes on the disk."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do and nothing that every song needs is lacking."""
        return not self.items and all(file.optional for file in self.lacking)

    @property
    def to_come(self) -> int:
        """Bytes to download."""
        return sum(item.to_come for item in self.items)

    @property
    def stays(self) -> int:
        """Bytes that will be on the disk more than now, at most; less than 0 where files go."""
        return self._room[0]

    @property
    def needs(self) -> int:
        """Bytes that must be free on the disk."""
        return self._room[1] + _SPARE

    @property
    def _room(self) -> tuple[int, int]:
        held = most = 0
        for item in self.items:
            held += item.to_come
            most = max(most, held + self._made(item))
            held += self._made(item) - self._goes(item)
        return held, most

    def _made(self, item: Item) -> int:
        """Bytes of what is made of a file, at most."""
        if item.file.keep_as and item.remote:
            return 0
        is_tokens = item.file.roles == ("tokens",) and self.chosen.parameters
        return min(item.size, 2 * self.chosen.parameters) if is_tokens else item.size

    def _goes(self, item: Item) -> int:
        """Bytes of a file that is removed once it is converted."""
        is_kept = self.is_keeping or item.found or item.file.keep_as
        return 0 if is_kept else item.size


def plan(
    chosen: Variant,
    tell: Tell,
    *,
    with_references: bool = True,
    is_keeping: bool = False,
    found: Mapping[PublishedFile, Found] | None = None,
) -> Plan:
    """See what is here, and ask the hub for the rest, or take it from what was `found` in a folder.

    SongdeskError when the hub does not answer, or has another file than the one that is known.
    """
    wanted = [f for f in presence_of(chosen).to_fetch if with_references or not f.optional]
    able = {f for f in wanted if f in found} if found is not None else {f for f in wanted if f.repo}
    items = [_item(file, tell, found[file] if found is not None else None) for file in wanted if file in able]
    return Plan(
        chosen=chosen,
        items=tuple(sorted(items, key=lambda item: -item.size)),
        lacking=tuple(file for file in wanted if file not in able),
        is_keeping=is_keeping,
        free=_free(checkpoints()),
    )


def require_place() -> None:
    """Raise SongdeskError where the folder of all weights is not there and cannot be made, or not written."""
    folder = checkpoints()
    try:
        with TemporaryDirectory(prefix=".songdesk-", dir=_there(folder)):
            return
    except OSError as error:
        raise SongdeskError(
            f"cannot write here: {(error.strerror or str(error)).lower()}",
            where=str(folder),
            hint="name another folder with SONGDESK_CKPT",
        ) from error


def require_room(planned: Plan) -> None:
    """Raise SongdeskError with the numbers when the disk is too small."""
    if planned.free < planned.needs:
        raise SongdeskError(
            f"{gigabytes(planned.needs)} are needed while it works and {gigabytes(planned.free)} are free",
            where=str(checkpoints()),
            hint="free some space, or name a folder on another disk with SONGDESK_CKPT",
        )


def carry_out(planned: Plan, tell: Tell) -> None:
    """Do it; SongdeskError says what went wrong, and the same goes on from there the next time."""
    with claimed(checkpoints()) as ours:
        if not ours:
            raise SongdeskError(
                "another songdesk is fetching", where=str(checkpoints()), hint="wait until it is done"
            )
        for item in planned.items:
            if item.file in presence_of(planned.chosen).to_fetch:
                _do(planned, item, tell)


def drop_left(chosen: Variant, tell: Tell, *, is_keeping: bool) -> None:
    """Remove what an earlier fetch was to remove and did not, as it ended before; or keep it from now on."""
    if not left_sources(chosen):
        return
    with claimed(checkpoints()) as ours:
        for file in left_sources(chosen) if ours else ():
            if is_keeping:
                mark_source(file, stays=True)
                continue
            path = source_path(file)
            size = gigabytes(path.stat().st_size)
            if drop_source(file):
                tell(Note(f"{path} is removed ({size}): it is converted, and nobody asked to keep it"))


def _item(file: PublishedFile, tell: Tell, found: Found | None) -> Item:
    if found is not None:
        return Item(file, found.size, there=found.size, found=found)
    source = source_path(file)
    if source.is_file() and not file.keep_as:
        size = source.stat().st_size
        says = _heard(file, tell)
        wanted = says.size if says else file.bytes
        if wanted in (None, size):
            return Item(file, size, there=size, says=says)
        tell(Note(f"{source} has {size:,} bytes, the published file {wanted:,}; it comes anew"))
    remote = persist(lambda: look_up(file), file.path, tell)
    require_published(remote)
    return Item(file, remote.size, there=min(begun(file), remote.size), remote=remote)


def _heard(file: PublishedFile, tell: Tell) -> Remote | None:
    """What the hub says of a file that is here; None where that adds nothing, or it says nothing of it."""
    if file.is_known_by_hash:
        return None
    try:
        remote = look_up(file)
        require_published(remote)
    except (Passing, SongdeskError) as error:
        why = error.what if isinstance(error, SongdeskError) else str(error)
        tell(Note(f"{file.path} is here, and only what songdesk itself knows of it is verified: {why}"))
        return None
    return remote


def _do(planned: Plan, item: Item, tell: Tell) -> None:
    file = item.file
    if item.found is not None:
        path = item.found.path
        tell(Verified(file.path, item.found.how, item.found.sha256))
        if file.keep_as:
            path = keep(file, path)
    elif item.remote is not None:
        path = _come(item.remote, tell)
    else:
        path = _verified_here(file, item.says, tell)
    if file.keep_as:
        tell(Placed(file.path, (path,), is_converted=False))
        return
    if item.found is None:
        mark_source(file, stays=planned.is_keeping)
    tell(Placed(file.path, _converted(planned.chosen, file, path, tell), is_converted=True))
    if item.found is None and not planned.is_keeping and not drop_source(file):
        tell(Note(f"{path} stays: a link leads to it"))


def _come(remote: Remote, tell: Tell) -> Path:
    """Download and verify a file; nothing has its name before."""
    part, is_other = fitting_part(remote)
    if is_other:
        tell(Note(f"{remote.file.path}: another version is there now; it begins anew"))
    download(remote, part, tell)
    try:
        verified = verify(part, remote.file, tell, remote)
    except SongdeskError as error:
        drop_part(remote.file)
        raise SongdeskError(
            f"{error.what}; it is deleted", where=remote.file.repo, hint="the same command fetches it again"
        ) from error
    path = settle(remote.file)
    tell(verified)
    return path


def _verified_here(file: PublishedFile, says: Remote | None, tell: Tell) -> Path:
    """Verify a file that is here as published; a wrong one is deleted, so that it can come anew."""
    path = source_path(file)
    try:
        tell(verify(path, file, tell, says))
    except SongdeskError as error:
        if not drop_source(file):
            raise SongdeskError(error.what, where=str(path), hint="delete it, and fetch it again") from error
        raise SongdeskError(
            f"{error.what}; it is deleted", where=str(path), hint="the same command fetches it again"
        ) from error
    return path


def _converted(chosen: Variant, file: PublishedFile, path: Path, tell: Tell) -> tuple[Path, ...]:
    from core.levo.convert import convert, recognised

    out = out_folder(chosen, file)
    holds = recognised(path, out)
    if set(holds.roles) != set(file.roles) or chosen.id not in holds.models:
        raise SongdeskError(
            f"holds {', '.join(holds.roles)} of {', '.join(holds.models) or 'no known model'}, "
            f"not {', '.join(file.roles)} of {chosen.id}",
            where=str(path),
            hint="delete it, and see whether models.yaml names the right file",
        )
    return convert(
        path, out, step=lambda done, total: tell(Progress("converting", file.path, done, total))
    ).files


def _free(folder: Path) -> int:
    """Bytes free where a folder is or is to be made."""
    return shutil.disk_usage(_there(folder)).free


def _there(folder: Path) -> Path:
    """A folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
