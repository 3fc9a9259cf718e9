"""Opening the library's index: made, migrated with a copy put beside it, refused, or put aside if damaged."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.clock import stamps
from core.errors import SongdeskError
from core.library.schema import STEPS, TABLES, VERSION
from core.takes.claim import claimed

_PATIENCE = 10.0
"""Seconds to wait for another process that writes."""
_OTHERS = ("-wal", "-shm")
"""What SQLite keeps beside a database."""
_MAGIC, _VERSION_AT, _HEAD = b"SQLite format 3\0", 60, 64
"""How a database begins, and where in it the four bytes of `user_version` are."""
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class NewerLibrary(SongdeskError):
    """The index is of a songdesk that knows more than this one, and is left to it."""


def open_index(path: Path) -> tuple[sqlite3.Connection, tuple[str, ...]]:
    """A connection to the index at `path`, brought to this version, and what a person should know of it.

    A damaged file is put aside for an empty one. NewerLibrary for that of a newer songdesk, which is left as
    it is; SongdeskError where the folder cannot be written.
    """
    with _alone(path.parent), telling(path):
        try:
            return _opened(path)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
        aside = _put_aside(path)
        connection, notes = _opened(path)
        return connection, (
            f"the library's index was damaged; it was kept as {aside.name} and read anew from the folders",
            *notes,
        )


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file itself is not what it should be."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in _DAMAGE or "no such table" in str(error) or "no such column" in str(error)


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what SQLite says into one line a person can act on; damage passes unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error):
            raise
        busy = "locked" in str(error)
        what = (
            "another songdesk is busy with the library"
            if busy
            else f"cannot use the library's index: {error}"
        )
        hint = "try again" if busy else "free some space or choose another library"
        raise SongdeskError(what, where=str(path), hint=hint) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from opening the index meanwhile."""
    until = time.monotonic() + _PATIENCE
    while True:
        with claimed(folder) as is_ours:
            if is_ours:
                yield
                return
        if time.monotonic() > until:
            raise SongdeskError(
                "another songdesk is opening the library", where=str(folder), hint="try again"
            )
        time.sleep(0.02)


def _opened(path: Path) -> tuple[sqlite3.Connection, tuple[str, ...]]:
    version = _version_of(path)
    if version > VERSION:
        raise NewerLibrary(
            "this library was used by a newer songdesk",
            where=str(path),
            hint=f"update songdesk, or move {path.name} away: it is then made anew from the folders",
        )
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _check(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        notes: tuple[str, ...] = ()
        if version < VERSION:
            copy = _back_up(connection, path, version) if version else None
            _migrate(connection)
            notes = (
                (f"the library's index was brought up to date; the old one is {copy.name}",) if copy else ()
            )
        for table in TABLES:
            connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 - a name of ours
    except BaseException:
        connection.close()
        raise
    return connection, notes


def _version_of(path: Path) -> int:
    """The version of the file, which is only looked at; 0 where there is none."""
    try:
        if not path.stat().st_size:
            raise FileNotFoundError
    except FileNotFoundError:
        for ending in _OTHERS:  # left of a database that somebody took away
            Path(f"{path}{ending}").unlink(missing_ok=True)
        return 0
    if not _log(path).exists() or not _log(path).stat().st_size:
        with path.open("rb") as file:  # not even SQLite's own files appear beside one that is refused
            head = file.read(_HEAD)
        return int.from_bytes(head[_VERSION_AT:_HEAD], "big") if head.startswith(_MAGIC) else 0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _log(path: Path) -> Path:
    return Path(f"{path}{_OTHERS[0]}")


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        damage = sqlite3.DatabaseError(found)
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for step in STEPS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    copy = _free(path, f"v{version}")
    try:
        with closing(sqlite3.connect(copy)) as target:
            connection.backup(target)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy


def _put_aside(path: Path) -> Path:
    aside = _free(path, "damaged")
    path.rename(aside)
    for ending in _OTHERS:
        beside = Path(f"{path}{ending}")
        if beside.exists():
            beside.rename(f"{aside}{ending}")
    return aside


def _free(path: Path, word: str) -> Path:
    names = (path.with_name(f"{path.stem}-{word}-{stamp}{path.suffix}") for stamp in stamps())
    return next(name for name in names if not name.exists())
