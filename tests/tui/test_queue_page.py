"""The page of the queue over a real library: what it shows, and what its keys change on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

import tui
from core.library import queue
from core.library.store import Store, open_store
from core.meter import State
from tests.made import make
from tui.keys import keys_in_force
from tui.screens.queue_page import QueuePage
from tui.widgets.queue_list import NOTHING, QueueList

STYLES = Path(tui.__file__).parent / "styles"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


class Paged(App[None]):
    CSS_PATH = [STYLES / "app.tcss", STYLES / "takes.tcss"]  # noqa: RUF012 - Textual's way

    def __init__(self, store: Store) -> None:
        super().__init__()
        keys = {name: key.split(",")[0] for name, key in keys_in_force({}).items()}
        self.went = 0
        self.page = QueuePage(store, keys, go=self._go)
        self.answers: list[str | None] = []

    def _go(self) -> None:
        self.went += 1

    def on_mount(self) -> None:
        self.push_screen(self.page, self.answers.append)

    @property
    def table(self) -> QueueList:
        return self.page.query_one(QueueList)

    @property
    def names(self) -> list[str]:
        return [Path(folder).name for folder in self.table.ids]

    @property
    def title_text(self) -> str:
        return str(self.page.query_one(".queue").border_title)

    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


def queued(store: Store, *names: str, home: str = "boats") -> None:
    for name in names:
        queue.add(store, make(store.root / home, name, State.QUEUED))


def order(store: Store) -> list[str]:
    return [item.take.id for item in queue.items(store)]


async def test_the_queue_of_the_whole_library_is_shown(store: Store, until: Any) -> None:
    queued(store, "20261126-120000-1", "20261126-120000-2")
    queued(store, "20261126-120000-3", home="[b] snow")
    app = Paged(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.names) == 3)
        assert order(store) == app.names
        assert "Queue · 3 to be made" in app.title_text
        assert "[B] Snow" in app.text()
        assert "alt+q closes" not in app.text()
        assert "escape closes" in app.text()
        queued(store, "20261126-120000-4")
        await until(pilot, lambda: len(app.names) == 4)
        assert app.names[-1] == "20261126-120000-4"


async def test_an_item_is_moved_held_and_removed(store: Store, until: Any) -> None:
    queued(store, "20261126-120000-1", "20261126-120000-2", "20261126-120000-3")
    app = Paged(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.names) == 3)
        await pilot.press("alt+down")
        await until(pilot, lambda: app.names[1].endswith("-1"))
        assert order(store) == app.names
        assert app.table.current is not None
        assert app.table.current.id.endswith("-1")
        await pilot.press("alt+up")
        await until(pilot, lambda: app.names[0].endswith("-1"))
        await pilot.press("h")
        await until(pilot, lambda: "1 on hold" in app.title_text)
        assert [item.held for item in queue.items(store)] == [True, False, False]
        assert "on hold" in app.page.said
        assert app.went == 0
        await pilot.press("h")
        await until(pilot, lambda: "3 to be made" in app.title_text and app.went == 1)
        await pilot.press("delete")
        await until(pilot, lambda: len(app.names) == 2)
        assert order(store) == app.names == ["20261126-120000-2", "20261126-120000-3"]
        assert (store.root / "boats" / "takes" / "20261126-120000-1" / "recipe.json").is_file()
        assert app.went == 1


async def test_the_whole_queue_stands_still_and_goes_on(store: Store, until: Any) -> None:
    app = Paged(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: NOTHING in app.text())
        await pilot.press("delete")
        await until(pilot, lambda: "nothing under the cursor" in app.page.said)
        await pilot.press("p")
        await until(pilot, lambda: "stands still" in app.title_text)
        assert queue.is_paused(store)
        assert app.went == 0
        await pilot.press("p")
        await until(pilot, lambda: "stands still" not in app.title_text)
        assert not queue.is_paused(store)
        assert app.went == 1


async def test_enter_names_the_song_to_be_opened(store: Store, until: Any) -> None:
    queued(store, "20261126-120000-1")
    app = Paged(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.names) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
        assert app.answers == [str(store.root / "boats")]


async def test_what_cannot_be_done_is_said(store: Store, until: Any) -> None:
    queued(store, "20261126-120000-1")
    app = Paged(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.names) == 1)
        store.root.rename(store.root.with_name("away"))
        await until(pilot, lambda: app.page.said.startswith("✗"))
        assert "library" in app.page.said
        assert len(app.names) == 1
