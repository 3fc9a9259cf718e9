"""Whole sections by key: go to, move, double, delete, select, repeat, fold; and any new text as one step."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.document._document import Location, Selection
from textual.message import Message

from core.lyrics.parse import Lyrics, parse, rows
from core.lyrics.sections import (
    Block,
    Change,
    block_at,
    blocks,
    delete,
    duplicate,
    lines_to_repeat,
    move,
)
from tui.widgets.lyric_text import LyricText


class SectionText(LyricText):
    """A text of sections; each key is one step of undo."""

    @dataclass
    class Said(Message):
        """The editor has a line to say."""

        text: str
        kind: str = "note"

    def say(self, text: str, *, kind: str = "note") -> None:
        """Have one line said; `kind` is note, warning or error."""
        self.post_message(self.Said(text, kind))

    def rewrite(self, text: str, cursor: Location | None = None) -> None:
        """Make the text this one in one step of undo, touching only the rows that differ."""
        found = differing(self.document.lines, rows(text))
        if found is not None:
            first, end, lines = found
            self.history.checkpoint()
            self.replace("\n".join(lines), (first, 0), (end - 1, len(self.document[end - 1])))
            self.history.checkpoint()
        if cursor is not None:
            self.move_cursor(cursor)

    # Going about

    def action_section(self, by: int) -> None:
        """Go to the next tag, or with -1 to the one before."""
        here = self.cursor_location[0]
        starts = [block.first for block in blocks(self._lyrics)]
        ahead = [row for row in starts if (row > here if by > 0 else row < here)]
        if ahead:
            self.go_to(ahead[0 if by > 0 else -1])
        else:
            self.app.bell()

    def go_to(self, row: int, column: int = 0) -> None:
        """Put the cursor on a row, with some of what follows in sight."""
        is_far = not 0 <= self._screen_line(row) - self.scroll_offset.y < self.size.height
        self.move_cursor((row, column), center=is_far)

    def _screen_line(self, row: int) -> int:
        return self.wrapped_document.location_to_offset((row, 0)).y

    def action_select_section(self) -> None:
        """Select the section with its tag, and the blank rows behind it."""
        at = self._here()
        if at is not None:
            block, is_last = at[1][at[2]], at[2] == len(at[1]) - 1
            end = self.document.end if is_last else (block.end, 0)
            self.selection = Selection((block.first, 0), end)
            self.record_cursor_width()

    # Changing

    def action_move_section(self, by: int) -> None:
        """Move the section that many places down, or up."""
        at = self._here()
        change = move(at[0], at[2], by) if at else None
        if at is None or change is None:
            self.app.bell()
            return
        order = list(range(len(at[1])))
        order.insert(at[2] + by, order.pop(at[2]))
        self._change(change, at[1], order)

    def action_duplicate_section(self) -> None:
        """Write the section once more under itself."""
        at = self._here()
        if at is not None:
            order = sorted([*range(len(at[1])), at[2]])
            self._change(duplicate(at[0], at[2]), at[1], order)

    def action_delete_section(self) -> None:
        """Delete the section."""
        at = self._here()
        if at is not None:
            order = [index for index in range(len(at[1])) if index != at[2]]
            self._change(delete(at[0], at[2]), at[1], order)
            self.say(f"[{at[1][at[2]].tag}] was deleted; undo brings it back")

    def action_repeat_section(self) -> None:
        """Write under an empty tag what the last section of that tag sings."""
        at = self._here()
        if at is None:
            return
        block = at[1][at[2]]
        lines = lines_to_repeat(at[0], block.tag, block.first)
        if block.words_end > block.first + 1:
            self.say(f"this [{block.tag}] has lyrics already", kind="warning")
        elif not lines:
            self.say(f"no other [{block.tag}] has lyrics", kind="warning")
        else:
            end = (block.first, len(self.document[block.first]))
            self.history.checkpoint()
            self.replace("\n" + "\n".join(lines), end, end)
            self.move_cursor((block.first + len(lines), len(lines[-1])))

    def _here(self) -> tuple[Lyrics, tuple[Block, ...], int] | None:
        """The text, its sections, and which the cursor is in; a bell where it is in none."""
        lyrics = self._lyrics
        found = blocks(lyrics)
        index = block_at(found, self.cursor_location[0])
        if index is None:
            self.app.bell()
            return None
        return lyrics, found, index

    @property
    def _lyrics(self) -> Lyrics:
        return parse(self.text)

    def _change(self, change: Change, before: Sequence[Block], order: Sequence[int]) -> None:
        """Take a changed text; `order` tells which of the sections before each section now is."""
        row, column = self.cursor_location
        index = block_at(before, row)
        into = row - before[index].first if index is not None and index in order else 0
        folded = [block.first in self.folds for block in before]
        self.rewrite(change.text)
        self.move_cursor((min(change.row + into, self.document.line_count - 1), column))
        now = blocks(self._lyrics)
        self.fold([_span(now, new) for new, old in enumerate(order) if folded[old]])

    # Folding

    def action_fold(self) -> None:
        """Hide the lines of the section, or show them again."""
        at = self._here()
        if at is None:
            return
        first = at[1][at[2]].first
        if first in self.folds:
            self.unfold([first])
        else:
            self.fold([_span(at[1], at[2])])

    def action_fold_all(self) -> None:
        """Show nothing but the tags, or everything again."""
        found = blocks(self._lyrics)
        spans = [_span(found, index) for index in range(len(found))]
        if all(first in self.folds for first, last in spans if last > first):
            self.unfold(list(self.folds))
        else:
            self.fold(spans)


def differing(old: Sequence[str], new: Sequence[str]) -> tuple[int, int, Sequence[str]] | None:
    """Which rows of the old text (first, and the one behind the last) become which; None where none do.

    Neither is ever no row at all, so that one replacement from the start of a row to the end of one does it.
    """
    if list(old) == list(new):
        return None
    shorter = min(len(old), len(new)) - 1
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, len(old) - tail, new[head : len(new) - tail]


def _span(found: Sequence[Block], index: int) -> tuple[int, int]:
    """The rows a folded section takes; blank ones at the end of the text stay in sight."""
    block = found[index]
    return block.first, (block.words_end if index == len(found) - 1 else block.end) - 1
