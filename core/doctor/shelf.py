"""Check of the library: its index beside its folders, on a copy, so that nothing is changed."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.doctor.finding import Finding, Status, few
from core.doctor.scene import Scene
from core.errors import SongdeskError
from core.family import family_of
from core.library.scan import Key, scan
from core.library.schema import TABLES, VERSION
from core.library.store import FILE, FOLDER
from core.paths import library
from core.takes import recipe
from core.takes.job import artifact_file
from core.takes.recipe import Recipe

_LARGEST = 500_000_000
"""Bytes of an index that are copied to be looked at."""
_MOST = 3000
"""Recipes that are read."""
_REBUILD = "songdesk library rebuild"


@dataclass(frozen=True, slots=True)
class _Index:
    """What the index holds; `trouble` is why it cannot be used."""

    keys: frozenset[Key] = frozenset()
    version: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _Trouble:
    """One of the things that can be wrong with a library."""

    status: Status
    what: str
    fix: str


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
    made = {key for key in found.takes if (key.folder(root) / recipe.FILE).exists()}
    recipes = {key: recipe.load(key.folder(root)) for key in [k for k in found.takes if k in made][:_MOST]}
    unread = [_named(key) for key, its in recipes.items() if its is None]
    gone = {_named(key): _gone(key.folder(root), its) for key, its in recipes.items() if its is not None}
    lacking = {name: files for name, files in gone.items() if files}
    facts: dict[str, object] = {"folder": str(root), "takes": len(made)}
    facts |= {"unreadable": unread, "files_gone": lacking}
    index = _index(root / FOLDER / FILE)
    troubles = [*_of_folders(found.unread), *_of_takes(unread, lacking), *_of_index(index, made, facts)]
    what = f"{len(made)} takes in {root}"
    if not troubles:
        told = ", no index" if index is None else ", index whole, recipes readable"
        return Finding("library", "Library", "ok", f"{what}{told}", facts=facts)
    status: Status = "fail" if any(each.status == "fail" for each in troubles) else "warn"
    told = "; ".join((what, *(each.what for each in troubles)))
    return Finding("library", "Library", status, told, "; ".join(each.fix for each in troubles), facts)


def _of_folders(unread: Iterable[bytes]) -> Iterator[_Trouble]:
    if names := [os.fsdecode(name) for name in sorted(unread)]:
        yield _Trouble("fail", f"not readable: {few(names)}", "look at the permissions of these folders")


def _of_takes(unread: list[str], lacking: Mapping[str, list[str]]) -> Iterator[_Trouble]:
    if unread:
        fix = "bring recipe.json back from a backup or the sound file (songdesk open), or trash the take"
        yield _Trouble("warn", f"recipes that cannot be read: {few(unread)}", fix)
    if lacking:
        names = few([f"{take} ({few(gone)})" for take, gone in lacking.items()])
        fix = "bring them back from a backup, or trash the take"
        yield _Trouble("warn", f"files that recipes name are gone: {names}", fix)


def _of_index(index: _Index | None, made: set[Key], facts: dict[str, object]) -> Iterator[_Trouble]:
    if index is None:
        if made:
            yield _Trouble("warn", "no index", f"{_REBUILD}, or it is made when the studio is opened")
    elif index.trouble:
        yield _Trouble("fail", f"its index: {index.trouble}", _REBUILD)
    elif index.version > VERSION:
        fix = "update songdesk; this one leaves the library alone"
        yield _Trouble("warn", "its index is of a newer songdesk", fix)
    else:
        missing, gone = len(made - index.keys), len(index.keys - made)
        facts |= {"not_in_index": missing, "gone_from_disk": gone}
        if missing or gone:
            fix = f"nothing: it is brought up to date when it is opened; else {_REBUILD}"
            yield _Trouble("warn", f"the index lacks {missing} and has {gone} that are gone", fix)


def _gone(folder: Path, its: Recipe) -> list[str]:
    """Names of the files that a recipe says are there, and are not; a draft's artifacts serve too."""
    here = {path.name for path in folder.iterdir()}
    wanted = [Path(name).name for name in its.files]
    try:
        artifacts = [s.writes for s in family_of(its.model)[0].stages[:-1] if its.stages.get(s.id)]
    except SongdeskError:  # of a model that is not known here
        artifacts = []
    names = [artifact_file(folder, kind).name for kind in artifacts]
    wanted += [name for name in names if f"draft-{name}" not in here]
    return [name for name in dict.fromkeys(wanted) if name not in here]


def _named(key: Key) -> str:
    return f"{os.fsdecode(key.song)}/{os.fsdecode(key.id)}"


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
