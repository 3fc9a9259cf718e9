"""English spelling to syllables by rule: rough, but the same word always gives the same sounds."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from corpus.sounds import Sound

_SPECIAL: Mapping[str, str] = {
    "the": "d-E", "lonely": "l-ou-n l-i", "beautiful": "bj-u t-i f-u-l", "any": "-e n-i", "many": "m-e n-i",
    "father": "f-a d-E", "a": "-E", "i": "-ai",
    "to": "t-u", "you": "j-u", "your": "j-o", "of": "-E-v",
    "one": "w-E-n",
    "love": "l-E-v", "some": "s-E-m", "come": "k-E-m", "done": "d-E-n", "none": "n-E-n", "gone": "g-o-n",
    "are": "-a", "were": "w-E", "was": "w-o-z", "what": "w-o-t", "want": "w-o-nt", "they": "d-ei",
    "said": "s-e-d",
    "eye": "-ai", "eyes": "-ai-z", "heart": "h-a-t", "do": "d-u", "who": "h-u", "through": "t-u",
    "two": "t-u",
    "would": "w-u-d", "could": "k-u-d", "should": "x-u-d", "have": "h-a-v", "give": "g-i-v", "live": "l-i-v",
    "there": "d-e", "where": "w-e", "here": "h-i", "our": "-au", "their": "d-e", "hour": "-au",
    "hey": "h-ei", "know": "n-ou",
    "now": "n-au", "how": "h-au", "down": "d-au-n", "town": "t-au-n", "crown": "k-au-n", "no": "n-ou",
    "so": "s-ou",
    "go": "g-ou", "be": "b-i", "me": "m-i", "he": "h-i", "she": "x-i", "we": "w-i", "my": "m-ai",
    "by": "b-ai",
    "sky": "sk-ai", "fly": "fl-ai", "why": "w-ai", "cry": "k-ai", "dry": "d-ai", "word": "w-E-d",
    "world": "w-E-ld",
    "only": "-ou-n l-i", "over": "-ou v-E", "open": "-ou p-E-n", "again": "-E g-e-n", "people": "p-i p-E-l",
    "water": "w-o t-E", "river": "r-i v-E", "never": "n-e v-E", "ever": "-e v-E", "very": "v-e r-i",
    "nothing": "n-E f-i-n", "something": "s-E-m f-i-n", "away": "-E w-ei", "alone": "-E l-ou-n",
    "lie": "l-ai",
    "die": "d-ai", "find": "f-ai-nd", "mind": "m-ai-nd", "kind": "k-ai-nd", "child": "t-ai-ld",
    "wild": "w-ai-ld",
    "hold": "h-ou-ld", "gold": "g-ou-ld", "cold": "k-ou-ld", "told": "t-ou-ld", "old": "-ou-ld",
    "most": "m-ou-st",
    "both": "b-ou-f", "put": "p-u-t", "full": "f-u-l", "pull": "p-u-l", "move": "m-u-v", "lose": "l-u-z",
    "voice": "v-oi-s", "bread": "b-e-d", "head": "h-e-d", "dead": "d-e-d", "ocean": "-ou x-E-n",
    "quiet": "kw-ai -E-t",
}  # fmt: skip
"""Words that no rule gets: syllables by blanks, each `onset-vowel-coda`."""
_NUCLEI: tuple[tuple[str, str], ...] = (
    ("eigh", "ei"), ("igh", "ai"), ("augh", "o"), ("ough", "o"), ("eau", "o"), ("oo", "u"), ("ee", "i"),
    ("ea", "i"),
    ("ai", "ei"), ("ay", "ei"), ("oa", "ou"), ("ow", "ou"), ("ou", "au"), ("oi", "oi"), ("oy", "oi"), ("au",
    "o"),
    ("aw", "o"), ("eu", "u"), ("ue", "u"), ("ui", "u"), ("ie", "i"), ("ei", "ei"), ("ey", "i"), ("ar", "a"),
    ("or", "o"), ("er", "E"), ("ir", "E"), ("ur", "E"), ("a", "a"), ("e", "e"), ("i", "i"), ("o", "o"), ("u",
    "E"),
    ("y", "i"),
)  # fmt: skip
_RESPELT = ((r"[st]ion$", "shun"), (r"a(?=(shun|[bcdgklmpstvz](er|y|le))$)", "ai"))
"""Endings that sound otherwise than they are spelt, and what they do to an a before them."""
_LONG = {"a": "ei", "e": "i", "i": "ai", "o": "ou", "u": "u", "y": "ai"}
_SIGNS: tuple[tuple[str, str], ...] = (
    ("tch", "tx"), ("sch", "sk"), ("dge", "dx"), ("sh", "x"), ("ch", "tx"), ("th", "f"), ("ph", "f"), ("ck",
    "k"),
    ("ng", "n"), ("wh", "w"), ("qu", "kw"), ("kn", "n"), ("wr", "r"), ("gh", ""), ("ss", "s"), ("ll", "l"),
    ("tt", "t"),
    ("pp", "p"), ("rr", "r"), ("nn", "n"), ("mm", "m"), ("ff", "f"), ("dd", "d"), ("bb", "b"), ("gg", "g"),
    ("zz", "z"),
    ("c", "k"), ("q", "k"), ("x", "ks"), ("j", "dx"), ("ĵ", "j"), ("y", "j"),
)  # fmt: skip
_SPLIT = re.compile(r"[aeiouy]+|[^aeiouy]+")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@lru_cache(maxsize=8192)
def syllables(word: str) -> tuple[Sound, ...]:
    """The syllables of one word, accents and marks aside; empty when there is no letter in it."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if c.isascii() and c.isalnum())
    if plain.isdigit():
        return tuple(sound for digit in plain for sound in syllables(_DIGITS[int(digit)]))
    letters = "".join(c for c in plain if c.isalpha())
    if not letters:
        return ()
    if letters in _SPECIAL:
        return tuple(_written(syllable) for syllable in _SPECIAL[letters].split())
    return tuple(_joined(list(_pieces(letters)), letters))


def _written(syllable: str) -> Sound:
    onset, vowel, *coda = syllable.split("-")
    return Sound(syllable.replace("-", ""), vowel[0], vowel[1:], onset, coda[0] if coda else "")


def _pieces(word: str) -> Iterator[tuple[str, str]]:
    """Consonants as classes and vowels as nuclei, in turn: ('c', 'st') or ('v', 'ai')."""
    for spelling, sound in _RESPELT:
        word = re.sub(spelling, sound, word)
    silent_e = re.search(r"[^aeiouy]e$", word) is not None and len(re.findall(r"[aeiouy]+", word)) > 1
    if re.search(r"[^aeioutd]ed$", word) and len(re.findall(r"[aeiouy]+", word)) > 1:
        word, silent_e = f"{word[:-2]}d", False
    body = word[:-1] if silent_e and not re.search(r"[^aeiouylr]le$", word) else word
    runs = _SPLIT.findall(_semi(body))
    for at, run in enumerate(runs):
        if run[0] not in "aeiouy":
            yield "c", _classes(run, runs[at + 1][0] if at + 1 < len(runs) else "")
            continue
        is_last = at == len(runs) - 1
        is_long = silent_e and at == len(runs) - 2 and len(run) == 1 and len(runs[-1]) == 1
        following = runs[at + 1] if not is_last else ""
        yield (
            "v",
            _LONG[run] if is_long else _nucleus(run, following, is_last=is_last, is_only=len(runs) <= 2),
        )


def _semi(word: str) -> str:
    """The word with a first y and the u of qu as consonants, and w as a vowel where it ends one."""
    plain = re.sub(r"^y(?=[aeiou])", "ĵ", word).replace("qu", "kw")
    plain = re.sub(r"ow$", "oa", plain)
    return re.sub(r"([aeo])w(?![aeiouy])", r"\1u", plain)


def _nucleus(run: str, following: str, *, is_last: bool, is_only: bool) -> str:
    if run == "y" and is_last:
        return "ai" if is_only else "i"
    if following[:2] == "gh" and run == "i":
        return "ai"
    if run == "e" and is_last:
        return "i" if is_only else "E"
    if run == "o" and is_last:
        return "ou"
    near = run + (following[:1] if following[:1] == "r" else "")
    return next(sound for spelling, sound in _NUCLEI if near.startswith(spelling))


def _classes(run: str, vowel: str) -> str:
    """A run of consonant letters as classes."""
    soft = {"c": "s", "g": "dx"} if vowel and vowel in "ei" else {}
    found, at = "", 0
    while at < len(run):
        spelling, sound = next(((s, c) for s, c in _SIGNS if run.startswith(s, at)), (run[at], run[at]))
        is_end = at + len(spelling) == len(run)
        found += soft.get(spelling, sound) if is_end and spelling == "c" else sound
        at += len(spelling)
    return found


def _joined(pieces: list[tuple[str, str]], text: str) -> Iterator[Sound]:
    """Syllables of pieces: one consonant between vowels opens the next syllable, of more the first closes."""
    nuclei = [at for at, (kind, _) in enumerate(pieces) if kind == "v"]
    if not nuclei:
        yield Sound(text, "E", "", _onset(pieces[0][1]), "")
        return
    carried = pieces[0][1] if nuclei[0] == 1 else ""
    for order, at in enumerate(nuclei):
        after = pieces[at + 1][1] if at + 1 < len(pieces) and pieces[at + 1][0] == "c" else ""
        is_last = order == len(nuclei) - 1
        coda, following = (
            (after, "") if is_last else ((after[:1], after[1:]) if len(after) > 1 else ("", after))
        )
        vowel = pieces[at][1]
        yield Sound(text if order == 0 else "", vowel[0], vowel[1:], _onset(carried), coda[:2])
        carried = following


def _onset(classes: str) -> str:
    """The two that matter most: liquids behind two others are dropped."""
    return classes[:2]
