"""How much memory converting a checkpoint takes."""

import subprocess
import sys
from pathlib import Path

_CODE = """
import sys
from pathlib import Path
from core.levo.convert import convert
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
before = peak()
report = convert(Path(sys.argv[1]), Path(sys.argv[2]))
print(report.written.bytes, peak() - before)
"""


def written_and_taken(path: Path, out: Path, *, config: Path) -> tuple[int, int]:
    """Bytes written to `out`, and bytes of memory over what importing takes, in a process of its own."""
    made = subprocess.run(
        [sys.executable, "-c", _CODE, str(path), str(out)],
        env={"XDG_CONFIG_HOME": str(config), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    written, more = map(int, made.stdout.split())
    return written, more
