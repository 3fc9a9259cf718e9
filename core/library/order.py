"""The order of the queue as rows of the library's index, and what puts it right with the folders."""

import sqlite3
from collections.abc import Iterable

from core.library.rows import age

Row = tuple[bytes, bytes, int, str]
"""Song, take, whether it is on hold, and why it could not be made."""

_APPEND = """
    INSERT INTO queue (song, id, position, held, error)
    SELECT ?, ?, COALESCE(MAX(position), -1) + 1, ?, ? FROM queue WHERE TRUE
    ON CONFLICT DO NOTHING
"""
_HOLD = """
    UPDATE queue SET held = :held, error = :error
    WHERE song = :song AND id = :id AND (held, error) IS NOT (:held, :error)
"""
_FORGOTTEN = """
    SELECT song, id FROM takes WHERE place = 'takes' AND state = 'queued'
    AND NOT EXISTS (SELECT 1 FROM queue WHERE queue.song = takes.song AND queue.id = takes.id)
"""
_FINISHED = """
    SELECT song, id FROM queue NATURAL JOIN takes
    WHERE state IN ('draft', 'cancelled') OR state IN ('done', 'stopped') AND seen LIKE '%+'
"""


def append(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Put takes that the index knows behind the others; one that is in the queue stays where it is."""
    connection.executemany(_APPEND, rows)


def remove(connection: sqlite3.Connection, rows: Iterable[tuple[bytes, bytes]]) -> None:
    """Take some out of the queue."""
    connection.executemany("DELETE FROM queue WHERE song = ? AND id = ?", rows)


def put_on_hold(
    connection: sqlite3.Connection, row: tuple[bytes, bytes], *, error: str = "", on: bool = True
) -> None:
    """Put one on hold, and say why, or let it go; nothing where it is not in the queue."""
    connection.execute(_HOLD, {"song": row[0], "id": row[1], "held": on, "error": error})


def is_held(connection: sqlite3.Connection, row: tuple[bytes, bytes]) -> bool | None:
    """Whether one is on hold; None where it is not in the queue."""
    found = connection.execute("SELECT held FROM queue WHERE song = ? AND id = ?", row).fetchone()
    return None if found is None else bool(found[0])


def flag(connection: sqlite3.Connection, name: str, *, on: bool) -> None:
    """Raise or lower a flag of the whole queue."""
    if on:
        connection.execute("INSERT INTO flags (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    else:
        connection.execute("DELETE FROM flags WHERE name = ?", (name,))


def is_flagged(connection: sqlite3.Connection, name: str) -> bool:
    """Whether a flag is up."""
    return connection.execute("SELECT 1 FROM flags WHERE name = ?", (name,)).fetchone() is not None


def renumber(connection: sqlite3.Connection, rows: Iterable[tuple[bytes, bytes]]) -> None:
    """Give the whole queue an order."""
    connection.executemany(
        "UPDATE queue SET position = ? WHERE song = ? AND id = ?",
        [(position, *row) for position, row in enumerate(rows)],
    )


def rows(connection: sqlite3.Connection) -> list[Row]:
    """The queue in its order."""
    return connection.execute("SELECT song, id, held, error FROM queue ORDER BY position").fetchall()


def restore(connection: sqlite3.Connection, kept: Iterable[Row]) -> None:
    """Put back those whose takes the index still knows."""
    known = set(connection.execute("SELECT song, id FROM takes WHERE place = 'takes'"))
    append(connection, [row for row in kept if row[:2] in known])


def is_amiss(connection: sqlite3.Connection) -> bool:
    """Whether the folders tell of another queue."""
    return any(connection.execute(query).fetchone() for query in (_FORGOTTEN, _FINISHED))


def mend(connection: sqlite3.Connection) -> None:
    """Append what its recipe calls queued, in order of age, and take out what has come to its end."""
    remove(connection, connection.execute(_FINISHED).fetchall())
    forgotten = connection.execute(_FORGOTTEN).fetchall()
    append(connection, [(song, name, 0, "") for song, name in sorted(forgotten, key=lambda row: age(row[1]))])
