"""The library as a table of takes: an index over its folders, which are the truth, and the queue's order.

Everything in it but the order of the queue, and what is on hold there, can be read from the folders again.
Paths in it begin at the library, which can be moved. No torch.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.errors import SongdeskError
from core.library import finding, order
from core.library.database import Database
from core.library.rows import COLUMNS, Seen, age, seen, take_in, to_takes
from core.library.scan import Key, files_of, has_sound, key_of, scan, song_of
from core.paths import library
from core.takes.claim import is_held
from core.takes.take import Take

FOLDER = ".songdesk"
"""The folder of the library that is songdesk's own."""
FILE = "library.db"


def open_store(root: Path | None = None) -> "Store":
    """The index of a library, the user's own unless another is named, as its folders are now.

    It is made, or that of an older version brought up to date with a copy beside it; `notes` says so.
    NewerLibrary for that of a newer one; SongdeskError where the library cannot be written.
    """
    store = Store(root or library())
    store.sync()
    return store


class Store:
    """The index of one library; any thread may ask it, and other processes see what one of them wrote."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._db = Database(root / FOLDER / FILE)
        self._running: tuple[tuple[Key, bool], ...] = ()
        self._lost = 0
        """How often a run was seen to have begun or ended without a word in the index."""

    def close(self) -> None:
        """Give back the database."""
        self._db.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how the index was opened: brought up to date, or made anew."""
        return self._db.notes

    def version(self) -> int:
        """Another, larger number whenever anybody changed anything, or whoever made a take is gone.

        Quick enough to be asked for twice a second; it does not look for changed files.
        """
        with self.reading() as connection:
            rows = connection.execute("SELECT song, place, id FROM takes WHERE state = 'running'").fetchall()
            keys = [Key(*row) for row in rows]
            running = tuple((key, is_held(key.folder(self.root))) for key in keys)
            if running != self._running:
                self._running, self._lost = running, self._lost + 1
            return self._db.version() + self._lost

    def sync(self) -> None:
        """Take in what changed in the folders since; writes nothing when nothing did."""
        with self.reading() as connection:
            known, is_amiss = seen(connection), order.is_amiss(connection)
        changed = self._changed(known)
        if changed or is_amiss:
            with self.writing() as connection:
                take_in(connection, self.root, changed)
                order.mend(connection)

    def rebuild(self) -> int:
        """Forget all but the order of the queue, and read every folder; returns how many takes there are."""
        with self.writing() as connection:
            kept = order.rows(connection)
            connection.execute("DELETE FROM takes")
            self._fill(connection, kept)
            (count,) = connection.execute("SELECT count(*) FROM takes").fetchone()
        return int(count)

    def note(self, *folders: Path) -> None:
        """Take in the takes of some folders now: they were made, changed, moved or removed."""
        with self.writing() as connection:
            self.take_in(connection, folders)

    def renamed(self, home: Path, goal: Path) -> None:
        """Take in that a song's folder has another name: its takes keep their places in the queue."""
        old, new = song_of(home, self.root), song_of(goal, self.root)
        if old and new and old != new:
            with self.writing() as connection:
                connection.execute("DELETE FROM takes WHERE song = ?", (new,))
                connection.execute("UPDATE takes SET song = ? WHERE song = ?", (new, old))
        self.sync()

    def takes(self, home: Path | None = None, *, trashed: bool = False) -> tuple[Take, ...]:
        """The takes of the song in a folder, or of all songs, the newest first; or those thrown away."""
        where, values = "place = ?", ["trash" if trashed else "takes"]
        if home is None:
            return self.ask(where, *values)
        return self.ask(f"{where} AND song = ?", *values, song_of(home, self.root))

    def ask(self, where: str, *values: str | bytes) -> tuple[Take, ...]:
        """The takes of which a condition in SQL is true, the newest first."""
        with self.reading() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM takes WHERE {where}", values).fetchall()  # noqa: S608
        return tuple(sorted(to_takes(self.root, rows), key=lambda take: age(take.id), reverse=True))

    def take(self, folder: Path) -> Take | None:
        """The take in a folder as the index has it; None where it has none."""
        key = key_of(folder, self.root)
        if key is None:
            return None
        return next(iter(self.ask("song = ? AND place = ? AND id = ?", key.song, key.place, key.id)), None)

    def find(self, name: str) -> Take:
        """The take that a person means.

        By its id where no other has it, as SONG/ID, or by its folder or a file in it. SongdeskError where
        there is none, or several, which are then named.
        """
        return finding.find(self, name)

    def take_in(self, connection: sqlite3.Connection, folders: Iterable[Path]) -> None:
        """Take in the takes of some folders within a transaction; others than the library's are left out."""
        keys = [key for folder in folders if (key := key_of(folder, self.root)) is not None]
        take_in(connection, self.root, keys)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The index to be asked; for the other modules of the store."""
        with self._db.lock:
            self._freshen()
            with self._db.reading() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The index within a transaction; for the other modules of the store."""
        with self._db.lock:
            self._freshen()
            with self._db.writing() as connection:
                yield connection

    def _freshen(self) -> None:
        """Open the index where that has not been done, or where somebody damaged or took away its file."""
        if not self._db.is_stale():
            return
        if self._db.was_open and not self.root.is_dir():
            raise SongdeskError("the library is gone", where=str(self.root), hint="it was moved or removed")
        if self._db.renew():
            with self._db.writing() as connection:
                if not seen(connection):  # nobody else was quicker
                    self._fill(connection)

    def _fill(self, connection: sqlite3.Connection, kept: Iterable[order.Row] = ()) -> None:
        """Read every folder, and put the queue into the order it had."""
        take_in(connection, self.root, scan(self.root).takes)
        order.restore(connection, kept)
        order.mend(connection)

    def _changed(self, known: Mapping[Key, Seen]) -> list[Key]:
        found = scan(self.root)
        changed = [key for key, folder in found.takes.items() if not _is_known(known.get(key), folder)]
        return changed + [key for key in known if key not in found.takes and key.song not in found.unread]


def _is_known(known: Seen | None, folder: str) -> bool:
    """Whether a folder is as it was; one without a recipe is none of a take."""
    files = files_of(folder)
    if known is None:
        return not files
    return known.is_as(files, has_sound=has_sound(folder, known.audio))
