"""Songs to be made into takes of the library: those of a song file, or one that the library holds."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.ask import preset_overrides
from core.cli.asked import assigned, fit, seed_given
from core.cli.check import every_problem, verdict
from core.cli.report import say
from core.cli.takes import song_home
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.library.draft import load_draft, save_draft
from core.library.store import Store
from core.settings import Override, Values
from core.song import Song
from core.takes.take import folder_name


@dataclass(frozen=True, slots=True)
class Asked:
    """A song with the settings it is to be made with, and its folder in the library."""

    song: Song
    model: str
    values: Values
    """With seed -1 where any seed will do."""
    home: Path


def is_song_file(name: str) -> bool:
    """Whether a name is that of a song file."""
    return Path(name).suffix.lower() == ".jsonl"


def asked_for(name: str, args: argparse.Namespace, config: Config, store: Store) -> Sequence[Asked]:
    """What is asked for by a song file, or by the title or folder of a song of the library.

    Tells every problem; SongdeskError where one of them is an error.
    """
    kind, chosen = family_of(args.model or config.model)
    presets = preset_overrides(args.presets, kind, chosen)
    base = Override(config.settings, "songdesk.yaml: settings")

    def asked(song: Song, where: str) -> Asked:
        own = Override(song.settings, where)
        values = resolve_for(kind, chosen, [base, *presets, own, assigned(args), *seed_given(args)])
        return Asked(song, chosen.id, values, store.root / folder_name(song.title))

    if not is_song_file(name):
        home = song_home(store, name)
        song = load_draft(home)
        if song is None:
            raise SongdeskError("there is no song here", where=str(home), hint="name another")
        fit(song, kind, chosen)
        return (asked(song, str(home)),)
    lines, problems = every_problem(Path(name), kind, chosen)
    for problem in problems:
        if problem.severity != "hint":
            print(problem, file=sys.stderr)
    if any(problem.severity == "error" for problem in problems):
        raise SongdeskError(
            f"{verdict(problems)}; nothing was begun", where=name, hint="mend the errors named above"
        )
    return tuple(asked(line.song, f"{line.file}:{line.line}") for line in lines)


def settle(asked: Asked) -> None:
    """Write a song into the library where it is not there yet; one of that title that is stays as it is."""
    there = load_draft(asked.home)
    if there is None:
        save_draft(asked.home, asked.song)
    elif (there.lyrics, there.style) != (asked.song.lyrics, asked.song.style):
        say(
            f"{asked.song.title}: the library's song of that title stays as it is; the take has its own words"
        )
