"""A bell and a notification when a command that took long has made its songs."""

import sys
from collections.abc import Sequence

from core.notices import LONG, Notify, of_several, of_song
from core.passing import Takes, ask_what_passes
from core.takes.job import Outcome


def call_back(outcomes: Sequence[Outcome], took: float, how: Notify) -> None:
    """Tell of songs that took so long together (s), where stderr is a terminal and somebody may have left it.

    What was already there is not told.
    """
    news = [outcome for outcome in outcomes if outcome.took or outcome.error is not None]
    if not news or how == "off" or took < LONG or not sys.stderr.isatty():
        return
    notice = of_song(news[0]) if len(news) == 1 else of_several(news, "songdesk render is done")
    if notice is not None:
        takes = ask_what_passes() if how == "auto" else Takes()
        sys.stderr.write(notice.sequence(how, takes))
        sys.stderr.flush()
