"""A model family described without loading it, and the families songdesk knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from core.device import Device
from core.engine import Engine, Plan, Rung, Stage
from core.errors import SongdeskError
from core.lyrics.parse import Lyrics
from core.lyrics.tags import Dialect
from core.registry import Variant, variant
from core.sections import SectionStart
from core.settings import Override, Setting, Values, resolve
from core.song import Song
from core.takes.job import KnobChange
from core.takes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Kept:
    """What a take begins with of another one."""

    seconds: float
    tokens: str
    """The hash of the tokens."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the studio and the command line need to know of a kind of model; imports no torch."""

    id: str
    title: str
    dialect: Dialect
    stages: tuple[Stage, ...]
    settings: Callable[[Variant], tuple[Setting, ...]]
    plan: Callable[[Song, Variant, Values], Plan]
    """Costs nothing and loads nothing."""
    ladder: Callable[[Song, Variant, Values, str, Device], tuple[Rung, ...]]
    """Ways to run one stage (by its id) on a kind of device, the best first; what a person set is kept."""
    count_tokens: Callable[[Variant, str], int]
    """Length of a wire string in the model's lyric tokens."""
    style_text: Callable[[str, Variant, Values], str]
    """The description string exactly as the model reads it."""
    count_style_tokens: Callable[[Variant, str], int]
    """Length of a style string, as `style_text` gives it, in the model's style tokens."""
    cut_lyrics: Callable[[Variant, str], str]
    """The end of a wire string that the model would not read."""
    cut_style: Callable[[Variant, str], str]
    """The end of a style string that the model would not read."""
    identity: Callable[[Variant, Sequence[str]], str]
    """A short text that changes with the weights of some roles or with what the stages exchange."""
    heard_from: Callable[[Variant, Recipe, KnobChange], float]
    """Seconds into the song at which a setting that was turned on the way is first heard."""
    begin_with: Callable[[Path, Path, float], Kept]
    """Has the take in the second folder begin with so many seconds of the one in the first."""
    begin_as: Callable[[Path, Path], None]
    """Has it begin with the tokens that the other begins with, whose sound is to be made anew."""
    edge_samples: int
    """Before the place a take so begun sings on from, so much of its sound may differ from the other's."""
    section_starts: Callable[[Variant, Path, Lyrics, float], tuple[SectionStart, ...]]
    """Where the sections begin in the take in a folder whose song is so long (s); quick, and never sure."""
    engine: str
    """`module:Class`, imported on the first render."""

    def stage(self, name: str) -> Stage:
        """One stage by its id."""
        return next(stage for stage in self.stages if stage.id == name)


_FAMILIES = {"levo": "core.levo.family:FAMILY"}


@cache
def family(name: str) -> Family:
    """A family by its id; SongdeskError for one that is not there."""
    if name not in _FAMILIES:
        raise SongdeskError(
            f"unknown family {name!r}", where="models.yaml", hint=f"use {', '.join(_FAMILIES)}"
        )
    found = _load(_FAMILIES[name])
    assert isinstance(found, Family)
    return found


def family_of(model: str) -> tuple[Family, Variant]:
    """The family and variant behind a model's name; SongdeskError for an unknown one."""
    chosen = variant(model)
    return family(chosen.family), chosen


def resolve_for(kind: Family, chosen: Variant, overrides: Sequence[Override]) -> Values:
    """The settings in force for one model: defaults, then overrides in turn."""
    return resolve(kind.settings(chosen), *overrides)


def make_engine(kind: Family, chosen: Variant) -> Engine:
    """Import the family's engine (and with it torch) and make one."""
    factory = _load(kind.engine)
    assert callable(factory)
    engine: Engine = factory(chosen)
    return engine


def _load(dotted: str) -> object:
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)
