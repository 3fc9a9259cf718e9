"""How live settings were turned in the course of a take, as lanes along the song; no torch."""

from dataclasses import dataclass

from core.errors import SongdeskError
from core.family import family_of
from core.settings import Value
from core.takes.job import KnobChange
from core.takes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Lane:
    """One setting along the song: the value the take began with, and from which second (s) on another."""

    key: str
    start: Value
    turns: tuple[tuple[float, Value], ...]
    """In order of time; neighbours differ, and the first differs from the start unless it was turned back."""

    @property
    def last(self) -> Value:
        """The value at the end."""
        return self.turns[-1][1]

    @property
    def turned_at(self) -> float:
        """When it was turned last (s)."""
        return self.turns[-1][0]


def lanes_of(recipe: Recipe) -> tuple[Lane, ...]:
    """The settings that were turned in a take, in the order of their first turn; none of an unknown model."""
    try:
        kind, chosen = family_of(recipe.model)
    except SongdeskError:
        return ()
    turns: dict[str, list[tuple[float, Value]]] = {}
    for knob in recipe.knobs:
        if _is_sound(knob) and knob.key in recipe.settings:
            turns.setdefault(knob.key, []).append((kind.heard_from(chosen, recipe, knob), knob.value))
    lanes = (
        Lane(key, recipe.settings[key], _plain(recipe.settings[key], given)) for key, given in turns.items()
    )
    return tuple(lane for lane in lanes if lane.turns)


def _plain(start: Value, turns: list[tuple[float, Value]]) -> tuple[tuple[float, Value], ...]:
    """Turns in order of time, of those at one moment the last, without those that changed nothing."""
    latest = dict(sorted(turns, key=lambda turn: turn[0]))
    kept: list[tuple[float, Value]] = []
    for seconds, value in latest.items():
        if value != (kept[-1][1] if kept else start):
            kept.append((seconds, value))
    return tuple(kept)


def _is_sound(knob: KnobChange) -> bool:
    """Whether an entry that somebody may have edited holds what its fields say."""
    return (
        isinstance(knob.at, int)
        and isinstance(knob.key, str)
        and isinstance(knob.value, bool | float | int | str)
    )
