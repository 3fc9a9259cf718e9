"""Takes that a person throws away: moved within their song's folder, gone when the trash is emptied."""

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.atomic import unwritable
from core.errors import SongdeskError
from core.library.scan import song_of
from core.library.store import Store
from core.meter import State
from core.takes import recipe as recipes
from core.takes.claim import claimed
from core.takes.take import Take


def trash(store: Store, take: Take) -> Take:
    """Move a take into the trash of its song, and out of the queue; SongdeskError while it is being made."""
    return _moved(store, take, is_trashed=True)


def restore(store: Store, take: Take) -> Take:
    """Move a take back from the trash; one that was to be made waits for a person to say so again."""
    return _moved(store, take, is_trashed=False)


def empty(store: Store, home: Path | None = None) -> int:
    """Remove what the trash of a song holds, or that of every song, from the disk; returns how many takes.

    Nothing is followed that leads elsewhere. SongdeskError where a folder cannot be removed; the others are.
    """
    homes = _songs(store.root) if home is None else [_inside(store, home)]
    count, refusal = 0, None
    for folder in (folder for song in homes for folder in _thrown(song / "trash")):
        try:
            count += _removed(folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            refusal = refusal or SongdeskError(f"cannot be removed: {reason}", where=str(folder))
        except SongdeskError as error:
            refusal = refusal or error
    for song in homes:
        with suppress(OSError):
            (song / "trash").rmdir()
    store.sync()
    if refusal is not None:
        raise refusal
    return count


def _moved(store: Store, take: Take, *, is_trashed: bool) -> Take:
    _check(take)
    goal = replace(take, is_trashed=is_trashed)
    source, target = take.folder, goal.folder
    if source == target:
        return take
    if not _is_folder(source):
        raise SongdeskError("this take is gone", where=str(source))
    with claimed(source) as is_ours:
        if not is_ours:
            raise SongdeskError("this take is being made", where=str(source), hint="stop or pause it first")
        try:
            target.parent.mkdir(exist_ok=True)
            if not _is_folder(target.parent):
                raise NotADirectoryError(20, "not a folder of its own", str(target.parent))
            if os.path.lexists(target):
                raise SongdeskError(
                    "there is another take of that name", where=str(target), hint="move one of them away"
                )
            if not is_trashed:
                _call_off(source)
            source.rename(target)
        except OSError as error:
            raise unwritable(target, error) from error
    store.note(source, target)
    return store.take(target) or goal


def _call_off(folder: Path) -> None:
    """Let the recipe of a take that is queued say that it is not to be made."""
    recipe = recipes.load(folder)
    if recipe is not None and recipe.state == State.QUEUED.value:
        recipes.save(replace(recipe, state=State.CANCELLED.value), folder)


def _removed(folder: Path) -> bool:
    """Remove a folder of the trash; whether it was a take's."""
    with claimed(folder) as is_ours:
        if not is_ours:
            raise SongdeskError("this take is in use", where=str(folder), hint="stop what uses it first")
        is_take = (folder / recipes.FILE).exists()
        shutil.rmtree(folder)  # follows no link, also none that is put there meanwhile
    return is_take


def _thrown(trash: Path) -> list[Path]:
    """The folders in a trash; links are left alone, and so is a trash that is one."""
    if not _is_folder(trash):
        return []
    try:
        with os.scandir(trash) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _songs(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as entries:
            return [root / e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []


def _inside(store: Store, home: Path) -> Path:
    name = song_of(home, store.root)
    if not name:
        raise SongdeskError("this is no song of the library", where=str(home))
    return store.root / os.fsdecode(name)


def _check(take: Take) -> None:
    """SongdeskError for a name that leads elsewhere."""
    if not take.id or take.id.startswith(".") or "/" in take.id or "\0" in take.id:
        raise SongdeskError("this is no name of a take", where=take.id)


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()
