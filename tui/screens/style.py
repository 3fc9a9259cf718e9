"""The area of the style: tags that describe the song."""

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult

from core.style import vocabulary
from tui.screens.areas import Area
from tui.session import Session
from tui.widgets.style_picker import StylePicker


class StyleArea(Area):
    """Describes the open song."""

    def __init__(self, session: Session, keys: Mapping[str, str]) -> None:
        super().__init__(session, keys, id="style")

    def compose(self) -> ComposeResult:
        """The picker of tags."""
        yield StylePicker(vocabulary(), self.session.song.style)

    def fill(self) -> None:
        """Show the style of the open song."""
        self.query_one(StylePicker).load(self.session.song.style)

    @on(StylePicker.Changed)
    def _described(self, event: StylePicker.Changed) -> None:
        self.session.rewrite(style=event.description)
        self.changed()
