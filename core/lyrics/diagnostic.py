"""A finding in lyrics: how bad, where, and the edit that mends it."""

from dataclasses import dataclass
from enum import Enum

from core.lyrics.parse import Span, rows


class Severity(Enum):
    """How much it matters."""

    ERROR = "error"
    """The song cannot be made like this."""
    WARNING = "warning"
    """It can, but not as written."""
    HINT = "hint"
    """It can; there is a better way."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that mend one diagnostic; they do not overlap."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding, as plain text: brackets in it are brackets and never markup."""

    severity: Severity
    rule: str
    message: str
    """What is wrong."""
    hint: str
    """How to mend it."""
    span: Span
    section: int | None
    """Index of the section it stands in; None before the first tag."""
    fix: Fix | None = None

    def __str__(self) -> str:
        return f"{self.message} → {self.hint}"


def apply_fix(text: str, fix: Fix) -> str:
    """The text with a fix's edits made."""
    starts = [0]
    for row in rows(text, keep_ends=True):
        starts.append(starts[-1] + len(row))
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
        first, last = (starts[place.row] + place.column for place in (edit.span.start, edit.span.end))
        text = text[:first] + edit.text + text[last:]
    return text
