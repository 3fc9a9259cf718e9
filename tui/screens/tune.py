"""The area of the settings: what a model lets a person turn, before and while a song is made."""

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from core.settings import Value
from tui.screens.areas import Area
from tui.session import Session
from tui.widgets.settings_panel import SettingsPanel


class TuneArea(Area):
    """Turns the settings of the open song."""

    class Turned(Message):
        """A setting has a new value, which is in the song already."""

        def __init__(self, key: str, value: Value) -> None:
            super().__init__()
            self.key = key
            self.value = value

    def __init__(self, session: Session, keys: Mapping[str, str]) -> None:
        super().__init__(session, keys, id="tune")

    def compose(self) -> ComposeResult:
        """The panel."""
        yield SettingsPanel()

    def fill(self) -> None:
        """Show the settings of the open song."""
        self.query_one(SettingsPanel).show(self.session.settings, self.session.values)

    def composing(self, is_composing: bool) -> None:
        """Say of each setting when a change would be heard now."""
        self.query_one(SettingsPanel).composing(is_composing)

    @on(SettingsPanel.Changed)
    def _turned(self, event: SettingsPanel.Changed) -> None:
        self.session.turn(event.key, event.value)
        self.post_message(self.Turned(event.key, event.value))
        self.changed()
