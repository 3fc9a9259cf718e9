"""What a terminal is known to take, by what it leaves in the environment and by what is in between."""

import io
import subprocess
import sys
from dataclasses import replace

import pytest

from core import clipboard
from core.clipboard import put_on_clipboard
from core.doctor.calling import calling, judged
from core.doctor.scene import Scene
from core.environment import terminal_variables
from core.host import Host
from core.passing import Takes, between, told, what_passes
from core.terminals import KNOWN, by_answer
from core.tmux import Client, Tmux, ask_tmux, load_buffer, read_answer

XTERM = {"TERM": "xterm-256color"}
KITTY = {"TERM": "xterm-kitty"}
INSIDE = {"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "TMUX": "1", "TMUX_PANE": "%0"}
FEATURES = ("256", "clipboard", "hyperlinks")
SHOWN = Tmux((3, 4), "on", "external", (Client(KITTY, ("bash",), FEATURES),))


@pytest.mark.parametrize(
    ("variables", "name", "notice", "progress"),
    [
        (KITTY, "kitty", "osc99", False),
        ({**XTERM, "KITTY_WINDOW_ID": "1"}, "kitty", "osc99", False),
        ({"TERM": "foot-extra"}, "foot", "osc777", False),
        ({"TERM": "xterm-ghostty", "SSH_TTY": "1"}, "Ghostty", "osc9", True),
        ({**XTERM, "TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.0.1"}, "Ghostty", "osc9", True),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.6"}, "iTerm2", "osc9", True),
        ({**XTERM, "LC_TERMINAL": "iTerm2", "LC_TERMINAL_VERSION": "3.5.14"}, "iTerm2", "osc9", False),
        ({**XTERM, "LC_TERMINAL": "iTerm2", "LC_TERMINAL_VERSION": "3.6.10beta2"}, "iTerm2", "osc9", True),
        ({**XTERM, "LC_TERMINAL": "iTerm2"}, "iTerm2", "osc9", False),
        (
            {**XTERM, "TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20240203-110809-5046fc22"},
            "WezTerm", "osc777", False,
        ),
        (
            {"TERM": "wezterm", "TERM_PROGRAM": "WezTerm", "TERM_PROGRAM_VERSION": "20250830-100000-abcdef"},
            "WezTerm", "osc777", True,
        ),
        ({"TERM": "wezterm", "SSH_TTY": "1"}, "WezTerm", "osc777", False),
        ({**XTERM, "WT_SESSION": "1"}, "Windows Terminal", "osc777", True),
        ({**XTERM, "SSH_TTY": "1", "LC_TERMINAL": "Windows-Terminal"}, "Windows Terminal", "osc777", True),
        ({**XTERM, "ConEmuANSI": "ON"}, "ConEmu", None, True),
        ({**XTERM, "KONSOLE_VERSION": "251203"}, "Konsole", None, False),
        ({**XTERM, "KONSOLE_VERSION": "260400"}, "Konsole", None, True),
        ({**XTERM, "VTE_VERSION": "7600"}, "VTE", None, False),
        ({**XTERM, "VTE_VERSION": "8001"}, "VTE", None, True),
        ({**XTERM, "TERM_PROGRAM": "vscode", "WT_SESSION": "1"}, "VS Code", None, True),
        ({"TERM": "alacritty", "WT_SESSION": "1"}, "Alacritty", None, False),
        ({**XTERM, "TERM_PROGRAM": "Apple_Terminal"}, "Terminal.app", None, False),
        ({"TERM": "linux"}, "Linux console", None, False),
    ],
)  # fmt: skip
def test_a_known_terminal_gets_what_it_takes(
    variables: dict[str, str], name: str, notice: str | None, progress: bool
) -> None:
    takes = what_passes(variables, ["bash"])
    assert (takes.terminal, takes.notice, takes.progress) == (name, notice, progress)
    assert not takes.is_wrapped
    assert name in told(takes)


@pytest.mark.parametrize(
    ("variables", "above"),
    [
        ({}, []),
        (XTERM, ["bash", "sshd-session"]),
        ({"TERM": "dumb"}, []),
        ({**XTERM, "TERM_PROGRAM": "Hyper", "LC_TERMINAL": "iTerm2"}, []),
        (KITTY, ["bash", "mosh-server"]),
        ({**KITTY, "STY": "1"}, ["bash", "screen"]),
        ({**KITTY, "ZELLIJ": "1"}, []),
        ({"TERM": "screen-256color", "LC_TERMINAL": "iTerm2", "SSH_TTY": "1"}, []),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, []),
    ],
)
def test_an_unknown_terminal_or_one_behind_what_swallows_gets_the_bell_alone(
    variables: dict[str, str], above: list[str]
) -> None:
    takes = what_passes(variables, above)
    assert (takes.terminal, takes.notice, takes.progress, takes.link) == ("", None, False, False)
    assert told(takes).endswith(": the bell")


def test_what_is_between_is_told_from_the_outside_in() -> None:
    assert between({"TMUX": "1"}, ["bash", "tmux: server", "mosh-server", "sshd-session"]) == (
        "ssh",
        "mosh",
        "tmux",
    )


# tmux


def test_tmux_passes_what_all_its_terminals_take_in_its_wrapping() -> None:
    takes = what_passes(INSIDE, ["bash", "tmux: server"], SHOWN)
    assert (takes.terminal, takes.notice, takes.link, takes.is_wrapped) == ("kitty", "osc99", True, True)
    assert takes.wrapped("\x1b]9;x\x1b\\") == "\x1bPtmux;\x1b\x1b]9;x\x1b\x1b\\\x1b\\"
    assert "allow-passthrough all" in takes.hint
    two = replace(SHOWN, clients=(*SHOWN.clients, Client({"TERM": "foot"}, ("bash",), FEATURES)))
    takes = what_passes(INSIDE, [], two)
    assert (takes.terminal, takes.notice, takes.link) == ("", None, True)


@pytest.mark.parametrize("passthrough", ["off", "0"])
def test_tmux_that_passes_nothing_is_said_to(passthrough: str) -> None:
    takes = what_passes(INSIDE, [], replace(SHOWN, passthrough=passthrough))
    assert (takes.notice, takes.progress, takes.link) == (None, False, True)
    assert "allow-passthrough on" in takes.hint
    silent = replace(SHOWN, passthrough=passthrough, clients=(Client(XTERM),))
    assert what_passes(INSIDE, [], silent).hint == ""


def test_links_want_tmux_3_4_and_its_feature() -> None:
    assert not what_passes(INSIDE, [], replace(SHOWN, version=(3, 3))).link
    plain = Client(KITTY, (), ("256",))
    assert not what_passes(INSIDE, [], replace(SHOWN, clients=(plain,))).link


def test_a_terminal_of_tmux_is_known_by_its_answer_before_its_variables() -> None:
    told_so = Client({**XTERM, "VTE_VERSION": "8000"}, ("sshd",), FEATURES, "WezTerm 20250830-1-a")
    takes = what_passes(INSIDE, [], replace(SHOWN, clients=(told_so,)))
    assert (takes.terminal, takes.notice, takes.progress) == ("WezTerm", "osc777", True)
    assert takes.through == ("ssh", "tmux")


def test_variables_of_the_pane_say_nothing_of_who_looks_at_it() -> None:
    stale = {**INSIDE, "KITTY_WINDOW_ID": "1", "WT_SESSION": "1", "VTE_VERSION": "8000"}
    takes = what_passes(stale, [], replace(SHOWN, clients=(Client(XTERM, ("bash",)),)))
    assert (takes.terminal, takes.notice, takes.progress) == ("", None, False)


@pytest.mark.parametrize(
    "around",
    [
        Client(KITTY, ("bash", "mosh-server"), FEATURES, "kitty(0.40.0)"),
        Client({"TERM": "tmux-256color"}, (), FEATURES, "tmux 3.5"),
    ],
)
def test_mosh_or_another_tmux_around_tmux_swallows_it(around: Client) -> None:
    takes = what_passes(INSIDE, [], replace(SHOWN, clients=(around,)))
    assert (takes.notice, takes.progress) == (None, False)
    is_mosh = "mosh-server" in around.above
    assert (takes.link, takes.copying) == (not is_mosh, "no" if is_mosh else "tmux")


def test_without_an_answer_of_tmux_or_a_terminal_on_it_nothing_is_known() -> None:
    for silent in (None, replace(SHOWN, clients=())):
        takes = what_passes(INSIDE, [], silent)
        assert (takes.notice, takes.progress, takes.link) == (None, False, False)


def test_what_tmux_told_is_read() -> None:
    read = read_answer("3.4|all|external\n0|0|xterm-kitty|256,hyperlinks|kitty(0.40.1)\n0|1|x||\n")
    assert read == Tmux(
        (3, 4),
        "all",
        "external",
        (Client(KITTY, (), ("256", "hyperlinks"), "kitty(0.40.1)"), Client({})),
    )
    assert read.passes
    (next_one,) = [read_answer("next-3.6||on\n")]
    assert next_one == Tmux((3, 6), "", "on")
    assert not next_one.passes
    assert Tmux((3, 2)).passes
    assert read_answer("no server running\n") is None
    assert read_answer("") is None


def test_a_tmux_that_fails_or_hangs_is_no_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], **_: object) -> object:
        raise subprocess.TimeoutExpired(command, 3.0)

    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/tmux")
    monkeypatch.setattr("subprocess.run", hangs)
    assert ask_tmux("%0") is None
    assert not load_buffer("x")
    assert ask_tmux("") is None


def test_doctor_says_what_passes_and_how_more_would(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = judged(what_passes(INSIDE, [], replace(SHOWN, passthrough="off")))
    assert (finding.status, finding.facts["copying"]) == ("ok", "tmux")
    assert finding.what == "kitty through tmux: the bell, links, the clipboard"
    assert "allow-passthrough on" in finding.fix
    far = judged(what_passes({**XTERM, "SSH_TTY": "1"}, []))
    assert "LC_TERMINAL" in far.fix
    assert judged(what_passes(KITTY, [])).fix == ""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    assert calling(Scene(Host())).status == "unknown"


# Names and the clipboard


@pytest.mark.parametrize(
    ("answer", "key", "version"),
    [
        ("kitty(0.40.1)", "kitty", (0, 40, 1)),
        ("WezTerm 20240203-110809-5046fc22", "wezterm", (20240203, 110809, 5046)),
        ("ghostty 1.2.0", "ghostty", (1, 2, 0)),
        ("VTE(8001)", "vte", (0, 80, 1)),
        ("XTerm(390)", "xterm", (390,)),
        ("iTerm2 3.6.6", "iterm2", (3, 6, 6)),
        ("Konsole 26.04.3", "konsole", (26, 4, 3)),
    ],
)
def test_answers_are_understood(answer: str, key: str, version: tuple[int, ...]) -> None:
    assert by_answer(answer) == (KNOWN[key], version)


@pytest.mark.parametrize("answer", ["", "tmux 3.4", "contour 0.4", "((", "雪"])
def test_other_answers_name_nothing(answer: str) -> None:
    assert by_answer(answer)[0] is None


def test_of_another_process_no_variable_but_the_terminals_is_taken() -> None:
    theirs = {"TERM": "foot", "WT_SESSION": "8f3a-guid", "SECRET_TOKEN": "abc", "SSH_CONNECTION": "1 2 3 4"}
    assert terminal_variables(theirs) == {"TERM": "foot", "WT_SESSION": "1", "SSH_CONNECTION": "1"}


def test_copying_goes_the_way_that_leads_there(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    loaded: list[str] = []

    def takes_it(text: str) -> bool:
        loaded.append(text)
        return True

    monkeypatch.setattr(clipboard, "load_buffer", takes_it)
    assert put_on_clipboard("x", Takes("kitty", copying="osc52"), written.append) == "copied"
    assert put_on_clipboard("y", what_passes(INSIDE, [], SHOWN), written.append) == "copied"
    assert (written, loaded) == (["\x1b]52;c;eA==\x1b\\"], ["y"])
    assert "if the terminal" in put_on_clipboard("x", Takes(), written.append)
    assert len(written) == 2
    refused = put_on_clipboard("x", what_passes({**XTERM, "VTE_VERSION": "7600"}, []), written.append)
    assert refused == "not copied: VTE takes nothing for it"
    off = what_passes(INSIDE, [], replace(SHOWN, clipboard="off"))
    assert put_on_clipboard("x", off, written.append).startswith("not copied")
    monkeypatch.setattr(clipboard, "load_buffer", lambda _: False)
    assert put_on_clipboard("x", Takes(copying="tmux"), written.append).startswith("not copied")
    assert len(written) == 2
