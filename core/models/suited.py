"""Settings carried from one model to another: those it has no place for are left out, and said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import SongdeskError
from core.settings import Kind, Override, Setting, named


@dataclass(frozen=True, slots=True)
class Suited:
    """Settings as another model takes them."""

    given: Mapping[str, str]
    """Names and values as written."""
    notes: tuple[str, ...] = ()
    """What became of each that could not stay as it was, such as `length 250 is 120: its most`."""


def suited(settings: Sequence[Setting], given: Mapping[str, object]) -> Suited:
    """Fit settings of a song to a model's table; a number that is out of its range goes to the end of it."""
    kept: dict[str, str] = {}
    notes: list[str] = []
    by_name = {name: setting for setting in settings for name in (setting.key, *setting.aliases)}
    for name, raw in given.items():
        try:
            named(settings, Override({name: raw}))
        except SongdeskError:
            setting = by_name.get(name.strip().lower())
            end = _end(setting, raw) if setting is not None else None
            notes.append(f"{name} {raw} is {end[0]}: {end[1]}" if end else f"{name} {raw} is left out")
            if end:
                kept[name] = end[0]
        else:
            kept[name] = str(raw)
    return Suited(kept, tuple(notes))


def _end(setting: Setting, raw: object) -> tuple[str, str] | None:
    """The end of a range that a number is beyond, and which it is; None for what is no such number."""
    if setting.kind not in (Kind.REAL, Kind.WHOLE):
        return None
    try:
        value = float(str(raw))
    except ValueError:
        return None
    if setting.hi is not None and value > setting.hi:
        return _shown(setting, setting.hi), "its most"
    if setting.lo is not None and value < setting.lo:
        return _shown(setting, setting.lo), "its least"
    return None


def _shown(setting: Setting, value: float) -> str:
    return str(int(value)) if setting.kind is Kind.WHOLE else f"{value:g}"
