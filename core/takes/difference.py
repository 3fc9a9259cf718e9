"""What a take has that its parent has not: lyrics, style, settings, knobs, and from which second on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import PurePath

from core.clock import clock
from core.errors import SongdeskError
from core.family import family_of
from core.settings import Setting, shown
from core.takes.automation import Lane, lanes_of
from core.takes.recipe import Kin, Recipe

GAP = "…"
"""Stands between lines of lyrics that do not follow each other."""
_AROUND = 1
"""Lines of lyrics to tell beside those that changed."""

Change = tuple[str, str]
"""Before and after."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two takes; None and () where nothing did."""

    why: str = ""
    """What the one is to the other, see `core.takes.recipe.Kin`."""
    seconds: float | None = None
    """From which second on they differ; None where they have nothing of each other."""
    title: Change | None = None
    lyrics: tuple[str, ...] = ()
    """Lines that begin with `- `, `+ ` or, where both have them, two blanks; GAP between stretches."""
    style: Change | None = None
    reference: Change | None = None
    model: Change | None = None
    settings: tuple[tuple[str, str, str], ...] = ()
    """Key, before and after."""
    knobs: tuple[tuple[str, str, str], ...] = ()
    """Key, and how it was turned before and after; empty where it was left alone."""

    @property
    def words(self) -> tuple[str, ...]:
        """The difference in lines for people; none where nothing differs."""
        return tuple(_words(self))


def difference(child: Recipe, parent: Recipe) -> Difference:
    """What the child has that its parent has not."""
    kin = child.kin
    return Difference(
        why=kin.why if kin else "",
        seconds=kin.seconds if kin and kin.seconds > 0 else None,
        title=_change(_said(parent.song, "title"), _said(child.song, "title")),
        lyrics=_lyrics(_said(parent.song, "lyrics"), _said(child.song, "lyrics")),
        style=_change(_said(parent.song, "style"), _said(child.song, "style")),
        reference=_change(_reference(parent.song), _reference(child.song)),
        model=_change(parent.model, child.model),
        settings=tuple(_settings(child, parent)),
        knobs=tuple(_knobs(child, parent)),
    )


def words_of(kin: Kin | None) -> str:
    """What a take is to its parent, in a few words; empty without a parent."""
    if kin is None:
        return ""
    match kin.why:
        case "resing":
            return f"re-sung from {clock(kin.seconds)} of {kin.parent}"
        case "ending":
            return f"another ending from {clock(kin.seconds)} of {kin.parent}"
        case "extend":
            return f"goes on behind {kin.parent}"
        case "render":
            return f"{kin.parent} rendered again"
        case "import":
            return f"brought in from {kin.parent}"
        case _:
            return f"made after {kin.parent}"


def _words(found: Difference) -> Iterator[str]:
    yield from _kept(found)
    named = {"title": found.title, "style": found.style, "reference": found.reference, "model": found.model}
    for name, change in named.items():
        if change is not None:
            yield f"{name}: {change[0] or 'none'} → {change[1] or 'none'}"
    if found.lyrics:
        yield "lyrics:"
        yield from (f"  {line}".rstrip() for line in found.lyrics)
    for key, before, after in found.settings:
        yield f"{key}: {before} → {after}"
    for key, before, after in found.knobs:
        yield f"{key} turned: {before or 'not at all'} → {after or 'not at all'}"


def _kept(found: Difference) -> Iterator[str]:
    """What both have alike, which is said of takes that share tokens."""
    if found.why == "render":
        yield "all of its tokens are the same"
    elif found.seconds is None:
        return
    elif found.why == "extend":
        yield f"its {clock(found.seconds)} are the same, and it goes on behind them"
    else:
        yield f"the first {clock(found.seconds)} are the same"


def _change(before: str, after: str) -> Change | None:
    return None if before == after else (before, after)


def _said(song: Mapping[str, object], key: str) -> str:
    return str(song.get(key) or "").strip("\n")


def _lyrics(before: str, after: str) -> tuple[str, ...]:
    lines: list[str] = []
    for line in unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=_AROUND):
        if line.startswith("@@"):
            lines.append(GAP)
        elif len(lines):  # what stands above the first place are names of files
            lines.append(f"{line[0]} {line[1:]}")
    return tuple(lines[1:])


def _reference(song: Mapping[str, object]) -> str:
    """The reference in words; empty where there is none."""
    given = song.get("reference")
    if not isinstance(given, Mapping):
        return ""
    if given.get("style"):
        return f"built-in style {given['style']}"
    start = given.get("start")
    since = f" from {clock(start)}" if isinstance(start, int | float) and start else ""
    return f"{PurePath(str(given.get('path', ''))).name}{since}"


def _settings(child: Recipe, parent: Recipe) -> Iterator[tuple[str, str, str]]:
    """Settings that only one of them has came or went with a version or a model: nobody changed them."""
    both = [key for key in child.settings if key in parent.settings]
    others = [key for key in both if child.settings[key] != parent.settings[key]]
    table = _table(child.model) if others else {}
    for key in others:
        before, now = parent.settings[key], child.settings[key]
        if key not in table or table[key].counted(before) != table[key].counted(now):
            yield key, shown(before), shown(now)


def _table(model: str) -> dict[str, Setting]:
    """A model's settings by key; none of one that is not known here."""
    try:
        kind, chosen = family_of(model)
    except SongdeskError:
        return {}
    return {setting.key: setting for setting in kind.settings(chosen)}


def _knobs(child: Recipe, parent: Recipe) -> Iterator[tuple[str, str, str]]:
    before = {lane.key: _turns(lane) for lane in lanes_of(parent)}
    after = {lane.key: _turns(lane) for lane in lanes_of(child)}
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield key, before.get(key, ""), after.get(key, "")


def _turns(lane: Lane) -> str:
    return ", ".join(f"{shown(value)} at {clock(seconds)}" for seconds, value in lane.turns)
