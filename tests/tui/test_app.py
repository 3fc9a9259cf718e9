"""The studio as its user meets it, with an engine that plays readings instead of making songs."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from textual.widgets import Input, Static

from core.config import Config
from core.errors import SongdeskError
from core.library.draft import load_draft
from core.meter import Meter, State
from tests.tui.jukebox import Jukebox
from tests.tui.opened import NARROW, SONG, WIDE, composing, foot, opened, said, screen_text, states
from tests.tui.rehearsal import READING, Rehearsal
from tui.app import Studio
from tui.keys import KEYS
from tui.screens.areas import Tabs
from tui.screens.confirm import Confirm
from tui.screens.deck import Deck
from tui.screens.page import Page
from tui.widgets.key_line import KeyLine
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.style_picker import StylePicker
from tui.widgets.takes_list import TakesList
from tui.widgets.transport import Transport


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return tmp_path / "songs"


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "take.wav"
    soundfile.write(path, np.sin(np.linspace(0, 900, 48000 * 12))[:, None].repeat(2, 1) * 0.5, 48000)
    return path


async def test_composing_freezes_the_song_saves_the_draft_and_lists_the_take(
    engine: Rehearsal, library: Path, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        app.studio.query_one(LyricEditor).insert("And sailed.\n", (2, 0))
        await composing(app, pilot, engine, until)
        job = engine.jobs[0]
        assert job.song.lyrics.splitlines() == ["[verse]", "We folded the morning in two.", "And sailed."]
        assert job.song.style == "pop, female"
        assert job.values.whole("seed") == 7
        assert load_draft(library / "Paper boats") == job.song
        assert job.folder.parent == library / "Paper boats" / "takes"
        await until(pilot, lambda: "composing" in app.studio.query_one(Transport).lines[0])
        assert {"Compose", "Stop"} <= foot(app)


async def test_a_finished_take_is_ready_and_can_be_played(engine: Rehearsal, sound: Path, until: Any) -> None:
    player = Jukebox()
    async with opened(engine, size=WIDE, player=player) as (app, pilot):
        assert "Play" not in foot(app)
        await composing(app, pilot, engine, until)
        engine.end(State.DONE, file=sound)
        await until(pilot, lambda: app.studio.has_sound)
        assert states(app) == ["ready"]
        assert "is ready" in said(app)
        assert not player.sounds()
        await pilot.press("ctrl+r")
        assert player.sounds()
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        await pilot.press("right", "right", "left")
        assert player.position == pytest.approx(5.0)
        await pilot.press("ctrl+r")
        assert app.studio.session.rows[0].state_text == "ready"
        await pilot.press("enter")
        await until(pilot, lambda: player.sounds())
        assert player.position == 0.0
        assert "playing" in app.studio.query_one(Transport).lines[1]


async def test_the_first_seconds_are_heard_while_the_rest_is_rendered(
    engine: Rehearsal, sound: Path, until: Any
) -> None:
    engine.reading = replace(engine.reading, phase=3, preview=sound, preview_seconds=4.0)
    player = Jukebox()
    async with opened(engine, size=WIDE, player=player) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        await pilot.press("enter")
        await until(pilot, lambda: player.sounds())
        assert "the first 4 s of it, and on as it is rendered" in said(app)
        assert app.studio.query_one(Deck).path == sound


async def test_a_take_that_has_no_sound_yet_says_so(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        await pilot.press("enter")
        await until(pilot, lambda: said(app) == "! this take has no sound to play yet")


async def test_without_sound_the_transport_says_why_and_where_the_file_is(
    engine: Rehearsal, sound: Path, until: Any
) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        await composing(app, pilot, engine, until)
        engine.end(State.DONE, file=sound)
        await until(pilot, lambda: "no sound here" in app.studio.query_one(Transport).lines[1])
        await pilot.press("ctrl+r")
        await until(pilot, lambda: f"the file is at {sound}" in said(app))


async def test_the_first_stop_keeps_and_the_second_abandons(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+t")
        assert engine.stops == [True]
        assert "keeping what is made" in said(app)
        await until(pilot, lambda: states(app) == ["stopping, keeping"])
        await pilot.press("ctrl+t")
        assert engine.stops == [True, False]
        engine.end(State.CANCELLED)
        await until(pilot, lambda: states(app) == ["cancelled"])
        assert "abandoned; f7, or g in the takes, goes on with it" in said(app)
        assert {"Compose", "Go on"} <= foot(app)


async def test_a_stopped_take_is_kept_and_the_next_one_starts_clean(
    engine: Rehearsal, sound: Path, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+t")
        engine.end(State.STOPPED, file=sound)
        await until(pilot, lambda: states(app) == ["stopped"])
        await until(pilot, lambda: "0:12" in app.studio.query_one(Transport).lines[0])
        assert app.studio.session.marks(engine.jobs[0].id, 12.0) == ()
        await composing(app, pilot, engine, until)
        assert states(app) == ["composing", "stopped"]
        assert engine.stops == [True]
        assert len({job.folder for job in engine.jobs}) == 2


async def test_an_error_is_one_line_with_its_remedy_and_the_studio_goes_on(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        engine.end(State.FAILED, error=SongdeskError("disk full [b]", hint="free some [/b] space"))
        await until(pilot, lambda: states(app) == ["failed"])
        assert said(app) == "✗ disk full [b] → free some [/b] space"
        await composing(app, pilot, engine, until)
        assert len(engine.jobs) == 2


async def test_a_song_with_an_error_is_refused_with_the_first_one_and_its_fix(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, replace(SONG, lyrics="[vers]\nA line.\n\n[chorus]\n")) as (app, pilot):
        await pilot.press("f6")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "not composed" in said(app))
        assert "vers" in said(app)
        assert "→ write [verse]" in said(app)
        assert engine.jobs == []
        await until(pilot, lambda: isinstance(app.focused, LyricEditor))
        assert app.studio.query_one(LyricEditor).cursor_location[0] == 0


async def test_quitting_saves_the_draft_and_ends_the_engine(
    engine: Rehearsal, library: Path, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        app.studio.query_one(LyricEditor).insert("Just typed", (1, 0))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: engine.is_closed)
    draft = load_draft(library / "Paper boats")
    assert draft is not None
    assert "Just typed" in draft.lyrics
    assert app.return_code == 0


async def test_an_engine_that_will_not_end_is_reported(engine: Rehearsal, until: Any) -> None:
    engine.close = lambda timeout=10.0: False  # type: ignore[method-assign]
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.engine_ended)


async def test_resizing_while_composing_keeps_the_widgets_and_the_words(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        editor = app.studio.query_one(LyricEditor)
        await composing(app, pilot, engine, until)
        for size in (NARROW, (40, 12), (120, 30), NARROW, WIDE):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: app.studio.size == size)
            assert app.studio.query_one(LyricEditor) is editor
            assert app.studio.has_class("-narrow") is (size[0] < 120)
            assert app.studio.query_one(Transport).region.bottom <= size[1]
        assert editor.text == SONG.lyrics
        engine.end(State.CANCELLED)
        await until(pilot, lambda: states(app) == ["cancelled"])


@pytest.mark.parametrize("area", ["write", "style", "tune", "takes"])
async def test_a_narrow_terminal_shows_one_area_and_the_transport(
    engine: Rehearsal, until: Any, area: str
) -> None:
    key = next(k.key for k in KEYS if k.id == area)
    async with opened(engine) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: app.studio.area == area and app.focused is not None)
        await pilot.pause()
        shown = [
            a for a in ("write", "style", "tune", "takes") if app.studio.query_one(f"#{a}").region.height
        ]
        assert shown == [area]
        assert app.focused in app.studio.query_one(f"#{area}").query("*")
        assert app.studio.query_one(Transport).region.height == 2
        assert f"[{key.upper()} {area.capitalize()}]" in app.studio.query_one(Tabs).render().plain
        assert len(foot(app)) <= 6


async def test_a_wide_terminal_shows_everything(engine: Rehearsal) -> None:
    async with opened(engine, size=WIDE) as (app, _):
        for area in ("write", "style", "tune", "takes"):
            assert app.studio.query_one(f"#{area}").region.area > 0
        assert not app.studio.query_one(Tabs).display


async def test_a_knob_turned_while_composing_reaches_the_engine(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        panel = app.studio.query_one(SettingsPanel)
        await composing(app, pilot, engine, until)
        panel.post_message(SettingsPanel.Changed(panel, "temperature", 1.2))
        panel.post_message(SettingsPanel.Changed(panel, "length", 20.0))
        await until(pilot, lambda: "length" in said(app))
        assert engine.knobs == {"temperature": 1.2}
        assert "next song" in said(app)
        assert app.studio.session.song.settings == {"seed": "7", "temperature": "1.2", "length": "20"}


async def test_a_knob_typed_into_the_panel_is_in_the_next_song(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        row = next(r for r in app.studio.query_one(SettingsPanel).rows if r.setting.key == "guidance")
        field = row.field
        assert isinstance(field, Input)
        field.value = "2.5"
        await until(pilot, lambda: app.studio.session.values["guidance"] == 2.5)
        await composing(app, pilot, engine, until)
        assert engine.jobs[0].values["guidance"] == 2.5
        assert engine.knobs == {}


async def test_style_tags_reach_the_song_and_its_draft(engine: Rehearsal, library: Path, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        app.studio.query_one(StylePicker).toggle("piano")
        await until(
            pilot, lambda: (d := load_draft(library / "Paper boats")) and d.style == "pop, female, piano"
        )


async def test_a_draft_goes_on_where_it_was_left(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        app.studio.query_one(LyricEditor).insert("Mine. ", (1, 0))
        await app.studio.save()
    async with opened(Rehearsal()) as (app, pilot):
        await until(pilot, lambda: "Mine. We folded" in app.studio.query_one(LyricEditor).text)
        await until(pilot, lambda: "went on with your draft" in said(app))


async def test_a_new_song_starts_empty_with_a_title(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.screen.query(Input))
        app.screen.query_one(Input).value = "[/chorus] [ verse ] [b]"
        await pilot.press("enter")
        await until(pilot, lambda: app.studio.session.song.title == "[/chorus] [ verse ] [b]")
        assert "[/chorus] [ verse ] [b]" in str(app.studio.query_one("#title", Static).render())
        assert "[verse]" in app.studio.query_one(LyricEditor).text


async def test_a_library_that_cannot_be_written_is_said_and_nothing_is_submitted(
    engine: Rehearsal, library: Path, until: Any
) -> None:
    library.write_text("in the way")
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "cannot write here" in said(app))
        assert engine.jobs == []
        assert "Compose" in foot(app)


async def test_the_exact_text_of_the_model_and_the_help_can_be_read(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        for key, words in (("ctrl+l", "[verse] We folded the morning in two."), ("f1", "(lyrics.fix)")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Page))
            await until(pilot, lambda words=words: words in screen_text(app))
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Page))


def test_settings_of_a_song_that_do_not_fit_are_refused(engine: Rehearsal) -> None:
    with pytest.raises(SongdeskError, match="temperature"):
        Studio(Config(), replace(SONG, settings={"temperature": "9"}), make_engine=lambda: engine)


async def test_the_demo_says_how_little_it_is(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await until(pilot, lambda: "made-up songs" in said(app))


async def test_equal_readings_cost_nothing(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        transport = app.studio.query_one(Transport)
        shown: list[Meter] = []
        transport.show = shown.append
        engine.reading = replace(READING, done=500)
        # The reading before it may be on its way still.
        await until(pilot, lambda: shown and shown[-1].done == 500)
        await asyncio.sleep(0.5)
        assert [meter.done for meter in shown].count(500) == 1
        assert shown[-1].done == 500


async def test_a_second_compose_waits_behind_the_first(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+g", "ctrl+g")
        await until(pilot, lambda: states(app) == ["queued", "queued", "composing"])
        await until(pilot, lambda: "+2 waiting" in app.studio.query_one(Transport).lines[0])
        engine.end(State.STOPPED)
        await until(pilot, lambda: states(app) == ["queued", "composing", "stopped"])
        await pilot.press("ctrl+t")
        assert engine.stops == [True]
        assert app.studio.composing
        engine.end(State.CANCELLED)
        await until(pilot, lambda: states(app) == ["composing", "cancelled", "stopped"])
        engine.end(State.CANCELLED)
        await until(pilot, lambda: not app.studio.composing)
        assert len({job.id for job in engine.jobs}) == 3


async def test_the_keys_at_the_foot_stand_closer_when_narrow(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=(46, 24)) as (app, pilot):
        foot = app.studio.query_one(KeyLine)
        await until(pilot, lambda: foot.words.startswith("f8 Fix ^g Compose "))
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: foot.words.startswith(" f8 Fix   ^g Compose "))
        await pilot.click(KeyLine, offset=(foot.words.index("Help"), 0))
        await until(pilot, lambda: isinstance(app.screen, Page))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert not [t for t in threading.enumerate() if t.name == "engine"]


async def test_leaving_with_a_draft_that_cannot_be_saved_asks_first(
    engine: Rehearsal, library: Path, until: Any
) -> None:
    library.write_text("in the way")
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "The draft cannot be saved" in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert not engine.is_closed
        library.unlink()
        await pilot.press("ctrl+q")
        await until(pilot, lambda: engine.is_closed)


async def test_a_stop_in_a_later_phase_still_abandons_after_the_first(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+t")
        engine.go_on(phase=3)
        await until(pilot, lambda: app.studio.bridge.meter.phase == 3)
        await until(pilot, lambda: states(app) == ["stopping, keeping"])
        await pilot.press("ctrl+t")
        assert engine.stops == [True, False]
        engine.end(State.CANCELLED)
        await until(pilot, lambda: states(app) == ["cancelled"])
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+t")
        assert engine.stops == [True, False, True]


async def test_a_stop_before_anything_was_made_does_not_promise_to_keep_it(
    engine: Rehearsal, until: Any
) -> None:
    engine.keeps_nothing = True
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+t")
        assert said(app) == "! abandoning it here"
        await until(pilot, lambda: states(app) == ["abandoning"])


async def test_a_knob_turned_while_composing_is_seen_in_the_take(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        await composing(app, pilot, engine, until)
        panel = app.studio.query_one(SettingsPanel)
        panel.post_message(SettingsPanel.Changed(panel, "temperature", 1.2))
        await until(pilot, lambda: "temperature 1.2 at 0:17" in screen_text(app))
        engine.go_on(phase=3)
        await until(pilot, lambda: app.studio.bridge.meter.phase == 3)
        panel.post_message(SettingsPanel.Changed(panel, "temperature", 0.5))
        await until(pilot, lambda: "next song" in said(app))
        assert engine.knobs == {"temperature": 1.2}


async def test_a_broad_terminal_puts_style_and_settings_side_by_side(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        write, style, tune = (app.studio.query_one(f"#{area}").region for area in ("write", "style", "tune"))
        assert write.right <= style.x < style.right <= tune.x
        assert style.height == tune.height > WIDE[1] // 2
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: app.studio.query_one("#tune").region.y > style.y)


@pytest.mark.parametrize("area", ["write", "style", "tune", "takes"])
@pytest.mark.parametrize("size", [(40, 12), (60, 16)])
async def test_a_tiny_terminal_has_room_for_an_area_and_the_foot(
    engine: Rehearsal, until: Any, size: tuple[int, int], area: str
) -> None:
    key = next(k.key for k in KEYS if k.id == area)
    async with opened(engine, size=size) as (app, pilot):
        await pilot.press(key)
        await until(pilot, lambda: app.studio.area == area and app.focused is not None)
        await pilot.pause()
        pane, transport = app.studio.query_one(f"#{area}").region, app.studio.query_one(Transport).region
        assert pane.height >= 4
        assert pane.bottom <= transport.y
        assert transport.bottom < size[1]
        assert app.focused is not None
        assert app.focused.region.bottom <= pane.bottom
        assert "Write" in screen_text(app)
        assert "Takes" in screen_text(app)
