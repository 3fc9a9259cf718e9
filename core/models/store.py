"""Where files are while they are fetched, and as published before they are converted."""

import json
from contextlib import suppress
from pathlib import Path

from core.atomic import replacing, sync, unwritable, write_text
from core.checkpoints import model_folder, shared_folder
from core.models.hub import Remote
from core.models.places import part_path, published_folder, source_path
from core.models.presence import kept_at, presence_of
from core.registry import PublishedFile, Variant


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


def drop_source(file: PublishedFile) -> bool:
    """Remove a file as published, what is left of its coming, and the folders that are empty then.

    False, and it stays, where a folder on the way to it is a link that leads elsewhere.
    """
    drop_part(file)
    path = source_path(file)
    if not path.parent.resolve().is_relative_to(published_folder().resolve()):
        return False
    path.unlink(missing_ok=True)
    _tidy(path.parent)
    kept = _kept_mark(file)
    kept.unlink(missing_ok=True)
    _tidy(kept.parent)
    return True


def mark_source(file: PublishedFile, *, stays: bool) -> None:
    """Remember whether a person wants a file to stay as published; SongdeskError where the disk refuses."""
    mark = _kept_mark(file)
    try:
        if not stays:
            mark.unlink(missing_ok=True)
            return
        mark.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(mark.parent, error) from error
    write_text(mark, "")


def left_sources(chosen: Variant) -> tuple[PublishedFile, ...]:
    """Files that are there as published though all is made of them, and nobody asked to keep them.

    A fetch that ended between the two leaves them. Links are nobody's but the person's.
    """
    todo = presence_of(chosen).to_fetch
    done = (file for file in chosen.files if file.repo and not file.keep_as and file not in todo)
    return tuple(f for f in done if _is_plainly_ours(source_path(f)) and not _kept_mark(f).exists())


def kept_sources(chosen: Variant) -> int:
    """Bytes that files take which stay as published."""
    paths = (source_path(file) for file in chosen.files if file.repo)
    return sum(path.stat().st_size for path in paths if path.is_file())


def _is_plainly_ours(path: Path) -> bool:
    """Whether it is a file below the folder of published ones, without a link on the way there."""
    return path.is_file() and path.resolve() == published_folder().resolve() / path.relative_to(
        published_folder()
    )


def _kept_mark(file: PublishedFile) -> Path:
    return published_folder() / ".kept" / part_path(file).name


def _mark(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read(mark: Path) -> object:
    try:
        return json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _tidy(folder: Path) -> None:
    with suppress(OSError):  # ends at the first that is not empty
        while folder.is_relative_to(published_folder()):
            folder.rmdir()
            folder = folder.parent
