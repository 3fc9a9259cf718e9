"""The settings of a model family as rows under headings: turned, reset, and taken back."""

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.settings import Setting, Value, Values
from tui.widgets.setting_row import SettingRow
from tui.widgets.value_history import ValueHistory


def _way(key: str, action: str, label: str, name: str, tooltip: str) -> Binding:
    """A key that only moves about."""
    return Binding(key, action, label, id=name, system=True, tooltip=tooltip, show=False)


class GroupHead(Static):
    """A heading over some settings, and how many of them are not as they come."""

    def __init__(self, group: str) -> None:
        super().__init__(group, classes="group", markup=False)
        self.group = group
        self._told = group

    def tell(self, changed: int) -> None:
        """Say how many are changed."""
        told = f"{self.group} · {changed} changed" if changed else self.group
        if told != self._told:
            self._told = told
            self.update(Content(told))


class SettingsPanel(Vertical):
    """Every setting of the family in reach of the keyboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _way("up", "move(-1)", "Up", "tune.up", "Go to the setting above"),
        _way("down", "move(1)", "Down", "tune.down", "Go to the setting below"),
        _way("pageup", "move(-8)", "Far up", "tune.page_up", "Eight settings up"),
        _way("pagedown", "move(8)", "Far down", "tune.page_down", "Eight settings down"),
        _way("ctrl+up", "group(-1)", "Heading up", "tune.group_up", "Go to the heading above"),
        _way("ctrl+down", "group(1)", "Heading down", "tune.group_down", "Go to the heading below"),
        Binding(
            "alt+up",
            "nudge(1)",
            "More",
            id="tune.more",
            tooltip="Turn this setting one small step up, at once also while composing",
            show=False,
        ),
        Binding(
            "alt+down",
            "nudge(-1)",
            "Less",
            id="tune.less",
            tooltip="Turn this setting one small step down, at once also while composing",
            show=False,
        ),
        Binding("f9", "reset", "Reset", id="tune.reset", tooltip="Give this setting its default again"),
        Binding(
            "shift+f9",
            "reset_all",
            "Reset all",
            id="tune.reset_all",
            tooltip="Give every setting its default again",
            show=False,
        ),
        Binding(
            "ctrl+z",
            "back",
            "Undo setting",
            id="tune.undo",
            tooltip="Take back the last change of settings, also a reset or a preset",
            show=False,
        ),
        Binding(
            "ctrl+y", "on", "Redo setting", id="tune.redo", tooltip="Change the settings again", show=False
        ),
        Binding(
            "f4",
            "presets",
            "Presets",
            id="tune.presets",
            tooltip="Settings under a name: compare, load, delete",
            show=False,
        ),
        Binding(
            "shift+f4",
            "save_preset",
            "Save preset",
            id="tune.save_preset",
            tooltip="Keep these settings under a name",
            show=False,
        ),
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

    class Replaced(Message):
        """Several settings have new values at once; `why` says how that came about."""

        def __init__(self, panel: "SettingsPanel", changes: Mapping[str, Value], why: str) -> None:
            super().__init__()
            self.panel = panel
            self.changes = changes
            self.why = why

        @property
        def control(self) -> "SettingsPanel":
            """The panel it came from."""
            return self.panel

    class PresetsWanted(Message):
        """Somebody wants to see the presets, or to save one."""

        def __init__(self, panel: "SettingsPanel", *, to_save: bool) -> None:
            super().__init__()
            self.panel = panel
            self.to_save = to_save

        @property
        def control(self) -> "SettingsPanel":
            """The panel it came from."""
            return self.panel

    def __init__(
        self,
        *,
        hint: str = "",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """`hint` stands under the help and names the keys."""
        super().__init__(id=id, classes=classes)
        self._hint = hint
        self._settings: tuple[Setting, ...] = ()
        self._values = Values()
        self._is_composing = False
        self._history = ValueHistory()
        self._in_hand: SettingRow | None = None

    def compose(self) -> ComposeResult:
        """The rows under their headings, and two lines for the setting in hand."""
        with Vertical(classes="rows"):
            for group in dict.fromkeys(setting.group for setting in self._settings):
                if group:
                    yield GroupHead(group)
                for setting in self._settings:
                    if setting.group == group:
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
        """The row that has the keyboard, or had it last."""
        focused = self.app.focused
        rows = self.rows
        with_keys = next((row for row in rows if focused is not None and row in focused.ancestors), None)
        return with_keys or (self._in_hand if self._in_hand in rows else None)

    def show(self, settings: tuple[Setting, ...], values: Values) -> None:
        """Show these settings with these values; the rows are made anew only for other settings."""
        other = settings != self._settings
        if other or values != self._values:
            self._history.forget()
        self._settings, self._values = settings, values
        if other:
            self.refresh(recompose=True)
            self.call_after_refresh(self._count)
        else:
            self._put()

    @property
    def wrong(self) -> SettingRow | None:
        """The first row whose text does not fit."""
        return next((row for row in self.rows if row.trouble), None)

    def forget(self) -> None:
        """Nothing to take back, and nothing half typed: another song is open."""
        self._history.forget()
        for row in self.rows:
            row.drop_text()

    def take(self, changes: Mapping[str, Value], why: str) -> None:
        """Change several settings in one step, as a reset or a preset does; `Replaced` tells of it."""
        for row in self.rows:
            if row.setting.key in changes:
                row.drop_text()
        news = {key: value for key, value in changes.items() if value != self._values[key]}
        if news:
            self._history.note(why, self._values)
            self._replace(self._values.replace(**news), why)

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

    def action_group(self, step: int) -> None:
        """Go to the first setting under the next heading, or back to the heading of this one, then before."""
        rows, current = self.rows, self.current
        firsts = [n for n, row in enumerate(rows) if not n or row.setting.group != rows[n - 1].setting.group]
        at = rows.index(current) if current is not None else -1
        ahead = [n for n in firsts if n > at] if step > 0 else [n for n in reversed(firsts) if n < at]
        if ahead:
            row = rows[ahead[0]]
            for head in self.query(GroupHead):
                if head.group == row.setting.group:
                    head.scroll_visible(animate=False)
            row.field.focus()

    def action_nudge(self, by: int) -> None:
        """Turn the setting in hand a small step up or down."""
        row = self._taken_up()
        if row is not None:
            row.nudge(by)

    def action_reset(self) -> None:
        """Give the setting in hand its default again."""
        row = self._taken_up()
        if row is not None:
            row.reset()

    def action_reset_all(self) -> None:
        """Give every setting its default again."""
        self.take({setting.key: setting.default for setting in self._settings}, "reset")

    def action_back(self) -> None:
        """Take back the last change."""
        self._go_to(self._history.back(self._values), "taken back")

    def action_on(self) -> None:
        """Make the change that was taken back again."""
        self._go_to(self._history.on(self._values), "changed again")

    def action_presets(self) -> None:
        """Ask for the presets."""
        self.post_message(self.PresetsWanted(self, to_save=False))

    def action_save_preset(self) -> None:
        """Ask for these settings to be kept."""
        self.post_message(self.PresetsWanted(self, to_save=True))

    def on_descendant_focus(self) -> None:
        """Say what the setting in hand does."""
        self._tell()

    def on_resize(self) -> None:
        """Say it anew: what has room depends on the width, which the keyboard may be ahead of."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        row = self.current
        if row is not None:
            self._in_hand = row
            self.query_one("#setting-help", Static).update(Content(self._told(row)))

    def _told(self, row: SettingRow) -> str:
        """What a setting does, what may be given if its row has no room for it, and the keys if they fit."""
        told = f"{row.setting.help} Default {row.setting.show(row.setting.default)}."
        if row.is_cut:
            told += f" {row.about}"
        fits = cell_len(told) <= self.query_one("#setting-help").size.width
        return f"{told}\n{self._hint}" if fits else told

    @on(SettingRow.Edited)
    def _edited(self, event: SettingRow.Edited) -> None:
        event.stop()
        key = event.row.setting.key
        self._history.note(key, self._values)
        self._values = self._values.replace(**{key: event.value})
        self._put()
        self.post_message(self.Changed(self, key, event.value))

    def _taken_up(self) -> SettingRow | None:
        """The setting in hand, with the keyboard on it, so that what is done to it is seen."""
        row = self.current
        if row is None:
            self.action_move(0)
        elif not row.has_focus_within:
            row.field.focus()
        return row

    def _go_to(self, values: Values | None, why: str) -> None:
        if values is not None:
            self._replace(values, why)

    def _replace(self, values: Values, why: str) -> None:
        changes = {key: value for key, value in values.items() if value != self._values[key]}
        self._values = values
        self._put()
        self.post_message(self.Replaced(self, changes, why))

    def _put(self) -> None:
        """Let every row know the values in force."""
        for row in self.rows:
            if row.setting in self._settings:
                row.put(self._values)
        self._count()

    def _count(self) -> None:
        for head in self.query(GroupHead):
            of_it = [s for s in self._settings if s.group == head.group]
            head.tell(sum(self._values[s.key] != s.default for s in of_it))
