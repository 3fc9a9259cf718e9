"""Mandarin readings and characters to syllables, by the parts a reading is made of."""

from collections.abc import Mapping
from functools import lru_cache

from corpus.hanzi import READINGS
from corpus.sounds import Sound

_INITIALS: Mapping[str, str] = {
    "zh": "dx", "ch": "tx", "sh": "x", "b": "b", "p": "p", "m": "m", "f": "f", "d": "d", "t": "t", "n": "n",
    "l": "l",
    "g": "g", "k": "k", "h": "h", "j": "dx", "q": "tx", "x": "x", "r": "r", "z": "ds", "c": "ts", "s": "s",
    "w": "w",
    "y": "j",
}  # fmt: skip
"""The longer ones first."""
_FINALS: Mapping[str, tuple[str, str, str, str]] = {
    "a": ("", "a", "", ""), "o": ("", "o", "", ""), "e": ("", "E", "", ""), "ai": ("", "a", "i", ""),
    "ei": ("", "e", "i", ""), "ao": ("", "a", "u", ""), "ou": ("", "o", "u", ""), "an": ("", "a", "", "n"),
    "en": ("", "E", "", "n"), "ang": ("", "a", "", "n"), "eng": ("", "E", "", "n"), "ong": ("", "o", "", "n"),
    "er": ("", "E", "", "r"), "i": ("", "i", "", ""), "in": ("", "i", "", "n"), "ing": ("", "i", "", "n"),
    "ia": ("j", "a", "", ""), "ie": ("j", "e", "", ""), "iao": ("j", "a", "u", ""), "iu": ("j", "o", "u", ""),
    "ian": ("j", "e", "", "n"), "iang": ("j", "a", "", "n"), "iong": ("j", "o", "", "n"), "u": ("", "u", "",
    ""),
    "ua": ("w", "a", "", ""), "uo": ("w", "o", "", ""), "uai": ("w", "a", "i", ""), "ui": ("w", "e", "i", ""),
    "uan": ("w", "a", "", "n"), "un": ("w", "E", "", "n"), "uang": ("w", "a", "", "n"), "v": ("", "y", "",
    ""),
    "ve": ("", "y", "e", ""), "van": ("", "y", "e", "n"), "vn": ("", "y", "", "n"),
}  # fmt: skip
"""By final: glide before the vowel, vowel, vowel it ends on, closing consonant."""
_HISSED = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))
"""Initials behind which i is the neutral vowel."""
_FRONTED = frozenset(("j", "q", "x", "y"))
"""Initials behind which u is ü."""
_SPARE = ("a", "o", "e", "i", "u", "ai", "ei", "ao", "an", "en", "ang", "ing", "ong", "ian", "uo", "ie")
_STARTS = ("b", "d", "g", "m", "l", "h", "x", "t", "f", "n", "sh", "zh")


def syllable(character: str) -> Sound:
    """How a character is sung; one that is not in the list has a reading of its own by its number."""
    return reading(READINGS.get(character) or _invented(ord(character)), character)


@lru_cache(maxsize=4096)
def reading(spelling: str, text: str) -> Sound:
    """The sounds of a reading such as `liang`, written without tone."""
    initial = next((start for start in _INITIALS if spelling.startswith(start)), "")
    final = spelling[len(initial) :]
    if initial in _FRONTED and final[:1] == "u":
        final = f"v{final[1:]}"
    glide, vowel, end, coda = _FINALS.get(final, ("", "E", "", ""))
    if final == "i" and initial in _HISSED:
        vowel = "E"
    own = (
        ""
        if initial == "y" and vowel in "iy"
        else ""
        if initial == "w" and vowel == "u"
        else _INITIALS.get(initial, "")
    )
    return Sound(text, vowel, end, (own + glide)[:2] if len(own) < 2 else own, coda)


def _invented(number: int) -> str:
    return _STARTS[number % len(_STARTS)] + _SPARE[number // len(_STARTS) % len(_SPARE)]
