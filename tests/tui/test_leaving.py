"""However the studio ends: the terminal is as it was, the draft is on disk, the process is gone."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.library import queue
from core.library.store import Store, open_store
from core.takes.take import Take, takes_of
from tests.tui.pty_terminal import Terminal


def draft(tmp_path: Path) -> str:
    return (tmp_path / "songs" / "Paper boats" / "lyrics.txt").read_text()


def take(tmp_path: Path) -> Take:
    (found,) = takes_of(tmp_path / "songs" / "Paper boats")
    return found


@contextmanager
def open_store_of(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


def write_and_compose(terminal: Terminal, *, composes: bool = True) -> None:
    terminal.type(b"\x1b[B")
    terminal.quiet(0.2)
    terminal.type(b"just typed ")
    if composes:
        terminal.type(b"\x07")
        terminal.until(lambda: "2/3 composing" in terminal.text())
    terminal.until(lambda: "just typed" in terminal.text())


def test_quitting_restores_the_terminal(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio()
    terminal.type(b"\x11")
    assert terminal.ended() == 0
    assert terminal.is_restored


@pytest.mark.parametrize(
    ("number", "code", "composes"),
    [
        (signal.SIGTERM, 143, True),
        (signal.SIGHUP, 129, False),
        (signal.SIGINT, 130, True),
        pytest.param(signal.SIGTERM, 143, False, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 130, False, marks=pytest.mark.slow),
    ],
)
def test_a_signal_restores_the_terminal_and_saves_the_draft(
    open_studio: Callable[..., Terminal], tmp_path: Path, number: int, code: int, composes: bool
) -> None:
    terminal = open_studio()
    write_and_compose(terminal, composes=composes)
    terminal.process.send_signal(number)
    assert terminal.ended() == code
    assert terminal.is_restored
    assert "just typed" in draft(tmp_path)


@pytest.mark.parametrize("composes", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_terminal_that_goes_away_ends_the_studio_and_saves_the_draft(
    open_studio: Callable[..., Terminal], tmp_path: Path, composes: bool
) -> None:
    terminal = open_studio()
    write_and_compose(terminal, composes=composes)
    terminal.hang_up()
    assert terminal.ended() == 129
    assert "just typed" in draft(tmp_path)


def test_so_does_one_of_which_only_a_parent_is_told(
    open_studio: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = open_studio(OUTLIVED="1")
    write_and_compose(terminal, composes=False)
    terminal.hang_up()
    assert terminal.ended() == 129
    assert "just typed" in draft(tmp_path)


def test_a_key_that_means_no_leaves_the_song_alone_and_enter_pauses_it(
    open_studio: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = open_studio()
    write_and_compose(terminal)
    terminal.type(b"\x11")
    terminal.until(lambda: "Pause it" in terminal.text())
    terminal.type(b"n")
    terminal.until(lambda: "Pause it" not in terminal.text())
    terminal.type(b"\x11")
    terminal.until(lambda: "Pause it" in terminal.text())
    terminal.type(b"\r")
    assert terminal.ended() == 0
    assert terminal.is_restored
    assert take(tmp_path).state == "paused"


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_a_signal_pauses_what_is_made(
    open_studio: Callable[..., Terminal], tmp_path: Path, number: int
) -> None:
    terminal = open_studio()
    write_and_compose(terminal)
    terminal.process.send_signal(number)
    assert terminal.ended() == 128 + number
    assert take(tmp_path).state == "paused"
    assert not (tmp_path / "behind").exists()


@pytest.mark.parametrize(
    ("link", "engine"),
    [
        ("lost", "Obedient"),
        ("kept", "Obedient"),
        pytest.param("lost", "Rehearsal", marks=pytest.mark.slow, id="lost-slow"),
    ],
)
def test_a_lost_link_goes_on_in_the_background_where_that_is_wished(
    open_studio: Callable[..., Terminal], tmp_path: Path, link: str, engine: str
) -> None:
    """Also with an engine that is slow to pause; a signal to end is no lost link."""
    terminal = open_studio(engine=engine, ON_HANGUP="continue", BEHIND=str(tmp_path / "behind"))
    write_and_compose(terminal)
    if link == "lost":
        terminal.hang_up()
    else:
        terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() in (129, 143)
    assert (tmp_path / "behind").exists() is (link == "lost")
    with open_store_of(tmp_path) as store:
        (item,) = queue.items(store)
    assert item.held is (link == "kept")


@pytest.mark.slow
def test_a_song_goes_on_to_its_end_without_the_studio(
    open_studio: Callable[..., Terminal], tmp_path: Path
) -> None:
    """The embedded demo model, in a process of its own that outlives the terminal."""
    terminal = open_studio(engine="Obedient", ON_HANGUP="continue", LENGTH="10")
    write_and_compose(terminal)
    terminal.hang_up()
    assert terminal.ended() == 129
    deadline = time.monotonic() + 90
    while take(tmp_path).state != "done":
        assert time.monotonic() < deadline, (tmp_path / "state" / "songdesk" / "songdesk.log").read_text()
        time.sleep(0.2)
    assert take(tmp_path).audio is not None


def test_a_thread_that_will_not_end_does_not_hold_the_process(
    open_studio: Callable[..., Terminal], tmp_path: Path
) -> None:
    """The interpreter would wait for such a thread for ever, or abort under one that is inside torch."""
    terminal = open_studio(engine="Stubborn")
    write_and_compose(terminal)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended(15) == 143
    assert terminal.is_restored
    assert "just typed" in draft(tmp_path)


def test_a_fault_of_ours_is_one_line_and_the_rest_is_in_the_log(
    open_studio: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = open_studio(engine="Broken")
    write_and_compose(terminal, composes=False)
    terminal.type(b"\x07")
    assert terminal.ended() == 2
    assert terminal.is_restored
    assert "songdesk: the studio broke (ZeroDivisionError)" in " ".join(terminal.text().split())
    assert "Traceback" not in terminal.text()
    assert "just typed" in draft(tmp_path)
