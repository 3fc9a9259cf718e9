"""What a person says of a take: a star and a note, in a file beside its recipe that can be edited."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

import yaml

from core.atomic import unwritable, write_text

FILE = "take.yaml"
# The one in C is fast, and refuses what is nested without end; not every platform has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Mark:
    """A star, and a note of any length."""

    star: bool = False
    note: str = ""


def load_mark(folder: Path) -> Mark:
    """The mark of the take in a folder; an empty one where there is none that can be read."""
    try:
        return _read(folder)
    except (OSError, ValueError, yaml.YAMLError, AttributeError, RecursionError):
        return Mark()


def save_mark(folder: Path, mark: Mark) -> None:
    """Write the mark of the take in a folder, whole or not at all; SongdeskError when that cannot be done."""
    _put_unread_aside(folder)
    text = yaml.safe_dump({"star": mark.star, "note": mark.note}, allow_unicode=True, sort_keys=False)
    write_text(folder / FILE, text)


def _read(folder: Path) -> Mark:
    raw = yaml.load((folder / FILE).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe one
    note = raw.get("note")
    # A list or the like could be endless once it is written out.
    return Mark(raw.get("star") is True, str(note) if isinstance(note, str | int | float) and note else "")


def _put_unread_aside(folder: Path) -> None:
    """Keep a file that somebody edited into what cannot be read: there are words of theirs in it."""
    try:
        _read(folder)
    except FileNotFoundError:
        return
    except (ValueError, yaml.YAMLError, AttributeError, RecursionError):
        path = folder / FILE
        names = (path.with_name(f"take-unread{number or ''}.yaml") for number in count())
        path.rename(next(name for name in names if not name.exists()))
    except OSError as error:
        raise unwritable(folder / FILE, error) from error
