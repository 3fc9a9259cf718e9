"""What each code of the three codebooks means: tables of symbols, both ways.

A symbol is a kind and its values. What is not listed here (a cluster of consonants, a diphthong that no
language of the corpus has) becomes the listed symbol that sounds most alike.
"""

from collections.abc import Mapping
from itertools import product

from corpus.sounds import CONSONANTS, VOWELS, Sound

Symbol = tuple[str | int, ...]

PITCHES = range(43, 77)
"""MIDI pitches of voices."""
HOLDS = range(1, 31)
"""Frames since the last beat."""
BARS = 16
"""Bars of a section that are told apart; the next one is the first again."""
NOTES = 24
"""Pitches of a lead instrument that are told apart: two octaves, whichever."""
LINES = 8
"""Lines of a section that are told apart; the next one is the first again."""
PLACES = range(16)
"""Places of a syllable in its line; those behind the last count as that."""
SECTIONS = (
    "verse", "chorus", "bridge", "intro-short", "intro-medium", "intro-long", "outro-short", "outro-medium",
    "outro-long", "inst-short", "inst-medium", "inst-long", "silence",
)  # fmt: skip
ONSETS = ("", *CONSONANTS, "tx", "dx", "ts", "ds")
NUCLEI = (*VOWELS, "ai", "ei", "au", "ou", "ye")
CODAS = ("", "n", "t")
"""Nothing, a nasal, or any other consonant."""
BREATH = "."
PHONES = (*VOWELS, *CONSONANTS, BREATH)
QUALITIES = ("major", "minor", "diminished")
FAMILIES = ("pop", "rock", "electronic", "jazz", "ballad", "hip hop", "folk", "latin")
KITS = ("acoustic", "rock", "electronic", "boom", "soft", "brushes", "light", "latin")
DRUMS = ("low", "mid", "high", "click", "crash", "tom", "low mid", "low high", "mid high", "low mid high")
"""Drums that are struck together."""
DRUM_OF: Mapping[str, str] = {
    "kick": "low", "snare": "mid", "clap": "mid", "rim": "mid", "conga": "mid", "hat": "high", "open": "high",
    "pedal": "high", "ride": "high", "brush": "high", "shaker": "high", "tambourine": "high",
    "clave": "click", "crash": "crash", "tom": "tom",
}  # fmt: skip
CHORDS = (
    "piano", "electric piano", "acoustic guitar", "electric guitar", "distorted guitar", "accordion", "organ",
    "banjo", "harp", "synth stab",
)  # fmt: skip
BASSES = ("bass guitar", "synth bass", "upright bass", "808")
LEADS = (
    "synth lead", "electric guitar", "saxophone", "strings", "harmonica", "trumpet", "flute", "violin",
    "clarinet", "bells",
)  # fmt: skip
TEXTURES = ("", "synth pad", "organ", "vibraphone", "strings", "brass", "choir")

MIX: tuple[Symbol, ...] = (
    *(("hold", frames, sung) for frames, sung in product(HOLDS, (0, 1))),
    *(("section", tag) for tag in SECTIONS),
    *(("bar", bar) for bar in range(BARS)),
    *(("chord", root, quality) for root, quality in product(range(12), QUALITIES)),
    *(("beat", beat) for beat in (2, 3, 4)),
    ("half",),
    ("end",),
    *(("pitch", pitch) for pitch in PITCHES),
    *(("line", line) for line in range(LINES)),
    *(("place", place) for place in PLACES),
    *(("sound", *parts) for parts in product(ONSETS, NUCLEI, CODAS)),
)
"""Codebook 0: events, one a frame, and the time since the last beat where there is none."""
VOCAL: tuple[Symbol, ...] = (
    ("none",),
    *(("phone", phone, pitch) for phone, pitch in product(PHONES, PITCHES)),
)
"""Codebook 1: what the mouth does and the note it is on; code 0 is no voice."""
BACKING: tuple[Symbol, ...] = (
    ("none",),
    *(("stroke", *parts) for parts in product(KITS, DRUMS, ("soft", "loud"))),
    *(("note", note) for note in range(NOTES)),
    *(("chord", *parts) for parts in product(FAMILIES, ("quiet", "full"), range(12), QUALITIES)),
    *(("players", *parts) for parts in product(CHORDS, BASSES)),
    *(("colours", *parts) for parts in product(LEADS, TEXTURES)),
)
"""Codebook 2: strokes and notes where they begin, else in turn harmony and who plays; code 0 is silence."""
BOOKS = (MIX, VOCAL, BACKING)
CODES: tuple[Mapping[Symbol, int], ...] = tuple(
    {symbol: code for code, symbol in enumerate(book)} for book in BOOKS
)
"""By codebook the code of each symbol."""


def describe(book: int, code: int) -> str:
    """A code as words, for people and logs: `sound tx ai n`."""
    return " ".join(str(part) or "-" for part in BOOKS[book][code]) if code < len(BOOKS[book]) else "unused"


def sound_code(sound: Sound) -> int:
    """The code in codebook 0 of a syllable that begins."""
    onset = sound.onset if sound.onset in ONSETS else sound.onset[:1]
    nucleus = sound.vowel + sound.glide
    closed = "" if not sound.coda else "n" if sound.coda[0] in "mn" else "t"
    return CODES[0]["sound", onset, nucleus if nucleus in NUCLEI else sound.vowel, closed]


def quality(classes: tuple[int, ...]) -> str:
    """Whether a chord of these pitch classes is major, minor or diminished."""
    third, fifth = ((pitch_class - classes[0]) % 12 for pitch_class in classes[1:3])
    return "major" if third == 4 else "minor" if fifth == 7 else "diminished"
