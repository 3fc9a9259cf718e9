"""A song as its writer knows it: title, lyrics, style, reference and the settings it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

BUILT_IN_STYLES = (
    "Pop", "Latin", "Rock", "Electronic", "Metal", "Country", "R&B/Soul", "Ballad", "Jazz", "World",
    "Hip-Hop", "Funk", "Soundtrack", "Auto",
)  # fmt: skip
"""The reference styles published with the model, as its song files name them."""
ANY_STYLE = "Auto"
"""The one of them that stands for all."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the song should sound like: an audio file with a 10 s window, or a built-in style."""

    path: str = ""
    """Absolute; empty when a style is named."""
    style: str = ""
    """One of BUILT_IN_STYLES; empty when a file is named."""
    start: float = 0.0
    """Where the window begins, in seconds."""


@dataclass(frozen=True, slots=True)
class Song:
    """Everything a person decides before a take."""

    title: str
    lyrics: str
    """Editor form: a tag line such as `[verse]`, then one lyric line per line."""
    style: str
    """The description: tags with commas between."""
    reference: Reference | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings the song itself asks for, as written."""
    model: str = ""
    """The model it is to be made with; empty for the one that is configured."""
