"""A text field that sends nothing while nobody types."""

from textual.events import Key
from textual.reactive import Reactive, reactive
from textual.widgets import Input


class StillInput(Input):
    """An input whose cursor does not blink: blinking is bytes over a slow link, twice a second."""

    cursor_blink: Reactive[bool] = reactive(False, init=False)

    async def _on_key(self, event: Key) -> None:
        """A letter with alt is a key of somebody else's; by itself an input would take it for the letter."""
        if event.key.startswith("alt+"):
            event.prevent_default()
