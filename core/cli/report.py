"""What `songdesk render` says of each song: results on stdout, talk on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping

from core.clock import clock
from core.meter import State
from core.takes.job import Outcome

MADE = (State.DONE, State.STOPPED)


def report(outcome: Outcome, *, as_json: bool) -> None:
    """Tell how a song ended: its path, or with `as_json` an object, on stdout."""
    tell(outcome, talk(outcome), _facts(outcome) if as_json else None)


def tell(outcome: Outcome, lines: Iterable[str], facts: Mapping[str, object] | None) -> None:
    """Say lines about a song, then print its facts and how it ended as an object, or else its files."""
    for line in lines:
        say(f"{outcome.job.song.title}: {line}")
    if facts is not None:
        print(json.dumps({**facts, **_ending(outcome)}, ensure_ascii=False), flush=True)
    else:
        for file in outcome.files:
            print(file, flush=True)


def say(line: str) -> None:
    """A line of talk."""
    print(visible(line), file=sys.stderr, flush=True)


def visible(line: str) -> str:
    """A line without what would command a terminal: titles and notes may come from other people's files."""
    return "".join(char if char.isprintable() else "�" for char in line)


def talk(outcome: Outcome) -> list[str]:
    """What is said of how a song ended."""
    seed = outcome.job.values["seed"]
    lines = list(outcome.notes)
    if outcome.error:
        lines.append(f"not made: {outcome.error}")
    elif outcome.state in (State.CANCELLED, State.PAUSED):
        lines.append(f"stopped; the same command goes on from what is finished in {outcome.job.folder}")
    elif not outcome.took:
        lines.append("already there; --again makes it once more")
    elif outcome.seconds:
        lines.append(f"{clock(outcome.seconds)} of song in {outcome.took:.1f} s, seed {seed}")
    else:
        lines.append(f"{outcome.job.last} made in {outcome.took:.1f} s, seed {seed}")
    return lines


def _facts(outcome: Outcome) -> dict[str, object]:
    return {
        "idx": outcome.job.song.title,
        "state": outcome.state.value,
        "file": str(outcome.file) if outcome.file else None,
        "model": outcome.job.model,
        "seed": outcome.job.values["seed"],
        "seconds": outcome.seconds,
    }


def _ending(outcome: Outcome) -> dict[str, object]:
    """What is told of the end of every song and take."""
    return {
        "files": [str(file) for file in outcome.files],
        "took": round(outcome.took, 3),
        "notes": list(outcome.notes),
        "error": str(outcome.error) if outcome.error else None,
    }
