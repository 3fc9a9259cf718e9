"""Reading pasted lyrics of any form into parts: labels, lines, and what is neither."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core.lyrics.labels import Heading, Weight, heading, is_direction, tag_of, verse_of, words_of
from core.lyrics.line_rules import ascii_edit
from core.lyrics.parse import Line, rows
from core.lyrics.tags import Dialect
from core.lyrics.wire import sentences, sung

LABEL = re.compile(r"\[([^\[\]]*)\]")
_STAMP = re.compile(r"[\[<]\d{1,3}:\d{2}(?:[.:]\d{1,3})?[\]>]")
_DETAIL = re.compile(r"\[(ti|ar|al|au|by|re|ve|offset|length|tool):([^\[\]]*)\]", re.IGNORECASE)
"""What files of timed lyrics say of themselves."""
FOREIGN_LABEL = re.compile(r"[【［]([^【［】］\[\]]*)[】］]")
_META = re.compile(r"(?:\[(?P<tag>[\w ]{2,20})\]|[\[*]*(?P<key>[\w ]{2,20})\**\s*[:：])\**\s*(?P<value>.*)")
_TITLE = re.compile(r"#{1,3}\s+(\S.*)")
_ROLES = {
    "title": "title", "song": "title", "song title": "title", "titel": "title", "titulo": "title",
    "titre": "title", "标题": "title", "歌名": "title", "style": "style", "styles": "style", "genre": "style",
    "genres": "style", "tags": "style", "style of music": "style", "风格": "style", "artist": "other",
    "by": "other", "written by": "other", "lyrics by": "other", "歌手": "other", "reference": "other",
    "lyrics": "", "歌词": "",
}  # fmt: skip
"""Names before lyrics, and what stands behind them: nothing, where they only announce the lyrics."""
_MARKERS = {("start",), ("begin",)}
_ENDS_A_SECTION = re.compile(r"[;；]$|\s[,，]$")
_PAGE = re.compile(r"\d+ ?Contributors?.*", re.IGNORECASE)
"""The line that lyrics copied from a well-known page begin with."""
_REPEAT = re.compile(
    r"[(（] ?(?:[x×] ?\d{1,3}|\d{1,3} ?[x×]|repeat(?: [x×]?\d{1,3})?|bis) ?[)）]", re.IGNORECASE
)
_NESTED = 3
"""How deep brackets within brackets are looked for."""
_SPACED_COMMA = re.compile(r"\s[,，]\s")
_ENDS_WITH_COMMA = re.compile(r"[,，]\s*$")
_AROUND = " \t\u3000,，;；"


@dataclass(slots=True)
class Part:
    """One section in the making."""

    label: str
    """As written; empty for what stands before the first label."""
    tag: str
    lines: list[str] = field(default_factory=list)
    """Cleaned; empty ones stand between stanzas."""
    times: int = 1
    """How often the label stands in a row."""


@dataclass(slots=True)
class Reading:
    """A text as it was understood, and all that is not in its parts."""

    dialect: Dialect
    parts: list[Part] = field(default_factory=list)
    title: str | None = None
    style: str | None = None
    metas: list[str] = field(default_factory=list)
    """Rows that title and style were taken from, or that only announce."""
    details: list[str] = field(default_factory=list)
    """What there is no place for."""
    bounds: list[str] = field(default_factory=list)
    """Labels that only say that the song begins or ends."""
    directions: list[str] = field(default_factory=list)
    """Rows that say how to sing."""
    remarks: list[str] = field(default_factory=list)
    """The same inside a line."""
    stamps: list[str] = field(default_factory=list)
    marks: int = 0
    brackets: int = 0
    has_headings: bool = False
    has_labels: bool = False
    has_string: bool = False
    """Whether sections follow each other on one row."""
    has_commas: bool = False
    """Whether commas stand between them, or tags are repeated for their length."""

    def add(self, text: str) -> None:
        """Take a lyric line into the last part, cleaned of what is not sung."""
        line = self._clean(text)
        if sung(line):
            self._last().lines.append(line)

    def blank(self) -> None:
        """Take in an empty row."""
        if self.parts and self.parts[-1].lines:
            self.parts[-1].lines.append("")

    def _last(self) -> Part:
        if not self.parts:
            self.parts.append(Part("", ""))
        return self.parts[-1]

    def _clean(self, text: str) -> str:
        for _ in range(_NESTED):
            self.remarks += [remark[0] for remark in LABEL.finditer(text) if words_of(remark[1])]
            text = LABEL.sub(" ", text)
        text = self._without_repeats(text)
        self.brackets += text.count("[") + text.count("]")
        text = " ".join(text.replace("[", "(").replace("]", ")").split())
        places = self.dialect.marks(text)
        if places:
            edit = ascii_edit(Line(text, 0), places, self.dialect)
            text = f"{text[: edit.span.start.column]}{edit.text}{text[edit.span.end.column :]}"
            self.marks += len(places)
        return text.strip()

    def _without_repeats(self, text: str) -> str:
        """A line without the marks at its end that say how often it is sung."""
        for repeat in reversed(list(_REPEAT.finditer(text))):
            if text[repeat.end() :].strip():
                break
            self.remarks.append(repeat[0])
            text = text[: repeat.start()]
        return text


def read(text: str, dialect: Dialect) -> Reading:
    """Understand any text, as far as it can be; every word ends up in one of the lists of the reading."""
    reading = Reading(dialect)
    lines = [_bare(row, reading) for row in rows(text)]
    reading.has_string = is_string(lines, dialect)
    found = _headings(lines, dialect)
    for at, line in enumerate(lines):
        begins = at == 0 or not lines[at - 1]
        if not line:
            reading.blank()
        elif not reading.parts and is_meta(line, reading):
            continue
        elif LABEL.search(line):
            _labelled(line, reading, begins=begins, follows=_following(lines, at))
        elif named := found[at]:
            reading.has_headings = True
            reading.parts.append(Part(named.label, named.tag))
            if named.words:
                reading.add(named.words)
        elif is_direction(line):
            reading.directions.append(line)
        else:
            reading.add(line)
    return reading


def _headings(lines: Sequence[str], dialect: Dialect) -> list[Heading | None]:
    """What each row names, where it is sure enough in the company of the others."""
    labels = (LABEL.match(line) for line in lines)
    has_labels = any(label and tag_of(label[1], dialect, loosely=True) for label in labels)
    needed = Weight.SURE if has_labels else Weight.BARE
    found = [None if "[" in line else heading(line, dialect) for line in lines]
    begins = [not at or not lines[at - 1] for at in range(len(lines))]
    sure = [
        named is not None
        and (named.weight >= needed or (not has_labels and named.weight == Weight.LOWER and begins[at]))
        for at, named in enumerate(found)
    ]
    in_company = any(sure) and not has_labels
    return [named if sure[at] or (in_company and begins[at]) else None for at, named in enumerate(found)]


def _bare(row: str, reading: Reading) -> str:
    """A row without time stamps and the like, and with the engine's brackets around its label."""
    for stamp in _STAMP.findall(row):
        reading.stamps.append(stamp[1:-1])
    row = _STAMP.sub(" ", row).strip().strip("\ufeff").strip()
    if detail := _DETAIL.fullmatch(row):
        if detail[1].lower() == "ti" and detail[2].strip():
            reading.title = detail[2].strip()
            reading.metas.append(row)
        elif words_of(detail[2]):
            reading.details.append(row)
        return ""
    opened = FOREIGN_LABEL.match(row)
    if opened and not heading(row, reading.dialect) and tag_of(opened[1], reading.dialect, loosely=True):
        return f"[{opened[1]}]{row[opened.end() :]}"
    return row


def is_meta(line: str, reading: Reading) -> bool:
    """Whether a row before the lyrics says what they are called, or how they sound."""
    headline = _TITLE.fullmatch(line)
    if headline and reading.title is None and not reading.parts:
        reading.title = headline[1]
        reading.metas.append(line)
        return True
    if _PAGE.fullmatch(line):
        reading.details.append(line)
        return True
    named = _META.fullmatch(line)
    if not named:
        return False
    role = _ROLES.get(" ".join(words_of(named["tag"] or named["key"])))
    value = named["value"].strip(" *]" if named["key"] else " *")
    if role is None or (role and not value) or (not role and value):
        return False
    if role == "title" and reading.title is None:
        reading.title = value
    elif role == "style" and reading.style is None:
        reading.style = value
    elif role:
        reading.details.append(line)
        return True
    reading.metas.append(line)
    return True


def _labelled(line: str, reading: Reading, *, begins: bool, follows: bool) -> None:
    """A row with brackets: labels, and the words behind each."""
    pieces = list(_pieces(line, reading.dialect))
    if not any(label for label, _ in pieces):
        _remark(line, reading, begins=begins, follows=follows)
        return
    reading.has_labels = True
    if reading.has_string and ";" not in line:
        spaced = any(_SPACED_COMMA.search(words) for _, words in pieces)
        reading.has_commas |= spaced or any(_ENDS_WITH_COMMA.search(words) for _, words in pieces[:-1])
    for label, words in pieces:
        if label:
            _open(label, reading)
        for sentence in _sentences(words, reading) if reading.has_string else [words]:
            reading.add(sentence)


def is_string(lines: Sequence[str], dialect: Dialect) -> bool:
    """Whether sections stand as strings: several on a row, a separator behind one, or one of sentences."""
    labelled = [list(_pieces(line, dialect)) for line in lines if LABEL.search(line)]
    for pieces in labelled:
        if sum(label is not None for label, _ in pieces) > 1:
            return True
        if pieces[-1][0] and _ENDS_A_SECTION.search(pieces[-1][1].strip()):
            return True
    alone = sum(bool(line.strip()) for line in lines) == 1 == len(labelled)
    return alone and labelled[0][-1][0] is not None and len(sentences(labelled[0][-1][1])) > 1


def _pieces(line: str, dialect: Dialect) -> Iterator[tuple[str | None, str]]:
    """The labels of a row, each with the words behind it; None for words before the first."""
    label: str | None = None
    start = 0
    opens = True
    for found in LABEL.finditer(line):
        opens = opens and not line[start : found.start()].strip(_AROUND)
        if not (words_of(found[1]) in _MARKERS or tag_of(found[1], dialect, loosely=opens)):
            continue
        if label is not None or line[start : found.start()].strip():
            yield label, line[start : found.start()]
        label, start = found[0], found.end()
    yield label, line[start:]


def _open(label: str, reading: Reading) -> None:
    """Begin a section, unless its label only says that the song begins."""
    name = label[1:-1]
    last = reading.parts[-1] if reading.parts else None
    if words_of(name) in _MARKERS:
        reading.bounds.append(label)
    elif last and last.label == label and not last.lines and not reading.dialect.tag(name):
        last.times += 1
        reading.has_commas = True
    else:
        tag = tag_of(name, reading.dialect, loosely=True)
        assert tag is not None
        reading.parts.append(Part(label, tag))


def _remark(line: str, reading: Reading, *, begins: bool, follows: bool) -> None:
    """A row whose brackets name no section: alone over a stanza it begins one, else it is not sung."""
    first = LABEL.match(line)
    if first and first.end() == len(line):
        if begins and follows and words_of(first[1]):
            reading.has_labels = True
            reading.parts.append(Part(line, verse_of(reading.dialect)))
        elif words_of(first[1]):
            reading.directions.append(line)
    else:
        reading.add(line)


def _following(lines: list[str], at: int) -> bool:
    """Whether lyrics stand right under a row."""
    below = lines[at + 1] if at + 1 < len(lines) else ""
    return bool(below) and not below.startswith("[")


def _sentences(words: str, reading: Reading) -> Iterator[str]:
    """The lines of a section that stands on one row."""
    pieces = _SPACED_COMMA.split(words.strip(_AROUND)) if reading.has_commas else [words]
    for piece in pieces:
        for part in piece.replace("；", ";").split(";"):
            yield from sentences(part.strip(_AROUND))
