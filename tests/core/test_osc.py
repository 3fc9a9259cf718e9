"""Escape strings say what they are meant to say, whatever a song is called."""

import base64
import re

import pytest

from core.osc import Notice, clean, copy, link, notification, progress, through_tmux

OSC = re.compile(r"\x1b\](\d+);([^\x00-\x1f\x7f-\x9f]*)\x1b\\")
"""One operating system command with nothing in it that would end it early."""
NASTY = "4;1;50\x07\x1b]52;c;AAAA\x1b\\\x9c\nSea \u202eside\x00\ud800; 雪\u2028花"


def test_a_link_leads_where_it_says() -> None:
    made = link("http://127.0.0.1:8737/a-token_9/?x=1&y=%20", "listen")
    first, last = OSC.finditer(made)
    assert first.groups() == ("8", ";http://127.0.0.1:8737/a-token_9/?x=1&y=%20")
    assert made[first.end() : last.start()] == "listen"
    assert last.groups() == ("8", ";")


def test_a_link_cannot_be_broken_out_of() -> None:
    made = link("http://x/\x1b\\\x07 é", NASTY)
    first, last = OSC.finditer(made)
    assert first[2] == ";http://x/%1B%5C%07%20%C3%A9"
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", made[first.end() : last.start()])


@pytest.mark.parametrize("text", ["", "http://127.0.0.1:8737/t/", "雪花\n\x1b"])
def test_the_clipboard_gets_the_very_text(text: str) -> None:
    match = OSC.fullmatch(copy(text))
    assert match
    selection, payload = match[2].split(";")
    assert (match[1], selection) == ("52", "c")
    assert base64.b64decode(payload, validate=True).decode() == text


def test_notifications_in_their_three_forms() -> None:
    title, body = "Paper boats is ready", "3:20 long"
    assert notification("osc9", title, body) == "\x1b]9;songdesk: Paper boats is ready - 3:20 long\x1b\\"
    assert notification("osc777", title, body) == "\x1b]777;notify;Paper boats is ready;3:20 long\x1b\\"
    assert notification("osc99", title, body) == (
        "\x1b]99;i=songdesk:d=0;Paper boats is ready\x1b\\\x1b]99;i=songdesk:d=1:p=body;3:20 long\x1b\\"
    )


@pytest.mark.parametrize("way", ["osc9", "osc777", "osc99"])
def test_nothing_in_a_title_is_obeyed(way: Notice) -> None:
    made = notification(way, NASTY, NASTY)
    found = list(OSC.finditer(made))
    assert "".join(match[0] for match in found) == made
    assert {match[1] for match in found} == {way.removeprefix("osc")}
    assert "\u202e" not in made
    assert "雪 花" in made
    made.encode()
    match way:
        case "osc9":  # 9;4;1;50 would be progress, and other numbers other commands of ConEmu's
            assert re.match(r"[a-z]", found[0][2])
            assert ";" not in found[0][2]
        case "osc777":
            assert found[0][2].count(";") == 2
        case _:
            assert len(found) == 2


def test_what_is_long_is_cut_on_one_line() -> None:
    assert clean("a\r\n  b\t c") == "a b c"
    assert clean("x" * 500) == "x" * 119 + "…"


def test_progress_stays_within_its_bounds() -> None:
    assert progress("normal", 43) == "\x1b]9;4;1;43\x1b\\"
    assert progress("normal", 140) == "\x1b]9;4;1;100\x1b\\"
    assert progress("paused", -3) == "\x1b]9;4;4;0\x1b\\"
    assert progress("error", 9) == "\x1b]9;4;2;9\x1b\\"
    assert progress("unsure", 43) == "\x1b]9;4;3;0\x1b\\"
    assert progress("none", 43) == "\x1b]9;4;0;0\x1b\\"


def test_tmux_gets_it_wrapped_and_unwraps_to_the_same() -> None:
    made = notification("osc99", "a", "b")
    wrapped = through_tmux(made)
    assert wrapped.startswith("\x1bPtmux;")
    assert wrapped.endswith("\x1b\\")
    inner = wrapped.removeprefix("\x1bPtmux;")[:-2]
    assert "\x1b" not in inner.replace("\x1b\x1b", "")
    assert inner.replace("\x1b\x1b", "\x1b") == made
    assert through_tmux("") == ""
