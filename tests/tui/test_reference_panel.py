"""The reference by key: a style, a file found by its path, a window moved on its waveform and heard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Input, OptionList, Static

import tui
from core.song import BUILT_IN_STYLES, Reference
from tui.widgets.path_prompt import PathPrompt
from tui.widgets.reference_panel import ReferencePanel
from tui.widgets.window_wave import WindowWave

STYLES = Path(tui.__file__).parent / "styles"
LONG = 42.0


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a long recording and a short one, no sound, and a folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "music"
    (folder / "more").mkdir(parents=True)
    swell = np.abs(np.sin(np.arange(int(LONG * 1000)) / 3000)).astype(np.float32)
    soundfile.write(folder / "long.wav", swell, 1000)
    soundfile.write(folder / "long too.flac", swell[:20_000], 1000)
    soundfile.write(folder / "more" / "short.wav", swell[:300], 1000)
    (folder / "broken.wav").write_text("these are words")
    return folder


class Leading(App[None]):
    CSS_PATH = STYLES / "style.tcss"
    BINDINGS = [Binding("left", "passed", id="app.left", tooltip="")]  # noqa: RUF012

    def __init__(self, reference: Reference | None = None) -> None:
        super().__init__()
        self.first = reference
        self.changes: list[Reference | None] = []
        self.heard: list[ReferencePanel.Listen | ReferencePanel.Hush] = []
        self.passed = 0

    def compose(self) -> ComposeResult:
        yield Input()
        yield ReferencePanel(self.first)

    def action_passed(self) -> None:
        self.passed += 1

    def on_reference_panel_changed(self, event: ReferencePanel.Changed) -> None:
        self.changes.append(event.reference)

    def on_reference_panel_listen(self, event: ReferencePanel.Listen) -> None:
        self.heard.append(event)

    def on_reference_panel_hush(self, event: ReferencePanel.Hush) -> None:
        self.heard.append(event)

    @property
    def panel(self) -> ReferencePanel:
        return self.query_one(ReferencePanel)

    @property
    def field(self) -> Input:
        return self.query_one("PathPrompt Input", Input)

    @property
    def what(self) -> str:
        return str(self.query_one(".what", Static).visual)

    def trouble(self, where: str) -> str:
        return str(self.query_one(f"{where} > .trouble", Static).visual)

    def names(self) -> list[str]:
        return [str(option.prompt) for option in self.query_one("PathPrompt OptionList", OptionList).options]

    def wave(self) -> list[str]:
        wave = self.query_one(WindowWave)
        return [wave.render_line(y).text for y in range(wave.size.height)]

    @property
    def times(self) -> tuple[float, float]:
        """The window as its bracket shows it (s)."""
        row, width = self.wave()[-1], self.query_one(WindowWave).size.width
        return row.index("┗") / width * LONG, (row.index("┛") + 1) / width * LONG


async def measured(app: Leading, pilot: Any, until: Any) -> None:
    app.panel.focus()
    await until(pilot, lambda: " of " in app.what and app.query_one(WindowWave).size.height > 1)


async def test_the_built_in_styles_are_gone_through_and_cleared(until: Any) -> None:
    app = Leading()
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.focus()
        await until(pilot, lambda: app.what == "▸reference: none")
        await pilot.press("down", "down", "up")
        await until(pilot, lambda: len(app.changes) == 3)
        assert app.changes == [Reference(style=name) for name in ("Pop", "Latin", "Pop")]
        assert app.what == "▸reference: Pop, built in"
        await pilot.press("up", "up")
        await until(pilot, lambda: app.changes[-1] == Reference(style=BUILT_IN_STYLES[-1]))
        assert app.changes[-2] is None
        await pilot.press("delete", "delete")
        await until(pilot, lambda: app.changes[-1] is None)
        assert len(app.changes) == 6, "what is not there is not cleared"


async def test_a_file_is_found_by_its_path_and_shown_with_its_window(music: Path, until: Any) -> None:
    app = Leading()
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is app.field)
        app.field.value = f"{music}/"
        await until(pilot, lambda: app.names() == ["more/", "broken.wav", "long too.flac", "long.wav"])
        app.field.value = f"{music}/lo"
        await pilot.press("tab")
        await until(pilot, lambda: app.field.value == f"{music}/long")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.changes == [Reference(path=f"{music}/long.wav")])
        await until(pilot, lambda: app.focused is app.panel and " of " in app.what)
        assert "0:00.0–0:10.0 of 0:42.0 · long.wav" in app.what
        assert not app.query_one(PathPrompt).display
        assert sorted(path.name for path in music.iterdir()) == sorted(
            ["more", "broken.wav", "long.wav", "long too.flac"]
        )


async def test_enter_goes_into_a_folder_even_before_the_names_have_come(music: Path, until: Any) -> None:
    app = Leading()
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.focus()
        await pilot.press("enter")
        app.field.value = f"{music}/mo"
        await pilot.press("enter")
        await until(pilot, lambda: app.names() == ["short.wav"])
        assert app.field.value == f"{music}/more/"
        await pilot.press("enter")
        await until(pilot, lambda: app.changes == [Reference(path=f"{music}/more/short.wav")])


async def test_what_cannot_be_heard_is_said_in_one_line_and_changes_nothing(music: Path, until: Any) -> None:
    app = Leading(Reference(style="Jazz"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.focus()
        await pilot.press("enter")
        for path, wrong in (
            ("broken.wav", "no sound file"),
            ("gone.wav", "no such"),
            ("no/way/x", "no such"),
        ):
            app.field.value = f"{music}/{path}"
            await pilot.press("enter")
            await until(pilot, lambda wrong=wrong: wrong in app.trouble("PathPrompt"))
            assert "\n" not in app.trouble("PathPrompt")
        await pilot.press("x")
        assert app.field.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: app.panel.has_focus)
        assert app.changes == []
        assert app.panel.reference == Reference(style="Jazz")


async def test_the_window_is_moved_by_key_and_stays_in_the_recording(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/long.wav", start=3.0))
    async with app.run_test(size=(84, 24)) as pilot:
        await measured(app, pilot, until)
        assert app.times == pytest.approx((3.0, 13.0), abs=0.6)
        starts = []
        for key in ("right", "pagedown", "pagedown", "shift+left", "left", "end", "right", "home", "left"):
            await pilot.press(key)
            assert app.panel.reference is not None
            starts.append(app.panel.reference.start)
            assert app.times == pytest.approx((starts[-1], starts[-1] + 10), abs=0.6)
        assert starts == [4.0, 14.0, 24.0, 23.9, 22.9, 32.0, 32.0, 0.0, 0.0]
        assert [r.start for r in app.changes if r] == [4.0, 14.0, 24.0, 23.9, 22.9, 32.0, 0.0]
        assert all(len(row) == 84 for row in app.wave())


async def test_moving_it_repaints_no_more_than_the_two_windows(
    music: Path, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Leading(Reference(path=f"{music}/long.wav"))
    async with app.run_test(size=(84, 24)) as pilot:
        await measured(app, pilot, until)
        wave = app.query_one(WindowWave)
        painted: list[Any] = []
        monkeypatch.setattr(wave, "refresh", lambda *regions, **_: painted.extend(regions))
        wave.start = 1.0
        assert painted
        assert max(region.right for region in painted) <= 84 * 11.5 / LONG


async def test_a_short_recording_has_one_window(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/more/short.wav"))
    async with app.run_test(size=(80, 24)) as pilot:
        await measured(app, pilot, until)
        await pilot.press("right", "end", "pagedown")
        assert app.changes == []
        assert "0:00.0–0:00.3 of 0:00.3" in app.what


async def test_a_long_recording_is_shown_about_its_window(tmp_path: Path, until: Any) -> None:
    class Hour:
        seconds = 3600.0

        def columns(self, width: int) -> tuple[float, ...]:
            return (0.5,) * width

    app = Leading()
    async with app.run_test(size=(80, 24)) as pilot:
        wave = app.query_one(WindowWave)
        wave.styles.display = "block"
        wave.show(Hour())
        await until(pilot, lambda: wave.size.height > 1)
        for start in (0.0, 61.0, 1799.0, 2345.6, 3590.0):
            wave.start = start
            row = app.wave()[-1]
            assert row.strip() in ("┗┛", "┗━┛")
            assert len(app.wave()[0]) == 80


async def test_it_is_heard_stopped_by_the_same_key_and_followed_when_moved(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/long.wav", start=2.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await measured(app, pilot, until)
        await pilot.press("space")
        await until(pilot, lambda: app.heard)
        asked = app.heard[0]
        assert isinstance(asked, ReferencePanel.Listen)
        assert (asked.path, asked.start, asked.seconds) == (music / "long.wav", 2.0, 10.0)
        assert "▶" in app.what
        await pilot.press("right", "right")
        await until(pilot, lambda: len(app.heard) == 2)
        moved = app.heard[1]
        assert isinstance(moved, ReferencePanel.Listen)
        assert moved.start == 4.0
        await pilot.press("space")
        await until(pilot, lambda: isinstance(app.heard[-1], ReferencePanel.Hush))
        assert "▶" not in app.what
        assert len(app.heard) == 3


async def test_the_end_of_the_window_and_another_reference_fall_silent(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/more/short.wav"))
    async with app.run_test(size=(80, 24)) as pilot:
        await measured(app, pilot, until)
        await pilot.press("space")
        await until(pilot, lambda: len(app.heard) == 2)
        assert isinstance(app.heard[1], ReferencePanel.Hush)
        app.panel.load(Reference(path=f"{music}/long.wav"))
        await measured(app, pilot, until)
        await pilot.press("space", "delete")
        await until(pilot, lambda: len(app.heard) == 4)
        assert isinstance(app.heard[3], ReferencePanel.Hush)
        assert not app.panel.playing


async def test_a_file_given_up_for_a_style_is_still_among_the_choices(music: Path, until: Any) -> None:
    recording = Reference(path=f"{music}/long.wav", start=7.0)
    app = Leading(recording)
    async with app.run_test(size=(80, 24)) as pilot:
        await measured(app, pilot, until)
        await pilot.press("up")
        await until(pilot, lambda: app.changes == [Reference(style="Auto")])
        await pilot.press("down")
        await until(pilot, lambda: app.changes[-1] == recording)
        await pilot.press("delete", "up")
        await until(pilot, lambda: app.changes[-2:] == [None, recording])


async def test_it_is_one_line_while_the_keyboard_is_elsewhere(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/long.wav"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: " of " in app.what)
        assert app.panel.size.height == 1
        assert app.what.startswith(" reference")
        await measured(app, pilot, until)
        assert app.panel.size.height > 4


async def test_without_a_recording_its_keys_are_free_for_others(music: Path, until: Any) -> None:
    app = Leading(Reference(style="Jazz"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.focus()
        await pilot.press("left", "space")
        await until(pilot, lambda: app.passed == 1)
        app.panel.load(Reference(path=f"{music}/long.wav", start=5.0))
        await measured(app, pilot, until)
        await pilot.press("left")
        await until(pilot, lambda: app.changes == [Reference(path=f"{music}/long.wav", start=4.0)])
        assert app.passed == 1
        assert app.heard == []


async def test_a_song_whose_recording_is_gone_says_so_and_sees_it_come_back(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/[b]gone.wav"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "no such sound file" in app.trouble("ReferencePanel"))
        assert "[b]gone.wav" in app.what
        (music / "[b]gone.wav").write_bytes((music / "long.wav").read_bytes())
        await measured(app, pilot, until)
        assert app.trouble("ReferencePanel") == ""
        assert app.changes == []


async def test_a_window_beyond_the_end_is_said_and_can_be_moved_back(music: Path, until: Any) -> None:
    app = Leading(Reference(path=f"{music}/long.wav", start=50.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await measured(app, pilot, until)
        assert "nothing is heard from 50 s" in app.trouble("ReferencePanel")
        await pilot.press("left")
        await until(pilot, lambda: app.changes == [Reference(path=f"{music}/long.wav", start=32.0)])
        await until(pilot, lambda: app.trouble("ReferencePanel") == "")


async def test_leaving_the_question_for_a_file_another_way_closes_it(music: Path, until: Any) -> None:
    app = Leading()
    async with app.run_test(size=(80, 24)) as pilot:
        app.panel.focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.field.has_focus)
        await pilot.press("shift+tab")
        await until(pilot, lambda: app.panel.has_focus and not app.query_one(PathPrompt).display)
        await pilot.press("down")
        await until(pilot, lambda: app.changes == [Reference(style="Pop")])
