"""The area of the lyrics: the editor, what the text takes, and what is wrong with it."""

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from core.lyrics.budget import Budget, section_words
from core.lyrics.check import Diagnostic, Severity, check
from core.lyrics.parse import Lyrics, parse
from tui.screens.areas import Area
from tui.session import Session
from tui.widgets.bars import clip
from tui.widgets.budget_bar import BudgetBar
from tui.widgets.find_bar import FindBar
from tui.widgets.fuzzy_list import Row
from tui.widgets.list_panel import ProblemPanel, SectionPanel
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.problems import ProblemLine, counted

_ROW_WORDS = 40
"""Cells of a section's tag and first words in the list of sections."""
_TAKEN = "taken over"
"""What a report says of title and style, which a paste into an open song leaves alone."""


class WriteArea(Area):
    """Writes the lyrics of the open song."""

    class Described(Message):
        """A paste brought a style to a song that had none."""

    def __init__(self, session: Session, keys: Mapping[str, str]) -> None:
        super().__init__(session, keys, id="write")
        self._lyrics = Lyrics("", ())
        self._budget: Budget | None = None
        """What the lyrics took when they were checked last."""

    def compose(self) -> ComposeResult:
        """The editor over what can be opened under it and its two lines."""
        editor = LyricEditor(self.session.kind.dialect, self.session.song.lyrics)
        yield editor
        yield FindBar(editor)
        yield ProblemPanel(editor, fix=self.keys["problems.fix"], fix_all=self.keys["problems.all"])
        yield SectionPanel(editor)
        yield BudgetBar()
        yield ProblemLine(fix=self.keys["lyrics.fix"], following=self.keys["lyrics.next"])

    def on_mount(self) -> None:
        """Let the editor judge as the model would."""
        self.editor.judge = self._judge

    @property
    def editor(self) -> LyricEditor:
        """Where the text stands."""
        return self.query_one(LyricEditor)

    def fill(self) -> None:
        """Show the lyrics of the open song."""
        if self.editor.text != self.session.song.lyrics:
            self.editor.load_text(self.session.song.lyrics)

    def take_in(self) -> None:
        """Have what stands in the editor in the song, also before it was checked."""
        for editor in self.query(LyricEditor):  # none when the studio is already being taken down
            self.session.rewrite(lyrics=editor.text)

    def first_error(self) -> Diagnostic | None:
        """Check now, and say which error is the first."""
        self.editor.check_now()
        self.take_in()
        return next((d for d in self.editor.diagnostics if d.severity is Severity.ERROR), None)

    def go_to(self, diagnostic: Diagnostic) -> None:
        """Put the cursor where something is wrong."""
        start = diagnostic.span.start
        self.editor.move_cursor((start.row, start.column), center=True)

    def show_budget(self, lyrics: Lyrics | None = None) -> None:
        """Say what the lyrics take, of the model as it is set."""
        self._lyrics = parse(self.session.song.lyrics) if lyrics is None else lyrics
        self._budget = self.session.budget_of(self._lyrics)
        self.query_one(BudgetBar).show(self._budget, self.session.plan().seconds)

    def _judge(self, text: str) -> tuple[Lyrics, tuple[Diagnostic, ...]]:
        lyrics = parse(text)
        return lyrics, check(lyrics, self.session.kind.dialect, tokens=self.session.lyric_tokens(lyrics))

    @on(LyricEditor.Checked)
    def _checked(self, event: LyricEditor.Checked) -> None:
        self.session.rewrite(lyrics=event.lyrics.text)
        self.show_budget(event.lyrics)
        self.query_one(ProblemPanel).show(event.diagnostics)
        self._show_line()
        self.changed()

    @on(LyricEditor.Pointed)
    @on(LyricEditor.Entered)
    def _show_line(self) -> None:
        """Say what is wrong at the cursor, and what the section there takes."""
        editor = self.editor
        self.query_one(ProblemLine).show(
            editor.pointed, counted(editor.diagnostics), self._section_line(editor.section)
        )

    def _section_line(self, section: int | None) -> str:
        if section is None or self._budget is None or section >= len(self._budget.sections):
            return ""
        return f"[{self._budget.sections[section].tag}] {section_words(self._budget, section)}"

    @on(LyricEditor.Said)
    def _editor_said(self, event: LyricEditor.Said) -> None:
        self.say(event.text, kind=event.kind)

    @on(LyricEditor.Converted)
    def _paste_converted(self, event: LyricEditor.Converted) -> None:
        found = event.converted
        parts = [part for part in found.report if not part.endswith(_TAKEN)]
        if found.style and self.session.song.style.strip():
            parts.append(f"its style, left out: {found.style}")
        elif found.style:
            self.session.rewrite(style=found.style)
            self.post_message(self.Described())
            parts.append(f"its style taken: {found.style}")
        self.say(f"pasted as {found.source}: {'; '.join(parts)}; ctrl+z gives it back as it was")

    @on(LyricEditor.Asked)
    def _view_asked_for(self, event: LyricEditor.Asked) -> None:
        editor = self.editor
        match event.view:
            case "find":
                self.query_one(FindBar).open()
            case "problems" if editor.diagnostics:
                self.query_one(ProblemPanel).open_for(editor.diagnostics, editor.pointed)
            case "problems":
                self.say("no problems")
            case "sections":
                editor.check_now()
                self.show_budget(parse(editor.text))
                self._list_sections()

    def _list_sections(self) -> None:
        sections = self._lyrics.sections
        if not sections:
            self.say(f"there is no section yet: {self.keys['lyrics.section']} inserts one")
            return
        starts = [section.tag_span.start.row for section in sections]
        rows = [self._section_row(index) for index in range(len(sections))]
        self.query_one(SectionPanel).open_for(rows, starts, self.editor.section)

    def _section_row(self, index: int) -> Row:
        section = self._lyrics.sections[index]
        first = f" {section.lines[0].text}" if section.lines else ""
        wrong = sum(found.section == index for found in self.editor.diagnostics)
        takes = section_words(self._budget, index) if self._budget else ""
        problems = f", {wrong} problem{'' if wrong == 1 else 's'}" if wrong else ""
        row = section.tag_span.start.row + 1
        return str(index), clip(f"[{section.tag}]{first}", _ROW_WORDS), f"row {row}: {takes}{problems}"
