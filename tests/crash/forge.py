"""A process that has imported the engine, and forks a songdesk for every line it is given.

Each line is an Order as JSON; the answer is the exit status of the songdesk that was run for it. Nothing of
torch is used before the fork, so that every child is as one that was started anew, only sooner.
"""

import gc
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TextIO

_LOOK = 0.004
"""Seconds between looks at a child."""
_NEEDED = (
    "torch",
    "core.making.render",
    "core.library.feed",
    "core.levo.engine",
    "core.cli.queue",
    "core.cli.render",
    "tests.crash.trips",
)


@dataclass(frozen=True, slots=True)
class Order:
    """One songdesk to run."""

    args: list[str]
    root: str
    """Files below this folder are its workplace."""
    environment: dict[str, str]
    tally: str
    log: str
    trip: dict[str, object] | None = None
    after: float | None = None
    """Kill it when it has run so long (s)."""
    patience: float = 100.0
    """Kill it, as one that hangs, when it has run so long (s)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended."""

    status: int
    """The exit code, or minus the number of the signal."""
    is_hung: bool = False


def serve(orders: TextIO, answers: TextIO) -> None:
    """Run one songdesk after the other until there are no more orders."""
    for line in orders:
        order = Order(**json.loads(line))
        child = os.fork()
        if child == 0:
            _be_songdesk(order)
        print(json.dumps(asdict(_wait(child, order))), file=answers, flush=True)


def _wait(child: int, order: Order) -> Ended:
    """Wait for its end, or bring it about."""
    begun = time.monotonic()
    last = order.patience if order.after is None else order.after
    is_hung = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return Ended(os.waitstatus_to_exitcode(status), is_hung)
        if time.monotonic() - begun > last:
            is_hung = order.after is None
            os.kill(child, signal.SIGKILL)
        time.sleep(_LOOK)


def _be_songdesk(order: Order) -> None:
    """In the child: become the command that was ordered, and end with its exit code."""
    code = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _turn_to(order.log)
        os.environ.update(order.environment)
        _lay(order)
        from core.cli import main

        code = main(order.args)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it must not go on as the forge
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _turn_to(log: str) -> None:
    """Take a file for what is said, and nothing for what is asked."""
    nothing, said = (
        os.open(os.devnull, os.O_RDONLY),
        os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
    )
    for handle, name in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(handle, name)


def _lay(order: Order) -> None:
    import torch

    from core.registry import variants
    from tests.crash.trips import Tally, Trip, Tripwire

    torch.set_num_threads(1)
    variants.cache_clear()
    trip = Trip(**order.trip) if order.trip else None  # type: ignore[arg-type]
    Tripwire(Path(order.root), Tally(Path(order.tally)), trip).lay()


def _warm_up() -> None:
    """Import all that a songdesk needs to render, once for all, and let it compute with one thread."""
    import psutil

    from core.environment import prepare

    prepare()
    for place, name, instead in ((psutil, "cpu_count", lambda logical=True: 1),):
        setattr(place, name, instead)
    for module in _NEEDED:
        import_module(module)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _warm_up()
    print("ready", file=answers, flush=True)
    serve(sys.stdin, answers)
