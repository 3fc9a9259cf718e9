"""The area of the lyrics: the editor, what the text takes, and what is wrong with it."""

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult

from core.lyrics.check import Diagnostic, Severity, check
from core.lyrics.parse import Lyrics, parse
from core.review import lyric_tokens
from tui.screens.areas import Area
from tui.session import Session
from tui.widgets.budget_bar import BudgetBar
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.problems import ProblemLine, counted


class WriteArea(Area):
    """Writes the lyrics of the open song."""

    def __init__(self, session: Session, keys: Mapping[str, str]) -> None:
        super().__init__(session, keys, id="write")

    def compose(self) -> ComposeResult:
        """The editor over its two lines."""
        yield LyricEditor(self.session.kind.dialect, self.session.song.lyrics)
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
        self.session.rewrite(lyrics=self.editor.text)

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
        read = parse(self.session.song.lyrics) if lyrics is None else lyrics
        self.query_one(BudgetBar).show(self.session.budget_of(read), self.session.plan().seconds)

    def _judge(self, text: str) -> tuple[Lyrics, tuple[Diagnostic, ...]]:
        lyrics = parse(text)
        kind, chosen = self.session.kind, self.session.chosen
        return lyrics, check(lyrics, kind.dialect, tokens=lyric_tokens(lyrics, kind, chosen))

    @on(LyricEditor.Checked)
    def _checked(self, event: LyricEditor.Checked) -> None:
        self.session.rewrite(lyrics=event.lyrics.text)
        self.show_budget(event.lyrics)
        self.query_one(ProblemLine).show(None, counted(event.diagnostics))
        self.changed()

    @on(LyricEditor.Pointed)
    def _pointed(self, event: LyricEditor.Pointed) -> None:
        self.query_one(ProblemLine).show(event.diagnostic, counted(event.editor.diagnostics))
