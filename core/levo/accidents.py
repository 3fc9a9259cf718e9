"""What the published programs do by accident, and which of it a person asks to have back; no torch."""

from dataclasses import dataclass
from typing import Literal

from core.settings import Values

Fade = Literal["none", "linear", "power"]


@dataclass(frozen=True, slots=True)
class Accidents:
    """Each is off unless `compatibility` asks for it; the levo-audio spec (§9) tells of them by number."""

    fade: Fade = "none"
    """Windows are decoded each alone and faded into each other, in the power case 3 dB too loud (Q1)."""
    skew: bool = False
    """Prompt codes are one more than its latents, so that all that follows is 40 ms late (Q2)."""
    early_end: bool = False
    """The song ends at the first vocal code 16383, which is a sound like any other (Q3)."""
    tiled: bool = False
    """The last window is filled with the song's beginning (Q14)."""
    raw_separation: bool = False
    """The separator is given 48 kHz for its 44.1 kHz (Q7)."""
    unlevelled: bool = False
    """A loud reference keeps its level, and its channels are turned down each for itself (Q8)."""
    drawn_latents: bool = False
    """The reference's latents are drawn from around their mean (Q10)."""


NONE = Accidents()
_UPSTREAM = Accidents(fade="linear", skew=True, tiled=True, drawn_latents=True)
_FORK = Accidents(
    fade="power",
    skew=True,
    early_end=True,
    tiled=True,
    raw_separation=True,
    unlevelled=True,
    drawn_latents=True,
)
_BY_NAME = {"off": NONE, "upstream": _UPSTREAM, "fork": _FORK}
CHOICES = tuple(_BY_NAME)


def accidents_of(values: Values) -> Accidents:
    """Those that the settings ask for."""
    return _BY_NAME[values.text("compatibility")]
