"""Screens that come to rest: what lies under a page is drawn when it changes, and not forever after."""

from typing import TypeVar

from textual.screen import ModalScreen, Screen

Result = TypeVar("Result")


class Resting(Screen[Result]):
    """A screen that is drawn once for each change, also while it is under another.

    Textual (8.2, `Screen._compositor_refresh`) marks a screen in the background to be painted again whenever
    it was painted: each message that arrives there, as each look at the library, sends everything anew.
    """

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if self is not self.app.screen:
            self._repaint_required = False


class Modal(Resting[Result], ModalScreen[Result]):
    """A page or a question over the studio, with its result."""
