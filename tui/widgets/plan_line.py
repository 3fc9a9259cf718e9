"""One line: how the song would be made on this machine, or is being made now."""

from textual.content import Content
from textual.widgets import Static

from tui.widgets.bars import one_line


class PlanLine(Static):
    """Shows the last that was said; the same again costs nothing."""

    said: str = ""

    def __init__(self) -> None:
        super().__init__(markup=False, id="plan")

    def show(self, words: str, *, is_tight: bool = False) -> None:
        """Say how; `is_tight` marks what does not fit, by a sign as well."""
        line = one_line(f"! {words}" if is_tight else words)
        if line != self.said:
            self.said = line
            self.set_class(is_tight, "-tight")
            self.update(Content(line), layout=False)
