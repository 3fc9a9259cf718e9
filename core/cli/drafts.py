"""`songdesk drafts`: the beginnings of several takes, of which one is chosen and made to its end."""

import argparse

from core.cli.batch import Asked, asked_for, settle
from core.cli.begin import begin
from core.cli.opened import opened_store
from core.clock import seconds_of
from core.config import Config
from core.errors import SongdeskError
from core.takes.job import Job


def run_drafts(args: argparse.Namespace, config: Config) -> int:
    """Make drafts and print where each can be heard; SongdeskError for a song that cannot be made."""
    seconds = seconds_of(args.seconds)
    if not seconds:
        raise SongdeskError(
            f"cannot be {args.seconds!r}", where="--seconds", hint="give seconds, such as 20 or 0:30"
        )
    with opened_store() as store:
        asked = asked_for(args.songs, args, config, store)
        for each in asked:
            settle(each)
        jobs = [job for each in asked for job in _drafts(each, args.count, seconds)]
        return begin(store, config, [job.folder for job in jobs], args)


def _drafts(asked: Asked, count: int, seconds: float) -> tuple[Job, ...]:
    from core.takes import branch

    return branch.drafts(asked.song, asked.model, asked.values, home=asked.home, count=count, seconds=seconds)
