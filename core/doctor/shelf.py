"""Check of the library: its index beside its folders, on a copy, so that nothing is changed."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.doctor.finding import Finding, few
from core.doctor.scene import Scene
from core.library.scan import Key, scan
from core.library.schema import TABLES, VERSION
from core.library.store import FILE, FOLDER
from core.paths import library
from core.takes import recipe

_LARGEST = 500_000_000
"""Bytes of an index that are copied to be looked at."""
_MOST_RECIPES = 3000
_REBUILD = "songdesk library rebuild"


@dataclass(frozen=True, slots=True)
class _Index:
    """What the index holds; `trouble` is why it cannot be used."""

    keys: frozenset[Key] = frozenset()
    version: int = 0
    trouble: str = ""


def shelf(_: Scene) -> Finding:
    """Whether the library is whole."""
    return look(library())


def look(root: Path) -> Finding:
    """Whether a library is whole: index, folders and recipes agree. Nothing is written to it."""
    if not root.is_dir():
        return Finding(
            "library", "Library", "ok", f"none yet; it will be {root}", facts={"folder": str(root)}
        )
    found = scan(root)
    unread = [
        f"{os.fsdecode(key.song)}/{os.fsdecode(key.id)}"
        for key in list(found.takes)[:_MOST_RECIPES]
        if _is_unreadable(key.folder(root))
    ]
    made = {key for key in found.takes if (key.folder(root) / recipe.FILE).exists()}
    facts: dict[str, object] = {"folder": str(root), "takes": len(made), "unreadable": unread}
    what = f"{len(made)} takes in {root}"
    if found.unread:
        fix = "look at the permissions of these folders"
        names = [os.fsdecode(name) for name in sorted(found.unread)]
        return Finding("library", "Library", "fail", f"{what}; not readable: {few(names)}", fix, facts)
    return _judged(what, unread, made, _index(root / FOLDER / FILE), facts)


def _judged(
    what: str, unread: list[str], made: set[Key], index: _Index | None, facts: dict[str, object]
) -> Finding:
    if index is None:
        fix = f"{_REBUILD}, or it is made when the studio is opened" if made else ""
        status = "warn" if made else "ok"
        return Finding(
            "library", "Library", "warn" if status == "warn" else "ok", f"{what}, no index", fix, facts
        )
    if index.trouble:
        return Finding("library", "Library", "fail", f"{what}; its index: {index.trouble}", _REBUILD, facts)
    if index.version > VERSION:
        fix = "update songdesk; this one leaves the library alone"
        what = f"{what}; its index is of a newer songdesk"
        return Finding("library", "Library", "warn", what, fix, facts)
    if unread:
        what = f"{what}; recipes that cannot be read: {few(unread)}"
        fix = "bring recipe.json back from a backup or the sound file (songdesk open), or trash the take"
        return Finding("library", "Library", "warn", what, fix, facts)
    missing, gone = len(made - index.keys), len(index.keys - made)
    facts |= {"not_in_index": missing, "gone_from_disk": gone}
    if missing or gone:
        what = f"{what}; the index lacks {missing} and has {gone} that are gone"
        fix = f"nothing: it is brought up to date when it is opened; else {_REBUILD}"
        return Finding("library", "Library", "warn", what, fix, facts)
    return Finding("library", "Library", "ok", f"{what}, index whole, recipes readable", facts=facts)


def _is_unreadable(folder: Path) -> bool:
    return (folder / recipe.FILE).exists() and recipe.load(folder) is None


def _index(path: Path) -> _Index | None:
    """What a copy of the index holds; None where there is none."""
    if not path.exists() or not path.stat().st_size:
        return None
    if path.stat().st_size > _LARGEST:
        return _Index(trouble="too large to be looked at")
    first = _looked_at(path)
    # A copy made while somebody writes is of two minds; the second one hardly is.
    return _looked_at(path) if first.trouble else first


def _looked_at(path: Path) -> _Index:
    with tempfile.TemporaryDirectory(prefix="songdesk-doctor-") as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
            log = Path(f"{path}-wal")
            if log.exists():
                shutil.copyfile(log, f"{copy}-wal")
            with closing(sqlite3.connect(copy)) as connection:
                return _read(connection)
        except (OSError, sqlite3.Error) as error:
            return _Index(trouble=str(error))


def _read(connection: sqlite3.Connection) -> _Index:
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if verdict != "ok":
        return _Index(trouble=f"damaged: {str(verdict).splitlines()[0]}")
    if version > VERSION:
        return _Index(version=version)
    for table in TABLES:
        connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 - a name of ours
    keys = frozenset(Key(*row) for row in connection.execute("SELECT song, place, id FROM takes"))
    return _Index(keys, version)
