"""The songs that the demo is asked for, what their words ask, and how the corpus would sing them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import style
from core.errors import SongdeskError
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import to_wire
from core.song import Song
from core.songfile import Problem, read_songs
from corpus import tags
from corpus.song import Song as Plan
from corpus.song import compose

FIRST_SEED = 3_000_000
"""Of the songs that the corpus makes of the prompts: neither training nor validation uses it."""


@dataclass(frozen=True, slots=True)
class Asks:
    """What a description names; what it leaves open cannot be judged and is None."""

    bpm: int | None
    gender: str | None
    """female or male; a voice is asked for only where there are words."""
    mode: str | None
    """major or minor, by the first emotion."""
    family: str | None
    """By the first genre."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One song asked for."""

    song: Song
    wire: str
    asks: Asks
    plan: Plan
    """How the corpus makes it, which tells how long its sections and lines ought to be."""
    seed: int
    """Of the take, from 1."""

    @property
    def name(self) -> str:
        """Its title."""
        return self.song.title


def read_prompts(path: Path, limit: int | None = None) -> tuple[tuple[Prompt, ...], tuple[Problem, ...]]:
    """The first songs of a file, and what its readers should know of it; SongdeskError for an unsound one."""
    lines, problems = read_songs(path)
    if worst := next((problem for problem in problems if problem.severity == "error"), None):
        raise SongdeskError(f"line {worst.line}: {worst.what}", where=str(path), hint=worst.hint)
    if not lines:
        raise SongdeskError("there is no song in it", where=str(path), hint="write one JSON object per line")
    chosen = lines[:limit]
    return tuple(prompt_of(line.song, at) for at, line in enumerate(chosen)), problems


def prompt_of(song: Song, order: int) -> Prompt:
    """A prompt with the seed of its place in the file."""
    wire = to_wire(parse(song.lyrics), dialect("levo"))
    plan = compose(FIRST_SEED + order, lyrics=wire, description=song.style)
    return Prompt(song, wire, _asked(song.style, plan), plan, order + 1)


def _asked(description: str, plan: Plan) -> Asks:
    named = [tag.strip().lower() for tag in style.split(description)]
    known = [tag for name in named if (tag := style.find(name)) is not None]
    meant = tags.read(description)
    has_mood = any(tag.dimension == "emotion" and tag.group in tags.MODES for tag in known)
    return Asks(
        bpm=style.bpm_of(named),
        gender=_gender(named) if any(section.sung for section in plan.sections) else None,
        mode=meant.mode if has_mood else None,
        family=meant.family.name if any(tag.dimension == "genre" for tag in known) else None,
    )


def _gender(named: Sequence[str]) -> str | None:
    return next((name for name in named if name in ("female", "male")), None)
