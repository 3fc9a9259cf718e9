"""A lyric editor alone on a desk, with a field to leave it for, and what it told."""

from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import Input

from core.lyrics.tags import dialect
from tui.widgets.lyric_editor import LyricEditor

LEVO = dialect("levo")
SONG = """[intro-short]

[verse]
Rain on the window
I am here

[chorus]
Hold the line
Sail on

[verse]
Snow on the window
"""


class Desk(App[None]):
    CSS_PATH = "../../tui/styles/write.tcss"

    def __init__(self, text: str = SONG, **options: Any) -> None:
        super().__init__(**options)
        self.editor = LyricEditor(LEVO, text, id="lyrics")
        self.said: list[str] = []
        self.asked: list[str] = []
        self.converted: list[Any] = []
        self.entered: list[int | None] = []
        self.checks = 0

    def compose(self) -> ComposeResult:
        yield self.editor
        yield Input(id="elsewhere")

    def on_mount(self) -> None:
        self.editor.focus()

    def on_lyric_editor_checked(self, message: LyricEditor.Checked) -> None:
        self.checks += 1

    def on_section_text_said(self, message: LyricEditor.Said) -> None:
        self.said.append(message.text)

    def on_lyric_editor_asked(self, message: LyricEditor.Asked) -> None:
        self.asked.append(message.view)

    def on_lyric_editor_converted(self, message: LyricEditor.Converted) -> None:
        self.converted.append(message.converted)

    def on_lyric_editor_entered(self, message: LyricEditor.Entered) -> None:
        self.entered.append(message.section)


def shown(editor: LyricEditor) -> list[str]:
    """The text as it is on the screen, without the gutter and the empty rows at the end."""
    rows = [editor.render_line(y).text[editor.gutter_width :].rstrip() for y in range(editor.size.height)]
    while rows and not rows[-1]:
        rows.pop()
    return rows
