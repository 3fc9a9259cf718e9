from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

import tui
from core.settings import Kind, Live, Setting, Shadow, Values, resolve
from tui.widgets.settings_panel import ChoiceField, SettingRow, SettingsPanel

STYLES = Path(tui.__file__).parent / "styles"
SETTINGS = (
    Setting("temperature", Kind.REAL, 0.9, "Heat of the draw", "tokens", Live.STEP, 0, 2),
    Setting(
        "top_k",
        Kind.WHOLE,
        50,
        "How many candidates stay",
        "tokens",
        Live.STEP,
        1,
        500,
        shadowed_by=(Shadow("sampler", ("greedy",), "greedy takes the [best] one"),),
    ),
    Setting("sampler", Kind.CHOICE, "draw", "How a token is taken", "tokens", choices=("draw", "greedy")),
    Setting("stems", Kind.FLAG, False, "Voice and band apart", "synthesis", Live.PHASE),
    *(Setting(f"extra_{n}", Kind.WHOLE, n, f"Number {n}", "tokens", lo=0, hi=99) for n in range(30)),
)
BOTH = pytest.mark.parametrize("size", [(80, 24), (120, 40)])


class Panel(App[None]):
    CSS_PATH = STYLES / "tune.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[str, Any]] = []

    def compose(self) -> ComposeResult:
        yield SettingsPanel()

    def on_mount(self) -> None:
        self.panel.show(SETTINGS, resolve(SETTINGS))

    def on_settings_panel_changed(self, event: SettingsPanel.Changed) -> None:
        assert event.control is self.panel
        self.changes.append((event.key, event.value))
        self.panel.show(SETTINGS, event.panel.values)

    @property
    def panel(self) -> SettingsPanel:
        return self.query_one(SettingsPanel)

    def row(self, key: str) -> SettingRow:
        return next(row for row in self.panel.rows if row.setting.key == key)

    def words(self, key: str, part: str) -> str:
        return str(self.row(key).query_one(part, Static).visual)

    def entry(self, key: str) -> Input:
        return self.row(key).query_one(Input)


def ready(app: Panel) -> bool:
    rows = app.panel.rows
    return len(rows) == len(SETTINGS) and all(row.query(".note") and row.field.is_mounted for row in rows)


@BOTH
async def test_a_row_says_its_range_and_when_it_is_heard(until: Any, size: tuple[int, int]) -> None:
    async with Panel().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        assert app.words("temperature", ".about") == "0 to 2 · live"
        one_line_each = {1}
        await until(pilot, lambda: {row.size.height for row in app.panel.rows} == one_line_each)
        assert app.words("sampler", ".about") == "draw, greedy"
        app.panel.composing(True)
        assert app.words("temperature", ".about").endswith("next step")
        assert app.words("stems", ".about").endswith("next phase")
        assert app.words("sampler", ".about").endswith("next song")


async def test_a_value_that_fits_is_taken_and_marked_as_changed(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        app.entry("temperature").value = "1.2"
        await until(pilot, lambda: app.changes)
        assert app.changes == [("temperature", 1.2)]
        assert app.panel.values["temperature"] == 1.2
        assert app.words("temperature", ".name").startswith("•")
        assert app.words("top_k", ".name").startswith(" ")


@pytest.mark.parametrize("wrong", ["9", "-1", "hot", "", "nan", "[/b]"])
@BOTH
async def test_a_value_that_does_not_fit_is_marked_with_the_range_and_not_taken(
    until: Any, wrong: str, size: tuple[int, int]
) -> None:
    async with Panel().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        app.entry("temperature").value = wrong
        await until(pilot, lambda: app.row("temperature").trouble)
        assert app.words("temperature", ".name").startswith("✗")
        assert "0 to 2; it stays 0.9" in app.words("temperature", ".note")
        assert app.changes == []
        assert app.panel.values["temperature"] == 0.9
        app.entry("temperature").value = "1"
        await until(pilot, lambda: app.changes)
        assert not app.row("temperature").trouble


async def test_a_half_typed_number_is_not_heard_while_composing(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        app.panel.composing(True)
        app.entry("top_k").focus()
        await pilot.press("1", "5", "0")
        await until(pilot, lambda: "Enter" in app.words("top_k", ".note"))
        assert app.changes == []
        await pilot.press("enter")
        await until(pilot, lambda: app.changes)
        assert app.changes == [("top_k", 150)]
        app.entry("top_k").value = "17"
        await pilot.press("down")
        await until(pilot, lambda: len(app.changes) == 2, saying="leaving the field takes its value")
        assert app.changes[-1] == ("top_k", 17)


async def test_a_setting_without_effect_says_why(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        assert not app.row("top_k").query_one(".note").display
        app.row("sampler").query_one(ChoiceField).focus()
        await pilot.press("right")
        await until(pilot, lambda: app.changes)
        assert app.changes == [("sampler", "greedy")]
        assert "no effect: greedy takes the [best] one" in app.words("top_k", ".note")
        assert app.row("top_k").query_one(".note").display
        await pilot.press("left")
        await until(pilot, lambda: len(app.changes) == 2)
        assert not app.row("top_k").query_one(".note").display


@BOTH
async def test_every_setting_is_reached_and_reset_by_keyboard(until: Any, size: tuple[int, int]) -> None:
    async with Panel().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        await pilot.press("tab", "down", "down", "down", "space")
        await until(pilot, lambda: app.changes)
        assert app.changes == [("stems", True)]
        await pilot.press("f9")
        await until(pilot, lambda: len(app.changes) == 2)
        assert app.panel.values["stems"] is False
        assert app.row("stems").query_one(ChoiceField).value == "off"
        await pilot.press(*["pagedown"] * 4)
        last = app.row("extra_29")
        assert app.panel.current is last
        await until(pilot, lambda: app.screen.region.contains_region(last.region), saying="it scrolls to it")
        assert "Number 29" in str(app.query_one("#setting-help", Static).visual)


async def test_a_row_that_starts_idle_says_so_at_once(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        few = SETTINGS[1:3]
        app.panel.show(few, Values({"top_k": 50, "sampler": "greedy"}))
        await until(pilot, lambda: len(app.panel.rows) == 2 and app.row("top_k").has_class("-idle"))
        await until(pilot, lambda: app.row("top_k").size.height == 2)
        assert "greedy takes the [best] one" in app.words("top_k", ".note")
        app.panel.composing(True)
        assert app.words("sampler", ".about").endswith("next song")


async def test_values_shown_from_outside_replace_the_text_but_not_what_is_being_typed(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        app.entry("temperature").value = "7"
        await until(pilot, lambda: app.row("temperature").trouble)
        app.panel.show(SETTINGS, app.panel.values.replace(top_k=9))
        assert app.entry("top_k").value == "9"
        assert app.entry("temperature").value == "7"
        await pilot.pause()
        assert app.changes == []


async def test_other_settings_make_other_rows(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await until(pilot, lambda: ready(app))
        few = SETTINGS[:1]
        app.panel.show(few, Values({"temperature": 0.5}))
        app.panel.show(few, Values({"temperature": 0.6}))
        await until(pilot, lambda: len(app.panel.rows) == 1 and app.panel.rows[0].is_mounted)
        assert app.entry("temperature").value == "0.6"
