"""The settings of a model family as rows: value, range, when a change is heard, and why one has no effect."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.errors import SongdeskError
from core.settings import Kind, Live, Setting, Value, Values, idle_reason

_WHEN_SILENT = {Live.STEP: " · live", Live.PHASE: " · live until its phase", Live.SONG: ""}
"""What is said of a change while nothing is being made."""


class ChoiceField(Static, can_focus=True):
    """One of a few values, turned with the arrow keys or the space bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right,space,enter",
            "turn(1)",
            "Next",
            id="choice.next",
            system=True,
            tooltip="Take the next value",
        ),
        Binding(
            "left", "turn(-1)", "Previous", id="choice.previous", system=True, tooltip="Take the value before"
        ),
    ]

    class Turned(Message):
        """Another value stands in the field."""

        def __init__(self, field: "ChoiceField", value: str) -> None:
            super().__init__()
            self.field = field
            self.value = value

        @property
        def control(self) -> "ChoiceField":
            """The field it came from."""
            return self.field

    def __init__(self, choices: tuple[str, ...], value: str) -> None:
        super().__init__(_between_arrows(value), markup=False, classes="field")
        self._choices = choices
        self.value = value

    def put(self, value: str) -> None:
        """Show a value without saying so."""
        self.value = value
        self.update(_between_arrows(value))

    def action_turn(self, step: int) -> None:
        """Go to the next or the previous value, around the ends."""
        at = self._choices.index(self.value) if self.value in self._choices else -step
        self.put(self._choices[(at + step) % len(self._choices)])
        self.post_message(self.Turned(self, self.value))


def _between_arrows(value: str) -> Content:
    return Content(f"‹ {value} ›")


class SettingRow(Vertical):
    """One setting: what it is called, its value, and what is to be said about it."""

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

    def __init__(self, setting: Setting, values: Mapping[str, Value], *, is_composing: bool) -> None:
        super().__init__(classes="setting")
        self.setting = setting
        self.value = values[setting.key]
        self.trouble = ""
        """What is wrong with the text in the field; empty when nothing is."""
        self.is_composing = is_composing
        self._waits = False
        self._idle = idle_reason(setting, values)

    def compose(self) -> ComposeResult:
        """The row, and a line under it for what is wrong or why it is idle."""
        with Horizontal():
            yield Static(self._name_words(), classes="name", markup=False)
            yield self._field()
            yield Static(Content(self.about), classes="about", markup=False)
        yield Static(Content(self._note()), classes="note", markup=False)

    def on_mount(self) -> None:
        """Show what belongs to the first value."""
        self._write()

    @property
    def field(self) -> Widget:
        """The part that takes the keys."""
        return self.query_one(".field")

    @property
    def about(self) -> str:
        """What may be given, and when it is heard."""
        live = self.setting.live
        return self.setting.allowed + (f" · {live.value}" if self.is_composing else _WHEN_SILENT[live])

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

    def take_text(self) -> None:
        """Take what stands in the field if it fits; say the range if it does not."""
        field = self.field
        text = field.value if isinstance(field, Input | ChoiceField) else ""
        try:
            value = self.setting.parse(text)
        except SongdeskError:
            return
        self._take(value)

    def _field(self) -> Widget:
        shown = self.setting.show(self.value)
        match self.setting.kind:
            case Kind.FLAG:
                return ChoiceField(("off", "on"), shown)
            case Kind.CHOICE:
                return ChoiceField(self.setting.choices, shown)
            case _:
                return Input(shown, compact=True, classes="field", select_on_focus=True)

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
        if not self.query(".note"):
            return
        self.query_one(".name", Static).update(self._name_words())
        self.query_one(".about", Static).update(Content(self.about))
        note = self._note()
        line = self.query_one(".note", Static)
        line.update(Content(note))
        line.display = bool(note)
        self.set_class(bool(self.trouble), "-wrong")
        self.set_class(self._idle is not None, "-idle")

    def _name_words(self) -> Content:
        mark = "✗" if self.trouble else "•" if self.value != self.setting.default else " "
        return Content(f"{mark} {self.setting.key}")

    def _note(self) -> str:
        waits = "Enter takes it" if self._waits else ""
        note = self.trouble or waits or (f"no effect: {self._idle}" if self._idle else "")
        return f"  {note}" if note else ""

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


class SettingsPanel(Vertical):
    """Every setting of the family in reach of the keyboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up", "move(-1)", "Up", id="tune.up", system=True, tooltip="Go to the setting above", show=False
        ),
        Binding(
            "down",
            "move(1)",
            "Down",
            id="tune.down",
            system=True,
            tooltip="Go to the setting below",
            show=False,
        ),
        Binding(
            "pageup",
            "move(-8)",
            "Far up",
            id="tune.page_up",
            system=True,
            tooltip="Eight settings up",
            show=False,
        ),
        Binding(
            "pagedown",
            "move(8)",
            "Far down",
            id="tune.page_down",
            system=True,
            tooltip="Eight settings down",
            show=False,
        ),
        Binding("f9", "reset", "Reset", id="tune.reset", tooltip="Give this setting its default again"),
    ]

    class Changed(Message):
        """A setting has a new value."""

        def __init__(self, panel: "SettingsPanel", key: str, value: Value) -> None:
            super().__init__()
            self.panel = panel
            self.key = key
            self.value = value

        @property
        def control(self) -> "SettingsPanel":
            """The panel it came from."""
            return self.panel

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._settings: tuple[Setting, ...] = ()
        self._values = Values()
        self._is_composing = False

    def compose(self) -> ComposeResult:
        """The rows, and a line for what the setting in hand does."""
        with Vertical(classes="rows"):
            for setting in self._settings:
                yield SettingRow(setting, self._values, is_composing=self._is_composing)
        yield Static(id="setting-help", markup=False)

    @property
    def values(self) -> Values:
        """The values in force."""
        return self._values

    @property
    def rows(self) -> tuple[SettingRow, ...]:
        """The rows from top to bottom."""
        return tuple(self.query(SettingRow))

    @property
    def current(self) -> SettingRow | None:
        """The row that has the keyboard."""
        focused = self.app.focused
        return next((row for row in self.rows if focused is not None and row in focused.ancestors), None)

    def show(self, settings: tuple[Setting, ...], values: Values) -> None:
        """Show these settings with these values; the rows are made anew only for other settings."""
        other = settings != self._settings
        self._settings, self._values = settings, values
        if other:
            self.refresh(recompose=True)
            return
        for row in self.rows:
            if row.setting in settings:
                row.put(values)

    def composing(self, is_composing: bool) -> None:
        """Say of each setting whether a change is heard in the song being made or the next."""
        if is_composing == self._is_composing:
            return
        self._is_composing = is_composing
        for row in self.rows:
            row.mark_composing(is_composing=is_composing)

    def action_move(self, step: int) -> None:
        """Go to the setting above or below."""
        rows, current = self.rows, self.current
        if rows:
            at = rows.index(current) + step if current is not None else 0
            rows[max(0, min(len(rows) - 1, at))].field.focus()

    def action_reset(self) -> None:
        """Give the setting in hand its default again."""
        if self.current is not None:
            self.current.reset()

    def on_descendant_focus(self) -> None:
        """Say what the setting in hand does."""
        row = self.current
        if row is not None:
            self.query_one("#setting-help", Static).update(Content(f"{row.setting.help} ({row.about})"))

    @on(SettingRow.Edited)
    def _edited(self, event: SettingRow.Edited) -> None:
        event.stop()
        key = event.row.setting.key
        self._values = self._values.replace(**{key: event.value})
        for row in self.rows:
            row.put(self._values)
        self.post_message(self.Changed(self, key, event.value))
