"""Screens that come to rest: what lies under a page is drawn when it changes, and not forever after."""

from typing import TypeVar

from textual.geometry import Size
from textual.screen import ModalScreen, Screen

Result = TypeVar("Result")


class Resting(Screen[Result]):
    """A screen that is drawn once for each change, also while it is under another.

    Textual (8.2, `Screen._compositor_refresh`) marks a screen in the background to be painted again whenever
    it was painted: each message that arrives there, as each look at the library, sends everything anew. Here
    it is painted whole after it was laid out, and else where something changed.
    """

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if self is not self.app.screen:
            self._repaint_required = False

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        super()._refresh_layout(size, scroll)
        if self is not self.app.screen:
            self._repaint_required = True
            self.check_idle()


class Modal(ModalScreen[Result], Resting[Result]):
    """A page or a question over the studio, with its result."""
