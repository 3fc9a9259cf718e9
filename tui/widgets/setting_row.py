"""One setting as a row: its name, its field, and what is to be said about it."""

import textwrap
from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from core.errors import SongdeskError
from core.settings import Kind, Live, Setting, Value, idle_reason
from tui.widgets.bars import clip
from tui.widgets.choice_field import ChoiceField
from tui.widgets.still_input import StillInput

_WHEN_SILENT = {Live.STEP: " · live", Live.PHASE: " · live until its phase", Live.SONG: ""}
"""What is said of a change while nothing is being made."""
_NAME, _FIELD, _GAP = 21, 14, 2
"""Cells of the name, of the field at least, and before what is said beside it."""


class SettingRow(Widget):
    """One setting: what it is called, its value, and what is to be said about it.

    The words are drawn by the row itself, and only the field is a widget: every move of the keyboard has all
    widgets of the area styled anew.
    """

    DEFAULT_CSS = f"""
    SettingRow {{ height: 1; layout: vertical; }}
    SettingRow > .field {{ margin: 0 0 0 {_NAME}; width: {_FIELD}; height: 1; }}
    SettingRow > ChoiceField {{ width: auto; min-width: {_FIELD}; }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"setting-row--quiet"}

    class Edited(Message):
        """A value that fits was given."""

        def __init__(self, row: "SettingRow", value: Value) -> None:
            super().__init__()
            self.row = row
            self.value = value

        @property
        def control(self) -> "SettingRow":
            """The row it came from."""
            return self.row

    class Judged(Message):
        """The text in the field fits no more, or fits again; see `trouble`."""

    def __init__(self, setting: Setting, values: Mapping[str, Value], *, is_composing: bool) -> None:
        super().__init__(classes="setting")
        self.setting = setting
        self.value = values[setting.key]
        self.trouble = ""
        """What is wrong with the text in the field; empty when nothing is."""
        self.is_composing = is_composing
        self._was_wrong = False
        """Whether `Judged` told of trouble last."""
        self._waits = False
        self._idle = idle_reason(setting, values)
        self._written: tuple[str, ...] = ()
        """What stands in the row besides the field."""

    def compose(self) -> ComposeResult:
        """The field."""
        yield self._field()

    def on_mount(self) -> None:
        """Show what belongs to the first value."""
        self._write()

    def on_resize(self) -> None:
        """Break the note anew."""
        self._write()

    def render_line(self, y: int) -> Strip:
        """Name and range beside the field, and below what is wrong or why the setting is idle."""
        plain, quiet = self.rich_style, self.get_component_rich_style("setting-row--quiet")
        if y == 0:
            name = set_cell_size(self.name_words, self._about_at)
            strip = Strip([Segment(name, plain), Segment(clip(self.about, self._room), quiet)])
        else:
            lines = self._note_lines()
            text = lines[y - 1] if y <= len(lines) else ""
            strip = Strip([Segment(text, plain if self.trouble else quiet)])
        return strip.adjust_cell_length(self.size.width, plain)

    @property
    def field(self) -> Widget:
        """The part that takes the keys."""
        return self.query_one(".field")

    @property
    def about(self) -> str:
        """What may be given, and when it is heard."""
        live = self.setting.live
        return self.setting.allowed + (f" · {live.value}" if self.is_composing else _WHEN_SILENT[live])

    @property
    def is_cut(self) -> bool:
        """Whether the row has no room for all of that."""
        return cell_len(self.about) > self._room

    @property
    def name_words(self) -> str:
        """The name, with a mark for a value that is not the default or does not fit."""
        mark = "✗" if self.trouble else "•" if self.is_changed else " "
        return f"{mark} {self.setting.key}"

    @property
    def note(self) -> str:
        """What is wrong, what is waited for, or why the setting has no effect; mostly nothing."""
        waits = "Enter takes it" if self._waits else ""
        return self.trouble or waits or (f"no effect: {self._idle}" if self._idle else "")

    @property
    def _about_at(self) -> int:
        """The column of what is said beside the field."""
        field = self.field
        return _NAME + max(_FIELD, field.cells if isinstance(field, ChoiceField) else 0) + _GAP

    @property
    def _room(self) -> int:
        """Cells from there to the edge."""
        return max(0, self.size.width - self._about_at)

    def _note_lines(self) -> list[str]:
        width = max(20, self.size.width - _GAP)
        return [" " * _GAP + line for line in textwrap.wrap(self.note, width)]

    def put(self, values: Mapping[str, Value]) -> None:
        """Show the values in force; a text somebody is still typing is left alone."""
        value = values[self.setting.key]
        self._idle = idle_reason(self.setting, values)
        if value != self.value:
            self.value = value
            self._put_text(value)
        self._write()

    def mark_composing(self, *, is_composing: bool) -> None:
        """Say when a change would be heard now."""
        self.is_composing = is_composing
        self._write()

    def reset(self) -> None:
        """Go back to the default."""
        self._put_text(self.setting.default)
        self._take(self.setting.default)

    def drop_text(self) -> None:
        """Show the value in force in place of a text that does not fit."""
        if self.trouble:
            self._put_text(self.value)
            self._write()

    @property
    def is_changed(self) -> bool:
        """Whether the value is not the default."""
        return self.value != self.setting.default

    def nudge(self, by: int) -> None:
        """Go so many small steps up from what stands in the field, down when below 0; heard at once."""
        standing = self._standing()
        value = self.setting.nudge(self.value if standing is None else standing, by)
        self._put_text(value)
        self._take(value)

    def take_text(self) -> None:
        """Take what stands in the field if it fits; say the range if it does not."""
        standing = self._standing()
        if standing is not None:
            self._take(standing)

    def _standing(self) -> Value | None:
        """What stands in the field, if it fits."""
        field = self.field
        try:
            return self.setting.parse(field.value if isinstance(field, Input | ChoiceField) else "")
        except SongdeskError:
            return None

    def _field(self) -> Widget:
        shown = self.setting.show(self.value)
        match self.setting.kind:
            case Kind.FLAG:
                return ChoiceField(("off", "on"), shown)
            case Kind.CHOICE:
                return ChoiceField(self.setting.choices, shown)
            case _:
                return StillInput(shown, compact=True, classes="field", select_on_focus=True)

    def _put_text(self, value: Value) -> None:
        field = self.field
        self.trouble, self._waits = "", False
        shown = self.setting.show(value)
        if isinstance(field, ChoiceField):
            field.put(shown)
        elif isinstance(field, Input) and not self._reads_as(field.value, value):
            with self.prevent(Input.Changed):
                field.value = shown

    def _reads_as(self, text: str, value: Value) -> bool:
        try:
            return self.setting.parse(text) == value
        except SongdeskError:
            return False

    def _take(self, value: Value) -> None:
        self._waits = False
        if value != self.value:
            self.value = value
            self.post_message(self.Edited(self, value))
        self._write()

    def _write(self) -> None:
        if not self._nodes:
            return
        lines = self._note_lines()
        written = (self.name_words, self.about, str(self._about_at), *lines)
        if written != self._written:  # many rows hear of each change, few have news
            if len(lines) != len(self._written) - 3:
                self.styles.height = 1 + len(lines)
            self._written = written
            self.refresh()
        self.set_class(bool(self.trouble), "-wrong")
        if bool(self.trouble) != self._was_wrong:
            self._was_wrong = bool(self.trouble)
            self.post_message(self.Judged())
        self.set_class(self._idle is not None, "-idle")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            self.setting.parse(event.value)
        except SongdeskError as error:
            self._waits = False
            self.trouble = f"{error.hint}; it stays {self.setting.show(self.value)}"
            self._write()
            return
        self.trouble = ""
        self._waits = self.is_composing and not self._reads_as(event.value, self.value)
        # A half-typed number must not be heard: 1 on the way to 150 is another song.
        if self.is_composing:
            self._write()
        else:
            self.take_text()

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _left(self, event: Input.Submitted | Input.Blurred) -> None:
        event.stop()
        self.take_text()

    @on(ChoiceField.Turned)
    def _turned(self, event: ChoiceField.Turned) -> None:
        event.stop()
        self.take_text()
