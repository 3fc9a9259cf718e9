from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static

import tui
from core.style import vocabulary
from tui.widgets.chips import ChipLine
from tui.widgets.style_picker import StylePicker

STYLES = Path(tui.__file__).parent / "styles"
BOTH = pytest.mark.parametrize("size", [(80, 24), (120, 40)])


class Picking(App[None]):
    CSS_PATH = STYLES / "style.tcss"

    def __init__(self, description: str = "") -> None:
        super().__init__()
        self.first = description
        self.changes: list[str] = []

    def compose(self) -> ComposeResult:
        yield StylePicker(vocabulary(), self.first)

    def on_style_picker_changed(self, event: StylePicker.Changed) -> None:
        assert event.control is self.picker
        self.changes.append(event.description)

    @property
    def picker(self) -> StylePicker:
        return self.query_one(StylePicker)

    @property
    def chips(self) -> ChipLine:
        return self.query_one(ChipLine)

    def options(self) -> list[str]:
        return [str(option.prompt) for option in self.query_one(OptionList).options]

    def words(self, part: str) -> str:
        return str(self.query_one(part, Static).visual)

    def chip_text(self) -> str:
        return "".join(self.chips.render_line(y).text for y in range(self.chips.size.height))

    def look_for(self, query: str) -> None:
        self.query_one(Input).value = query


@BOTH
async def test_the_whole_vocabulary_is_listed_under_headings(until: Any, size: tuple[int, int]) -> None:
    app = Picking("dreamy")
    async with app.run_test(size=size) as pilot:
        await until(pilot, app.options)
        tags = [text[2:] for text in app.options() if not text.startswith("──")]
        assert tags == [tag.name for tag in vocabulary()]
        headings = [text for text in app.options() if text.startswith("──")]
        for dimension in ("gender", "genre", "emotion", "instrument"):
            assert any(f"── {dimension}" in heading for heading in headings)
        assert [text for text in app.options() if text.startswith("●")] == ["● dreamy"]


async def test_three_keys_and_enter_choose_a_tag_and_enter_again_takes_it_away(until: Any) -> None:
    app = Picking()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("d", "r", "e", "enter")
        await until(pilot, lambda: app.changes)
        first = app.changes[-1]
        assert app.picker.chosen == (first,)
        assert first.startswith("dre")
        await until(pilot, lambda: app.query_one(Input).value == "", saying="the search is ready for another")
        await pilot.press("d", "r", "e", "enter")
        await until(pilot, lambda: len(app.changes) == 2)
        assert app.changes[-1] == ""


async def test_the_arrows_choose_in_the_list_while_the_search_keeps_the_keyboard(until: Any) -> None:
    app = Picking()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, app.options)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.changes)
        assert app.picker.chosen == (vocabulary()[1].name,)
        assert isinstance(app.focused, Input)
        assert app.query_one(OptionList).highlighted == 2, "the highlight stays where it was"


async def test_chips_are_moved_and_removed_by_key_in_order(until: Any) -> None:
    app = Picking("female, rock, sad")
    async with app.run_test(size=(80, 24)) as pilot:
        app.chips.focus()
        await pilot.press("right", "alt+right")
        await until(pilot, lambda: app.changes)
        assert app.changes[-1] == "female, sad, rock"
        await pilot.press("alt+left", "alt+left")
        await until(pilot, lambda: len(app.changes) == 3)
        assert app.changes[-1] == "rock, female, sad"
        assert "▸rock◂" in app.chip_text()
        await pilot.press("alt+left")
        await pilot.press("delete", "backspace")
        await until(pilot, lambda: len(app.changes) == 5)
        assert app.picker.chosen == ("sad",)
        await pilot.press("delete", "delete")
        await until(pilot, lambda: app.picker.description == "")
        assert "no tags" in app.chip_text()


async def test_a_number_offers_a_tempo_and_another_takes_its_place(until: Any) -> None:
    app = Picking("female")
    async with app.run_test(size=(80, 24)) as pilot:
        for bpm in ("120", "96"):
            app.look_for(bpm)
            await until(pilot, lambda bpm=bpm: f"the bpm is {bpm}" in app.options()[0])
            await pilot.press("enter")
            await until(pilot, lambda bpm=bpm: app.picker.description == f"female, the bpm is {bpm}")
        app.look_for("300")
        await until(pilot, lambda: any('"300"' in text for text in app.options()))
        assert not any("bpm" in text for text in app.options())


@pytest.mark.parametrize("odd", ["[/chorus]", "[ verse ]", "[b]", "koto and rain"])
@BOTH
async def test_a_free_tag_is_the_last_offer_and_shown_as_written(
    until: Any, odd: str, size: tuple[int, int]
) -> None:
    app = Picking()
    async with app.run_test(size=size) as pilot:
        app.look_for(odd)
        await until(pilot, lambda: any("outside the vocabulary" in text for text in app.options()))
        assert app.options()[-1].strip() == f'add "{odd}" (outside the vocabulary)'
        await pilot.press(*["down"] * (len(app.options()) - 1), "enter")
        await until(pilot, lambda: app.picker.chosen == (odd,))
        await until(pilot, lambda: f"‹{odd}›" in app.chip_text())
        assert app.words(".exact") == f"sent: {odd}"
        assert app.words(".advice").strip()
        app.look_for(odd)
        await until(pilot, lambda: any(text.startswith(f"● {odd}") for text in app.options()))


async def test_loading_shows_another_description_and_posts_nothing(until: Any) -> None:
    app = Picking("female")
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.load("male, strings (violin, cello), the bpm is 90")
        assert app.picker.chosen == ("male", "strings (violin, cello)", "the bpm is 90")
        await until(pilot, lambda: "● male" in app.options())
        assert "  female" in app.options()
        assert app.words(".exact") == "sent: male, strings (violin, cello), the bpm is 90"
        await pilot.pause()
        assert app.changes == []


async def test_the_worst_remark_is_said_in_words(until: Any) -> None:
    app = Picking("female, male, zzzz")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.words(".advice"))
        assert app.words(".advice").startswith("! both female and male")
        assert "more" in app.words(".advice")
        app.picker.load("female")
        assert app.words(".advice") == ""


async def test_filtering_reuses_the_options_of_the_whole_list(until: Any) -> None:
    app = Picking()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, app.options)
        before = list(app.query_one(OptionList).options)
        app.look_for("dream")
        await until(pilot, lambda: len(app.options()) < 50)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.options()) > 700)
        after = list(app.query_one(OptionList).options)
        assert all(old is new for old, new in zip(before, after, strict=True))


async def test_many_chips_wrap_inside_the_width(until: Any) -> None:
    app = Picking(", ".join(tag.name for tag in vocabulary()[:14]))
    async with app.run_test(size=(40, 30)) as pilot:
        await until(pilot, lambda: app.chips.size.height > 2)
        assert all(app.chips.render_line(y).cell_length == 40 for y in range(app.chips.size.height))
        for tag in vocabulary()[:8]:
            assert f"‹{tag.name}›" in app.chip_text()
