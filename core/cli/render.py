"""`songdesk render`: songs of a JSONL file to sound files, without the studio."""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.checkpoints import require_weights
from core.cli.ask import Ask, sound_songs, understand, writable
from core.cli.calling import call_back
from core.cli.departure import Departure
from core.cli.places import Wish, already_made, place_to_work
from core.cli.progress import READINGS_PER_SECOND, Teller, teller
from core.cli.report import MADE, report
from core.config import Config
from core.errors import SongdeskError
from core.making.runner import Runner
from core.meter import State
from core.notices import Notify
from core.random import draw_seed
from core.takes.job import Job, Outcome
from core.takes.recipe import Recipe

EXIT_FAILED = 2
PATIENCE = 15.0
"""Seconds to wait for the engine to stop."""


def run_render(args: argparse.Namespace, config: Config) -> int:
    """Render every song that is not there yet; prints a path, or with --json an object, for each."""
    ask = understand(args, config)
    require_weights(ask.chosen, ask.kind.stages[ask.given : ask.upto])
    wishes = [ask.wish(line) for line in sound_songs(args.songs, ask)]
    writable(ask.out)
    return render_all(ask, wishes, as_json=args.json, notify=config.studio.notify)


def render_all(ask: Ask, wishes: Sequence[Wish], *, as_json: bool, notify: Notify = "off") -> int:
    """Render wishes in turn on one engine; 0 when every song is there at the end."""
    outcomes: list[Outcome] = []
    began = time.monotonic()
    with Departure() as departure:
        runner = Runner()
        try:
            for wish in wishes:
                if departure.code:
                    break
                outcome = _render_one(ask, wish, runner, departure)
                report(outcome, as_json=as_json)
                outcomes.append(outcome)
        finally:
            end_engine(runner, departure.code)
    if not departure.code:
        call_back(outcomes, time.monotonic() - began, notify)
    failed = any(outcome.state not in MADE for outcome in outcomes)
    return departure.code or (EXIT_FAILED if failed else 0)


def end_engine(runner: Runner, code: int) -> None:
    """End the engine's thread; the interpreter aborts when it ends under one that is inside torch."""
    if not runner.close(PATIENCE):
        sys.stderr.write("songdesk: the engine did not stop in time\n")
        sys.stderr.flush()
        os._exit(code or 1)


def _render_one(ask: Ask, wish: Wish, runner: Runner, departure: Departure) -> Outcome:
    """One song's outcome; what is wrong with its place or files is part of it, so that the others go on."""
    try:
        made = None if ask.again else already_made(ask.out, wish)
        if made:
            place, files = made
            seconds = place.recipe.seconds if place.recipe else 0.0
            job = _job(ask, wish, place.folder, place.audio, place.recipe)
            return Outcome(job, State.DONE, files=files, seconds=seconds)
        with place_to_work(ask.out, wish, again=ask.again) as place:
            return run_one(_job(ask, wish, place.folder, place.audio, place.recipe), runner, departure)
    except SongdeskError as error:
        folder = ask.out / wish.song.title
        return Outcome(_job(ask, wish, folder, folder, None), State.FAILED, error=error)


def _job(ask: Ask, wish: Wish, folder: Path, audio: Path, recipe: Recipe | None) -> Job:
    values = wish.with_seed_of(recipe)
    if values.whole("seed") < 0:
        values = values.replace(seed=draw_seed())
    return Job(
        id=folder.name,
        song=wish.song,
        model=wish.chosen.id,
        values=values,
        folder=folder,
        audio=audio,
        first=ask.first,
        last=ask.last,
        device=ask.device,
        goes_on=not ask.given,
    )


def run_one(job: Job, runner: Runner, departure: Departure, *, stays: bool = True) -> Outcome:
    """Have one job made with its progress told; whoever leaves pauses it.

    Where it can be heard meanwhile is told if it `stays`.
    """
    done = threading.Event()
    box: list[Outcome] = []

    def finished(outcome: Outcome) -> None:
        box.append(outcome)
        done.set()

    show: Teller = teller()
    runner.submit(job, finished)
    try:
        while not done.wait(1 / READINGS_PER_SECOND):
            meter = runner.meter
            show.show(meter if stays else replace(meter, preview=None))
            if departure.code:
                runner.pause()
                done.wait(PATIENCE)
                break
    finally:
        show.close()
    return box[0] if box else Outcome(job, State.PAUSED)
