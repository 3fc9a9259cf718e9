"""Sets of style tags a person keeps: favourites under a name, and those that takes were made with."""

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import normalize

import yaml

from core.atomic import unwritable, write_text
from core.errors import SongdeskError
from core.paths import favourite_styles, recent_styles
from core.style import join, split

_Sets = TypeVar("_Sets")
MOST_RECENT = 30
"""Descriptions of takes that are kept."""
_ABOUT_FAVOURITES = "# Sets of style tags of your own, as name: description. Songdesk writes this file anew."
_ABOUT_RECENT = "# The descriptions takes were made with, the newest first. Songdesk writes this file anew."


def favourites() -> dict[str, str]:
    """Descriptions by the name they are kept under; SongdeskError when the file cannot be read."""
    path = favourite_styles()
    given = _load(path)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _damaged(path, "there are no names with a description")
    return {_name(name): _description(path, name, value) for name, value in given.items()}


def recent() -> tuple[str, ...]:
    """The descriptions takes were made with, newest first; SongdeskError when the file cannot be read."""
    path = recent_styles()
    given = _load(path)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise _damaged(path, "there is no list of descriptions")
    return tuple(dict.fromkeys(_description(path, "the list", value) for value in given))


def keep(name: str, description: str) -> str:
    """Keep a description under a name, in place of the one of that name.

    Returns a line to say where a damaged file was put aside first, or nothing. SongdeskError when there is
    nothing to keep, or it cannot be written.
    """
    if not _name(name):
        raise SongdeskError("a set needs a name", hint="type one")
    if not split(description):
        raise SongdeskError("there are no tags to keep", hint="choose some first")
    kept, said = _readable(favourite_styles(), favourites)
    _write_favourites({**kept, _name(name): join(split(description))})
    return said


def forget(name: str) -> None:
    """Keep a name's description no longer; SongdeskError when the file cannot be read or written."""
    kept = favourites()
    if kept.pop(_name(name), None) is not None:
        _write_favourites(kept)


def note_use(description: str) -> str:
    """Remember that a take was made with a description; returns and raises as `keep` does."""
    used = join(split(description))
    if not used:
        return ""
    before, said = _readable(recent_styles(), recent)
    if before[:1] != (used,):
        newest = (used, *(other for other in before if other != used))[:MOST_RECENT]
        write_text(recent_styles(), f"{_ABOUT_RECENT}\n{_dump(list(newest))}")
    return said


def known_tags(descriptions: Iterable[str]) -> frozenset[str]:
    """Every tag of some descriptions."""
    return frozenset(tag for description in descriptions for tag in split(description))


def _write_favourites(kept: Mapping[str, str]) -> None:
    write_text(favourite_styles(), f"{_ABOUT_FAVOURITES}\n{_dump(dict(kept))}")


def _dump(record: object) -> str:
    return yaml.safe_dump(record, allow_unicode=True, sort_keys=False, width=10_000)


def _load(path: Path) -> Any:
    """What the file holds, all of it as text; None without a file or with an empty one."""
    try:
        # The base loader builds nothing but text, lists and mappings: a set of `808` or `yes` is text.
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(f"cannot read this: {reason}", where=str(path), hint="mend its rights") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _damaged(path, f"line {mark.line + 1} is not YAML" if mark else "this is not YAML") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise _damaged(path, "this is not YAML") from error


def _description(path: Path, name: object, value: Any) -> str:
    """A description written as one text or as a list of tags."""
    tags = value if isinstance(value, list) else [value]
    if not all(isinstance(tag, str) for tag in tags):
        raise _damaged(path, f"{name!s:.40} holds something that is no description")
    return join(split(", ".join(tags)))


def _name(name: object) -> str:
    """A name as it is kept: composed, on one line."""
    return " ".join(normalize("NFC", str(name)).split())


class _Damaged(SongdeskError):
    """The file is there and can be read, but not understood."""


def _damaged(path: Path, what: str) -> _Damaged:
    return _Damaged(f"{what}, so none of its sets can be used", where=str(path), hint="mend it or delete it")


def _readable(path: Path, read: Callable[[], _Sets]) -> tuple[_Sets, str]:
    """What a file holds, and nothing of a damaged one, which is put aside; with a line that says so."""
    try:
        return read(), ""
    except _Damaged as error:
        aside = _put_aside(path)
        return read(), f"{path}: {error.what}; it was kept as {aside.name}"


def _put_aside(path: Path) -> Path:
    aside = next(
        free for n in count(1) if not (free := path.with_name(f"{path.stem}.damaged-{n}.yaml")).exists()
    )
    try:
        return path.rename(aside)
    except OSError as error:
        raise unwritable(aside, error) from error
