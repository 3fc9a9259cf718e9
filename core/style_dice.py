"""Dice for descriptions: keyed rolls of one dimension or of a whole description; no state but a count."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache

from core.random import draw_seed
from core.style import StyleTag, bpm_of, bpm_tag, find, vocabulary

TEMPO = "tempo"
"""The dimension that has no tags in the vocabulary: beats per minute."""
DIMENSIONS = ("gender", "genre", "emotion", "instrument", TEMPO)
"""In the order in which a description names them."""
SLOWEST, FASTEST = 40, 220
"""Tempos that can be asked for (beats per minute)."""
_SINGLE = ("gender", TEMPO)
"""Dimensions of which a description holds one."""
_USUAL_TEMPO = (70, 140)
_TEMPOS = {
    "ballad and vocal": (56, 88),
    "punk and emo": (140, 190),
    "metal and industrial": (110, 180),
    "electronic and dance": (100, 150),
    "hip hop and rap": (70, 110),
    "r&b, soul and funk": (70, 112),
    "folk and country": (72, 124),
    "latin": (84, 128),
    "sacred": (64, 100),
}
"""Slowest and fastest tempo a roll gives a genre of the group, where they are not the usual ones."""


@dataclass(frozen=True, slots=True)
class Dice:
    """A keyed stream of rolls: one seed and one count give the same rolls everywhere."""

    seed: int
    thrown: int = 0

    def pick(self, sides: int, face: str) -> int:
        """A number from 0 to `sides` - 1; `face` tells the picks of one roll apart."""
        digest = hashlib.sha256(f"{self.seed} {self.thrown} {face}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % sides

    def next(self) -> "Dice":
        """The dice for the roll after this one."""
        return replace(self, thrown=self.thrown + 1)


def fresh_dice() -> Dice:
    """Dice that nobody has thrown, seeded from the system's entropy."""
    return Dice(draw_seed())


def dimension_of(tag: str) -> str:
    """The dimension of a tag as people write it; empty for one outside the vocabulary."""
    if bpm_of([tag]) is not None:
        return TEMPO
    known = find(tag)
    return known.dimension if known is not None else ""


def roll(dice: Dice, dimension: str, *, without: Collection[str] = ()) -> str:
    """A tag of a dimension that is none of `without`, which must leave one."""
    if dimension == TEMPO:
        tempos = [tag for bpm in range(60, 182, 2) if (tag := bpm_tag(bpm)) not in without]
        return tempos[dice.pick(len(tempos), TEMPO)]
    tags = [tag.name for tag in _tags(dimension) if tag.name not in without]
    return tags[dice.pick(len(tags), dimension)]


def roll_all(dice: Dice) -> tuple[str, ...]:
    """A whole description: a gender, one or two genres of one kind, an emotion, two instruments, a tempo."""
    genre = _tags("genre")[dice.pick(len(_tags("genre")), "genre")]
    genres = [genre.name]
    kin = [tag.name for tag in _tags("genre") if tag.group == genre.group and not _alike(tag, genre)]
    if kin and dice.pick(2, "second genre?"):
        genres.append(kin[dice.pick(len(kin), "second genre")])
    # Voices are the gender's to choose.
    players = [tag for tag in _tags("instrument") if tag.group != "voices"]
    first = players[dice.pick(len(players), "instrument")]
    others = [tag for tag in players if tag.group != first.group]
    second = others[dice.pick(len(others), "second instrument")]
    slow, fast = _TEMPOS.get(genre.group, _USUAL_TEMPO)
    bpm = slow + 2 * dice.pick((fast - slow) // 2 + 1, TEMPO)
    return (roll(dice, "gender"), *genres, roll(dice, "emotion"), first.name, second.name, bpm_tag(bpm))


def put(tags: Sequence[str], tag: str, dimension: str, *, thrown: Collection[str]) -> tuple[str, ...]:
    """The tags with a rolled one among them.

    It takes the place of what was thrown before (`thrown`) in its dimension, or of all of a dimension that
    has room for one alone; else it stands after those of its own and the earlier dimensions.
    """
    of_it = [old for old in tags if dimension_of(old) == dimension]
    gone = of_it if dimension in _SINGLE else [old for old in of_it if old in thrown]
    if gone:
        at = list(tags).index(gone[0])
        return (*tags[:at], tag, *(old for old in tags[at:] if old not in gone))
    before = DIMENSIONS[: DIMENSIONS.index(dimension) + 1]
    places = [at + 1 for at, old in enumerate(tags) if dimension_of(old) in before]
    at = max(places, default=0)
    return (*tags[:at], tag, *tags[at:])


def turn_tempo(tags: Sequence[str], by: int) -> tuple[str, ...]:
    """The tags with their tempo turned by so many beats per minute, within the range; 120 where none is."""
    bpm = bpm_of(tags)
    if bpm is None:
        return (*tags, bpm_tag(120))
    turned = bpm_tag(max(SLOWEST, min(FASTEST, bpm + by)))
    first = next(at for at, tag in enumerate(tags) if bpm_of([tag]) is not None)
    return (*tags[:first], turned, *tags[first + 1 :])


@cache
def _tags(dimension: str) -> tuple[StyleTag, ...]:
    return tuple(tag for tag in vocabulary() if tag.dimension == dimension)


def _alike(one: StyleTag, other: StyleTag) -> bool:
    """Whether two tags are spellings of one thing, such as hip hop and hip-hop, or hold one another."""
    first, second = (tag.name.replace("-", " ") for tag in (one, other))
    return first in second or second in first
