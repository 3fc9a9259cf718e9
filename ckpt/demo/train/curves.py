"""The runs' logs as one picture, a panel for each run, and what each took."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import SongdeskError
from train.config import Config

PICTURE = "curves.png"
_NOT_DRAWN = ("step", "norm", "rate", "cpu_s", "wall_s")
_COLUMNS = 3
_SMOOTH = 40
"""Part of a curve over which it is averaged."""
Log = Mapping[str, npt.NDArray[np.float64]]
"""Values of a run by name, [entries], in order of steps; nan where an entry lacks one."""


def train(config: Config, state: Path) -> None:
    """Draw all logs of a state into it, and say what each run took."""
    del config
    logs = {path.stem: read(path) for path in sorted(state.glob("*.jsonl"))}
    if not logs:
        raise SongdeskError("there are no logs", where=str(state), hint="train a part first")
    for name, log in logs.items():
        steps = int(log["step"][-1]) + 1
        sys.stdout.write(f"{name}: {steps} steps, {hours(log):.2f} hours of one core\n")
    draw(logs, state / PICTURE)


def read(path: Path) -> Log:
    """A log; of a step that was done twice, after a crash, the second time counts."""
    entries = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            entries[int(entry["step"])] = entry
        except (ValueError, TypeError, KeyError):  # the last line of a run that was cut off
            continue
    if not entries:
        raise SongdeskError("there are no steps in it", where=str(path))
    ordered = [entries[step] for step in sorted(entries)]
    names = dict.fromkeys(name for entry in ordered for name in entry)
    return {name: np.array([float(entry.get(name, np.nan)) for entry in ordered]) for name in names}


def hours(log: Log) -> float:
    """CPU hours of a whole run, as its logged steps took on average."""
    return float(np.nanmean(log["cpu_s"]) * (log["step"][-1] + 1) / 3600)


def smooth(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each value becomes the mean of those around it that are there."""
    width = max(1, len(values) // _SMOOTH)
    there = np.isfinite(values)
    sums, counts = (
        np.convolve(track, np.ones(width), "same") for track in (np.where(there, values, 0), there)
    )
    means: npt.NDArray[np.float64] = np.divide(
        sums, counts, out=np.full(len(values), np.nan), where=counts > 0.5
    )
    return means


def draw(logs: Mapping[str, Log], path: Path) -> None:
    """One PNG with a panel a run; SongdeskError where matplotlib is not installed."""
    plots = _matplotlib()
    rows = -(-len(logs) // _COLUMNS)
    figure = plots.Figure(figsize=(5 * _COLUMNS, 3.2 * rows), layout="constrained")
    for at, (name, log) in enumerate(logs.items()):
        panel = figure.add_subplot(rows, _COLUMNS, at + 1)
        for what in (one for one in log if one not in _NOT_DRAWN):
            panel.plot(log["step"], smooth(log[what]), linewidth=1.2, label=what)
        panel.set_title(f"{name}, {hours(log):.2f} h of a core", fontsize=10)
        if all(np.nanmin(values) > 0 for what, values in log.items() if what not in _NOT_DRAWN):
            panel.set_yscale("log")
        panel.grid(visible=True, alpha=0.3)
        panel.legend(fontsize=7)
    figure.savefig(path, dpi=100)


def _matplotlib() -> Any:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise SongdeskError(
            "matplotlib, which draws the curves, is not installed", hint="pip install -e '.[train]'"
        ) from error
    return matplotlib.figure
