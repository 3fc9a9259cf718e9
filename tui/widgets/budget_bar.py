"""One row: how much of the model's text and time the lyrics take."""

from textual.content import Content
from textual.widget import Widget

from core.lyrics.budget import Budget

_WIDE = 60
"""Cells from which the row has room for words."""
_BAR = (6, 24)
"""Cells of the bar, fewest and most."""


class BudgetBar(Widget):
    """Tokens used against the limit as a bar, and the seconds to expect against where the song ends."""

    COMPONENT_CLASSES = {"budget-bar--used", "budget-bar--over", "budget-bar--free"}  # noqa: RUF012

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._budget: Budget | None = None
        self._length: float | None = None

    def show(self, budget: Budget | None, length: float | None = None) -> None:
        """Show these figures, None where there are none yet; `length` is the one asked for (s)."""
        if (budget, length) != (self._budget, self._length):
            self._budget, self._length = budget, length
            self.refresh()

    def render(self) -> Content:
        """The row at the width there is."""
        return self._content(self._budget, self.size.width) if self._budget else Content("")

    def _content(self, budget: Budget, width: int) -> Content:
        wide = width >= _WIDE
        tokens = tokens_text(budget, words=wide)
        forms = seconds_texts(budget, self._length)[0 if wide else 2 :]
        spare = width - len(tokens) - (4 if wide else 2)
        seconds = next((form for form in forms if spare - len(form) >= _BAR[0]), forms[-1])
        room = spare - len(seconds)
        if room < _BAR[0]:
            return Content(f"{tokens} {seconds}")
        gap = "  " if wide else " "
        cells = min(_BAR[1], room)
        style = "budget-bar--over" if budget.over_tokens or budget.over_seconds else "budget-bar--used"
        used, free = _bar(budget, cells)
        return Content.assemble(
            tokens,
            gap,
            (used, self.get_visual_style(style, partial=True)),
            (free, self.get_visual_style("budget-bar--free", partial=True)),
            gap,
            seconds,
        )


def tokens_text(budget: Budget, *, words: bool) -> str:
    """`text 123/600`, `text ?/600`, `text 640/600 too long`; short: `123/600`, `640/600!`."""
    used = "?" if budget.tokens is None else str(budget.tokens)
    figures = f"{used}/{budget.token_limit}"
    if not words:
        return figures + ("!" if budget.over_tokens else "")
    return f"text {figures}" + (" too long" if budget.over_tokens else "")


def seconds_texts(budget: Budget, length: float | None) -> tuple[str, str, str]:
    """`song 1:40–2:30, length ends it at 1:00!`, `song 1:40–2:30, length 1:00!` and `1:40–2:30/1:00!`.

    What ends the song is the length asked for (s) or the model, whichever is shorter; `!` where that is
    sooner than even a quick singer would come to the end, `too long` where no length would do.
    """
    low, high = (clock(seconds) for seconds in budget.seconds)
    ends_at, by = budget.seconds_limit, "model"
    if length is not None and length < ends_at:
        ends_at, by = length, "length"
    mark = "!" if budget.seconds[0] > ends_at else ""
    end = clock(ends_at)
    words = ": too long" if budget.over_seconds else mark
    the = "the " if by == "model" else ""
    return (
        f"song {low}–{high}, {the}{by} ends it at {end}{words}",
        f"song {low}–{high}, {by} {end}{words}",
        f"{low}–{high}/{end}{mark}",
    )


def clock(seconds: float) -> str:
    """Seconds as `m:ss`."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _bar(budget: Budget, cells: int) -> tuple[str, str]:
    if budget.tokens is None or budget.token_limit <= 0:
        return "", "╌" * cells
    filled = min(cells, -(-budget.tokens * cells // budget.token_limit))
    return "█" * filled, "░" * (cells - filled)
