"""The words of a notification, what is sent for it, and when `songdesk render` does."""

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.cli import calling
from core.cli.calling import call_back
from core.errors import SongdeskError
from core.meter import State
from core.notices import LONG, Notice, Notify, of_several, of_song
from core.passing import Takes
from core.settings import Values
from core.song import Song
from core.takes.job import Job, Outcome

WEZTERM = Takes("WezTerm", (), "osc777", progress=True)
SOON = Notice("a is ready", "b")


@pytest.mark.parametrize(
    ("how", "takes", "is_watched", "sent"),
    [
        ("auto", WEZTERM, False, "\x07\x1b]777;notify;a is ready;b\x1b\\"),
        ("auto", WEZTERM, True, "\x07"),
        ("auto", Takes(), False, "\x07"),
        ("bell", WEZTERM, False, "\x07"),
        ("off", WEZTERM, False, ""),
        (
            "auto", replace(WEZTERM, is_wrapped=True), False,
            "\x07\x1bPtmux;\x1b\x1b]777;notify;a is ready;b\x1b\x1b\\\x1b\\",
        ),
    ],
)  # fmt: skip
def test_what_is_sent_is_what_is_wanted_and_known_to_be_taken(
    how: Notify, takes: Takes, is_watched: bool, sent: str
) -> None:
    assert SOON.sequence(how, takes, is_watched=is_watched) == sent


def outcome(state: State, title: str = "Paper boats", **more: Any) -> Outcome:
    song = Song(title, "[verse]\nla\n", "pop")
    job = Job("t", song, "demo", Values(), Path("x"), Path("y"))
    return Outcome(job, state, **more)


def test_the_words_name_the_song() -> None:
    ready = of_song(outcome(State.DONE, seconds=200.0, took=725.0))
    assert ready == Notice("Paper boats is ready", "3:20 long, made in 12:05")
    assert of_song(outcome(State.DRAFT)).title == "a draft of Paper boats is ready"  # type: ignore[union-attr]
    assert of_song(outcome(State.CANCELLED)) is None


def test_several_are_counted() -> None:
    several = [outcome(State.DONE), outcome(State.FAILED), outcome(State.CANCELLED)]
    assert of_several(several, "the queue is done") == Notice("the queue is done", "1 song made, 1 failed")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("outcomes", "took", "how", "sent"),
    [
        ([outcome(State.DONE, seconds=9.0, took=30.0)], LONG, "auto", "is ready;0:09 long, made in 0:30"),
        ([outcome(State.DONE, took=9.0)] * 2, LONG, "auto", "songdesk render is done;2 songs made"),
        ([outcome(State.FAILED, error=SongdeskError("no room"))], LONG, "auto", "failed;no room"),
        ([outcome(State.DONE, took=9.0)], LONG - 1, "auto", ""),
        ([outcome(State.DONE, took=0.0)], LONG, "auto", ""),
        ([outcome(State.DONE, took=9.0)], LONG, "off", ""),
        ([], LONG, "auto", ""),
    ],
)
def test_render_calls_back_from_a_terminal(
    monkeypatch: pytest.MonkeyPatch, outcomes: list[Outcome], took: float, how: Notify, sent: str
) -> None:
    monkeypatch.setattr(calling, "ask_what_passes", lambda: WEZTERM)
    for stream, expected in ((Tty(), sent), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        call_back(outcomes, took, how)
        assert bool(stream.getvalue()) == bool(expected)
        assert expected in stream.getvalue()
        assert stream.getvalue().count("\x07") == bool(expected)
