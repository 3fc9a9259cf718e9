"""Colours: themes that can be read, the terminal's own where there are few, none where none are wanted."""

import re
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color

from core.config import Config, StudioConfig
from core.errors import SongdeskError
from core.library.bookmark import recall
from tests.tui.opened import SONG, opened, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.theme import HIGH_CONTRAST, LIGHT, OWN, PLAIN, PLAIN_LIGHT, SONGDESK, choose_theme

TRUECOLOR = {"COLORTERM": "truecolor", "TERM": "xterm-256color"}
WORDS = (
    "foreground",
    "text",
    "text-muted",
    "text-error",
    "text-warning",
    "success",
    "error",
    "warning",
    "accent",
)


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    for name, value in TRUECOLOR.items():
        monkeypatch.setenv(name, value)


def contrast(one: Color, other: Color) -> float:
    """As WCAG 2 counts it, from 1 to 21."""

    def luminance(colour: Color) -> float:
        parts = [part / 255 for part in (colour.r, colour.g, colour.b)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("theme", "least"), [(SONGDESK, 4.5), (LIGHT, 4.5), (HIGH_CONTRAST, 9.0)])
def test_every_word_stands_out_from_what_is_behind_it(theme: Any, least: float) -> None:
    colours = {**theme.to_color_system().generate(), **theme.variables}
    for behind in ("background", "panel"):
        ground = Color.parse(colours[behind])
        for name in WORDS:
            written = colours[name]
            if written.startswith("auto"):
                alpha = float(written.split()[1].rstrip("%")) / 100
                colour = ground.blend(ground.get_contrast_text(1.0), alpha)
            else:
                colour = Color.parse(written)
            assert contrast(colour, ground) >= least, (name, behind, written)


@pytest.mark.parametrize(
    ("wanted", "environment", "theme"),
    [
        ("songdesk-light", TRUECOLOR, "songdesk-light"),
        ("songdesk-light", {"TERM": "xterm"}, PLAIN_LIGHT),
        ("songdesk-contrast", {"TERM": "linux"}, PLAIN),
        ("songdesk-light", {**TRUECOLOR, "NO_COLOR": "1"}, PLAIN_LIGHT),
        ("solarized-light", {**TRUECOLOR, "NO_COLOR": "1"}, PLAIN_LIGHT),
        ("ansi-light", {"TERM": "xterm"}, "ansi-light"),
    ],
)
def test_a_light_theme_gives_way_to_the_terminals_light_colours(
    wanted: str, environment: dict[str, str], theme: str
) -> None:
    assert choose_theme(wanted, environment) == theme


def test_an_unknown_theme_names_all_of_ours() -> None:
    with pytest.raises(SongdeskError) as caught:
        choose_theme("mauve", TRUECOLOR)
    assert all(theme.name in caught.value.hint for theme in OWN)


async def test_a_theme_chosen_in_the_palette_is_there_the_next_time(tmp_path: Path, until: Any) -> None:
    path = tmp_path / "studio.json"
    async with opened(Rehearsal(), bookmarks=path) as (app, pilot):
        assert app.theme == "songdesk"
        await pilot.press("ctrl+p", *"songdesk-light")
        await until(pilot, lambda: "Theme songdesk-light" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "songdesk-light")
        await until(pilot, lambda: recall(path).theme == "songdesk-light")
    async with opened(Rehearsal(), bookmarks=path) as (app, _):
        assert app.theme == "songdesk-light"
    other = Config(studio=StudioConfig(theme="nord"))
    async with opened(Rehearsal(), bookmarks=path, config=other) as (app, _):
        assert app.theme == "nord"


@pytest.mark.parametrize("theme", ["songdesk", "songdesk-light"])
async def test_without_colour_none_is_sent(
    pyte_terminal: Any, monkeypatch: pytest.MonkeyPatch, theme: str, until: Any
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    sent: list[str] = []
    feed = pyte_terminal.feed

    def listen(data: str) -> None:
        sent.append(data)
        feed(data)

    monkeypatch.setattr(pyte_terminal, "feed", listen)
    app = Studio(Config(studio=StudioConfig(theme=theme)), SONG, make_engine=Rehearsal)
    app.driver_class = pyte_terminal.driver_class
    async with app.run_test(headless=False, size=(80, 24)) as pilot:
        await until(pilot, lambda: "folded" in pyte_terminal.text())
    runs = re.findall(r"\x1b\[([\d;]*)m", "".join(sent))
    assert runs
    colours = [code for run in runs for code in run.split(";") if code.isdigit() and 30 <= int(code) <= 107]
    assert [code for code in colours if code not in {"39", "49"}] == []
