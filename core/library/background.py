"""What is left in the queue, made by a process of its own once this one is gone; no torch."""

import os
import subprocess
import sys
from pathlib import Path

from core.errors import SongdeskError

_ROOT = Path(__file__).parents[2]
_LATER = """
import os, sys, time
sys.path.insert(0, sys.argv[2])
while os.getppid() == int(sys.argv[1]):
    time.sleep(0.1)
from core.cli import main
sys.exit(main(["queue", "run"]))
"""
"""Only once whoever started it has ended are the take's folder and the memory free."""


def run_queue_later(log: Path) -> int:
    """Start a process that runs the queue as soon as this one has ended; gives its number.

    It has a session of its own, so that a lost terminal does not end it, and writes to `log`. SongdeskError
    where it cannot be started.
    """
    # -P: a folder called `core` where one happens to stand is not ours.
    command = [sys.executable, "-P", "-c", _LATER, str(os.getpid()), str(_ROOT)]
    try:
        with log.open("ab") as sink:
            started = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
    except OSError as error:
        raise SongdeskError(
            f"nothing can go on in the background: {error.strerror or error}",
            hint="it is paused: songdesk queue run goes on with it",
        ) from error
    started.returncode = 0  # it outlives us, and nobody is to wait for it
    return started.pid
