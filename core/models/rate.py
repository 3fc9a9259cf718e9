"""How fast bytes come."""

import time

_TELL_EVERY = 0.25
"""Seconds between readings."""
_OVER = 5.0
"""Seconds that a rate is an average of, or a little more."""


class Rate:
    """Bytes per second over the last few seconds, and whether it is time to tell of them."""

    def __init__(self, at: int) -> None:
        self._marks = [(time.monotonic(), at)]

    def is_due(self, at: int) -> bool:
        """Whether to tell again; then the reading counts."""
        now = time.monotonic()
        if now - self._marks[-1][0] < _TELL_EVERY:
            return False
        self._marks.append((now, at))
        while now - self._marks[1][0] > _OVER:
            del self._marks[0]
        return True

    @property
    def value(self) -> float | None:
        """None before it can be known."""
        (since, first), (now, last) = self._marks[0], self._marks[-1]
        return (last - first) / (now - since) if now > since else None
