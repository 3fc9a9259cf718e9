"""The real studio and a real browser: keys of the one are heard in the other, and its buttons come back."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.audio import volume
from core.config import Config, ListenConfig, StudioConfig
from core.meter import State
from core.takes import recipe as recipes
from tests.tui.opened import opened
from tests.tui.rehearsal import Rehearsal
from tests.walk.services import need, program
from tui.screens.listen_page import ListenPage
from tui.widgets.takes_list import TakesList

pytestmark = pytest.mark.system

_PATIENCE = 30.0
_ROUGHLY = 0.4
"""Seconds that a place may be off on a machine that does other things beside."""
_SPY = """
window.sounds = [];
const Real = window.Audio;
window.Audio = class extends Real { constructor(...a) { super(...a); sounds.push(this); } };
window.place = () => sounds.filter((s) => !s.paused).map((s) => s.currentTime)[0] ?? -1;
"""


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    need("chromium")
    playwright = pytest.importorskip("playwright.async_api")
    switches = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
    async with playwright.async_playwright() as started:
        browser = await started.chromium.launch(executable_path=program("chromium"), args=switches)
        page = await browser.new_page()
        await page.add_init_script(_SPY)
        yield page
        await browser.close()


async def until(pilot: Any, holds: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end, f"{what} never came"
        await pilot.pause(0.05)


async def test_the_studio_drives_the_tab_and_the_tab_the_studio(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.walk.tabs import make_sound

    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setattr(volume, "volume_file", lambda: tmp_path / "volume")
    engine = Rehearsal()
    config = Config(studio=StudioConfig(listen=ListenConfig(port=0)))
    async with opened(engine, config=config) as (app, pilot):
        studio, deck = app.studio, app.studio.takes.deck
        await pilot.press("ctrl+g")
        await until(pilot, lambda: bool(engine.jobs), "the job")
        folder = engine.jobs[0].folder
        file = folder / "song.wav"
        make_sound(file, 60.0)
        recipe = recipes.load(folder)
        assert recipe is not None, "the studio has written it"
        recipes.save(replace(recipe, audio=file.name), folder)
        engine.end(State.DONE, file=file)
        await until(pilot, lambda: studio.session.rows[0].state_text == "ready", "the take")

        await pilot.press("alt+h")
        await until(pilot, lambda: isinstance(app.screen, ListenPage), "the address")
        await page.goto(studio.listening.address.url)
        await pilot.press("escape")
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList), "the takes")
        await pilot.press("enter")

        async def sounds_after(place: float) -> bool:
            return bool(await page.evaluate("place()") > place)

        await until(pilot, lambda: sounds_after(0.2), "sound")
        assert deck.playing
        await pilot.press("right")
        await until(pilot, lambda: sounds_after(5.0), "the seek of a key")
        assert await page.evaluate("place()") == pytest.approx(deck.position, abs=_ROUGHLY)

        async def is_silent() -> bool:
            return bool(await page.evaluate("place()") == -1)

        await page.get_by_role("button", name="Pause").click()
        await until(pilot, lambda: not deck.playing, "the pause of a button")
        await until(pilot, is_silent, "silence")
        await page.get_by_role("button", name="On 5 seconds").click()
        await until(pilot, lambda: deck.position > 10, "the seek of a button")
        await pilot.press("space")
        await until(pilot, lambda: sounds_after(10.0), "sound from there")
        await page.keyboard.press("-")
        await until(pilot, lambda: deck.table.volume < 100, "the volume")
        await pilot.press("alt+h")
        await until(pilot, lambda: isinstance(app.screen, ListenPage), "the page of listening")
        await pilot.press("alt+h")
        status = page.get_by_role("status")

        async def has_lost() -> bool:
            return "No link" in await status.inner_text()

        await until(pilot, has_lost, "the end of listening")
