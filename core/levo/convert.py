"""Turns a published checkpoint into the files songdesk loads, a few megabytes at a time."""

from pathlib import Path
from typing import Protocol

from core.levo.convert_audio import plan_audio
from core.levo.convert_files import LAYOUT_MARK, Step, Target, unmade, write
from core.levo.convert_report import Report
from core.levo.convert_styles import plan_styles
from core.levo.convert_tokens import plan_tokens
from core.levo.stored import Checkpoint, open_checkpoint

__all__ = ["Report", "Step", "convert", "recognised"]


class Conversion(Protocol):
    """What a checkpoint becomes."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The files to write, in one folder."""

    def report(self, todo: tuple[Target, ...]) -> Report:
        """What became of it once those of the files that were not there are written."""


def convert(path: Path, out: Path | None = None, *, step: Step = max) -> Report:
    """Write the role files that a checkpoint has the weights of, in `out` or where its models look for them.

    Takes each published file, by the names of its tensors whatever its own name is, and says of our own that
    nothing is to do. Each file appears whole or not at all; one that was made of the same checkpoint stays.
    Raises SongdeskError for checkpoints that cannot be converted, and for a folder that cannot be written or
    is in use.
    """
    checkpoint = open_checkpoint(path)
    if LAYOUT_MARK in checkpoint.metadata:
        return _ours(checkpoint)
    plan = plan_conversion(checkpoint, out)
    todo = unmade(plan.targets)
    if todo:
        write(todo, checkpoint, step)
    return plan.report(todo)


def recognised(path: Path, out: Path) -> Report:
    """What converting a file into `out` would come to, without writing anything; raises as `convert` does."""
    checkpoint = open_checkpoint(path)
    if LAYOUT_MARK in checkpoint.metadata:
        return _ours(checkpoint)
    return plan_conversion(checkpoint, out).report(())


def plan_conversion(checkpoint: Checkpoint, out: Path | None = None) -> Conversion:
    """What converting an opened checkpoint comes to; SongdeskError when it does not fit a known model."""
    plan: Conversion | None = plan_styles(checkpoint, out) or plan_audio(checkpoint, out)
    return plan if plan is not None else plan_tokens(checkpoint, out)


def _ours(checkpoint: Checkpoint) -> Report:
    about = checkpoint.metadata
    return Report(
        roles=(about.get("role", "tokens"),),
        files=(checkpoint.path,),
        there=(checkpoint.path,),
        variant=about.get("variant", ""),
        version=about.get("version", ""),
    )
