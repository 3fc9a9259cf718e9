"""In the tag picker: one dimension at a time, dice that can be taken back, a tempo turned by key."""

from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Input, OptionList, Static

import tui
from core.style import bpm_of, find, vocabulary
from core.style_dice import Dice, dimension_of
from tui.widgets.chips import ChipLine
from tui.widgets.style_picker import StylePicker
from tui.widgets.tag_list import TagList

STYLES = Path(tui.__file__).parent / "styles"


class Picking(App[None]):
    CSS_PATH = STYLES / "style.tcss"

    def __init__(self, description: str = "") -> None:
        super().__init__()
        self.first = description
        self.changes: list[str] = []

    def compose(self) -> ComposeResult:
        yield StylePicker(vocabulary(), self.first, dice=Dice(5), hint="alt+r roll")

    def on_style_picker_changed(self, event: StylePicker.Changed) -> None:
        self.changes.append(event.description)

    @property
    def picker(self) -> StylePicker:
        return self.query_one(StylePicker)

    @property
    def chips(self) -> ChipLine:
        return self.query_one(ChipLine)

    @property
    def tags(self) -> TagList:
        return self.query_one(TagList)

    def options(self) -> list[str]:
        return [str(option.prompt) for option in self.query_one(OptionList).options]

    def words(self, part: str) -> str:
        return str(self.query_one(part, Static).visual)

    def look_for(self, query: str) -> None:
        self.query_one(Input).value = query


@pytest.mark.parametrize(("size", "all_named"), [((80, 24), False), ((120, 40), True)])
async def test_a_key_lists_one_dimension_after_the_other_and_says_which(
    until: Any, size: tuple[int, int], all_named: bool
) -> None:
    app = Picking()
    async with app.run_test(size=size) as pilot:
        await until(pilot, app.options)
        assert "[all]" in app.words(".filter")
        for dimension in ("gender", "genre", "emotion", "instrument"):
            await pilot.press("alt+d")
            await until(pilot, lambda d=dimension: f"[{d}]" in app.words(".filter"))
            assert (" tempo" in app.words(".filter")) is all_named
            tags = [text[2:] for text in app.options() if not text.startswith("──")]
            assert tags == [tag.name for tag in vocabulary() if tag.dimension == dimension]
        await pilot.press("alt+d")
        tempos = [text.strip() for text in app.options() if not text.startswith("──")]
        assert "the bpm is 96" in tempos
        assert all(bpm_of([tag]) for tag in tempos)
        await pilot.press("alt+d")
        assert "[all]" in app.words(".filter")
        assert len(app.options()) > 700


async def test_a_search_stays_in_the_dimension_and_looks_elsewhere_before_it_gives_up(until: Any) -> None:
    app = Picking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.dimension = "emotion"
        app.look_for("cine")
        await until(pilot, lambda: "cinematic  emotion" in app.options()[0])
        assert not any("genre" in text for text in app.options())
        app.look_for("piano")
        await until(pilot, lambda: "piano  instrument" in app.options()[0])
        app.picker.dimension = "tempo"
        app.look_for("96")
        await until(pilot, lambda: app.options()[0].strip().startswith("the bpm is 96"))
        await pilot.press("escape")
        assert (app.query_one(Input).value, app.picker.dimension) == ("", "tempo")
        await pilot.press("escape")
        assert app.picker.dimension == ""


async def test_the_groups_are_gone_through_by_key(until: Any) -> None:
    app = Picking()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, app.options)
        at = []
        for key in ("ctrl+down", "ctrl+down", "ctrl+up", "ctrl+up", "ctrl+up"):
            await pilot.press(key)
            assert app.tags.highlighted is not None
            at.append(app.options()[app.tags.highlighted].strip())
        assert at == ["pop", "ballad", "pop", "female", "808"]


async def test_a_letter_with_alt_is_never_typed_into_the_search(until: Any) -> None:
    app = Picking()
    async with app.run_test(size=(80, 24)) as pilot:
        field = app.query_one(Input)
        # As a terminal sends them: with the letter as the character.
        for letter in "drqx":
            app.post_message(Key(f"alt+{letter}", letter))
        await until(pilot, lambda: app.changes)
        assert field.value == ""
        await pilot.press("d")
        assert field.value == "d"


async def test_dice_throw_for_the_dimension_in_hand_and_again_replace_their_own_throw(until: Any) -> None:
    app = Picking("female, rock")
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.dimension = "emotion"
        seen = set()
        for count in range(1, 6):
            await pilot.press("alt+r")
            await until(pilot, lambda count=count: len(app.changes) == count)
            assert app.picker.chosen[:2] == ("female", "rock")
            (thrown,) = app.picker.chosen[2:]
            assert any((tag.name, tag.dimension) == (thrown, "emotion") for tag in vocabulary())
            assert app.chips.tags[app.chips.at] == thrown
            seen.add(thrown)
        assert len(seen) >= 4
        app.picker.dimension = "gender"
        await pilot.press("alt+r")
        await until(pilot, lambda: app.picker.chosen[0] in ("male", "mixed"))
        assert len(app.picker.chosen) == 3


async def test_what_was_chosen_by_hand_stays_beside_a_throw(until: Any) -> None:
    app = Picking("sad")
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.dimension = "emotion"
        await pilot.press("alt+r")
        await until(pilot, lambda: len(app.picker.chosen) == 2)
        await pilot.press("alt+r")
        await until(pilot, lambda: len(app.changes) == 2)
        assert app.picker.chosen[0] == "sad"
        assert len(app.picker.chosen) == 2


async def test_the_chip_in_hand_is_thrown_anew(until: Any) -> None:
    app = Picking("female, rain on glass, piano")
    async with app.run_test(size=(80, 24)) as pilot:
        app.chips.focus()
        await pilot.press("right", "right", "alt+r")
        await until(pilot, lambda: app.changes)
        assert app.picker.chosen[:2] == ("female", "rain on glass")
        new = find(app.picker.chosen[2])
        assert new is not None
        assert (new.dimension, len(app.picker.chosen)) == ("instrument", 3)
        assert new.name != "piano"


async def test_everything_is_thrown_and_every_change_can_be_taken_back(until: Any) -> None:
    app = Picking("female, rock")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+z")
        assert app.changes == []
        await pilot.press("alt+e")
        await until(pilot, lambda: len(app.picker.chosen) > 5)
        assert {dimension_of(tag) for tag in app.picker.chosen} == {
            "gender", "genre", "emotion", "instrument", "tempo",
        }  # fmt: skip
        thrown = app.picker.chosen
        await pilot.press("alt+e")
        await until(pilot, lambda: app.picker.chosen != thrown)
        app.chips.focus()
        await pilot.press("delete")
        for before in (6, 7), (6, 7), (2, 2):
            await pilot.press("alt+z")
            await until(pilot, lambda b=before: len(app.picker.chosen) in b)
        assert app.picker.chosen == ("female", "rock")
        assert app.changes[-1] == "female, rock"
        await pilot.press("alt+z")
        assert app.picker.chosen == ("female", "rock")


async def test_another_song_has_nothing_to_take_back(until: Any) -> None:
    app = Picking("female")
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.toggle("rock")
        app.picker.load("male")
        await pilot.press("alt+z")
        assert app.picker.chosen == ("male",)


async def test_the_tempo_is_turned_by_one_and_by_five_from_the_search(until: Any) -> None:
    app = Picking("pop, the bpm is 96, sad")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+up", "shift+up", "shift+up", "alt+down", "shift+down")
        await until(pilot, lambda: len(app.changes) == 5)
        assert app.changes[-1] == "pop, the bpm is 101, sad"
        app.picker.load("pop")
        await pilot.press("alt+up")
        await until(pilot, lambda: app.picker.description == "pop, the bpm is 120")


async def test_a_reference_beside_the_tags_is_said_as_it_comes_and_goes(until: Any) -> None:
    app = Picking("pop")
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.has_reference = True
        await until(pilot, lambda: "reference" in app.words(".advice"))
        assert app.query_one(".advice").display
        app.picker.has_reference = False
        await until(pilot, lambda: not app.query_one(".advice").display)


async def test_taking_a_set_replaces_all_and_own_tags_are_found_first(until: Any) -> None:
    app = Picking("pop")
    async with app.run_test(size=(80, 24)) as pilot:
        app.picker.take("male, romantic")
        await until(pilot, lambda: app.changes == ["male, romantic"])
        app.picker.know({"romantic"})
        app.look_for("ro")
        await until(pilot, lambda: "romantic" in app.options()[0])


@pytest.mark.parametrize(("height", "shown"), [(24, True), (11, False)])
async def test_the_keys_are_named_where_they_take_no_room(until: Any, height: int, shown: bool) -> None:
    app = Picking("pop")
    async with app.run_test(size=(80, height)) as pilot:
        await until(pilot, lambda: app.query_one("StylePicker > .hint").display is shown)
