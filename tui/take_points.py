"""Where in a take one can begin anew, and what is to be said of that; reads its folder, needs no screen."""

from dataclasses import asdict, dataclass, replace

from core.clock import clock, seconds_of
from core.errors import SongdeskError
from core.family import Kept, family_of
from core.lyrics.parse import Lyrics, Section, parse
from core.meter import State
from core.sections import SectionStart
from core.settings import Values
from core.song import Song
from core.takes.difference import difference
from core.takes.job import artifact_file
from core.takes.recipe import Recipe
from core.takes.recipe import load as load_recipe
from core.takes.take import Take
from core.takes.tokenhash import codes_in, token_hash
from tui.take_care import seconds_at, short_words
from tui.widgets.fuzzy_list import Row

END, OTHER = "end", "other"
"""Ids of lines that stand for no time of their own."""
_LEAST = 0.04
"""Seconds that must be kept: one frame."""
_SHOWN = 8
"""Letters of a hash that are shown."""


@dataclass(frozen=True, slots=True)
class Points:
    """What there is of a take, and where its sections begin."""

    take: Take
    recipe: Recipe
    seconds: float
    """How much of it there is."""
    starts: tuple[SectionStart | None, ...] = ()
    """For each section of its lyrics where it begins; None where one cannot begin anew there."""
    edge: int = 0
    """Samples before a place in which the sound of what begins anew there may differ."""


def points_of(take: Take) -> Points:
    """Read what one can begin anew from; SongdeskError where there are no tokens, or of an unknown model."""
    recipe = load_recipe(take.folder)
    if recipe is None:
        raise SongdeskError("its recipe cannot be read", where=str(take.folder), hint="choose another take")
    file = artifact_file(take.folder, "tokens")
    if not file.is_file():
        raise SongdeskError("there is nothing to keep of this take yet", hint="it is to be composed first")
    kind, chosen = family_of(recipe.model)
    seconds = seconds_at(recipe, codes_in(file).shape[1]) or take.seconds or 0.0
    starts: tuple[SectionStart, ...] = ()
    if take.state == State.DONE.value:  # else nobody knows how far into the lyrics it came
        lyrics = parse(str(recipe.song.get("lyrics", "")))
        starts = kind.section_starts(chosen, take.folder, lyrics, seconds)
    inside = tuple(start if _LEAST <= start.seconds < seconds else None for start in starts)
    return Points(take, recipe, seconds, inside, kind.edge_samples)


def kept_of(points: Points, seconds: float) -> Kept:
    """What stays of a take when it is begun anew from a place (s), which falls on a frame."""
    frame = seconds_at(points.recipe, 1) or 0.0
    if not frame:
        return Kept(seconds, "")
    codes = codes_in(artifact_file(points.take.folder, "tokens"))
    frames = min(round(seconds / frame), codes.shape[1])
    return Kept(frames * frame, token_hash(codes[:, :frames]))


def rows_of(points: Points, here: float | None, *, with_end: bool) -> list[Row]:
    """The lines to choose from: sections, where the player stands (s), behind the end, another time."""
    rows: list[Row] = [(str(s.seconds), f"{clock(s.seconds)} [{s.tag}]", s.how) for s in points.starts if s]
    if here is not None and _LEAST <= here < points.seconds:
        rows.append((str(here), f"{clock(here)} where the player stands", ""))
    if with_end:
        rows.append((END, f"{clock(points.seconds)} behind the end", "it goes on: all of it is kept"))
    rows.append((OTHER, "another time …", "to be typed, such as 1:07"))
    return rows


def time_typed(text: str, points: Points) -> float:
    """The time somebody typed (s); SongdeskError where it is none, or not within the take."""
    seconds = seconds_of(text)
    if seconds is None:
        raise SongdeskError(f"{text} is no time", hint="type it as 1:07, or as seconds: 67")
    if not _LEAST <= seconds < points.seconds:
        raise SongdeskError(
            f"{text} is not inside the take", hint=f"there are {clock(points.seconds)} of it, from 0:00 on"
        )
    return seconds


def terms(points: Points, kept: Kept, song: Song, values: Values) -> list[str]:
    """What is kept and what is made anew, line by line."""
    hashed = f" (tokens {kept.tokens[:_SHOWN]}…)" if kept.tokens else ""
    here = next((s for s in points.starts if s and abs(s.seconds - kept.seconds) < _LEAST), None)
    place = f", up to [{here.tag}], {here.how}" if here is not None else ""
    lines = [
        f"Kept as it is: the first {clock(kept.seconds)}{place}{hashed}.",
        f"Its sound stays too, but for the last {points.edge} samples, in which the new one sets in.",
        "Sung anew: the rest, with the lyrics, style and settings that stand in the studio now.",
    ]
    changed = changes(points.recipe, song, values)
    lines.append(f"Changed since the take: {changed}." if changed else _same(points.recipe, values))
    before = changed_before(points, kept.seconds, song)
    if before:
        lines.append(f"! {before}: what is kept is not sung anew, and stays as it was.")
    return lines


def changes(recipe: Recipe, song: Song, values: Values) -> str:
    """In one line how the song and the settings as they stand differ from a take's, but for the seed."""
    now = replace(recipe, song=asdict(song), settings={**recipe.settings, **values}, kin=None, knobs=())
    return short_words(difference(now, replace(recipe, kin=None, knobs=())))


def changed_before(points: Points, seconds: float, song: Song) -> str:
    """Which sections before a place have other lyrics now than in the take; empty for none."""
    before = parse(str(points.recipe.song.get("lyrics", "")))
    now = parse(song.lyrics)
    count = _sung_by(points, seconds, before)
    changed = [
        f"[{section.tag}]"
        for index, section in enumerate(before.sections[:count])
        if index >= len(now.sections) or _plain(section) != _plain(now.sections[index])
    ]
    if not changed:
        return ""
    return f"the lyrics before that place were changed, in {', '.join(dict.fromkeys(changed))}"


def _sung_by(points: Points, seconds: float, lyrics: Lyrics) -> int:
    """How many sections are over at a place, as far as that is known."""
    if seconds >= points.seconds:
        return len(lyrics.sections)
    begun = [n for n, start in enumerate(points.starts) if start and start.seconds <= seconds + _LEAST]
    return max(begun, default=0)


def _plain(section: Section) -> tuple[str, ...]:
    return (section.tag, *(line.text for line in section.lines))


def _same(recipe: Recipe, values: Values) -> str:
    if values.whole("seed") == recipe.settings.get("seed"):
        return "! Nothing was changed, the seed neither: it may well be sung the same way again."
    return "Nothing was changed but the seed, which is drawn."
