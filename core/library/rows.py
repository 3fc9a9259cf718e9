"""Takes as rows of the library's index, and back."""

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from core.library.scan import Key, files_of
from core.meter import State
from core.takes import recipe as recipes
from core.takes.claim import is_held
from core.takes.recipe import Kin
from core.takes.take import Take, take_of

COLUMNS = "takes.song, takes.place, takes.id, takes.seen, takes.state, takes.audio, takes.facts"
"""What `to_takes` wants of a row, in order."""
_SOUND = "+"
"""Ends `seen` where the sound is there."""
_PUT = """
    INSERT INTO takes (song, place, id, seen, state, audio, facts) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET seen = excluded.seen, state = excluded.state, audio = excluded.audio,
        facts = excluded.facts
    WHERE (takes.seen, takes.state, takes.audio, takes.facts)
        IS NOT (excluded.seen, excluded.state, excluded.audio, excluded.facts)
"""
_HERE = "song = ? AND place = ? AND id = ?"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the index knows of a take's files."""

    files: str
    audio: str
    """Name of the sound file, if the recipe has one."""

    def is_as(self, files: str, *, has_sound: bool) -> bool:
        """Whether the files are as they were."""
        return self.files == _seen(files, has_sound=has_sound)


def seen(connection: sqlite3.Connection) -> dict[Key, Seen]:
    """What the index knows of every take's files."""
    rows = connection.execute("SELECT song, place, id, seen, audio FROM takes")
    return {Key(song, place, name): Seen(files, audio) for song, place, name, files, audio in rows}


def take_in(connection: sqlite3.Connection, root: Path, keys: Iterable[Key]) -> None:
    """Read the takes of some folders into the index, and out of it where they are gone.

    Within a transaction: whoever writes later has read later, so that nothing old is left.
    """
    for key in keys:
        row = _row(key.folder(root))
        here = (key.song, key.place, key.id)
        if row is None:
            connection.execute(f"DELETE FROM takes WHERE {_HERE}", here)  # noqa: S608 - words of ours
        else:
            connection.execute(_PUT, (*here, *row))


def to_takes(root: Path, rows: Iterable[tuple[bytes, str, bytes, str, str, str, str]]) -> list[Take]:
    """The takes of rows; whether one that runs was broken off is looked up now, as no file tells it."""
    homes = cache(lambda song: root / os.fsdecode(song))
    places = cache(lambda song, place: homes(song) / place)
    return [_to_take(homes(row[0]), places(*row[:2]), *row[1:]) for row in rows]


def age(name: str | bytes) -> tuple[str, int, str]:
    """What puts the ids of takes in the order in which they were begun."""
    text = os.fsdecode(name)
    stamp, _, number = text.rpartition("-")
    return stamp, int(number) if number.isdecimal() else 0, text


def _to_take(
    home: Path, parent: Path, place: str, name: bytes, files: str, state: str, audio: str, facts: str
) -> Take:
    known = json.loads(facts)
    kin = known.pop("kin")
    identity = os.fsdecode(name)
    if state == State.RUNNING.value and not is_held(parent / identity):
        state = "interrupted"
    return Take(
        id=identity,
        home=home,
        state=state,
        audio=parent / f"{identity}/{audio}" if files.endswith(_SOUND) else None,
        kin=Kin(**kin) if kin else None,
        is_trashed=place == "trash",
        **known,
    )


def _row(folder: Path) -> tuple[str, str, str, str] | None:
    files = files_of(os.fspath(folder))
    if not files:
        return None
    take = take_of(folder) or _unreadable(folder)
    audio = take.audio.name if take.audio else _named(folder)
    known = {"title": take.title, "seconds": take.seconds, "seed": take.seed, "model": take.model}
    said = {"star": take.star, "note": take.note, "trouble": take.trouble}
    facts = json.dumps({**known, **said, "kin": asdict(take.kin) if take.kin else None})
    state = State.RUNNING.value if take.state == "interrupted" else take.state
    return _seen(files, has_sound=take.audio is not None), _plain(state), _plain(audio), facts


def _unreadable(folder: Path) -> Take:
    """A take whose recipe is there and cannot be read: it is listed, so that nobody misses it."""
    return Take(
        folder.name,
        folder.parent.parent,
        title=_plain(folder.parent.parent.name),
        state=State.FAILED.value,
        seconds=None,
        seed=None,
        audio=None,
        trouble=f"{recipes.FILE} cannot be read",
    )


def _named(folder: Path) -> str:
    """The sound that a recipe names and that is not there."""
    recipe = recipes.load(folder)
    return Path(recipe.audio).name if recipe else ""


def _seen(files: str, *, has_sound: bool) -> str:
    return files + _SOUND * has_sound


def _plain(text: str) -> str:
    """Text as a table holds it: half a character, which no file of ours has, becomes a question mark."""
    return text.encode(errors="replace").decode()
