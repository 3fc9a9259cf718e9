"""Where files are while they are fetched, and as published before they are converted."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from core.atomic import replacing, sync, unwritable, write_text
from core.checkpoints import model_folder, shared_folder
from core.models.hub import Remote
from core.models.presence import kept_at
from core.paths import checkpoints
from core.registry import PublishedFile, Variant


def source_path(file: PublishedFile) -> Path:
    """Where a file is as published, whole and verified, until it is converted: paths as on the hub."""
    return _folder() / file.repo / file.path


def part_path(file: PublishedFile) -> Path:
    """Where a file is while it comes."""
    name = hashlib.sha256(f"{file.repo}/{file.path}".encode()).hexdigest()[:16]
    return _folder() / ".parts" / f"{name}-{file.name}"


def out_folder(chosen: Variant, file: PublishedFile) -> Path:
    """Where the roles that are made of a file go."""
    return shared_folder(chosen.family) if file.shared else model_folder(chosen)


def begun(file: PublishedFile) -> int:
    """Bytes that came of a file so far."""
    try:
        return part_path(file).stat().st_size
    except OSError:
        return 0


def fitting_part(remote: Remote) -> tuple[Path, bool]:
    """The part to go on with, in a folder that is there; and whether one of another version was thrown away.

    SongdeskError where the folder cannot be written.
    """
    part = part_path(remote.file)
    mark, says = _mark(part), {"etag": remote.etag, "size": remote.size}
    is_other = part.exists() and _read(mark) != says
    try:
        if is_other:
            part.unlink()
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(part.parent, error) from error
    if not part.exists():
        write_text(mark, json.dumps(says))
    return part, is_other


def drop_part(file: PublishedFile) -> None:
    """Remove what came of a file."""
    part = part_path(file)
    part.unlink(missing_ok=True)
    _mark(part).unlink(missing_ok=True)
    _tidy(part.parent)


def settle(file: PublishedFile) -> Path:
    """Give a part that is whole and verified the name it is found under; gives that path."""
    part = part_path(file)
    if file.keep_as:
        path = keep(file, part)
    else:
        path = source_path(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.replace(path)
            sync(path.parent)
        except OSError as error:
            raise unwritable(path, error) from error
    drop_part(file)
    return path


def keep(file: PublishedFile, given: Path) -> Path:
    """Copy a verified file to where it is kept as it is; it may be on another disk."""
    path = kept_at(file)
    with replacing(path) as temporary:
        temporary.write_bytes(given.read_bytes())
    return path


def drop_source(file: PublishedFile) -> None:
    """Remove a file as published, what is left of its coming, and the folders that are empty then."""
    drop_part(file)
    path = source_path(file)
    path.unlink(missing_ok=True)
    _tidy(path.parent)


def kept_sources(chosen: Variant) -> int:
    """Bytes that files take which stay as published."""
    paths = (source_path(file) for file in chosen.files if file.repo)
    return sum(path.stat().st_size for path in paths if path.is_file())


def _folder() -> Path:
    return checkpoints() / "published"


def _mark(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read(mark: Path) -> object:
    try:
        return json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _tidy(folder: Path) -> None:
    with suppress(OSError):  # ends at the first that is not empty
        while folder.is_relative_to(_folder()):
            folder.rmdir()
            folder = folder.parent
