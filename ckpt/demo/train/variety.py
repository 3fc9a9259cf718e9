"""Songs as people may ask for them: any form, lines of any length, any words, any tags in any order."""

import math

import numpy as np

from core import style
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import to_wire
from corpus import form, tags
from corpus.families import FAMILIES
from corpus.hanzi import READINGS
from corpus.song import Song, compose
from corpus.words import syllables
from train import everyday

_SIGNS = tuple(READINGS)
_SECTIONS = {
    "verse": 0.36, "chorus": 0.34, "bridge": 0.1, "inst-short": 0.08, "inst-medium": 0.07, "inst-long": 0.03,
    "silence": 0.02,
}  # fmt: skip
_LENGTHS = {"short": 0.5, "medium": 0.35, "long": 0.15}
_LINES = {"1": 0.08, "2": 0.3, "3": 0.12, "4": 0.34, "5": 0.05, "6": 0.07, "8": 0.04}
_SYLLABLES = (3, 10)
"""Of a section's lines at about; each has up to two more or less."""
_CHINESE = 0.4
_SAME_CHORUS = 0.7
_FRAMED = 0.5
"""How often there is an intro, and an outro."""
_COMMA, _ASKED = 0.12, 0.06
_TRIES = 20
_MOST = 1.15
"""How much longer than asked for a song may be, and how much shorter."""


def varied(seed: int, rng: np.random.Generator, seconds: float) -> Song:
    """A song of about so many seconds, with nothing of it as the corpus itself would draw it."""
    description = described(rng) if rng.random() < 0.6 else tags.draw(int(rng.integers(1 << 30)))
    bpm = tags.read(description, seed).bpm
    is_chinese = bool(rng.random() < _CHINESE)
    opening = [_named(rng, "intro")] if rng.random() < _FRAMED else []
    ending = [_named(rng, "outro")] if rng.random() < _FRAMED else []
    body: list[str] = []
    text, nearest = "", math.inf
    for _ in range(_TRIES):
        section = _section(rng, body, is_chinese=is_chinese)
        wire = _wire([*opening, *body, section, *ending])
        ratio = (sum(one.bars for one in form.lay(wire, bpm)) * form.bar_seconds(bpm) + form.TAIL) / seconds
        if abs(math.log(ratio)) < nearest:
            text, nearest = wire, abs(math.log(ratio))
        if ratio <= _MOST:
            body.append(section)
        elif body:
            break
        else:
            opening, ending = [], []  # too much for so short a song
        if 1 / _MOST <= ratio <= _MOST:
            break
    return compose(seed, seconds=seconds, lyrics=text, description=description)


def _section(rng: np.random.Generator, before: list[str], *, is_chinese: bool) -> str:
    """One more section in editor form; a chorus is mostly the one there was."""
    kind = _one(rng, _SECTIONS)
    if kind not in ("verse", "chorus", "bridge"):
        return f"[{kind}]"
    known = next((section for section in before if section.startswith("[chorus]")), "")
    if kind == "chorus" and known and rng.random() < _SAME_CHORUS:
        return known
    return "\n".join([f"[{kind}]", *stanza(rng, is_chinese=is_chinese)])


def stanza(rng: np.random.Generator, *, is_chinese: bool) -> list[str]:
    """The lines of a section."""
    around = int(rng.integers(_SYLLABLES[0], _SYLLABLES[1] + 1))
    return [
        line(rng, max(1, around + int(rng.integers(-2, 3))), is_chinese=is_chinese)
        for _ in range(int(_one(rng, _LINES)))
    ]


def line(rng: np.random.Generator, count: int, *, is_chinese: bool) -> str:
    """A line of at least so many syllables, that means nothing."""
    if is_chinese:
        signs = [_SIGNS[int(at)] for at in rng.integers(len(_SIGNS), size=count)]
        if count > 5 and rng.random() < _COMMA:
            signs.insert(count // 2, "，")
        return "".join(signs)
    words: list[str] = []
    sung = 0
    while sung < count:
        words.append(everyday.word(rng))
        sung += len(syllables(words[-1]))
    if len(words) > 3 and rng.random() < _COMMA:
        words[len(words) // 2 - 1] += ","
    text = " ".join(words)
    text = text[0].upper() + text[1:] if rng.random() < 0.8 else text
    return text + "?" if rng.random() < _ASKED else text


def described(rng: np.random.Generator) -> str:
    """Tags of the vocabulary, some of each kind, mostly in the usual order."""
    by: dict[str, list[str]] = {}
    for tag in style.vocabulary():
        by.setdefault(tag.dimension, []).append(tag.name)
    family = FAMILIES[str(rng.choice(list(FAMILIES)))]
    genres = [str(rng.choice(family.genres if rng.random() < 0.8 else by["genre"]))]
    parts = [
        [str(rng.choice(["female", "male", "mixed"], p=[0.46, 0.46, 0.08]))] if rng.random() < 0.85 else [],
        genres if rng.random() < 0.9 else [],
        _some(rng, by["emotion"], (0.15, 0.6, 0.25)),
        _some(rng, by["instrument"], (0.3, 0.25, 0.25, 0.2)),
    ]
    if rng.random() < 0.25:
        parts = [parts[int(at)] for at in rng.permutation(len(parts))]
    low, high = (50, 180) if rng.random() < 0.2 else family.tempo
    tempo = [style.bpm_tag(int(rng.integers(low, high + 1)))] if rng.random() < 0.9 else []
    told = [tag for part in parts for tag in part] + tempo
    return style.join(told or [family.name])


def _some(rng: np.random.Generator, names: list[str], shares: tuple[float, ...]) -> list[str]:
    """None, one or more names, so often each."""
    return [str(one) for one in rng.choice(names, size=int(rng.choice(len(shares), p=shares)), replace=False)]


def _named(rng: np.random.Generator, kind: str) -> str:
    return f"[{kind}-{_one(rng, _LENGTHS)}]"


def _one(rng: np.random.Generator, shares: dict[str, float]) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))


def _wire(sections: list[str]) -> str:
    """What the engine reads of sections in editor form."""
    return to_wire(parse("\n\n".join(sections)), dialect("levo"))
