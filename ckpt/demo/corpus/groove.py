"""Where beats fall in seconds: tempo, and the swing that makes weak eighths late."""

from collections.abc import Iterator

from corpus.form import BEATS

_FORCE = {"X": 1.15, "x": 0.9, "o": 0.5}


def seconds_at(beat: float, *, bpm: float, swing: float) -> float:
    """The time of a beat counted from the song's beginning; half beats are late by `swing` halves."""
    whole, part = divmod(beat, 1.0)
    middle = 0.5 + 0.5 * swing
    inside = part * 2.0 * middle if part < 0.5 else middle + (part - 0.5) * 2.0 * (1.0 - middle)
    return (whole + inside) * 60.0 / bpm


def hits(steps: str) -> Iterator[tuple[float, float]]:
    """The strokes of a bar of sixteen steps: (beat within the bar, force)."""
    for at, mark in enumerate(steps):
        if mark in _FORCE:
            yield at * BEATS / len(steps), _FORCE[mark]
