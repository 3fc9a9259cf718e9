"""What other tools and people call the sections of a song, and the tag that is meant."""

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum
from functools import lru_cache

from core.lyrics.tags import Dialect

_WORD = re.compile(r"[^\W\d_]+|\d+")
_REST = re.compile(r"[:：(（|/,，]|\s[-–—~]|[–—]")
"""Where a label's name ends and talk about it begins."""
_COMMA = re.compile("[,，、]")
_COLON = re.compile("[:：]")
_SIZES = {
    "short": "short", "brief": "short", "medium": "medium", "long": "long", "extended": "long",
}  # fmt: skip
_BESIDE = frozenset({
    "i", "ii", "iii", "iv", "v", "vi", "a", "b", "c", "d", "one", "two", "three", "four", "five", "st", "nd",
    "rd", "th", "first", "second", "third", "fourth", "last", "final", "repeat", "repeated", "double", "half",
    "big", "main", "part", "no", "nr", "x", "times", "重复", "重複", "反复",
})  # fmt: skip
"""Words, besides numbers, that stand beside a name and change nothing."""
_NUMERALS = "一二三四五六七八九十"
_SINGABLE = frozenset({
    "break", "brucke", "build", "coda", "coro", "drop", "end", "ending", "fade out", "hook", "inst",
    "instrumental", "lift", "opening", "pause", "pont", "ponte", "puente", "rap", "reprise", "riff",
    "silence", "solo", "spoken", "transition", "turnaround", "vers", "verso", "引子", "尾声", "尾聲",
    "过门", "ソロ",
})  # fmt: skip
"""Names that alone on a line may be words to sing."""
_MARKED = "#*_~=<({（【［〔「"
_DASHES = "-–—·•|"
_AROUND = f"{_MARKED}{_DASHES})>}}）】］〕」 \t"
_LONGEST = 120
"""Characters above which a text names no section."""
_DIRECTION = re.compile(
    r"(?:repeat |x ?|× ?)?\d+(?: ?x| ?×| times)?|repeat(?: .*)?|bis|encore|spoken|whisper(?:s|ed|ing)?|softly"
    r"|loudly|fad(?:e|es|ing)(?: ?out| ?in)?|music(?: (?:plays|playing|continues))?|applause|cheer(?:s|ing)?"
    r"|clap(?:s|ping)?|laugh(?:s|ing|ter)?|ad-? ?libs?|you (?:might|may) also like|\d* ?embed"
    r"|(?:chords?|mix|inst|instruments?|vocals?|vocal-perf|melody[\w-]*|transition|energy|production|key|tempo"
    r"|bpm|fx|sfx|sound[\w-]*|hook-dna|note): .*",
    re.IGNORECASE,
)
_BARE_DIRECTION = re.compile(
    r"[x×] ?\d{1,2}|\d{1,2} ?[x×]|\d{1,2}[.)]|you might also like|\d*embed", re.IGNORECASE
)


class Weight(IntEnum):
    """How sure it is that a row names a section."""

    MAYBE = 0
    """Over a stanza, in the company of others that do."""
    LOWER = 1
    """Over a stanza."""
    BARE = 2
    """Where no brackets do."""
    SURE = 3
    """Nothing else can be meant."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A row that names a section without the engine's brackets."""

    label: str
    """As written."""
    tag: str
    words: str = ""
    """Lyrics that follow on the row."""
    weight: Weight = Weight.SURE


@lru_cache(maxsize=4096)
def tag_of(label: str, dialect: Dialect, *, loosely: bool) -> str | None:
    """The tag a label stands for, as in `Verse 2: soft`.

    Loosely, the name may stand among other words or be misspelt.
    """
    if len(label) > _LONGEST:
        return None
    words = words_of(_REST.split(label, maxsplit=1)[0]) or words_of(label)
    size = next((_SIZES[word] for word in words_of(label) if word in _SIZES), "")
    words = tuple(word for word in words if word not in _SIZES)
    found = _named(words, dialect) or (_among(words, dialect) if loosely else None)
    return resized(found, size, dialect) if found and size else found


def heading(row: str, dialect: Dialect) -> Heading | None:
    """The section that a row without brackets names: `Verse 1:`, `## Outro`, `(Bridge)`, `副歌`; or None."""
    if len(row) > _LONGEST:
        return None
    text = row.strip(_AROUND)
    is_marked = row[:1] in _MARKED or (row[:1] in _DASHES and row[-1:] in _DASHES)
    label, *after = _COLON.split(text, maxsplit=1)
    named = words_of(_REST.split(label, maxsplit=1)[0])
    tag = tag_of(label, dialect, loosely=False)
    if not tag or len(named) > 4 or _COMMA.search(label):
        return None
    talk = after[0].strip(f"{_AROUND}:：") if after else ""
    is_name = " ".join(named) not in _SINGABLE
    if talk and is_marked:
        return Heading(row, tag) if is_name else None
    if talk:
        return Heading(f"{label.strip()}:", tag, talk, Weight.SURE if is_name else Weight.MAYBE)
    if is_marked or after or any(word.isdigit() for word in named):
        return Heading(row, tag)
    is_lower = text[:1].islower()
    return Heading(row, tag, weight=(Weight.LOWER if is_lower else Weight.BARE) if is_name else Weight.MAYBE)


def is_direction(row: str) -> bool:
    """Whether a row without a name says how to sing instead of what: `(x2)`, `*softly*`."""
    if row[:1] in _MARKED:
        return bool(_DIRECTION.fullmatch(row.strip(_AROUND)))
    return bool(_BARE_DIRECTION.fullmatch(row))


def resized(tag: str, size: str, dialect: Dialect) -> str:
    """The tag of that kind and another length, `short`, `medium` or `long`; itself where there is none."""
    other = f"{tag.rpartition('-')[0]}-{size}"
    return other if dialect.tag(other) else tag


def sized(tag: str, seconds: float, dialect: Dialect) -> str:
    """The tag of that kind that usually lasts that long."""
    lengths = [dialect.tag(resized(tag, size, dialect)) for size in ("short", "medium", "long")]
    known = [found for found in lengths if found]
    fitting = (found.name for found in known if seconds <= found.seconds[1])
    return next(fitting, known[-1].name if known else tag)


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text without case, accents and marks; a number is a word of its own."""
    plain = unicodedata.normalize("NFKD", text)
    return tuple(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).casefold()))


@lru_cache(maxsize=16)
def _names(dialect: Dialect) -> dict[str, str]:
    return {" ".join(words_of(name)): tag for name, tag in dialect.names().items()}


def _named(words: tuple[str, ...], dialect: Dialect) -> str | None:
    """The tag of a name with nothing but numbers and the like around it."""
    names = _names(dialect)
    last = len(words)
    while last and (words[last - 1].isdigit() or words[last - 1] in _BESIDE):
        last -= 1
    first = 0
    while first < last and (words[first].isdigit() or words[first] in _BESIDE):
        first += 1
    for form in (words, words[:last], words[first:last]):
        name = " ".join(form)
        found = names.get(name) or (names.get(name[:-1]) if name[-1:] in tuple(_NUMERALS) else None)
        if found:
            return found
    return names.get("solo") if last and words[last - 1] == "solo" and last - first <= 3 else None


def _among(words: tuple[str, ...], dialect: Dialect) -> str | None:
    """The tag of a name among a few other words, the last before the first, or of a misspelt one."""
    if not words or len(words) > 6:
        return None
    parts = [part for part in (words[-2:], words[-1:], words[:2], words[:1]) if _tells(part, words)]
    found = next((tag for part in parts if (tag := _named(part, dialect))), None)
    if "instrumental" in words and (found is None or is_sung(found, dialect)):
        return _names(dialect).get("instrumental", found)
    if found or len(words) > 2:
        return found
    name = " ".join(word for word in words if not word.isdigit())
    alike = [known for known in _names(dialect) if known[0] == name[:1]]
    close = get_close_matches(name, alike, n=1, cutoff=0.8) if len(name) > 3 else []
    return _names(dialect)[close[0]] if close else None


def _tells(part: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether a part may name the whole: `break` does not name `break my heart again`."""
    return len(words) <= 3 or not _SINGABLE.intersection(part)


def verse_of(dialect: Dialect) -> str:
    """The tag of a section of which nothing more is known."""
    return tag_of("verse", dialect, loosely=False) or next(tag.name for tag in dialect.tags if tag.sung)


def is_sung(tag: str, dialect: Dialect) -> bool:
    """Whether a section of that tag takes lyrics."""
    found = dialect.tag(tag)
    return found is None or found.sung
