"""`songdesk takes export`: a take's sound and stems as files of your own, in any format."""

import argparse
import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from core.atomic import replacing
from core.cli.report import say
from core.cli.take_story import recipe_of
from core.cli.take_words import called
from core.errors import SongdeskError
from core.library.store import Store
from core.takes.job import STEM_SUFFIXES, artifact_file
from core.takes.recipe import Recipe
from core.takes.take import Take

if TYPE_CHECKING:
    from core.audio.writer import AudioWriter

_FORMATS = ("wav", "flac", "mp3")
_LOSSLESS = (".wav", ".flac")
_BLOCK = 1 << 16
"""Frames that are read at a time."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One file and where it is to go."""

    source: Path
    target: Path

    @property
    def is_alike(self) -> bool:
        """Whether the bytes can be taken as they are."""
        return self.source.suffix.lower() == self.target.suffix.lower()


def run_export(args: argparse.Namespace, store: Store) -> int:
    """Write the files and print their paths; SongdeskError, and nothing written, where that cannot be."""
    take = store.find(args.take)
    recipe = recipe_of(take)
    copies = _copies(take, recipe, args.to, args.format)
    there = [copy.target for copy in copies if copy.target.exists()]
    if there and not args.force:
        raise SongdeskError("is there already", where=str(there[0]), hint="--force overwrites it")
    if all(copy.is_alike for copy in copies):
        for copy in copies:
            with replacing(copy.target) as temporary:
                shutil.copyfile(copy.source, temporary)
    else:
        _encode(copies, recipe)
    for copy in copies:
        facts = {"id": take.id, "file": str(copy.target), "as_it_is": copy.is_alike}
        print(json.dumps(facts, ensure_ascii=False) if args.json else copy.target, flush=True)
    return 0


def _copies(take: Take, recipe: Recipe, to: Path, form: str | None) -> list[_Copy]:
    sources = [take.folder / Path(name).name for name in recipe.sounds]
    sources = [source for source in sources if source.is_file()]
    if not sources:
        hint = (
            f"songdesk continue {called(take.folder)}"
            if take.can_go_on
            else "it has none, or its files are gone"
        )
        raise SongdeskError(f"take {take.id} has no sound to export", where=str(take.folder), hint=hint)
    named = to.suffix.lower().removeprefix(".")
    is_file = named in _FORMATS and not to.is_dir()
    if is_file and form not in (None, named):
        raise SongdeskError(f"{to.name} is no {form}", hint=f"call it {to.with_suffix(f'.{form}').name}")
    suffix = f".{named}" if is_file else f".{form}" if form else sources[0].suffix.lower()
    if suffix != sources[0].suffix.lower() and sources[0].suffix.lower() not in _LOSSLESS:
        raise SongdeskError(
            f"a take that was made as {sources[0].suffix[1:]} has lost what a {suffix[1:]} would hold",
            where=str(sources[0]),
            hint=f"songdesk rerender {called(take.folder)} --set format={suffix[1:]}",
        )
    return [_Copy(source, _target(source, sources[0], to, suffix, is_file=is_file)) for source in sources]


def _target(source: Path, first: Path, to: Path, suffix: str, *, is_file: bool) -> Path:
    """Where a file goes: stems beside the first are named after it."""
    if not is_file:
        return to / f"{source.stem}{suffix}"
    if source == first:
        return to
    stem = next((end for end in STEM_SUFFIXES.values() if end and source.stem.endswith(end)), source.stem)
    return to.with_name(f"{to.stem}{stem}{suffix}")


def _encode(copies: list[_Copy], recipe: Recipe) -> None:
    """Write the sounds anew with one gain for all, so that stems still add up to the mix."""
    from core.audio.tags import tags_of
    from core.audio.writer import AudioWriter, Depth, Format, guard_gain

    tags = tags_of(recipe, artifact_file(copies[0].source.parent, "tokens"))
    with ExitStack() as stack:
        writers = []
        for copy in copies:
            form = cast("Format", copy.target.suffix[1:])
            depth = cast("Depth", str(recipe.settings.get("wav_depth", "float")))
            writers.append(stack.enter_context(AudioWriter(copy.target, format=form, depth=depth, tags=tags)))
            _pour(copy.source, writers[-1])
        gain = guard_gain(max(writer.true_peak for writer in writers))
        for writer in writers:
            writer.gain = gain
    turned = min(writer.gain or 1.0 for writer in writers)
    if turned < 1:
        say(f"turned down to {turned:.2f} of its level, so that no peak is cut off")


def _pour(source: Path, writer: "AudioWriter") -> None:
    from core.audio.files import blocks

    for block in blocks(source, _BLOCK):
        writer.write(block.T)
