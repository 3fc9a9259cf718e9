"""Values as they stood before each change, to go back to and on again."""

from core.settings import Values

_LONGEST = 200


class ValueHistory:
    """Steps back and on; what is done to one setting in a row is one step."""

    def __init__(self) -> None:
        self._past: list[Values] = []
        self._future: list[Values] = []
        self._last = ""

    def note(self, what: str, before: Values) -> None:
        """Something is about to change: a setting by its key, or many under a word of their own."""
        self._future.clear()
        if what != self._last:
            self._past = [*self._past[1 - _LONGEST :], before]
        self._last = what

    def back(self, now: Values) -> Values | None:
        """The values before the last step; None where there is none."""
        return self._go(self._past, self._future, now)

    def on(self, now: Values) -> Values | None:
        """The values that the last step back gave up."""
        return self._go(self._future, self._past, now)

    def forget(self) -> None:
        """Begin anew: another song is open."""
        self._past.clear()
        self._future.clear()
        self._last = ""

    def _go(self, source: list[Values], target: list[Values], now: Values) -> Values | None:
        self._last = ""
        while source and source[-1] == now:  # what was turned there and back again is no step
            source.pop()
        if not source:
            return None
        target.append(now)
        return source.pop()
