"""In the studio: what is chosen reaches the song and its draft, and sets of tags outlive it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static

import tui
from core import style_sets
from core.config import Config
from core.library.draft import load_draft
from core.paths import favourite_styles
from core.song import Reference
from tests.tui.opened import SONG, opened, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.keys import keys_in_force
from tui.screens.areas import Area
from tui.screens.confirm import Confirm
from tui.screens.style import StyleArea
from tui.screens.style_sets import SetChooser
from tui.session import Session
from tui.widgets.fuzzy_list import FuzzyList
from tui.widgets.reference_panel import ReferencePanel
from tui.widgets.style_picker import StylePicker
from tui.widgets.tag_list import TagList

STYLES = Path(tui.__file__).parent / "styles"


class Alone(App[None]):
    """The style area without the rest of the studio."""

    CSS_PATH = [STYLES / "app.tcss", STYLES / "style.tcss"]  # noqa: RUF012

    def __init__(self, reference: Reference | None = None) -> None:
        super().__init__()
        self.session = Session(Config())
        self.session.rewrite(style=SONG.style, reference=reference)
        self.said = ""

    def compose(self) -> ComposeResult:
        yield StyleArea(self.session, {name: key.split(",")[0] for name, key in keys_in_force({}).items()})

    def on_area_said(self, event: Area.Said) -> None:
        self.said = event.text

    @property
    def desk(self) -> Any:
        """The screen that is there first."""
        return self.screen_stack[0]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def picker(app: App[Any]) -> StylePicker:
    return app.screen_stack[0].query_one(StylePicker)


def advice(app: App[Any]) -> str:
    return str(picker(app).query_one(".advice", Static).visual)


async def chooser(app: Alone, pilot: Any, until: Any) -> SetChooser:
    await pilot.press("alt+o")
    await until(pilot, lambda: isinstance(app.screen, SetChooser) and app.screen.query(FuzzyList))
    assert isinstance(app.screen, SetChooser)
    return app.screen


async def name_it(app: Alone, pilot: Any, until: Any, name: str) -> None:
    """Keep the tags under a name."""
    await pilot.press("alt+s")
    await until(pilot, lambda: app.screen is not app.desk)
    app.screen.query_one(Input).value = name
    await pilot.press("enter")


async def test_a_reference_reaches_the_song_its_draft_and_the_advice_and_is_gone_on_with(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        await pilot.press("f3", "alt+a", "down")
        await until(pilot, lambda: app.studio.session.song.reference == Reference(style="Pop"))
        await until(pilot, lambda: "reference" in advice(app))
        assert app.studio.session.song.style == SONG.style
        await app.studio.save()
        draft = load_draft(app.studio.session.home)
        assert draft is not None
        assert draft.reference == Reference(style="Pop")
    async with opened(Rehearsal()) as (app, pilot):
        assert app.studio.session.song.reference == Reference(style="Pop"), "the draft is not the song given"
        assert app.studio.query_one(ReferencePanel).reference == Reference(style="Pop")
        app.studio.load(replace(SONG, title="Other", reference=None), go_on=True)
        await until(pilot, lambda: app.studio.query_one(ReferencePanel).reference is None)
        await until(pilot, lambda: "reference" not in advice(app))
        await app.studio.save()


async def test_tags_are_kept_under_a_name_and_taken_again(until: Any) -> None:
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        await name_it(app, pilot, until, "[b]night")
        await until(pilot, lambda: "kept as [b]night" in app.said)
        assert style_sets.favourites() == {"[b]night": SONG.style}
        picker(app).take("male")
        await chooser(app, pilot, until)
        await pilot.press(*"nig", "enter")
        await until(pilot, lambda: picker(app).description == SONG.style)
        await until(pilot, lambda: app.session.song.style == SONG.style)
        await pilot.press("alt+z")
        await until(pilot, lambda: app.session.song.style == "male")


async def test_a_name_that_is_taken_is_asked_about(until: Any) -> None:
    style_sets.keep("night", "male")
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        for answer, kept in (("n", "male"), ("y", SONG.style)):
            await name_it(app, pilot, until, "night")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is app.desk)
            await until(pilot, lambda kept=kept: style_sets.favourites() == {"night": kept})


async def test_a_favourite_is_forgotten_only_when_that_is_meant(until: Any) -> None:
    style_sets.keep("night", "male")
    style_sets.keep("day", "female")
    style_sets.note_use("rock, sad")
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        for answer, left in (("n", ["night", "day"]), ("y", ["day"])):
            await chooser(app, pilot, until)
            await pilot.press("alt+x")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press(answer)
            await until(pilot, lambda left=left: list(style_sets.favourites()) == left)
            await until(pilot, lambda: isinstance(app.screen, SetChooser))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.desk)
        screen = await chooser(app, pilot, until)
        await pilot.press("down")
        await until(pilot, lambda: screen.query_one(FuzzyList).in_hand == "used 0")
        await pilot.press("alt+x")
        assert app.screen is screen, "what takes were made with is not a favourite"
        await pilot.press("enter")
        await until(pilot, lambda: picker(app).description == "rock, sad")


async def test_what_a_take_was_made_with_is_offered_and_its_tags_are_found_first(until: Any) -> None:
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+o")
        await until(pilot, lambda: "there are no sets yet" in app.said)
        app.query_one(StyleArea).note_use("romantic, piano")
        await until(pilot, lambda: style_sets.recent() == ("romantic, piano",))
        await until(pilot, lambda: "romantic" in app.query_one(TagList).known)
        app.query_one(Input).value = "ro"
        await until(pilot, lambda: "romantic" in str(app.query_one(OptionList).options[0].prompt))


async def test_a_damaged_file_is_one_line_and_the_other_sets_are_still_there(until: Any) -> None:
    style_sets.note_use("rock, sad")
    favourite_styles().parent.mkdir(parents=True, exist_ok=True)
    favourite_styles().write_text("night: [male\n")
    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "styles.yaml" in app.said)
        screen = await chooser(app, pilot, until)
        assert screen.query_one(FuzzyList).shown == ("used 0",)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.desk)
        await name_it(app, pilot, until, "day")
        await until(pilot, lambda: "damaged-1" in app.said)
        assert style_sets.favourites() == {"day": SONG.style}


@pytest.mark.parametrize("size", [(80, 17), (58, 11), (50, 46), (80, 8)])
async def test_everything_is_in_view_when_the_keyboard_is_there(
    until: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    import numpy as np
    import soundfile

    path = tmp_path / "ref.wav"
    soundfile.write(path, np.zeros(20_000, dtype=np.float32), 1000)
    app = Alone(Reference(path=str(path), start=4.0))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("tab", "tab")
        await until(pilot, lambda: isinstance(app.focused, ReferencePanel))
        words = ("0:04.0–0:14.0 of 0:20.0", "┗", "space listen")
        studio: Any = app
        await until(pilot, lambda: all(word in screen_text(studio) for word in words))


async def test_the_palette_reaches_the_reference_and_the_dice(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        offered = {c.title: c.callback for c in app.get_system_commands(app.screen)}
        await offered["Built-in reference"]()
        await until(pilot, lambda: app.studio.session.song.reference == Reference(style="Pop"))
        await offered["Roll everything"]()
        await until(pilot, lambda: app.studio.session.song.style.endswith(tuple("0123456789")))
        assert {
            "Roll a tag", "Undo tags", "Faster", "Keep tags", "Sets of tags", "Reference file",
            "Listen to reference", "No reference", "Window later", "Dimension",
        } <= offered.keys()  # fmt: skip
