"""Searching the rows of a text, and replacing what is found."""

import re
from collections.abc import Sequence

Hit = tuple[int, int, int]
"""Row, first column, and the column behind the last."""


def pattern_of(words: str, *, exact: bool = False) -> re.Pattern[str] | None:
    """What finds these very words, in any case unless `exact`; None for no words."""
    return re.compile(re.escape(words), 0 if exact else re.IGNORECASE) if words else None


def hits(lines: Sequence[str], pattern: re.Pattern[str] | None) -> list[Hit]:
    """Every place that matches, in the order of the text."""
    if pattern is None:
        return []
    return [(row, *found.span()) for row, line in enumerate(lines) for found in pattern.finditer(line)]


def replace_all(lines: Sequence[str], pattern: re.Pattern[str], words: str) -> tuple[str, int]:
    """The text with other words in place of every match, and how many there were."""
    count = 0
    changed = []
    for line in lines:
        new, here = pattern.subn(lambda _: words, line)
        changed.append(new)
        count += here
    return "\n".join(changed), count
