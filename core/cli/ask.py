"""A `songdesk render` command line, understood and checked before anything runs."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.check import file_problems, verdict
from core.cli.places import Wish
from core.config import Config
from core.errors import SongdeskError
from core.family import Family, family_of, resolve_for
from core.presets import find_preset
from core.registry import Variant
from core.settings import Override, parse_pairs
from core.songfile import SongLine


@dataclass(frozen=True, slots=True)
class Ask:
    """What to render, from which stage to which, and where to."""

    kind: Family
    chosen: Variant
    out: Path
    overrides: tuple[Override, ...]
    """The configuration's first, those of the command line after it."""
    presets: tuple[Override, ...]
    """Go over the configuration; the song's own settings go over them, those of the command line last."""
    given: int
    upto: int
    again: bool
    is_forced: bool
    device: str

    def wish(self, line: SongLine) -> Wish:
        """What is wanted of one song; settings that do not fit raise SongdeskError."""
        own = Override(line.song.settings, f"{line.file}:{line.line}")
        given = [self.overrides[0], *self.presets, own, *self.overrides[1:]]
        values = resolve_for(self.kind, self.chosen, given)
        return Wish(line.song, self.kind, self.chosen, values, given=self.given, upto=self.upto)

    @property
    def first(self) -> str:
        """The stage to begin with."""
        return self.kind.stages[self.given].id

    @property
    def last(self) -> str:
        """The stage to end with."""
        return self.kind.stages[self.upto - 1].id


def understand(args: argparse.Namespace, config: Config) -> Ask:
    """Read the options; SongdeskError for a model, setting or stretch of stages that cannot be."""
    kind, chosen = family_of(args.model or config.model)
    stages = [stage.id for stage in kind.stages]
    given: dict[str, object] = {}
    for assignment in args.assignments:
        given |= parse_pairs(assignment, between="=", where="--set")
    stems = args.stems and args.stems.replace(",", "+").replace(" ", "")
    options = {"seed": args.seed, "format": args.format, "stems": stems}
    own = [Override({key: value}, f"--{key}") for key, value in options.items() if value is not None]
    first = stages.index(args.start) + 1 if args.start else 0
    upto = stages.index(args.until) + 1 if args.until else len(stages)
    if first >= upto:
        raise SongdeskError(
            f"nothing lies between --from {args.start} and --until {args.until}", hint="drop one"
        )
    return Ask(
        kind=kind,
        chosen=chosen,
        out=args.out,
        presets=preset_overrides(args.presets, kind, chosen),
        overrides=(Override(config.settings, "songdesk.yaml: settings"), Override(given, "--set"), *own),
        given=first,
        upto=upto,
        again=args.again,
        is_forced=args.force,
        device=config.device,
    )


def preset_overrides(names: Sequence[str], kind: Family, chosen: Variant) -> tuple[Override, ...]:
    """What presets change, in turn; SongdeskError for one that is not there or does not fit the model."""
    found = [find_preset(name, "--preset") for name in names]
    settings = kind.settings(chosen)
    return tuple(Override(preset.values(settings), str(preset.where)) for preset in found)


def sound_songs(path: Path, ask: Ask) -> tuple[SongLine, ...]:
    """The songs of a file; tells its problems and refuses it whole if one of them is an error."""
    lines, problems = file_problems(path, ask.kind, ask.chosen, is_forced=ask.is_forced)
    for problem in problems:
        if problem.severity != "hint":
            print(problem, file=sys.stderr)
    if any(problem.severity == "error" for problem in problems):
        raise SongdeskError(
            f"{verdict(problems)}; nothing was rendered", where=str(path), hint="mend the errors named above"
        )
    return lines


def writable(out: Path) -> None:
    """Make the folder, and refuse one that cannot be written before hours are spent."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise SongdeskError(
            "this is a file, not a folder", where=str(out), hint="choose another --out"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SongdeskError(
            f"cannot make this folder: {reason.lower()}", where=str(out), hint="choose another --out"
        ) from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise SongdeskError("this folder cannot be written", where=str(out), hint="choose another --out")
