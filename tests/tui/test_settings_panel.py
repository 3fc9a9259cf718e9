from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

import tui
from core.settings import Kind, Live, Setting, Shadow, Values, resolve
from tui.widgets.choice_field import ChoiceField
from tui.widgets.setting_row import SettingRow
from tui.widgets.settings_panel import GroupHead, SettingsPanel

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
        self.table = SETTINGS

    def compose(self) -> ComposeResult:
        yield SettingsPanel()

    def on_mount(self) -> None:
        self.panel.show(SETTINGS, resolve(SETTINGS))

    def on_settings_panel_changed(self, event: SettingsPanel.Changed) -> None:
        assert event.control is self.panel
        self.changes.append((event.key, event.value))
        self.panel.show(self.table, event.panel.values)

    @property
    def panel(self) -> SettingsPanel:
        return self.query_one(SettingsPanel)

    def row(self, key: str) -> SettingRow:
        return next(row for row in self.panel.rows if row.setting.key == key)

    def words(self, key: str, part: str) -> str:
        row = self.row(key)
        return {".name": row.name_words, ".about": row.about, ".note": row.note}[part]

    def drawn(self, key: str) -> list[str]:
        row = self.row(key)
        return [row.render_line(y).text.rstrip() for y in range(row.size.height)]

    def entry(self, key: str) -> Input:
        return self.row(key).query_one(Input)


def ready(app: Panel) -> bool:
    rows = app.panel.rows
    return len(rows) == len(SETTINGS) and all(row.query(".field") and row.field.is_mounted for row in rows)


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
        plain = ["  top_k                              1 to 500 · live"]
        await until(pilot, lambda: app.drawn("top_k") == plain)
        app.row("sampler").query_one(ChoiceField).focus()
        await pilot.press("right")
        await until(pilot, lambda: app.changes)
        assert app.changes == [("sampler", "greedy")]
        assert "no effect: greedy takes the [best] one" in app.words("top_k", ".note")
        await until(pilot, lambda: app.drawn("top_k")[1:] == ["  no effect: greedy takes the [best] one"])
        await pilot.press("left")
        await until(pilot, lambda: len(app.changes) == 2)
        await until(pilot, lambda: len(app.drawn("top_k")) == 1)


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


GROUPED = (
    Setting("length", Kind.REAL, 30.0, "Long", "tokens", lo=1, hi=60, step=5, group="Song"),
    Setting("heat", Kind.REAL, 0.8, "Hot", "tokens", Live.STEP, 0, 2, step=0.05, group="Drawing"),
    Setting("form", Kind.CHOICE, "wav", "File", "audio", choices=("wav", "flac", "mp3"), group="Files"),
    Setting("seed", Kind.WHOLE, -1, "Seed", "tokens", lo=-1, hi=99, group="Song"),
)


async def grouped(app: Any, pilot: Any, until: Any) -> None:
    await until(pilot, lambda: ready(app))
    app.table = GROUPED
    app.panel.show(GROUPED, resolve(GROUPED))
    await until(pilot, lambda: len(app.panel.rows) == 4 and app.panel.rows[-1].query(".field"))
    await pilot.pause()


async def test_settings_stand_under_their_headings_which_count_the_changed_ones(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await grouped(app, pilot, until)
        assert [row.setting.key for row in app.panel.rows] == ["length", "seed", "heat", "form"]
        heads = list(app.query(GroupHead))
        assert [str(head.visual) for head in heads] == ["Song", "Drawing", "Files"]
        app.panel.rows[0].field.focus()
        await pilot.press("ctrl+down")
        assert app.panel.current is app.row("heat")
        await pilot.press("ctrl+down", "ctrl+up", "ctrl+up", "down")
        assert app.panel.current is app.row("seed")
        await pilot.press("ctrl+up")
        assert app.panel.current is app.row("length")
        app.entry("length").value = "20"
        await until(pilot, lambda: str(heads[0].visual) == "Song · 1 changed")
        await pilot.press("f9")
        await until(pilot, lambda: str(heads[0].visual) == "Song")


async def test_small_steps_start_from_what_is_typed_and_turn_every_kind(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await grouped(app, pilot, until)
        app.panel.composing(True)
        app.row("heat").field.focus()
        await pilot.press("alt+up")
        assert (app.changes, app.entry("heat").value) == ([("heat", 0.85)], "0.85")
        app.entry("heat").value = "1.5"
        await pilot.pause()
        await pilot.press("alt+down")
        assert app.changes[-1:] == [("heat", 1.45)]
        app.entry("heat").value = "hot"
        await pilot.pause()
        await pilot.press("alt+up")
        assert app.changes[-1:] == [("heat", 1.5)]
        assert not app.row("heat").trouble
        app.row("form").field.focus()
        await pilot.press("alt+down")
        assert app.changes[-1:] == [("form", "mp3")]
        assert app.row("form").query_one(ChoiceField).value == "mp3"


async def test_what_is_done_to_one_setting_in_a_row_is_taken_back_in_one_go(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await grouped(app, pilot, until)
        app.row("heat").field.focus()
        await pilot.press("alt+up", "alt+up", "up", "alt+up")
        assert dict(app.panel.values) == {"length": 30.0, "heat": 0.9, "form": "wav", "seed": 0}
        await pilot.press("ctrl+z")
        assert app.panel.values["seed"] == -1
        assert app.entry("seed").value == "-1"
        await pilot.press("ctrl+z", "ctrl+z", "ctrl+z")
        assert app.panel.values == resolve(GROUPED)
        await pilot.press("ctrl+y", "ctrl+y", "ctrl+y")
        assert (app.panel.values["heat"], app.panel.values["seed"]) == (0.9, 0)
        app.panel.show(GROUPED, resolve(GROUPED))
        await pilot.press("ctrl+z")
        assert app.panel.values == resolve(GROUPED), "another song's values are not taken back"


async def test_what_was_turned_there_and_back_is_no_step(until: Any) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await grouped(app, pilot, until)
        app.row("seed").field.focus()
        await pilot.press("alt+up")
        app.row("heat").field.focus()
        await pilot.press("alt+up", "alt+down", "ctrl+z")
        assert app.panel.values == resolve(GROUPED)
        assert app.entry("seed").value == "-1"


async def test_a_change_repaints_no_row_but_its_own(until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Panel().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Panel)
        await grouped(app, pilot, until)
        updated: list[str] = []
        plain = SettingRow.refresh

        def refresh(row: SettingRow, *regions: Any, **more: Any) -> SettingRow:
            updated.append(row.setting.key)
            return plain(row, *regions, **more)

        app.row("heat").field.focus()
        await pilot.pause()
        monkeypatch.setattr(SettingRow, "refresh", refresh)
        await pilot.press("alt+up")
        assert set(updated) == {"heat"}
        updated.clear()
        await pilot.press("alt+up")
        assert updated == [], "it is marked already"


async def test_what_is_said_of_a_setting_follows_the_width(until: Any) -> None:
    app = Panel()
    async with app.run_test(size=(40, 24)) as pilot:
        row = app.row("sampler")
        row.field.focus()
        told = app.query_one("#setting-help", Static)
        await until(pilot, lambda: "draw, greedy" in str(told.visual), saying="the row has no room for it")
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: "How a token" in str(told.visual) and "greedy" not in str(told.visual))
