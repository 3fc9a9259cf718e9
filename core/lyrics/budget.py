"""What lyrics will take: text tokens against the model's limit, and seconds as an honest range."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from core.lyrics.parse import Lyrics, Section
from core.lyrics.tags import Dialect
from core.lyrics.wire import SEPARATOR, section_wire, wire_parts

_FAST = 4.0
_SLOW = 1.8
"""Syllables per second of quick and of slow singing: assumed, not measured, so the range is wide."""
_BREATH = (0.2, 1.2)
"""Seconds of rest a line brings along."""
# The e that ends a word is silent more often than not.
_SYLLABLE = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|(?!e\\b)[aeiouyà-æè-ïò-öù-üα-ωаеёиоуыэюя]+|\\d"
)


@dataclass(frozen=True, slots=True)
class SectionBudget:
    """What one section takes."""

    tag: str
    tokens: int | None
    """Its own part of the engine string; None where nobody could count."""
    seconds: tuple[float, float]
    """Shortest and longest to expect."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the whole song takes, and what there is."""

    tokens: int | None
    token_limit: int
    seconds: tuple[float, float]
    seconds_limit: float
    sections: tuple[SectionBudget, ...]

    @property
    def over_tokens(self) -> bool:
        """Whether the engine would have to cut the text."""
        return self.tokens is not None and self.tokens > self.token_limit

    @property
    def over_seconds(self) -> bool:
        """Whether even a quick singer would not finish in time."""
        return self.seconds[0] > self.seconds_limit


def budget(
    lyrics: Lyrics,
    dialect: Dialect,
    *,
    token_limit: int,
    seconds_limit: float,
    count: Callable[[str], int] | None,
) -> Budget:
    """Estimate a song; `count` gives the tokens of an engine string, without it tokens stay unknown.

    What `count` must hold to is said at `tokens_of`; one that remembers makes an edit cost one section.
    """
    sections = tuple(_section(section, dialect, count) for section in lyrics.sections)
    low, high = _sung_seconds(tuple(line.text for line in lyrics.preamble))
    return Budget(
        tokens=tokens_of(lyrics, dialect, count) if count else None,
        token_limit=token_limit,
        seconds=(low + sum(s.seconds[0] for s in sections), high + sum(s.seconds[1] for s in sections)),
        seconds_limit=seconds_limit,
        sections=sections,
    )


def tokens_of(lyrics: Lyrics, dialect: Dialect, count: Callable[[str], int]) -> int:
    """The tokens of the whole engine string, counted in parts that an edit elsewhere leaves as they are.

    `count` must begin a new token at every known tag and at the blank before a separator, as tokenizers of
    this kind do: then the parts add up to exactly `count(to_wire(lyrics, dialect))`.
    """
    parts = wire_parts(lyrics, dialect)
    always = count("")
    between = max(0, len(parts) - 1) * (count(SEPARATOR) - always)
    return always + between + sum(count(part) - always for part in parts)


def section_words(budget: Budget, index: int) -> str:
    """What a section takes, in words such as `24 tokens, 12–20 s`."""
    section = budget.sections[index]
    low, high = (round(seconds) for seconds in section.seconds)
    span = f"{low}–{high} s" if low != high else f"{low} s"
    if section.tokens is None:
        return span
    return f"{section.tokens} token{'' if section.tokens == 1 else 's'}, {span}"


def section_at(budget: Budget, fraction: float) -> int | None:
    """The section to expect at a fraction (0 to 1) of the song, by the middle of each range."""
    ends = list(accumulate(sum(section.seconds) for section in budget.sections))
    if not ends or ends[-1] <= 0 or not 0 <= fraction <= 1:
        return None
    return next((index for index, end in enumerate(ends) if fraction * ends[-1] < end), len(ends) - 1)


def syllables(text: str) -> int:
    """Roughly how many: one per CJK character, kana, hangul block or digit, else one per run of vowels."""
    return sum(max(1, len(_SYLLABLE.findall(word))) for word in text.lower().split())


def _section(section: Section, dialect: Dialect, count: Callable[[str], int] | None) -> SectionBudget:
    tag = dialect.tag(section.tag)
    sung = tag.sung if tag else True
    seconds = tag.seconds if tag and not sung else _sung_seconds(tuple(line.text for line in section.lines))
    return SectionBudget(section.tag, count(section_wire(section, dialect)) if count else None, seconds)


@lru_cache(maxsize=1024)
def _sung_seconds(lines: tuple[str, ...]) -> tuple[float, float]:
    total = sum(_line_syllables(line) for line in lines)
    return total / _FAST + _BREATH[0] * len(lines), total / _SLOW + _BREATH[1] * len(lines)


_line_syllables = lru_cache(maxsize=4096)(syllables)
