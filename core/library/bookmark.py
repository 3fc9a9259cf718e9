"""Where the studio was left: the last songs and the place in each, and the colours; no torch.

A small file beside the log. What cannot be read of it is not missed.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.atomic import write_text
from core.errors import SongdeskError

_log = logging.getLogger(__name__)
_MOST = 50
"""Songs of which the place is remembered."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The place in one song."""

    home: str = ""
    """The song's folder."""
    area: str = "write"
    row: int = 0
    column: int = 0
    scroll: int = 0
    """The first row of the lyrics on the screen."""
    take: str = ""
    """The take in hand; empty for none."""
    position: float = 0.0
    """Where it stands, in seconds."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that is remembered from one run of the studio to the next."""

    bookmarks: tuple[Bookmark, ...] = ()
    """The last song first."""
    theme: str = ""
    """The colours last chosen in the studio; empty for those of the configuration."""
    over: str = ""
    """The theme that was configured then: once another is configured, that one counts."""
    welcomed: bool = False
    """Whether the first page was shown."""

    def of(self, home: Path) -> Bookmark:
        """The place in a song; its beginning, where none is remembered."""
        fresh = Bookmark(str(home))
        return next((mark for mark in self.bookmarks if mark.home == fresh.home), fresh)

    def with_mark(self, mark: Bookmark) -> "Memory":
        """That one first."""
        others = tuple(other for other in self.bookmarks if other.home != mark.home)
        return replace(self, bookmarks=(mark, *others)[:_MOST])

    def theme_over(self, configured: str) -> str:
        """The theme to start in."""
        return self.theme if self.theme and self.over == configured else configured


def recall(path: Path) -> Memory:
    """What is remembered; a file that is missing or damaged is nothing."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        marks = tuple(_bookmark(mark) for mark in raw["bookmarks"])
        theme, over, welcomed = raw["theme"], raw["over"], raw["welcomed"]
        if not (isinstance(theme, str) and isinstance(over, str) and isinstance(welcomed, bool)):
            raise TypeError
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _log.warning("%s was not read: %r", path, error)
        return Memory()
    return Memory(marks, theme, over, welcomed)


def remember(path: Path, memory: Memory) -> None:
    """Write it, whole or not at all; where that fails the log says so and nothing is lost but the place."""
    try:
        write_text(path, json.dumps(asdict(memory), ensure_ascii=False, indent=1) + "\n")
    except (SongdeskError, OSError, ValueError) as error:
        _log.warning("%s was not written: %s", path, error)


def _bookmark(raw: Mapping[str, object]) -> Bookmark:
    mark = Bookmark()
    for key, value in raw.items():
        wanted = type(getattr(mark, key))
        if not isinstance(value, wanted if wanted is not float else (int, float)) or isinstance(value, bool):
            raise TypeError(key)
    return Bookmark(**raw)  # type: ignore[arg-type]
