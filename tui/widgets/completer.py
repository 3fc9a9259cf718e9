"""What the lyric editor offers while one types, and what becomes of it when it is taken."""

from collections.abc import Sequence

from textual.document._document import Location

from core.lyrics.parse import Lyrics, parse
from core.lyrics.sections import Known, begun, known_lines, lines_to_repeat
from core.lyrics.tags import Tag
from tui.widgets.completion import CompletionPopup, Words
from tui.widgets.lyric_sections import SectionText

_MOST_LINES = 4


class Completer:
    """Follows the typing in one editor with the list beside its cursor."""

    def __init__(self, editor: SectionText) -> None:
        self._editor = editor
        self.popup = CompletionPopup(editor.dialect, self.accept)
        self._known: tuple[Known, ...] = ()
        self._tag_from: Location | None = None
        """Behind the `[` of the tag that is typed."""
        self._scaffold: Sequence[object] | None = None
        """The step of undo before an inserted section, which goes again if no tag is chosen."""
        self._words_at: Location | None = None
        """The place the offered words are for."""
        self._refused_row = -1
        """The row on which lines were offered and not wanted."""
        self.is_typing = False
        """Whether an edit is under way: the cursor moves, and what fits is seen when it is done."""

    def learn(self, lyrics: Lyrics) -> None:
        """Take in what stands in the song now."""
        self._known = known_lines(lyrics)

    def begin_tag(self) -> None:
        """Offer the tags: a `[` was just typed."""
        self._tag_from = self._editor.cursor_location

    def begin_section(self, before: Sequence[object]) -> None:
        """Offer the tags for a section just inserted; undone if none is chosen.

        `before` is the last step of undo from before it, if there was one.
        """
        self.follow()
        self._scaffold = before

    def typed(self) -> None:
        """A character was typed at the cursor: offer what it begins."""
        if self._tag_from is None:
            self._offer_lines()
        else:
            self.follow()

    def follow(self) -> None:
        """Narrow the tags after an edit or a move; close what no longer fits the place."""
        if self._tag_from is None:
            self._follow_words()
            return
        (row, column), (start_row, start) = self._editor.cursor_location, self._tag_from
        line = self._editor.document[row] if row == start_row else ""
        typed = line[start:column]
        is_tag = line[start - 1 : start] == "[" and column >= start and "]" not in typed
        if not is_tag or not self._editor.selection.is_empty:
            self.stop()
        elif self.popup.offer(typed, self._editor.cursor_screen_offset):
            self._editor.call_after_refresh(self.place)

    def place(self) -> None:
        """Keep the list at the cursor."""
        self.popup.move(self._editor.cursor_screen_offset)

    def stop(self) -> None:
        """Offer nothing more."""
        self._tag_from = self._scaffold = self._words_at = None
        self.popup.close()

    def close(self) -> None:
        """Close the list unchosen; an inserted section goes with it."""
        before = self._scaffold
        if self._words_at is not None:
            self._refused_row = self._words_at[0]
        self.stop()
        if before is not None:
            self._take_back(before)

    def _take_back(self, before: Sequence[object]) -> None:
        """Undo up to the step that was the last one before."""
        steps = self._editor.history.undo_stack
        while steps and (not before or steps[-1] is not before[0]):
            self._editor.undo()
            steps = self._editor.history.undo_stack

    def accept(self) -> None:
        """Write what is highlighted."""
        tag, words = self.popup.chosen, self.popup.words
        if tag is not None and self._tag_from is not None:
            self._accept_tag(tag, self._tag_from)
        elif words is not None:
            self._accept_words(words)

    def _follow_words(self) -> None:
        place = self._editor.cursor_location
        if place[0] != self._refused_row:
            self._refused_row = -1
        if self._words_at not in (None, place) and not self.is_typing:
            self.stop()

    def _accept_tag(self, tag: Tag, place: Location) -> None:
        """Put the tag in place of what was typed, and the cursor where its words go."""
        editor, before = self._editor, self._scaffold
        self.stop()
        row, column = place
        rest = editor.document[row][editor.cursor_location[1] :]
        end = (row, editor.cursor_location[1] + (len(rest) - len(rest.removeprefix("]").lstrip())))
        below = editor.document[row + 1].strip() if row + 1 < editor.document.line_count else ""
        words_follow = bool(below) and not below.startswith("[") and not rest.removeprefix("]").strip()
        written = f"[{tag.name}]" + ("" if words_follow else "\n")
        editor.replace(written, (row, column - 1), end, maintain_selection_offset=False)
        if words_follow:
            editor.move_cursor((row + 1, 0))
        if before is not None:
            text, cursor = editor.text, editor.cursor_location
            self._take_back(before)
            editor.rewrite(text, cursor)
        if not words_follow and tag.sung and not rest.removeprefix("]").strip():
            self._offer_repeat(tag.name, row)

    def _accept_words(self, words: Words) -> None:
        """Put the words in place of their beginning; then offer what followed them."""
        editor = self._editor
        row, column = editor.cursor_location
        line = editor.document[row][:column]
        start = column if words.note else len(line) - len(line.lstrip())
        self.stop()
        editor.history.checkpoint()
        editor.replace(words.text, (row, start), (row, column), maintain_selection_offset=False)
        editor.history.checkpoint()
        if words.rest:
            self._offer([Words("\n" + "\n".join(words.rest), note=_count("then", words.rest))])

    def _offer_lines(self) -> None:
        row, column = self._editor.cursor_location
        line = self._editor.document[row]
        typed = line[:column].lstrip()
        is_wanted = row != self._refused_row and not line[column:].strip() and self._editor.selection.is_empty
        found = begun(self._known, typed, row)[:_MOST_LINES] if is_wanted else ()
        if found:
            self._offer([Words(known.text, known.rest) for known in found], typed=len(typed))
        elif self._words_at is not None:
            self.stop()

    def _offer_repeat(self, tag: str, row: int) -> None:
        lines = lines_to_repeat(parse(self._editor.text), tag, row)
        if lines:
            self._offer([Words("\n".join(lines), note=_count("Tab repeats", lines))])

    def _offer(self, words: Sequence[Words], *, typed: int = 0) -> None:
        self._words_at = self._editor.cursor_location
        self.popup.offer_words(words, self._editor.cursor_screen_offset, typed=typed)
        self._editor.call_after_refresh(self.place)


def _count(word: str, lines: Sequence[str]) -> str:
    return f"{word} {len(lines)} line{'' if len(lines) == 1 else 's'}"
