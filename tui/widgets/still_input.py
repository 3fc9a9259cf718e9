"""A text field that sends nothing while nobody types."""

from textual.reactive import Reactive, reactive
from textual.widgets import Input


class StillInput(Input):
    """An input whose cursor does not blink: blinking is bytes over a slow link, twice a second."""

    cursor_blink: Reactive[bool] = reactive(False, init=False)
