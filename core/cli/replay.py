"""`songdesk takes replay`: a take made again by its recipe, and what the two have in common."""

import argparse
import json

from core.cli.departure import Departure
from core.cli.render import end_engine, run_one
from core.cli.report import say
from core.config import Config
from core.errors import Cancelled
from core.library.store import Store
from core.making.runner import Runner
from core.takes.replay import Replay, replay
from core.takes.take import Take

EXIT_DIFFERENT = 1


def run_replay(args: argparse.Namespace, store: Store, config: Config) -> int:
    """Print whether a take comes out the same; 1 where its tokens do not, 130 where somebody left."""
    take = store.find(args.take)
    with Departure() as departure:
        runner = Runner()
        try:
            found = replay(
                take, lambda job: run_one(job, runner, departure, stays=False), device=config.device
            )
        except Cancelled:
            say(f"{take.title}: stopped; nothing was left of it")
            return departure.code or EXIT_DIFFERENT
        finally:
            end_engine(runner, departure.code)
    _tell(take, found, as_json=args.json)
    return EXIT_DIFFERENT if found.kind == "different" else 0


def _tell(take: Take, found: Replay, *, as_json: bool) -> None:
    if as_json:
        print(
            json.dumps({"id": take.id, "verdict": found.kind, "reasons": found.reasons}, ensure_ascii=False)
        )
        return
    print(f"{take.id}: {found.words}")
    for reason in found.reasons:
        print(f"  {reason}")
