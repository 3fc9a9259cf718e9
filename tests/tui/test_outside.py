"""The lyrics in the person's own editor: what is started, what comes back, and what goes wrong."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import SongdeskError
from tests.tui.lyric_desk import SONG, Desk
from tests.tui.pty_terminal import Terminal
from tui.outside import edit_outside, editor_command

PYTHON = f'"{sys.executable}"'


class Lent:
    """A terminal that can be lent, and whether it was given back."""

    def __init__(self) -> None:
        self.story: list[str] = []

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self.story.append("lent")
        yield
        self.story.append("back")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """An editor made of a line of Python that has the file's path as `path`."""

    def make(code: str) -> dict[str, str]:
        program = tmp_path / "my editor.py"
        program.write_text(f"import sys\nfrom pathlib import Path\npath = Path(sys.argv[-1])\n{code}\n")
        return {**os.environ, "VISUAL": f"{PYTHON} '{program}' --wait"}

    return make


def test_visual_goes_before_editor_and_both_before_what_is_installed(tmp_path: Path) -> None:
    path = {"PATH": os.environ["PATH"]}
    assert editor_command({**path, "VISUAL": "env -i", "EDITOR": "cat"}) == ["env", "-i"]
    assert editor_command({**path, "VISUAL": " ", "EDITOR": "cat 'a b'"}) == ["cat", "a b"]
    own = tmp_path / "vi"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert editor_command({"PATH": str(tmp_path)}) == ["vi"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PATH": "/nowhere"}, "no editor"),
        ({"PATH": "/nowhere", "EDITOR": "joe"}, "joe is not installed"),
        ({"PATH": "/bin", "VISUAL": "vi 'x"}, "is no command"),
    ],
)
def test_an_editor_that_is_not_there_is_said_before_the_terminal_is_lent(
    environment: dict[str, str], words: str
) -> None:
    lent = Lent()
    with pytest.raises(SongdeskError, match=words) as caught:
        edit_outside("la", lent, environment)
    assert caught.value.hint
    assert lent.story == []


def test_what_the_editor_left_comes_back(script: Callable[[str], dict[str, str]]) -> None:
    lent = Lent()
    code = "path.write_text(path.read_text('utf-8').replace('雪', 'snow') + 'more\\n', 'utf-8')"
    assert edit_outside("[verse]\n雪\n", lent, script(code)) == "[verse]\nsnow\nmore\n"
    assert lent.story == ["lent", "back"]


def test_a_line_end_that_editors_put_last_is_no_change(script: Callable[[str], dict[str, str]]) -> None:
    code = "path.write_text(path.read_text() + '\\n')"
    assert edit_outside("[verse]\nla", Lent(), script(code)) == "[verse]\nla"


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    environment = {**os.environ, "VISUAL": f"true; touch {mark}"}
    with pytest.raises(SongdeskError):
        edit_outside("la", Lent(), environment)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit(3)", "ended with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("path.unlink()", "cannot be read"),
        ("path.write_bytes(b'\\xff\\xfe\\x00')", "cannot be read"),
    ],
)
def test_an_editor_that_fails_gives_the_terminal_back(
    script: Callable[[str], dict[str, str]], code: str, words: str
) -> None:
    lent = Lent()
    with pytest.raises(SongdeskError, match=words):
        edit_outside("la", lent, script(code))
    assert lent.story == ["lent", "back"]


def test_a_program_that_cannot_start_gives_the_terminal_back(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere/at/all\n")
    broken.chmod(0o755)
    lent = Lent()
    with pytest.raises(SongdeskError, match="cannot be started"):
        edit_outside("la", lent, {"PATH": os.environ["PATH"], "EDITOR": str(broken)})
    assert lent.story == ["lent", "back"]


async def test_in_the_editor_it_is_one_step_of_undo(
    script: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "path.write_text(path.read_text().replace('Rain', 'Hail').replace('Sail', 'Row'))"
    monkeypatch.setenv("VISUAL", script(code)["VISUAL"])
    app = Desk()
    app.suspend = Lent()  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((4, 3))
        await pilot.press("alt+v")
        assert app.editor.text == SONG.replace("Rain", "Hail").replace("Sail", "Row")
        assert app.editor.cursor_location == (4, 3)
        app.editor.undo()
        assert app.editor.text == SONG


async def test_where_the_terminal_cannot_be_lent_it_is_said(
    script: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setenv("VISUAL", script("path.write_text('')")["VISUAL"])
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+v")
        await until(pilot, lambda: app.said)
        assert "cannot be lent" in app.said[0]
        assert app.editor.text == SONG


def test_the_real_studio_lends_its_terminal_and_takes_it_back(
    open_studio: Callable[..., Terminal], script: Callable[[str], dict[str, str]]
) -> None:
    code = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "assert all(sys.__dict__[n].isatty() for n in ('stdin', 'stdout', 'stderr'))\n"
        "sys.stdout.write('IN MY EDITOR\\n')\n"
        "sys.stdout.flush()\n"
        "answer = sys.stdin.readline()\n"
        "path.write_text('[verse]\\nwritten ' + answer)"
    )
    terminal = open_studio(VISUAL=script(code)["VISUAL"])
    terminal.type(b"\x1bv")
    terminal.until(lambda: "IN MY EDITOR" in terminal.text())
    terminal.type(b"\x03")
    terminal.type(b"elsewhere\n")
    terminal.until(lambda: "written elsewhere" in terminal.text() and "Compose" in terminal.text())
    terminal.type(b"\x1a")
    terminal.until(lambda: "A line of song number" in terminal.text())


@pytest.mark.parametrize(
    "code",
    ["path.write_bytes(b'an hour \\xe9 of work')", "path.write_bytes(b'an hour of work'); sys.exit(3)"],
)
def test_what_was_written_is_kept_where_it_cannot_be_taken_over(
    script: Callable[[str], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SongdeskError) as caught:
        edit_outside("la", Lent(), script(code))
    (left,) = tmp_path.glob("songdesk-*/lyrics.txt")
    assert left.read_bytes().startswith(b"an hour")
    assert str(left) in caught.value.hint


def test_nothing_is_left_behind_where_nothing_was_written(
    script: Callable[[str], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    edit_outside("la", Lent(), script("path.write_text('lo')"))
    with pytest.raises(SongdeskError, match="ended with code 3"):
        edit_outside("la", Lent(), script("sys.exit(3)"))
    assert list(tmp_path.glob("songdesk-*")) == []


@pytest.mark.parametrize(("text", "folder"), [("half \ud800", ""), ("la", "nowhere")])
def test_lyrics_that_cannot_be_lent_are_told_of(
    script: Callable[[str], dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    folder: str,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / folder))
    lent = Lent()
    with pytest.raises(SongdeskError):
        edit_outside(text, lent, script("pass"))
    assert lent.story == []
