"""The engine's own notation, one string for the whole song, and the way back to editor form."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from core.lyrics.language import block_language
from core.lyrics.parse import TAG, Lyrics, Section, rows
from core.lyrics.tags import Dialect

CONTROL = re.compile(r"<\|\w+\|>")
"""What tokenizers of this kind read as a command."""
UNPRINTED = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f]")
"""Characters that no terminal prints and no singer sings; those that end a line are not among them."""
_END = re.compile(r"[。！？｡．][。！？｡．.!?”’」』）\"')]*|(?P<mark>[.?!]+)(?P<close>[\"')]*)")
_ENDS = re.compile(r"[.?!][\"')]*$")
_ROUND = str.maketrans("[];", "(),")
SEPARATOR = " ; "
"""What stands between two sections."""


def to_wire(lyrics: Lyrics, dialect: Dialect) -> str:
    """Exactly what the engine reads: sections by semicolons, sentences by full stops, ASCII punctuation.

    An English section ends with a full stop and a Chinese one does not. Brackets and semicolons of the lyrics
    themselves turn into parentheses and commas and control tokens go, so that only tags are structure.
    A section whose tag is not sung is its tag alone.
    """
    return SEPARATOR.join(wire_parts(lyrics, dialect))


def wire_parts(lyrics: Lyrics, dialect: Dialect) -> list[str]:
    """What the engine reads, cut where a tag that it knows begins; the parts are joined by SEPARATOR.

    A model reads such a tag as one token, so tokens can be counted part by part.
    """
    before = _block(tuple(line.text for line in lyrics.preamble), dialect)
    parts = [before] if before else []
    joins_on = bool(before)
    for section in lyrics.sections:
        known = dialect.tag(section.tag) is not None
        if joins_on and not known:
            parts[-1] = f"{parts[-1]}{SEPARATOR}{section_wire(section, dialect)}"
        else:
            parts.append(section_wire(section, dialect))
        joins_on = True
    return parts


def section_wire(section: Section, dialect: Dialect) -> str:
    """One section as the engine reads it, its tag first."""
    return _section(section.tag, tuple(line.text for line in section.lines), dialect)


def from_wire(text: str) -> str:
    """An engine string in editor form; also accepts what lacks semicolons, spaces or final stops."""
    lines: list[str] = []
    for part in text.split(";"):
        for row in rows(part):
            rest = row
            while (found := TAG.match(rest)) and found[2].strip():
                lines += ["", found[1]] if lines else [found[1]]
                rest = rest[found.end() :]
            lines += sentences(rest)
    return "\n".join(lines)


def sentences(text: str) -> list[str]:
    """Split at the marks that end a sentence; a full stop goes, other marks stay with their sentence."""
    pieces: list[str] = []
    start = 0
    for end in (*_boundaries(text), len(text)):
        piece = _tail(text[start:end].strip())
        start = end
        if sung(piece):
            pieces.append(piece)
    return pieces


def sung(text: str) -> bool:
    """Whether there is anything to sing in it."""
    return any(char.isalnum() for char in text)


def clean(text: str, dialect: Dialect) -> str:
    """A lyric line with nothing in it that the engine could take for structure."""
    bare = UNPRINTED.sub("", dialect.ascii(text).translate(_ROUND))
    while (less := CONTROL.sub("", bare)) != bare:
        bare = less
    return " ".join(bare.split())


@lru_cache(maxsize=1024)
def _section(name: str, lines: tuple[str, ...], dialect: Dialect) -> str:
    tag = dialect.tag(name)
    block = _block(lines, dialect) if tag is None or tag.sung else ""
    return f"[{name}] {block}".rstrip()


@lru_cache(maxsize=4096)
def _pieces(line: str, dialect: Dialect) -> tuple[str, ...]:
    return tuple(sentences(clean(line, dialect)))


@lru_cache(maxsize=64)
def _block(lines: tuple[str, ...], dialect: Dialect) -> str:
    """The sentences of one section, joined until another pass would change nothing."""
    pieces = [piece for line in lines for piece in _pieces(line, dialect)]
    chinese = block_language("".join(pieces)) == "zh"
    text = _join(pieces, chinese=chinese)
    while (again := _join(sentences(text), chinese=chinese)) != text:
        text = again
    return text


def _join(pieces: Sequence[str], *, chinese: bool) -> str:
    ended = [piece if _ENDS.search(piece) else f"{piece}." for piece in pieces]
    if chinese and ended:
        return "".join([*ended[:-1], pieces[-1]])
    return " ".join(ended)


def _boundaries(text: str) -> Iterator[int]:
    for found in _END.finditer(text):
        after = text[found.end() : found.end() + 1]
        free = found["mark"] is None or not after or after.isspace()
        if free or (after.isalnum() and not found["close"] and not _inside_word(text, found)):
            yield found.end()


def _inside_word(text: str, mark: re.Match[str]) -> bool:
    """Whether a full stop belongs to a number or an abbreviation: `3.5`, `U.S.A`."""
    before, after = text[: mark.start()][-2:], text[mark.end()]
    if mark[0] != "." or not before:
        return False
    number = before[-1].isdigit() and after.isdigit()
    alone = len(before) == 1 or not before[0].isalnum()
    return number or (
        alone and before[-1].isascii() and before[-1].isalpha() and after.isascii() and after.isalpha()
    )


def _tail(piece: str) -> str:
    """A sentence with its last mark in normal form: nothing for full stops, the others without them."""
    body = piece.rstrip(".?!")
    mark = piece[len(body) :].replace(".", "")
    return f"{body.rstrip() if not mark else body}{mark}"
