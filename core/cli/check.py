"""`songdesk check`: every problem of a song file, one line each."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from core.config import Config
from core.errors import SongdeskError
from core.family import Family, family_of, resolve_for
from core.reference import look_at
from core.registry import Variant
from core.review import review
from core.settings import Override
from core.songfile import Problem, SongLine, read_songs

EXIT_PROBLEMS = 1


def run_check(args: argparse.Namespace, config: Config) -> int:
    """Print the problems of a file; 1 when one of them is an error."""
    kind, chosen = family_of(args.model or config.model)
    songs, problems = every_problem(args.songs, kind, chosen)
    for problem in problems:
        print(json.dumps({**asdict(problem), "file": str(problem.file)}) if args.json else problem)
    print(f"{args.songs}: {_counted(len(songs), 'sound song')}, {verdict(problems)}", file=sys.stderr)
    return EXIT_PROBLEMS if any(problem.severity == "error" for problem in problems) else 0


def verdict(problems: Sequence[Problem]) -> str:
    """How many problems there are of each severity: `1 error, 2 warnings`."""
    counts = [(sum(p.severity == kind for p in problems), kind) for kind in ("error", "warning", "hint")]
    return ", ".join(_counted(number, kind) for number, kind in counts if number) or "no problems"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def every_problem(
    path: Path, kind: Family, chosen: Variant
) -> tuple[tuple[SongLine, ...], tuple[Problem, ...]]:
    """The songs of a file, and its problems with those of the recordings that they name."""
    songs, problems = file_problems(path, kind, chosen)
    unheard = [problem for line in songs if (problem := _reference_problem(line)) is not None]
    return songs, tuple(sorted((*problems, *unheard), key=lambda problem: problem.line))


def file_problems(
    path: Path, kind: Family, chosen: Variant, *, is_forced: bool = False
) -> tuple[tuple[SongLine, ...], tuple[Problem, ...]]:
    """The songs of a file, and every problem of the file and of its songs in order of lines."""
    songs, problems = read_songs(path)
    found = [
        *problems,
        *(p for song in songs for p in _song_problems(song, kind, chosen, is_forced=is_forced)),
    ]
    return songs, tuple(sorted(found, key=lambda problem: problem.line))


def _song_problems(line: SongLine, kind: Family, chosen: Variant, *, is_forced: bool) -> Iterator[Problem]:
    for finding in review(line.song, kind, chosen, is_forced=is_forced):
        yield _problem(line, finding.severity.value, finding.part, finding.what, finding.hint)
    try:
        values = resolve_for(kind, chosen, [Override(line.song.settings)])
    except SongdeskError as error:
        yield _problem(line, "error", "parameters", error.what, error.hint)
        return
    for note in kind.plan(line.song, chosen, values).notes:
        yield _problem(line, "warning", "song", note.what, note.hint)


def _reference_problem(line: SongLine) -> Problem | None:
    """What is wrong with a recording, as far as its files' headers tell."""
    if line.song.reference is None or not line.song.reference.path:
        return None
    try:
        look_at(line.song.reference)
    except SongdeskError as error:
        return _problem(line, "error", "prompt_audio_path", f"{error.where}: {error.what}", error.hint)
    return None


def _problem(line: SongLine, severity: str, section: str, what: str, hint: str) -> Problem:
    return Problem(
        severity=severity, file=line.file, line=line.line, column=None, section=section, what=what, hint=hint
    )
