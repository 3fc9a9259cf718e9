"""What structure tags an engine knows and how its lyrics are written, read from `conf/vocab.yaml`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import cast

from omegaconf import OmegaConf

from core.paths import conf_file

_LONGEST = 40
"""Characters above which a text is no misspelt tag."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One structure tag."""

    name: str
    """Without brackets: `verse`."""
    sung: bool
    """Needs lyrics; the others must have none."""
    seconds: tuple[float, float]
    """Usual length, shortest and longest (s)."""
    meaning: str


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one engine family writes lyrics.

    Equal only to itself, so that what is worked out of a line can be kept by line and dialect at little cost.
    """

    id: str
    tags: tuple[Tag, ...]
    aliases: tuple[tuple[str, str], ...] = ()
    """Names the engine does not know, each with the tag that comes nearest."""
    punctuation: tuple[tuple[str, str], ...] = ()
    """Marks the engine was not taught, each with its ASCII form."""
    line_width: int = 90
    """Cells of a lyric line, a CJK character taking two, above which it is long for one breath."""

    def tag(self, name: str) -> Tag | None:
        """The tag of that exact name, if the engine knows it."""
        return next((tag for tag in self.tags if tag.name == name), None)

    def nearest(self, name: str) -> Tag | None:
        """The tag somebody who wrote `name` most likely meant, as in `Verse 2`, `hook` or `chrous`."""
        return _nearest(name, self) if len(name) <= _LONGEST else None

    def names(self) -> dict[str, str]:
        """Every name that stands for a tag, its own and those of other tools, with the tag's own."""
        return {**{tag.name: tag.name for tag in self.tags}, **dict(self.aliases)}

    def ascii(self, text: str) -> str:
        """The text with every mark the engine was not taught in its ASCII form."""
        return text.translate(_table(self.punctuation))

    def marks(self, text: str) -> list[int]:
        """Where marks stand that the engine was not taught."""
        return [found.start() for found in _untaught(self.punctuation).finditer(text)]


@cache
def dialect(family: str) -> Dialect:
    """How a family's lyrics are written; KeyError for a family `conf/vocab.yaml` does not describe."""
    raw = OmegaConf.to_container(OmegaConf.load(conf_file("vocab.yaml")))
    entry = cast("dict[str, dict[str, object]]", raw)[family]
    return Dialect(
        id=family,
        tags=tuple(_tag(tag) for tag in cast("list[dict[str, object]]", entry["tags"])),
        aliases=_pairs(entry["aliases"]),
        punctuation=_pairs(entry["punctuation"]),
        line_width=int(cast("int", entry["line_width"])),
    )


@lru_cache(maxsize=1024)
def _nearest(name: str, dialect: Dialect) -> Tag | None:
    known = dialect.names()
    for form in _forms(name):
        if form in known:
            return dialect.tag(known[form])
    for form in _forms(name):
        for close in get_close_matches(form, known, n=1, cutoff=0.7):
            return dialect.tag(known[close])
    return None


@cache
def _table(pairs: tuple[tuple[str, str], ...]) -> dict[int, str]:
    return str.maketrans(dict(pairs))


@cache
def _untaught(pairs: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(''.join(mark for mark, _ in pairs))}]" if pairs else r"(?!)")


def _forms(name: str) -> tuple[str, ...]:
    """Ever coarser spellings of a tag name: as a slug, without its number, its first word."""
    slug = re.sub(r"[\s_-]+", "-", name.strip().lower())
    bare = re.sub(r"[-:#(]*\d*\W*$", "", slug)
    first = re.split(r"\W", slug, maxsplit=1)[0]
    return tuple(dict.fromkeys(form for form in (slug, bare, first) if form))


def _tag(entry: Mapping[str, object]) -> Tag:
    low, high = cast("list[float]", entry["seconds"])
    return Tag(str(entry["name"]), bool(entry["sung"]), (float(low), float(high)), str(entry["meaning"]))


def _pairs(entry: object) -> tuple[tuple[str, str], ...]:
    assert isinstance(entry, dict)
    return tuple((str(key), str(value)) for key, value in entry.items())
