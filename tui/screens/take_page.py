"""What a take was made from, and what differs from its parent, as a page to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.content import Content

from core.settings import Value, shown
from core.takes.automation import Lane, lanes_of
from core.takes.difference import Difference, difference
from core.takes.recipe import Recipe
from core.takes.recipe import load as load_recipe
from core.takes.take import Take
from tui.screens.page import Page
from tui.take_care import seconds_at
from tui.widgets.bars import clock, one_line
from tui.widgets.take_rows import kin_words
from tui.widgets.takes_list import STAR

_HASH = 12
"""Letters of a hash that are shown."""
_COLUMN = 16
"""Cells for the name of what is told in a row."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that is to be said of one take."""

    take: Take
    state: str
    """In words, as its row says it."""
    recipe: Recipe | None
    above: Recipe | None
    """The recipe of its parent, where that is still there."""
    files: tuple[tuple[str, int], ...] = ()
    """Names and bytes."""


def read_all(take: Take, state: str, parent: Take | None) -> Told:
    """Read what there is of a take in its folder and its parent's."""
    above = load_recipe(parent.folder) if parent is not None else None
    return Told(take, state, load_recipe(take.folder), above, tuple(_files(take.folder)))


def take_page(told: Told, numbers: Mapping[str, int]) -> Page:
    """The page of a take."""
    name = f"Take {numbers.get(told.take.id, '?')}{f' {STAR}' if told.take.star else ''}"
    return Page(f"{name} · {told.state}", text_of(told, numbers))


def text_of(told: Told, numbers: Mapping[str, int]) -> Content:
    """The page's text: parts with headings, none where there is nothing to say."""
    parts = [_head(told, numbers)]
    recipe = told.recipe
    if recipe is None:
        parts.append([Content("Its recipe cannot be read.")])
    else:
        if told.above is not None:
            parts.append(
                [_heading("What differs from its parent"), *_differs(difference(recipe, told.above))]
            )
        parts += [_made_from(recipe), _knobs(lanes_of(recipe)), _seams(recipe), _tokens(recipe)]
        parts.append([_heading("Lyrics"), *map(Content, str(recipe.song.get("lyrics", "")).splitlines())])
        parts.append([_heading("Settings"), *_settings(recipe.settings)])
    parts.append([_heading("Files"), *_listed(told)])
    return Content("\n\n").join(Content("\n").join(part) for part in parts if part)


def _head(told: Told, numbers: Mapping[str, int]) -> list[Content]:
    take, recipe = told.take, told.recipe
    lines = [Content.styled(one_line(take.title), "bold")]
    if take.note:
        lines.append(Content(f"“{take.note}”"))
    if take.kin is not None:
        lines.append(Content(kin_words(take, numbers)))
    if take.trouble:
        lines.append(Content(f"✗ {take.trouble}"))
    lines += [Content(str(note)) for note in (recipe.notes if recipe is not None else ())]
    if take.is_trashed:
        lines.append(Content("It is in the trash."))
    return lines


def _differs(found: Difference) -> Iterator[Content]:
    """Line by line, with what came and went told by signs, and by weight besides."""
    for line in found.words or ("Nothing but the draw.",):
        sign = line.strip()[:1]
        yield Content.styled(line, "bold" if sign == "+" else "dim" if sign == "-" else "")


def _made_from(recipe: Recipe) -> list[Content]:
    facts = {
        "style": str(recipe.song.get("style") or "none"),
        "reference": _reference(recipe.song.get("reference")),
        "model": recipe.model,
        "seed": str(recipe.seed),
        "length": clock(recipe.seconds) if recipe.seconds else "not known yet",
        "songdesk": recipe.songdesk,
        "made with": recipe.made_with,
        "schedule": recipe.schedule,
    }
    return [_heading("Made from"), *(_row(name, words) for name, words in facts.items() if words)]


def _reference(given: object) -> str:
    if not isinstance(given, Mapping):
        return ""
    return str(given.get("style") or given.get("path") or "")


def _knobs(lanes: tuple[Lane, ...]) -> list[Content]:
    rows = [
        _row(
            lane.key,
            ", ".join([shown(lane.start), *(f"{shown(value)} at {clock(at)}" for at, value in lane.turns)]),
        )
        for lane in lanes
    ]
    return [_heading("Turned while it was made"), *rows] if rows else []


def _seams(recipe: Recipe) -> list[Content]:
    lines = [
        Content(
            f"at {clock(seconds_at(recipe, seam.frame))}: "
            + (
                "token for token as without a break"
                if seam.is_exact
                else "from there on it may differ from a run without a break"
            )
        )
        for seam in recipe.seams
    ]
    return [_heading("Broken off and gone on with"), *lines] if lines else []


def _tokens(recipe: Recipe) -> list[Content]:
    rows = [_row("tokens", recipe.tokens[:_HASH])] if recipe.tokens else []
    if recipe.kin is not None and recipe.kin.kept:
        rows.append(_row("kept of them", f"{recipe.kin.kept[:_HASH]}, the first {clock(recipe.kin.seconds)}"))
    rows += [_row(f"sound, {stem}", str(digest)[:_HASH]) for stem, digest in recipe.samples.items()]
    rows += [_row(f"weights, {role}", str(digest)[:_HASH]) for role, digest in recipe.weights.items()]
    return [_heading("Hashes, their first letters"), *rows] if rows else []


def _settings(settings: Mapping[str, Value]) -> Iterator[Content]:
    return (_row(key, shown(value), least=24) for key, value in settings.items() if key != "seed")


def _listed(told: Told) -> Iterator[Content]:
    yield Content(str(told.take.folder))
    for name, size in told.files:
        yield Content(f"  {one_line(name)} · {_bytes(size)}")


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    try:
        for path in sorted(folder.iterdir()):
            yield path.name, path.stat().st_size
    except OSError:
        return


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _heading(words: str) -> Content:
    return Content.styled(words, "bold underline")


def _row(name: str, words: str, *, least: int = _COLUMN) -> Content:
    return Content.assemble((f"{name:<{least}} ", "dim"), one_line(words))
