"""How much the studio sends over the wire."""

import time
from collections.abc import Callable

import pytest

from tests.tui.pty_terminal import Terminal

SIZES = [(80, 24), (200, 60)]


@pytest.mark.parametrize("size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.slow)])
def test_a_typed_key_costs_less_than_a_kilobyte(
    open_studio: Callable[..., Terminal], size: tuple[int, int]
) -> None:
    terminal = open_studio(size)
    before = len(terminal.log)
    words = b"a few words of song "
    for key in words:
        terminal.type(bytes([key]))
        time.sleep(0.03)
    terminal.quiet()
    assert "a few words of song" in terminal.text()
    assert (len(terminal.log) - before) / len(words) < 1000


@pytest.mark.parametrize("size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.slow)])
def test_composing_costs_less_than_eight_kilobytes_a_second(
    open_studio: Callable[..., Terminal], size: tuple[int, int]
) -> None:
    terminal = open_studio(size)
    terminal.type(b"\x07")
    terminal.until(lambda: "2/3 composing" in terminal.text())
    time.sleep(0.5)
    before, began = len(terminal.log), time.monotonic()
    time.sleep(4)
    sent = (len(terminal.log) - before) / (time.monotonic() - began)
    assert 100 < sent < 8000


def test_an_idle_studio_sends_nothing(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio()
    before = len(terminal.log)
    time.sleep(2)
    assert len(terminal.log) == before


def test_an_idle_page_comes_to_rest(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio()
    studio = terminal.text()

    def rests() -> bool:
        before = len(terminal.log)
        time.sleep(1.2)  # looks at the library are half a second apart
        return len(terminal.log) == before

    for key in (b"\x1bOP", b"\n", b"\x10", b"\x0f", b"\x1bu"):  # help, jump, palette, library, models
        terminal.type(key)
        terminal.until(lambda: terminal.text() != studio)
        terminal.until(rests)
        terminal.type(b"\x1b")
        terminal.until(lambda: terminal.text() == studio)


def test_what_changes_under_a_page_is_drawn_there(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio()
    terminal.type(b"\x07")
    terminal.until(lambda: "2/3 composing" in terminal.text())
    terminal.type(b"\n")
    terminal.until(lambda: " a " in terminal.text())

    def foot() -> str:
        return next(line for line in terminal.text().split("\n") if "2/3 composing" in line)

    time.sleep(0.5)
    before, sent, began = foot(), len(terminal.log), time.monotonic()
    time.sleep(4)
    rate = (len(terminal.log) - sent) / (time.monotonic() - began)
    assert foot() != before
    assert rate < 8000


def test_few_colours_are_the_terminals_own(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio(TERM="xterm", COLORTERM="")
    assert b"38;2;" not in terminal.log
    assert b"38;5;" not in terminal.log


def test_no_color_sends_no_colour(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio(NO_COLOR="1")
    assert b"38;2;" not in terminal.log
    assert b"[31m" not in terminal.log
