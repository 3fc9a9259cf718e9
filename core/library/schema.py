"""The tables of the library's index, as the plain SQL that makes them out of the version before."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # Names of files are bytes, as file systems have them; `seen` tells whether files changed since.
        """
        CREATE TABLE takes (
            song BLOB NOT NULL,
            place TEXT NOT NULL CHECK (place IN ('takes', 'trash')),
            id BLOB NOT NULL,
            seen TEXT NOT NULL,
            state TEXT NOT NULL,
            audio TEXT NOT NULL,
            facts TEXT NOT NULL,
            PRIMARY KEY (song, place, id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX takes_by_state ON takes (state)",
    ),
    (
        """
        CREATE TABLE queue (
            song BLOB NOT NULL,
            place TEXT NOT NULL DEFAULT 'takes' CHECK (place = 'takes'),
            id BLOB NOT NULL,
            position INTEGER NOT NULL,
            held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
            error TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (song, place, id),
            FOREIGN KEY (song, place, id) REFERENCES takes (song, place, id)
                ON DELETE CASCADE ON UPDATE CASCADE
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE TABLE flags (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID",
    ),
)
"""What makes version n + 1 of the index out of version n."""
VERSION = len(STEPS)
"""The version that this songdesk writes, kept as `PRAGMA user_version`."""
TABLES = ("takes", "queue", "flags")
