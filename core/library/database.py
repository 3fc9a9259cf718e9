"""One connection to the library's index for all threads: short readings and writings, and who changed it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import SongdeskError
from core.library.opening import is_damage, open_index, telling


class Database:
    """The index as a file that may be damaged, taken away or replaced at any time: it is then opened anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: tuple[str, ...] = ()
        """What a person should know of how it was opened."""
        self.lock = threading.RLock()
        """Held by the thread that asks or writes."""
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._before = 0
        """Versions that earlier connections went through."""
        self._is_damaged = False
        self.changes = 0
        """How often this one changed something."""

    def close(self) -> None:
        """Give back the file; whatever is asked afterwards opens it anew."""
        with self.lock:
            if self._connection is not None:
                self._before = self._seen() + 1
                self._connection.close()
                self._connection = None

    def version(self) -> int:
        """A number that grows whenever anybody changes the index."""
        with self.reading():
            return self._seen() + self.changes

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for a question or two; other threads wait."""
        with self.lock, self._telling():
            yield self._ready()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection within a transaction, which ends with the block: kept, or undone by an error."""
        with self.lock, self._telling():
            connection = self._ready()
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self.changes += connection.total_changes > before

    @property
    def was_open(self) -> bool:
        """Whether it has ever been opened."""
        return self._file is not None

    def is_stale(self) -> bool:
        """Whether the file is not open, or no longer the one that was opened."""
        return self._connection is None or self._is_damaged or _identity(self.path) != self._file

    def renew(self) -> bool:
        """Open the file anew where it is stale, made if need be; whether there is nothing in it.

        SongdeskError when that cannot be done.
        """
        with self.lock:
            if not self.is_stale():
                return False
            self.close()
            with self._telling():
                self._connection, notes = open_index(self.path)
            self._file, self._is_damaged = _identity(self.path), False
            self.notes += notes
            return self._connection.execute("SELECT 1 FROM takes").fetchone() is None

    def _ready(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection

    def _seen(self) -> int:
        assert self._connection is not None
        (seen,) = self._connection.execute("PRAGMA data_version").fetchone()
        return self._before + int(seen)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            with telling(self.path):
                yield
        except sqlite3.Error as error:
            self._is_damaged |= is_damage(error)
            raise SongdeskError(
                f"the library's index is damaged: {error}",
                where=str(self.path),
                hint="songdesk library rebuild",
            ) from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
