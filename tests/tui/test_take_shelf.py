"""The takes of a real library in their list: marked, searched, sorted, thrown away and taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

import tui
from core.audio.player import NoPlayer
from core.config import Config
from core.library.store import Store, open_store
from core.meter import State
from core.song import Song
from core.takes.claim import claimed
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import Journal
from core.takes.mark import Mark, load_mark
from core.takes.recipe import Kin
from tests.made import make
from tui.keys import keys_in_force
from tui.making import takes_in
from tui.screens.areas import Area
from tui.screens.confirm import Confirm, Prompt
from tui.screens.listen import TakesArea
from tui.screens.page import Page
from tui.session import Session
from tui.widgets.search_line import SearchLine
from tui.widgets.takes_list import TakesList

STYLES = Path(tui.__file__).parent / "styles"
FIRST, SECOND, CHILD = "20261126-120000", "20261126-120100", "20261126-120200"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


class Shelf(App[None]):
    """The area of the takes alone, over the song `boats` of a library."""

    CSS_PATH = [STYLES / "app.tcss", STYLES / "takes.tcss"]  # noqa: RUF012 - Textual's way

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store, self.home = store, store.root / "boats"
        self.session = Session(Config(), store)
        self.session.home = self.home
        self.session.song = Song("Boats", "[verse]\nhalf a line", "pop")
        store.sync()
        self.session.making.show(self.home, *takes_in(self.home, store))
        self.keys = {name: key.split(",")[0] for name, key in keys_in_force({}).items()}
        self.said: list[str] = []
        self.wished: list[TakesArea.Wished] = []

    def compose(self) -> ComposeResult:
        yield TakesArea(self.session, self.keys, lambda: NoPlayer("no sound here"))

    def on_mount(self) -> None:
        self.area.fill()
        self.list.focus()

    def on_area_said(self, event: Area.Said) -> None:
        self.said.append(event.text)

    def on_takes_area_wished(self, event: TakesArea.Wished) -> None:
        self.wished.append(event)

    @property
    def area(self) -> TakesArea:
        return self.query_one(TakesArea)

    @property
    def list(self) -> TakesList:
        return self.screen_stack[0].query_one(TakesList)

    @property
    def aside(self) -> str:
        return str(self.screen_stack[0].query_one("#take-aside", Static).content)

    def cells(self, column: str = "take") -> tuple[str, ...]:
        return tuple(self.list.get_cell(row, column).plain for row in self.list.rows)

    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


def three(store: Store) -> Shelf:
    """A take, a child of it with other lyrics, and another take."""
    home = store.root / "boats"
    make(home, FIRST, settings={"seed": 7, "temperature": 0.9})
    make(home, SECOND, settings={"seed": 8})
    make(
        home,
        CHILD,
        kin=Kin(FIRST, "resing", 42.0),
        settings={"seed": 9, "temperature": 1.1},
        song={"title": "Boats", "lyrics": "[verse]\nanother line", "style": "pop"},
    )
    return Shelf(store)


async def test_children_and_what_differs_in_them_are_told(store: Store, until: Any) -> None:
    app = three(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.cells() == ("2", "1", "└ 3"))
        app.list.go_to(CHILD)
        await until(pilot, lambda: "temperature 0.9 → 1.1" in app.aside)
        assert app.aside.startswith("re-sung from 0:42; lyrics +1 -1, ")


async def test_a_star_and_a_note_go_to_the_takes_folder(store: Store, until: Any) -> None:
    app = three(store)
    folder = store.root / "boats" / "takes" / SECOND
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        await pilot.press("s")
        await until(pilot, lambda: app.cells()[0] == "2★")
        assert load_mark(folder) == Mark(star=True)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = "[b] the warm one"
        await pilot.press("enter")
        await until(pilot, lambda: "“[b] the warm one”" in app.aside)
        assert load_mark(folder) == Mark(star=True, note="[b] the warm one")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: load_mark(folder) == Mark(star=True))
        await pilot.press("s", "s")
        await until(pilot, lambda: "has a star" in app.said[-1])
        assert load_mark(folder).star


async def test_a_take_goes_into_the_trash_and_comes_back(store: Store, until: Any) -> None:
    app = three(store)
    home = store.root / "boats"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        await pilot.press("delete")
        await until(pilot, lambda: app.cells() == ("1", "└ 3"))
        assert (home / "trash" / SECOND / "recipe.json").is_file()
        await pilot.press("u")
        await until(pilot, lambda: app.cells() == ("2", "1", "└ 3"))
        assert (home / "takes" / SECOND / "recipe.json").is_file()
        assert app.list.current is not None
        assert app.list.current.id == SECOND
        await pilot.press("u")
        await until(pilot, lambda: "nothing is in the trash" in app.said[-1])


async def test_the_trash_is_shown_emptied_and_left(store: Store, until: Any) -> None:
    app = three(store)
    home = store.root / "boats"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        await pilot.press("shift+delete")
        await until(pilot, lambda: "w shows the trash first" in app.said[-1])
        await pilot.press("delete")
        await until(pilot, lambda: app.cells() == ("1", "└ 3"))
        await pilot.press("delete")
        await until(pilot, lambda: app.cells() == ("3",))
        await pilot.press("w")
        await until(pilot, lambda: app.cells() == ("2", "1"))
        await pilot.press("s")
        await until(pilot, lambda: "it is in the trash" in app.said[-1])
        await pilot.press("enter")
        await until(pilot, lambda: app.cells() == ("1",))
        await pilot.press("shift+delete")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n", "shift+delete")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert (home / "trash" / FIRST).is_dir()
        await pilot.press("y")
        await until(pilot, lambda: "The trash is empty." in app.text())
        assert not (home / "trash" / FIRST).exists()
        await pilot.press("w")
        await until(pilot, lambda: len(app.cells()) == 2)
        assert {path.name for path in (home / "takes").iterdir()} == {SECOND, CHILD}


async def test_one_that_is_being_made_is_not_thrown_away(store: Store, until: Any) -> None:
    folder = make(store.root / "boats", FIRST, State.RUNNING)
    with claimed(folder):
        app = Shelf(store)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.cells("state") == ("being made",))
            await pilot.press("delete")
            await until(pilot, lambda: app.said and "stop it first" in app.said[-1])
            await pilot.press("g")
            await until(pilot, lambda: "it is being made" in app.said[-1])
    assert folder.is_dir()
    assert app.wished == []


async def test_one_that_was_broken_off_is_gone_on_with(store: Store, until: Any) -> None:
    folder = make(store.root / "boats", FIRST, State.RUNNING, settings={"seed": 7, "length": 100.0})
    with Journal(folder / JOURNAL, "a") as journal:
        journal.add([range(1250), range(1200), range(1200)])
        journal.flush()
    app = Shelf(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.cells("state") == ("interrupted 0:49",))
        await pilot.press("enter")
        await until(pilot, lambda: app.said and "no sound to play: g goes on with it" in app.said[-1])
        await pilot.press("g")
        await until(pilot, lambda: app.wished)
        assert (app.wished[0].verb, app.wished[0].take) == ("go_on", FIRST)


async def test_a_search_narrows_the_tree_and_escape_shows_all(store: Store, until: Any) -> None:
    app = three(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        await pilot.press("slash", *"re-sung")
        await until(pilot, lambda: app.cells() == ("1", "└ 3"))
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is app.list)
        assert app.cells() == ("1", "└ 3")
        await pilot.press("slash", *"bagpipe")
        await until(pilot, lambda: "No take has these words." in app.text())
        await pilot.press("escape")
        await until(pilot, lambda: len(app.cells()) == 3 and app.focused is app.list)
        assert not app.query_one(SearchLine).display
        await pilot.press("slash", *"re-sung", "enter")
        await until(pilot, lambda: app.cells() == ("1", "└ 3") and app.focused is app.list)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.cells()) == 3)


async def test_the_order_goes_round_and_is_said(store: Store, until: Any) -> None:
    app = three(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        for words, shown in {
            "star": ("3", "2", "1"),
            "length": ("3", "2", "1"),
            "seed": ("1", "2", "3"),
            "state": ("3", "2", "1"),
            "newest": ("2", "1", "└ 3"),
        }.items():
            await pilot.press("t")
            await until(
                pilot, lambda words=words, shown=shown: words in app.said[-1] and app.cells() == shown
            )


async def test_the_recipe_is_read_on_a_page(store: Store, until: Any) -> None:
    app = three(store)
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        app.list.go_to(CHILD)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, Page))
        await until(pilot, lambda: "What differs from its parent" in app.text())
        for words in ("Take 3", "- half a line", "+ another line", "temperature: 0.9 → 1.1", "recipe.json"):
            assert words in app.text()
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Page))


async def test_a_whole_take_says_why_it_is_not_gone_on_with(store: Store, until: Any) -> None:
    app = three(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 3)
        await pilot.press("g")
        await until(pilot, lambda: app.said and "it is whole already" in app.said[-1])
        await pilot.press("r")
        await until(pilot, lambda: "nothing to keep" in app.said[-1])
        assert app.wished == []


async def test_an_empty_list_has_nothing_to_do_anything_with(store: Store, until: Any) -> None:
    app = Shelf(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "No takes yet" in app.text())
        await pilot.press("s")
        await until(pilot, lambda: app.said and "no take under the cursor" in app.said[-1])
