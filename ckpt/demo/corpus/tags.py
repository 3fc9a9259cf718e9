"""A song's description as its users type it, and what each of its tags means to the corpus."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from core import style as product
from corpus.families import ALONE, FAMILIES, FIVE_NOTES, GROUPS, Family
from corpus.rng import stream

ROLES = ("chords", "bass", "lead", "texture", "drums")
_MOODS: Mapping[str, tuple[str, float, tuple[str, ...]]] = {
    "joyful and bright": ("major", 0.8, ("happy", "joyful", "upbeat", "cheerful", "carefree", "lively")),
    "hopeful and uplifting": ("major", 0.7, ("hopeful", "uplifting", "optimistic", "inspiring")),
    "strong and triumphant": ("major", 0.9, ("epic", "powerful", "triumphant", "confident", "bold")),
    "energetic and rhythmic": ("major", 1.0, ("energetic", "danceable", "groovy", "dynamic")),
    "swagger and attitude": ("minor", 0.8, ("cool", "sassy", "gritty")),
    "love and desire": ("major", 0.5, ("romantic", "loving", "sweet", "passionate", "sensual")),
    "warm and tender": ("major", 0.4, ("warm", "tender", "gentle", "heartfelt", "soothing")),
    "calm and easy": ("major", 0.25, ("calm", "peaceful", "relaxed", "mellow", "laid-back")),
    "dreamy and strange": ("minor", 0.35, ("dreamy", "ethereal", "atmospheric", "mysterious")),
    "nostalgic and reflective": ("minor", 0.4, ("nostalgic", "reflective", "wistful", "longing")),
    "sad and hurt": ("minor", 0.3, ("sad", "melancholic", "lonely", "heartbroken", "melancholy")),
    "angry and defiant": ("minor", 1.0, ("angry", "aggressive", "rebellious", "intense")),
    "tense and restless": ("minor", 0.8, ("tense", "restless", "anxious", "urgent")),
    "dark and eerie": ("minor", 0.6, ("dark", "haunting", "brooding", "ominous")),
    "playful and humorous": ("major", 0.7, ("playful", "quirky", "whimsical")),
    "dramatic and narrative": ("minor", 0.6, ("dramatic", "cinematic")),
    "social and spiritual": ("major", 0.5, ("spiritual", "traditional")),
}
"""By group of `conf/tags.yaml`: mode, energy (0 to 1), and the tags that the corpus is described with."""
MODES: Mapping[str, str] = {group: mode for group, (mode, _, _) in _MOODS.items()}
_MINOR = frozenset(("electronic", "hip hop"))
"""Families in minor where no emotion says otherwise."""

_TIMBRES: tuple[tuple[str, str, str], ...] = (
    (r"808 bass|sub-bass|^808$", "bass", "808"),
    (r"bass synth|synth bass", "bass", "synth bass"),
    (r"acoustic bass|double bass|upright bass", "bass", "upright bass"),
    (r"bass", "bass", "bass guitar"),
    (r"electric piano|keyboard", "chords", "electric piano"),
    (r"piano", "chords", "piano"),
    (r"accordion", "chords", "accordion"),
    (r"organ", "chords", "organ"),
    (r"electric guitar|steel guitar|slide guitar", "chords", "electric guitar"),
    (r"banjo|ukulele|mandolin|guzheng|oud|bağlama|bajo", "chords", "banjo"),
    (r"harp$", "chords", "harp"),
    (r"guitar$", "chords", "acoustic guitar"),
    (r"brass|horn", "texture", "brass"),
    (r"trumpet|trombone|tuba", "lead", "trumpet"),
    (r"saxophone", "lead", "saxophone"),
    (r"flute|dizi|whistling", "lead", "flute"),
    (r"clarinet|oboe|woodwinds", "lead", "clarinet"),
    (r"harmonica", "lead", "harmonica"),
    (r"^violin|^viola|erhu|fiddle|^cello", "lead", "violin"),
    (r"string|orchestra$", "texture", "strings"),
    (r"choir|a cappella", "texture", "choir"),
    (r"bell|chime|glocken|vibraphone|xylophone|triangle", "lead", "bells"),
    (r"synth lead", "lead", "synth lead"),
    (r"synth pad", "texture", "synth pad"),
    (r"synth", "chords", "synth stab"),
    (r"drum machine|electronic drums|electronic percussion|sampl", "drums", "electronic"),
    (r"drums|drum kit|snare|cymbal|timpani", "drums", "acoustic"),
    (r"bongo|conga|timbale|caj|darbuka|guacharaca|güira|güiro|cowbell", "drums", "latin"),
    (r"percussion|maracas|shaker|tambourine|hand clap|finger", "drums", "light"),
)
"""Instrument names by pattern, the first that fits: role and timbre, or kit."""
_NAMED: Mapping[str, tuple[str, ...]] = {
    "chords": ("piano", "electric piano", "acoustic guitar", "electric guitar", "synthesizer", "organ"),
    "lead": ("saxophone", "flute", "trumpet", "violin", "synth lead", "clarinet", "harmonica", "bells"),
    "texture": ("strings", "synth pad", "brass section", "choir"),
    "bass": ("bass guitar", "synth bass", "upright bass", "808 bass"),
    "drums": ("drums", "drum machine", "percussion"),
}
"""What the corpus is described with, by role."""
_RARE = 0.35
"""Share of names that are drawn from the whole vocabulary."""
_LIKELY = {"chords": 0.75, "lead": 0.35, "texture": 0.35, "bass": 0.2, "drums": 0.4}


@dataclass(frozen=True, slots=True)
class Style:
    """What a description asks for, complete: what was left open has the family's usual value."""

    gender: str
    """female, male or mixed."""
    family: Family
    mode: str
    energy: float
    """0 for quiet to 1 for wild."""
    five_notes: bool
    instruments: tuple[tuple[str, str], ...]
    """(role, timbre) as named, in order."""
    bpm: int

    def timbre(self, role: str) -> str:
        """Who plays a role: the first that is named, else the family's own."""
        own = {"chords": self.family.chords, "bass": self.family.bass, "lead": self.family.lead}
        own |= {"texture": self.family.texture, "drums": self.family.kit}
        return next((timbre for named, timbre in self.instruments if named == role), own[role])

    def is_named(self, role: str) -> bool:
        """Whether the description names somebody for it."""
        return any(named == role for named, _ in self.instruments)

    def extra(self) -> tuple[str, ...]:
        """Timbres named beyond the first of their role."""
        seen: set[str] = set()
        more = []
        for role, timbre in self.instruments:
            if role in seen and role not in ("drums", "bass"):
                more.append(timbre)
            seen.add(role)
        return tuple(dict.fromkeys(more))


def read(description: str, seed: int = 0) -> Style:
    """Any description as the corpus plays it; the seed decides what is left open."""
    tags = [tag.strip().lower() for tag in product.split(description)]
    known = [tag for tag in map(product.find, tags) if tag is not None]
    family, genre = _family(tags)
    groups = [tag.group for tag in known if tag.dimension == "emotion" and tag.group in _MOODS]
    mode, energy = _mood(groups, family)
    rng = stream(seed, "open")
    low, high = family.tempo
    drawn = int(rng.integers(low, high + 1))
    voice = ("female", "male")[int(rng.integers(2))]
    return Style(
        gender=next((tag for tag in tags if tag in ("female", "male", "mixed")), _voice(tags, voice)),
        family=family,
        mode=mode,
        energy=energy,
        five_notes=genre in FIVE_NOTES,
        instruments=tuple(found for tag in tags if (found := _instrument(tag))),
        bpm=min(200, max(50, product.bpm_of(tags) or drawn)),
    )


def draw(seed: int, *, leave_out: float = 0.12) -> str:
    """A random description in the order people write it; each part is missing with that probability."""
    rng = stream(seed, "description")
    family = FAMILIES[str(rng.choice(list(FAMILIES)))]
    group = str(rng.choice(list(_MOODS)))
    low, high = family.tempo
    energy = _MOODS[group][1]
    bpm = round(
        float(np.clip(rng.normal(low + (high - low) * (0.2 + 0.6 * energy), (high - low) / 6), low, high))
    )
    parts = [
        (str(rng.choice(["female", "male", "mixed"], p=[0.45, 0.45, 0.10])),),
        (_one_of(rng, family.genres[:1] * 3 + family.genres, _genres()[family.name]),),
        (_one_of(rng, _MOODS[group][2], _emotions()[group]),),
        _some_instruments(rng),
    ]
    kept = [tag for part in parts if rng.random() >= leave_out for tag in part]
    return product.join([*kept, product.bpm_tag(bpm)])


def facts(style: Style) -> dict[str, object]:
    """What a small classifier may be asked about the sound."""
    return {"gender": style.gender, "family": style.family.name, "mode": style.mode, "bpm": style.bpm}


def _one_of(rng: np.random.Generator, usual: Sequence[str], every: Sequence[str]) -> str:
    """Mostly one of the usual names, sometimes any that means the same, so that each is heard of."""
    return str(rng.choice(every if rng.random() < _RARE and every else usual))


@cache
def _genres() -> Mapping[str, tuple[str, ...]]:
    """By family every genre of the vocabulary that is played so."""
    names = [tag.name for tag in product.vocabulary() if tag.dimension == "genre" and _is_plain(tag)]
    return {family.name: tuple(n for n in names if _family([n])[0] is family) for family in FAMILIES.values()}


@cache
def _emotions() -> Mapping[str, tuple[str, ...]]:
    """By group every emotion of the vocabulary."""
    known = [tag for tag in product.vocabulary() if tag.dimension == "emotion" and _is_plain(tag)]
    return {group: tuple(tag.name for tag in known if tag.group == group) for group in _MOODS}


@cache
def _players() -> Mapping[str, tuple[str, ...]]:
    """By role every instrument of the vocabulary that the corpus has a sound for."""
    names = [tag.name for tag in product.vocabulary() if tag.dimension == "instrument" and _is_plain(tag)]
    found = {name: found[0] for name in names if (found := _instrument(name))}
    return {role: tuple(name for name, played in found.items() if played == role) for role in ROLES}


def _is_plain(tag: product.StyleTag) -> bool:
    """Whether its name means nothing else beside."""
    return product.find(tag.name) == tag


def _some_instruments(rng: np.random.Generator) -> tuple[str, ...]:
    named = [_one_of(rng, _NAMED[role], _players()[role]) for role in _NAMED if rng.random() < _LIKELY[role]]
    return tuple(str(name) for name in rng.permutation(named)[:3])


def _family(tags: Sequence[str]) -> tuple[Family, str]:
    """The family of the first genre, and that genre."""
    for tag in tags:
        own = next(
            (family for family in FAMILIES.values() if tag in family.genres or tag == family.name), None
        )
        name = ALONE.get(tag)
        known = product.find(tag)
        if name is None and own is None and known and known.dimension == "genre":
            name = GROUPS.get(known.group)
        if name is not None or own is not None:
            return (FAMILIES[name] if name is not None else own or FAMILIES["pop"]), tag
    return FAMILIES["pop"], ""


def _mood(groups: Sequence[str], family: Family) -> tuple[str, float]:
    """Mode by the first emotion, energy by the mean of all."""
    if not groups:
        return ("minor" if family.name in _MINOR else "major"), 0.6
    return _MOODS[groups[0]][0], sum(_MOODS[group][1] for group in groups) / len(groups)


def _instrument(tag: str) -> tuple[str, str] | None:
    known = product.find(tag)
    if known is None or (known.dimension != "instrument" and tag != "a cappella"):
        return None
    found = ((role, timbre) for pattern, role, timbre in _TIMBRES if re.search(pattern, tag))
    return next(found, None)


def _voice(tags: Sequence[str], otherwise: str) -> str:
    """The gender that a voice among the instruments tells."""
    for tag in tags:
        for gender in ("female", "male"):
            if tag.startswith(f"{gender} voc"):
                return gender
    return otherwise
