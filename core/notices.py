"""When a person is called back to a terminal, and with which words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.clock import clock
from core.meter import State
from core.osc import BELL, notification
from core.passing import Takes
from core.takes.job import Outcome

Notify = Literal["auto", "bell", "off"]

LONG = 20.0
"""Seconds after which whoever waits may have turned to something else."""
_READY = {State.DONE: "{} is ready", State.DRAFT: "a draft of {} is ready", State.FAILED: "{} failed"}
"""Ends that nobody at the keyboard brought about."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told."""

    title: str
    body: str

    def sequence(self, how: Notify, takes: Takes, *, is_watched: bool = False) -> str:
        """It as it is sent, the bell first; whoever is known to watch hears the bell alone."""
        if how == "off":
            return ""
        if how == "bell" or is_watched or takes.notice is None:
            return BELL
        return BELL + takes.wrapped(notification(takes.notice, self.title, self.body))


def of_song(outcome: Outcome) -> Notice | None:
    """What to tell of a song that ended; nothing where somebody ended it."""
    words = _READY.get(outcome.state)
    if words is None:
        return None
    title = words.format(outcome.job.song.title)
    if outcome.error is not None:
        return Notice(title, str(outcome.error))
    return Notice(title, f"{clock(outcome.seconds)} long, made in {clock(outcome.took)}")


def of_several(outcomes: Sequence[Outcome], title: str) -> Notice:
    """What to tell under a title when the last of several songs has ended."""
    made = sum(outcome.state in (State.DONE, State.DRAFT, State.STOPPED) for outcome in outcomes)
    failed = sum(outcome.state is State.FAILED for outcome in outcomes)
    counts = [f"{made} {'song' if made == 1 else 'songs'} made"] + [f"{failed} failed"] * bool(failed)
    return Notice(title, ", ".join(counts))
