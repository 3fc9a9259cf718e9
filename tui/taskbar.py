"""What the taskbar or tab shows of a song being made: no terminal is touched here."""

from core.meter import Meter, State
from core.osc import Progress, progress
from core.passing import Takes

APART = 1.0
"""Seconds between two changes."""
_STATES: dict[State, Progress] = {State.PAUSING: "paused"}


class Taskbar:
    """What is to be sent for progress in the taskbar or tab: at most one a second, and only changes."""

    def __init__(self, *, is_wanted: bool) -> None:
        self.is_wanted = is_wanted
        self._shown = ""
        self._at = float("-inf")
        self._clear = ""
        """What takes away whatever may still be shown somewhere."""

    def show(self, meter: Meter, takes: Takes, now: float) -> str:
        """What to send at this time (s) of a steady clock; usually nothing."""
        if not self.is_wanted or not takes.progress or now < self._at + APART:
            return ""
        state = _STATES.get(meter.state, "normal" if meter.total else "unsure")
        wanted = takes.wrapped(progress(state, int(100 * meter.fraction)))
        if wanted == self._shown:
            return ""
        self._shown, self._at, self._clear = wanted, now, takes.wrapped(progress("none"))
        return wanted

    def clear(self) -> str:
        """What takes the progress away; nothing where none was ever shown.

        It may be asked for again: tmux drops what comes while its window is not shown.
        """
        self._shown = ""
        return self._clear
