"""Speakers and terminals: what is said of them, and the letter drawn to learn its width."""

import json
import os
import threading
import tty
from collections.abc import Mapping
from typing import Any

import pytest

from core.doctor import hearing, surroundings, width
from core.doctor.child import Told
from core.doctor.surroundings import colours, heard, judged

GOOD: Mapping[str, object] = {
    "term": "tmux-256color", "colours": "256 colours", "between": ["ssh", "tmux"], "encoding": "utf-8",
    "size": [120, 40], "wide_letter_cells": 2,
}  # fmt: skip


def test_a_good_terminal_is_well_and_told_with_what_lies_between() -> None:
    found = judged(dict(GOOD))
    assert found.status == "ok"
    assert "120×40" in found.what
    assert "through ssh and tmux" in found.what


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"size": [70, 24]}, "80×24"), ({"size": [80, 20]}, "80×24"), ({"encoding": "ascii"}, "UTF-8"),
        ({"wide_letter_cells": 1}, "widths"), ({"term": "dumb"}, "TERM"), ({"term": ""}, "TERM"),
    ],
)  # fmt: skip
def test_what_a_terminal_lacks_is_said_with_the_way(change: dict[str, object], word: str) -> None:
    found = judged({**GOOD, **change})
    assert found.status == "warn"
    assert word in found.fix


def test_a_width_that_was_not_told_is_no_trouble() -> None:
    found = judged({**GOOD, "wide_letter_cells": None})
    assert found.status == "ok"
    assert "wide letters unknown" in found.what


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "16 million colours"),
        ({"TERM": "xterm-256color"}, "256 colours"), ({"TERM": "linux"}, "16 colours"),
        ({"TERM": "dumb"}, "no colours"), ({"TERM": "xterm", "WT_SESSION": "1"}, "16 million colours"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "no colours (NO_COLOR)"),
    ],
)  # fmt: skip
def test_colours_are_read_off_the_variables(known: dict[str, str], words: str) -> None:
    assert colours(known) == words


def test_output_to_no_terminal_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    from core.doctor.scene import Scene
    from core.host import Host

    assert surroundings.terminal(Scene(Host())).status == "unknown"


@pytest.mark.parametrize(
    ("facts", "is_far", "verdict", "words"),
    [
        ({"backend": "PortAudio", "reason": "through PortAudio: Speakers"}, False, "ok", "through PortAudio"),
        ({"backend": "paplay", "reason": "through paplay"}, True, "ok", "over SSH"),
        ({"backend": "none", "reason": "no player program is here"}, False, "warn", "no player"),
    ],
)
def test_what_would_play_is_told(facts: dict[str, str], is_far: bool, verdict: str, words: str) -> None:
    found = heard(Told({"sound": facts}), is_far=is_far)
    assert found.status == verdict
    assert words in found.what


BACKENDS = [
    {"name": "PortAudio", "works": False, "why": "PortAudio finds no output device"},
    {"name": "paplay", "works": True, "why": "the sound server of this machine"},
    {"name": "pw-play", "works": False, "why": "not installed"},
    {"name": "aplay", "works": None, "why": "that shows when it plays"},
    {"name": "browser", "works": True, "why": "`songdesk listen`"},
]
PAPLAY = "through paplay: the sound server of this machine · PortAudio finds no output device"


def sound(**changes: object) -> Told:
    facts = {"backend": "paplay", "reason": PAPLAY, "brought": False, "trouble": "", "backends": BACKENDS}
    return Told({"sound": {**facts, **changes}})


def test_every_way_of_making_sound_is_told_with_what_would_come_of_it() -> None:
    found = heard(sound(), is_far=False)
    assert found.status == "ok"
    assert found.what.startswith(PAPLAY)
    for words in (
        "aplay may work: that shows",
        "browser would work: `songdesk listen`",
        "not installed: pw-play",
    ):
        assert words in found.what
    assert found.what.count("no output device") == 1
    assert found.facts["backends"] == BACKENDS
    assert not found.fix


def test_over_ssh_both_ways_to_hear_it_are_given_with_the_exact_lines() -> None:
    found = heard(sound(), is_far=True)
    assert "not yours" in found.what
    for words in (
        "songdesk listen",
        "ssh -R /tmp/my-pulse:$XDG_RUNTIME_DIR/pulse/native",
        "export PULSE_SERVER=unix:/tmp/my-pulse",
    ):
        assert words in found.fix


def test_sound_that_is_brought_over_ssh_is_the_persons_own() -> None:
    reason = "through paplay: your machine's sound server, which SSH forwards as PULSE_SERVER"
    found = heard(sound(reason=reason, brought=True), is_far=True)
    assert (found.status, found.fix) == ("ok", "")
    assert "not yours" not in found.what


@pytest.mark.parametrize("is_far", [False, True])
def test_a_pulse_server_that_is_named_and_does_not_answer_is_a_warning(*, is_far: bool) -> None:
    trouble = "PULSE_SERVER=unix:/tmp/my-pulse cannot be reached: connection refused"
    found = heard(sound(trouble=trouble), is_far=is_far)
    assert found.status == "warn"
    assert trouble in found.what
    assert "PULSE_SERVER names, or unset it" in found.fix
    assert ("songdesk listen" in found.fix) == is_far


def test_the_child_tells_every_backend_of_this_machine_and_which_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hearing", "afplay"])
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert hearing.main() == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])["facts"]
    assert facts["backend"] == "none"
    assert "asks for afplay" in facts["reason"]
    assert {"PortAudio", "paplay", "pw-play", "aplay", "browser"} <= {
        each["name"] for each in facts["backends"]
    }


def test_sound_that_crashes_costs_one_line() -> None:
    found = heard(Told(begun="sound", trouble="it was ended by SIGSEGV"), is_far=False)
    assert found.status == "warn"
    assert "SIGSEGV" in found.what


def answered(reply: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[int | None, bytes]:
    """Draws a letter on a terminal that answers so; gives the cells and what was sent."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    sent: list[bytes] = []

    def terminal() -> None:
        said = b""
        while b"\x1b[6n" not in said:
            said += os.read(ours, 64)
        if reply:
            os.write(ours, reply)
        sent.append(said)

    thread = threading.Thread(target=terminal, daemon=True)
    thread.start()
    try:
        cells = width.cells_drawn("漢", os.ttyname(theirs))
        thread.join(5)
        return cells, b"".join(sent)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("reply", "cells"), [(b"\x1b[7;3R", 2), (b"\x1b[24;2R", 1), (b"", None)])
def test_the_width_of_a_letter_is_what_the_terminal_says(
    reply: bytes, cells: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, sent = answered(reply, monkeypatch)
    assert found == cells
    assert "漢".encode() in sent


def test_a_terminal_that_is_somebody_elses_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    written: list[Any] = []
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
    monkeypatch.setattr(os, "write", lambda *args: written.append(args))
    assert width.cells_drawn("漢", os.ttyname(theirs)) is None
    assert written == []
    os.close(ours)
    os.close(theirs)


def test_without_a_terminal_the_width_is_unknown() -> None:
    assert width.cells_drawn("漢", "/nowhere/tty") is None
