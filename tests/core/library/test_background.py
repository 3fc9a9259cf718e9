"""What goes on without the program that started it: only when that has ended, and in a session of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from core.library.store import open_store

STARTS = """
import sys
from pathlib import Path
from core.library.background import run_queue_later
print(run_queue_later(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:1]
    except OSError:
        return False


def test_it_waits_for_the_end_of_whoever_started_it_and_then_runs_the_queue(tmp_path: Path) -> None:
    library, log = tmp_path / "songs", tmp_path / "log"
    open_store(library).close()
    homes = {
        "SONGDESK_LIBRARY": str(library),
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    with subprocess.Popen(
        [sys.executable, "-c", STARTS, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **homes, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as starter:
        assert starter.stdout is not None
        process = int(starter.stdout.readline())
        time.sleep(0.3)
        assert is_alive(process)
        assert os.getsid(process) == process
    deadline = time.monotonic() + 60
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "Traceback" not in log.read_text()
