"""The description of a song as tags: the vocabulary, the string the engine reads, search and advice."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache

from omegaconf import OmegaConf

from core.paths import conf_file

# A tag such as `strings (violin, cello)` holds a comma of its own; an unclosed bracket protects nothing.
_TAG = re.compile(r"(?:\([^()]*\)|[^,])+")
_BPM = re.compile(r"the bpm is (\d{1,3})\.?", re.IGNORECASE)
_BPM_WORD = re.compile(r"\bbpm\b", re.IGNORECASE)
_CONTROL = re.compile(r"<\|[^<>]*\|>|<(?:s|/s|pad|unk)>", re.IGNORECASE)
_ENGINE_TAG = re.compile(r"\[(?:musicality|pure-music)[^\]]*\]", re.IGNORECASE)
_FULL_WIDTH_COMMA = re.compile("[，、；]")
_INNER_STOP = re.compile(r"[.!?。！？]\s*[^\s.!?。！？)]|[。！？]")
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")
_PROSE = re.compile(
    r"\b(?:an?|about|are|be|from|give|i|is|it|like|make|me|my|please|should|sings?|song|sounds|that|the|this|"
    r"want|was|where|which|with|write|you|your)\b"
)
_LONGEST_TAG = 5
"""Words: every tag of the vocabulary is shorter."""
_LONGEST_CJK_TAG = 12
_HUMPS = 2
"""The rank of a name whose words begin with what is searched."""


@dataclass(frozen=True, slots=True)
class StyleTag:
    """One tag of the vocabulary and where people look for it."""

    name: str
    dimension: str
    """gender, genre, emotion or instrument."""
    group: str
    """A family inside the dimension, such as `brass`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A tag that answers a search."""

    tag: StyleTag
    positions: tuple[int, ...]
    """Indices of the matched characters in the tag's name, rising."""


@dataclass(frozen=True, slots=True)
class StyleNote:
    """One remark about a description."""

    severity: str
    """error, warning or hint."""
    message: str
    hint: str
    tag: str = ""
    """The tag it is about, as written; empty when it is about the whole description."""


@cache
def vocabulary() -> tuple[StyleTag, ...]:
    """Every tag the engine was trained on, in the order of `conf/tags.yaml`."""
    raw = OmegaConf.to_container(OmegaConf.load(conf_file("tags.yaml")))
    assert isinstance(raw, dict)
    return tuple(
        StyleTag(str(name), str(dimension), str(group))
        for dimension, groups in raw.items()
        for group, names in groups.items()
        for name in names
    )


def find(name: str) -> StyleTag | None:
    """The vocabulary's tag of that name in any case, its first dimension when it stands in several."""
    return _by_name().get(_plain(name))


def split(description: str) -> tuple[str, ...]:
    """The tags of a description, in order and as written."""
    return tuple(tag for part in _TAG.findall(description) if (tag := part.strip()))


def join(tags: Sequence[str]) -> str:
    """The description made of tags, with `, ` between."""
    return ", ".join(tag for part in tags if (tag := part.strip()))


def bpm_tag(bpm: int) -> str:
    """The tag that asks for a tempo (beats per minute)."""
    return f"the bpm is {bpm}"


def bpm_of(tags: Sequence[str]) -> int | None:
    """The tempo the tags ask for (beats per minute), the first one if there are several."""
    return next((int(match[1]) for tag in tags if (match := _BPM.fullmatch(tag.strip()))), None)


def search(
    query: str, *, limit: int = 20, dimension: str | None = None, known: Collection[str] = ()
) -> tuple[Hit, ...]:
    """The tags that match best; of those that match alike, the ones in `known` and then the shortest first.

    In order: the whole name, its beginning, beginnings of its words (`acg` for acoustic guitar), one word's
    beginning, inside, then letters in order. Case, accents and hyphens do not matter; an empty query gives
    the first `limit` tags.
    """
    wanted = _fold(unicodedata.normalize("NFC", query)).strip()
    ranked: list[tuple[tuple[int, bool, int, int, int], Hit]] = []
    for index, (tag, folded) in enumerate(_folded()):
        if dimension is not None and tag.dimension != dimension:
            continue
        found = _match(wanted, folded)
        if found is not None:
            rank, positions = found
            spread = positions[-1] - positions[0] if positions else 0
            length = len(folded) if wanted else 0
            # How far humps lie apart says nothing: the words between are as long as they are.
            near = 0 if rank == _HUMPS else spread
            stranger = bool(wanted) and tag.name not in known
            ranked.append(((rank, stranger, near, length, index), Hit(tag, positions)))
    ranked.sort(key=lambda entry: entry[0])
    return tuple(hit for _, hit in ranked[:limit])


def check_style(description: str, *, has_reference: bool = False) -> tuple[StyleNote, ...]:
    """What a description asks for that the engine cannot follow, in reading order; empty when all is well."""
    tags = split(_FULL_WIDTH_COMMA.sub(",", description))
    notes = [*_marks(description)]
    for tag in tags:
        note = _about_tag(tag)
        if note is not None:
            notes.append(note)
    notes.extend(_about_all(tags))
    if has_reference and tags:
        notes.append(
            StyleNote(
                "warning",
                "a reference and style tags together can pull the song two ways",
                "keep the reference or the tags",
            )
        )
    return tuple(notes)


def _marks(description: str) -> Iterator[StyleNote]:
    for token in dict.fromkeys(_CONTROL.findall(description)):
        yield StyleNote("error", f"{token} is a control token of the text model", "remove it")
    for tag in dict.fromkeys(_ENGINE_TAG.findall(description)):
        yield StyleNote("warning", f"{tag} has no effect when typed", "remove it: the engine adds its own")
    comma = _FULL_WIDTH_COMMA.search(description)
    if comma is not None:
        yield StyleNote("warning", f"{comma[0]} does not separate tags", "write an ASCII comma: ,")


def _about_tag(tag: str) -> StyleNote | None:
    if _CONTROL.search(tag) or _ENGINE_TAG.search(tag) or find(tag) or _BPM.fullmatch(tag):
        return None
    if _is_sentence(tag):
        shown = tag if len(tag) <= 40 else tag[:39] + "…"
        return StyleNote("warning", f"{shown!r} is a sentence", "use short tags with commas between", tag)
    if _BPM_WORD.search(tag):
        number = re.search(r"\d{1,3}", tag)
        hint = f"write {bpm_tag(int(number[0]) if number else 120)}"
        return StyleNote("hint", f"{tag!r} is not how a tempo is given", hint, tag)
    return StyleNote("hint", f"{tag!r} is outside the model's vocabulary", _nearest(tag), tag)


def _about_all(tags: Sequence[str]) -> Iterator[StyleNote]:
    plain = [_plain(tag) for tag in tags]
    if "female" in plain and "male" in plain and "mixed" not in plain:
        yield StyleNote("warning", "both female and male are asked for", "keep one, or use mixed", "male")
    tempos = dict.fromkeys(tag for tag in plain if _BPM.fullmatch(tag))
    if len(tempos) > 1:
        yield StyleNote("warning", f"{len(tempos)} tempos are asked for", "keep one", list(tempos)[-1])
    for tag in dict.fromkeys(tag for tag in plain if plain.count(tag) > 1):
        yield StyleNote("hint", f"{tag!r} stands here twice", "remove one", tag)


def _is_sentence(tag: str) -> bool:
    words = len(tag.split())
    prose = words > 3 and _PROSE.search(tag.casefold())
    long = words > _LONGEST_TAG or len(_CJK.findall(tag)) > _LONGEST_CJK_TAG
    return bool(prose or long or _INNER_STOP.search(tag))


@lru_cache(maxsize=512)
def _nearest(tag: str) -> str:
    parts = re.split(r"\s+(?:and|&|\+)\s+|/", _plain(tag))
    if len(parts) > 1 and all(find(part) for part in parts):
        return f"write {join(parts)}"
    names = {folded: known.name for known, folded in reversed(_folded())}
    close = get_close_matches(_fold(_plain(tag)), names, n=1, cutoff=0.7)
    return f"did you mean {names[close[0]]}?" if close else "it may work, less reliably than a listed tag"


@cache
def _by_name() -> Mapping[str, StyleTag]:
    return {tag.name.casefold(): tag for tag in reversed(vocabulary())}


@cache
def _folded() -> tuple[tuple[StyleTag, str], ...]:
    return tuple((tag, _fold(tag.name)) for tag in vocabulary())


def _plain(tag: str) -> str:
    """A tag as it is compared: composed, lower case, without the description's closing full stop."""
    return unicodedata.normalize("NFC", tag).strip().rstrip(".").rstrip().casefold()


def _fold(text: str) -> str:
    """Text without case, accents and hyphens, each character in its place."""
    return "".join(_fold_character(character) for character in text)


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character in "-_/":
        return " "
    return unicodedata.normalize("NFKD", character)[0].casefold()[:1]


def _match(wanted: str, name: str) -> tuple[int, tuple[int, ...]] | None:
    """How well a name matches (0 is best) and where."""
    if not wanted:
        return 0, ()
    start = name.find(wanted)
    if start == 0:
        return (0 if len(wanted) == len(name) else 1), tuple(range(len(wanted)))
    letters = wanted.replace(" ", "")
    humps = _humps(letters, name, _starts(name)) if len(letters) > 1 and name[0] == letters[0] else None
    if humps is not None:
        return _HUMPS, humps
    if start > 0:
        word = next(_word_starts(wanted, name, start), None)
        at = start if word is None else word
        return (4 if word is None else 3), tuple(range(at, at + len(wanted)))
    scattered = _subsequence(letters, name)
    return None if scattered is None else (5, scattered)


def _humps(letters: str, name: str, starts: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where the letters begin words of a name, one after the other from the first of `starts` on."""
    if not letters:
        return ()
    if not starts:
        return None
    at, *later = starts
    for size in range(len(letters), 0, -1):
        if name.startswith(letters[:size], at):
            for following in range(len(later) + 1):
                rest = _humps(letters[size:], name, tuple(later[following:]))
                if rest is not None:
                    return (*range(at, at + size), *rest)
    return None


@lru_cache(maxsize=1024)
def _starts(name: str) -> tuple[int, ...]:
    """Where the words of a folded name begin."""
    return tuple(word.start() for word in re.finditer(r"\w+", name))


def _word_starts(wanted: str, name: str, start: int) -> Iterator[int]:
    while start >= 0:
        if not name[start - 1].isalnum():
            yield start
        start = name.find(wanted, start + 1)


def _subsequence(letters: str, name: str) -> tuple[int, ...] | None:
    """Where the letters stand in order, drawn together from the right; None when they do not."""
    at = -1
    for letter in letters:
        at = name.find(letter, at + 1)
        if at < 0:
            return None
    places = []
    after = at + 1
    for letter in reversed(letters):
        after = name.rfind(letter, 0, after)
        places.append(after)
    return tuple(reversed(places))
