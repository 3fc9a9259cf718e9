"""What the studio sends beyond drawing, through a real tmux to the terminal that it is shown on."""

import base64
import re
import shlex
import sys
from pathlib import Path

import pytest

from core.osc import notification, progress
from tests.walk.hearing import ROOT
from tests.walk.services import need
from tests.walk.sound import wait_for
from tests.walk.terminals import until, until_shown
from tests.walk.tmux import PROMPT, Tmux

pytestmark = [pytest.mark.system, pytest.mark.timeout(200)]

SIZE = (160, 24)
URL = "http://127.0.0.1:8737/a-token/"
OSC = re.compile(rb"\x1b\][^\x07\x1b]*(\x07|\x1b\\)")
NOTICE = ("Paper boats is ready", "3:20 long; 雪")
PROGRAM = f"""
import sys
from core.clipboard import put_on_clipboard
from core.osc import BELL, notification, progress
from core.passing import ask_what_passes, told
takes = ask_what_passes()
for sequence in (notification("osc777", *{NOTICE!r}), progress("normal", 43)):
    sys.stdout.write(takes.wrapped(sequence))
sys.stdout.write(BELL)
print("copying:", put_on_clipboard({URL!r}, takes, sys.stdout.write))
print("hint:", takes.hint)
print("takes:", told(takes))
"""


@pytest.mark.parametrize("passes", [True, False])
def test_what_is_wrapped_arrives_as_it_was_written_where_tmux_passes_it(tmp_path: Path, passes: bool) -> None:
    need("tmux")
    script = tmp_path / "send.py"
    script.write_text(PROGRAM)
    with Tmux(SIZE, {"PYTHONPATH": str(ROOT)}, term="tmux-256color") as inside:
        inside.tell("set", "-g", "allow-passthrough", "on" if passes else "off")
        with inside.shown_on(SIZE, WT_SESSION="8f3a") as terminal:
            until(terminal, lambda text: PROMPT.strip() in text, "the terminal is attached")
            inside.type(shlex.join([sys.executable, str(script)]))
            inside.press("enter")
            shown = until_shown(inside, "takes: ", 120.0)
            payload = base64.b64encode(URL.encode())
            wait_for(lambda: payload in terminal.log, "that the clipboard is told")
            sent = (notification("osc777", *NOTICE), progress("normal", 43))
            arrived = [sequence.encode() in terminal.log for sequence in sent]
    assert "copying: copied" in shown
    known = "takes: Windows Terminal through tmux: the bell, "
    if passes:
        assert arrived == [True, True]
        assert f"{known}notifications (OSC 777), progress in the taskbar or tab, the clipboard" in shown
    else:
        assert arrived == [False, False]
        assert f"{known}the clipboard" in shown
        assert "hint: “set -g allow-passthrough on”" in shown
    assert b"\x07" in OSC.sub(b"", bytes(terminal.log))
