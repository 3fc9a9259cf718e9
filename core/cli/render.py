"""`songdesk render`: songs of a JSONL file to sound files, without the studio."""

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.check import file_problems
from core.cli.departure import Departure
from core.cli.places import Place, Wish, place_for, place_from
from core.cli.progress import READINGS_PER_SECOND, Teller, clock, teller
from core.config import Config
from core.errors import SongdeskError
from core.family import Family, family_of, resolve_for
from core.job import Job, Outcome
from core.meter import State
from core.random import draw_seed
from core.registry import Variant
from core.runner import Runner
from core.settings import Override, parse_pairs
from core.songfile import SongLine

EXIT_FAILED = 2
_STAGES = ("conditions", "tokens", "audio")
_PATIENCE = 15.0
"""Seconds to wait for the engine to stop."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """The command line, understood."""

    kind: Family
    chosen: Variant
    out: Path
    overrides: tuple[Override, ...]
    first: str
    last: str
    again: bool
    as_json: bool
    device: str

    def wish(self, line: SongLine) -> Wish:
        """What is wanted of one song; settings that do not fit raise SongdeskError."""
        before, after = self.overrides[:1], self.overrides[1:]
        own = Override(line.song.settings, f"{line.file}:{line.line}")
        return Wish(line.song, self.chosen.id, resolve_for(self.kind, self.chosen, [*before, own, *after]))


def run_render(args: argparse.Namespace, config: Config) -> int:
    """Render every song that is not there yet; prints a path, or with --json an object, for each."""
    ask = _understand(args, config)
    lines = _sound_songs(args.songs, ask)
    wishes = [ask.wish(line) for line in lines]
    _writable(ask.out)
    return render_all(ask, wishes)


def render_all(ask: _Ask, wishes: Sequence[Wish]) -> int:
    """Render wishes in turn on one engine; 0 when every song is there at the end."""
    failed = 0
    with Departure() as departure:
        runner = Runner()
        try:
            for wish in wishes:
                if departure.code:
                    break
                outcome = _render_one(ask, wish, runner, departure)
                failed += outcome.state not in (State.DONE, State.STOPPED)
        finally:
            _end(runner, departure.code)
    return departure.code or (EXIT_FAILED if failed else 0)


def _end(runner: Runner, code: int) -> None:
    """End the engine's thread; the interpreter aborts when it ends under one that is inside torch."""
    if not runner.close(_PATIENCE):
        sys.stderr.write("songdesk: the engine did not stop in time\n")
        sys.stderr.flush()
        os._exit(code or 1)


def _understand(args: argparse.Namespace, config: Config) -> _Ask:
    kind, chosen = family_of(args.model or config.model)
    given: dict[str, object] = {}
    for assignment in args.assignments:
        given |= parse_pairs(assignment, between="=", where="--set")
    options = {"seed": args.seed, "format": args.format}
    own = [Override({key: value}, f"--{key}") for key, value in options.items() if value is not None]
    first = _STAGES[_STAGES.index(args.start) + 1] if args.start else _STAGES[0]
    last = args.until or _STAGES[-1]
    if _STAGES.index(first) > _STAGES.index(last):
        raise SongdeskError(
            f"nothing lies between --from {args.start} and --until {args.until}", hint="drop one"
        )
    return _Ask(
        kind=kind,
        chosen=chosen,
        out=args.out,
        overrides=(Override(config.settings, "songdesk.yaml: settings"), Override(given, "--set"), *own),
        first=first,
        last=last,
        again=args.again,
        as_json=args.json,
        device=config.device,
    )


def _sound_songs(path: Path, ask: _Ask) -> tuple[SongLine, ...]:
    """The songs of a file; tells its problems and refuses it whole if one of them is an error."""
    lines, problems = file_problems(path, ask.kind, ask.chosen)
    for problem in problems:
        if problem.severity != "hint":
            print(problem, file=sys.stderr)
    wrong = sum(problem.severity == "error" for problem in problems)
    if wrong:
        raise SongdeskError(
            f"{wrong} error{'s' * (wrong != 1)}, nothing was rendered",
            where=str(path),
            hint="mend the lines named above",
        )
    return lines


def _writable(out: Path) -> None:
    """Refuse a folder that cannot be written before hours are spent."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SongdeskError(
            f"cannot make this folder: {reason.lower()}", where=str(out), hint="choose another --out"
        ) from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise SongdeskError("this folder cannot be written", where=str(out), hint="choose another --out")


def _render_one(ask: _Ask, wish: Wish, runner: Runner, departure: Departure) -> Outcome:
    position = _STAGES.index(ask.first)
    if position:
        place = place_from(ask.out, wish, _STAGES[:position])
    else:
        place = place_for(ask.out, wish, again=ask.again)
    job = _job(ask, wish, place)
    if not position and place.finished and ask.last == _STAGES[-1]:
        _say(f"{wish.song.title}: already there; --again makes it once more")
        outcome = Outcome(
            job, State.DONE, file=place.sound, seconds=place.recipe.seconds if place.recipe else 0.0
        )
    else:
        outcome = _run(job, runner, departure)
    _report(outcome, as_json=ask.as_json)
    return outcome


def _job(ask: _Ask, wish: Wish, place: Place) -> Job:
    seed = wish.values.whole("seed")
    if seed < 0 and place.recipe:
        seed = int(place.recipe.settings["seed"])
    if seed < 0:
        seed = draw_seed()
    return Job(
        id=place.folder.name,
        song=wish.song,
        model=wish.model,
        values=wish.values.replace(seed=seed),
        folder=place.folder,
        audio=place.audio,
        first=ask.first,
        last=ask.last,
        device=ask.device,
    )


def _run(job: Job, runner: Runner, departure: Departure) -> Outcome:
    done = threading.Event()
    box: list[Outcome] = []

    def finished(outcome: Outcome) -> None:
        box.append(outcome)
        done.set()

    show: Teller = teller()
    runner.submit(job, finished)
    while not done.wait(1 / READINGS_PER_SECOND):
        show.show(runner.meter)
        if departure.code:
            runner.stop(keep=False)
            done.wait(_PATIENCE)
            break
    show.close()
    if departure.code:
        _say(f"{job.song.title}: stopped; finished stages are kept in {job.folder}")
    return box[0] if box else Outcome(job, State.CANCELLED)


def _report(outcome: Outcome, *, as_json: bool) -> None:
    job = outcome.job
    for note in outcome.notes:
        _say(f"{job.song.title}: {note}")
    if outcome.error:
        _say(f"songdesk: {job.song.title}: {outcome.error}")
    elif outcome.took:
        length = f"{clock(outcome.seconds)} of song" if outcome.seconds else "done"
        _say(f"{job.song.title}: {length} in {outcome.took:.1f} s, seed {job.values['seed']}")
    if as_json:
        print(json.dumps(_facts(outcome), ensure_ascii=False), flush=True)
    elif outcome.file:
        print(outcome.file, flush=True)


def _facts(outcome: Outcome) -> dict[str, object]:
    return {
        "idx": outcome.job.song.title,
        "state": outcome.state.value,
        "file": str(outcome.file) if outcome.file else None,
        "model": outcome.job.model,
        "seed": outcome.job.values["seed"],
        "seconds": outcome.seconds,
        "took": round(outcome.took, 3),
        "notes": list(outcome.notes),
        "error": str(outcome.error) if outcome.error else None,
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
