"""What may be heard by whoever listens: takes by opaque ids, and nothing else of the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.audio.peaks import Peaks

MEDIA = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}
"""By suffix what a file is to a browser; nothing else is ever served as sound."""


@dataclass(frozen=True, slots=True)
class Card:
    """A take as a list shows it."""

    id: str
    """Tells nothing of where the take lies."""
    song: str
    """Title of the song that it is a take of."""
    title: str
    """Its own, as its recipe has it."""
    name: str
    """What the studio calls the take: when it was begun, and a number."""
    state: str
    seconds: float | None
    """Length of what is there; None where that is not known."""
    star: bool
    stems: tuple[str, ...]
    """What there is to hear; none of a take without sound."""
    grows: bool = False
    """Whether it is being made, and can be heard so far as it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """One lyric line."""

    text: str
    seconds: float | None = None
    """Where it is sung; None as long as nobody knows."""


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the lyrics."""

    tag: str
    seconds: float | None
    """Where it begins."""
    how: str | None
    """How that is known: `estimated` or `expected`."""
    lines: tuple[Line, ...]


class Shelf(Protocol):
    """Takes to hear; any thread may ask, and reading the disk may take a moment."""

    def version(self) -> int:
        """Another number whenever the takes are others, or stand otherwise."""

    def cards(self) -> Sequence[Card]:
        """Every take with sound, the newest first."""

    def card(self, id: str) -> Card | None:  # noqa: A002
        """One of them; None for an id that is none."""

    def sound(self, id: str, stem: str) -> Path | None:  # noqa: A002
        """The finished sound of a stem: a regular file of the library; None where there is none."""

    def growing(self, id: str, stem: str) -> Path | None:  # noqa: A002
        """The sound of a stem so far as it is made, while it is being made."""

    def peaks(self, id: str, stem: str) -> "Peaks | None":  # noqa: A002
        """The outline of a stem, finished or growing; raises SongdeskError where it cannot be read."""

    def parts(self, id: str) -> Sequence[Part]:  # noqa: A002
        """The lyrics by section; nothing where they are not known."""

    def place_of(self, file: Path) -> tuple[str, str] | None:
        """Which take (its id) and stem a file is; None for any that is not to be heard."""
