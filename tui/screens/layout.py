"""The four areas, their tabs and the foot, and the way about them by key."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from core.errors import SongdeskError
from tui.keys import keys_in_force
from tui.screens.areas import AREAS, Area, Notice, Tabs
from tui.screens.deck import OpenPlayer
from tui.screens.jump import Target
from tui.screens.listen import TakesArea
from tui.screens.modal import Resting
from tui.screens.style import StyleArea
from tui.screens.tune import TuneArea
from tui.screens.write import WriteArea
from tui.session import Session
from tui.widgets.key_line import KeyLine
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.transport import Transport

_WIDE = 120
"""Columns from which all areas show."""


def _shows(widget: Widget) -> bool:
    """Whether neither the widget nor what it is part of is hidden."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


class FourAreas(Resting[None]):
    """What is shown where; knows the widgets, and nothing of what they mean."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE, "-wide"), (180, "-broad")]  # noqa: RUF012 - Textual's way
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-middling"), (50, "-tall")]  # noqa: RUF012

    area: reactive[str] = reactive("write")

    def __init__(self, session: Session, open_player: OpenPlayer, own_keys: dict[str, str]) -> None:
        super().__init__()
        self.session = session
        self._open_player = open_player
        self._going = ""
        """The area the keyboard is on its way to."""
        self.keys = {name: keys.split(",")[0] for name, keys in keys_in_force(own_keys).items()}
        """The first key of every action."""

    def compose(self) -> ComposeResult:
        """Lyrics left, style and settings right, takes below; a narrow terminal shows one at a time."""
        yield Static(id="title", markup=False)
        yield Tabs(self.keys)
        with Horizontal(id="desk"):
            yield WriteArea(self.session, self.keys)
            with Vertical(id="side"):
                yield StyleArea(self.session, self.keys)
                yield TuneArea(self.session, self.keys)
        yield TakesArea(self.session, self.keys, self._open_player)
        yield Notice(markup=False)
        yield Transport()
        yield KeyLine()

    def on_mount(self) -> None:
        """Name the areas with their keys."""
        for area in AREAS:
            title = Content(f"{area.capitalize()} {self.keys[area].upper()}")
            self.query_one(f"#{area}").border_title = title
        self.query_one(LyricEditor).focus()

    def action_area(self, area: str) -> None:
        """Show an area and put the keyboard there."""
        self.area = self._going = area
        self.call_after_refresh(self._focus_area)

    def on_resize(self) -> None:
        """There may be room for more, or less."""
        self._show_area()

    def watch_area(self) -> None:
        """Another area is in hand."""
        self._show_area()

    def _show_area(self) -> None:
        """A narrow terminal shows one area; which one is no matter of style, or all would be styled anew."""
        is_wide, area = self.size.width >= _WIDE, self.area
        for parts in self.query(Tabs):  # none before there is anything
            parts.chosen = area
            self.query_one("#desk").display = is_wide or area != "takes"
            self.query_one("#side").display = is_wide or area in ("style", "tune")
            for name in AREAS:
                self.query_one(f"#{name}").display = is_wide or area == name

    def _focus_area(self) -> None:
        pane, self._going = self.query_one(f"#{self._going or self.area}"), ""
        inside = [child for child in pane.query(Widget) if child.focusable and _shows(child)]
        if inside and self.focused not in inside:
            inside[0].focus()

    def on_descendant_focus(self) -> None:
        """The tabs follow the keyboard, however it got there."""
        if self._going:
            return  # an area chosen meanwhile: the keyboard is on its way there
        above = self.focused.ancestors_with_self if self.focused is not None else ()
        self.area = next((node.id for node in above if node.id in AREAS), self.area)

    def tab_targets(self) -> list[Target]:
        """For jumping: the areas that do not show, where their tabs stand."""
        tabs = self.query_one(Tabs)
        if not tabs.display or not tabs.region.area:
            return []
        row, start = tabs.render().plain, tabs.region.offset
        places = {area: row.find(f"{self.keys[area].upper()} {area.capitalize()}") for area in AREAS}
        return [Target(area, start + Offset(x, 0)) for area, x in places.items() if area != self.area]

    def say(self, text: str, *, kind: str = "note") -> None:
        """Say one line above the transport; a screen that is taken down has none, and nobody reads it."""
        for notice in self.query(Notice):
            notice.say(text, kind=kind)

    def complain(self, error: SongdeskError) -> None:
        """Say what went wrong and what to do about it."""
        self.say(str(error), kind="error")

    @on(Area.Said)
    def _area_said(self, event: Area.Said) -> None:
        self.say(event.text, kind=event.kind)

    @property
    def write(self) -> WriteArea:
        """The lyrics."""
        return self.query_one(WriteArea)

    @property
    def takes(self) -> TakesArea:
        """The takes and what plays them."""
        return self.query_one(TakesArea)
