"""What became of a checkpoint, as the command line tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.levo.stored import Checkpoint


@dataclass(frozen=True, slots=True)
class Tally:
    """Tensors and the bytes they take in a file."""

    tensors: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a checkpoint; where some files were there already, it counts what the others took."""

    roles: tuple[str, ...]
    files: tuple[Path, ...]
    """By role."""
    there: tuple[Path, ...] = ()
    """Those that were there already, made of the same checkpoint or being it."""
    variant: str = ""
    """The one model that the files are for; empty when they are for a whole family."""
    version: str = ""
    models: tuple[str, ...] = ()
    """Listed models that the files fit."""
    written: Tally = Tally(0, 0)
    parameters: int = 0
    kept: Tally = Tally(0, 0)
    cast: Mapping[str, Tally] = field(default_factory=dict)
    """Of the kept, those whose dtype changed, by the dtype they had."""
    dropped: Tally = Tally(0, 0)
    unknown: tuple[str, ...] = ()
    flushed: int = 0
    """Values too small for fp16, now 0."""
    clamped: int = 0
    """Values too large for fp16, now its largest."""
    warnings: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """The only or the first file."""
        return self.files[0]

    @property
    def made(self) -> bool:
        """Whether anything was written."""
        return len(self.there) < len(self.files)


def tally(checkpoint: Checkpoint, names: Iterable[str]) -> Tally:
    """Count tensors of a checkpoint and what they take in it."""
    stored = [checkpoint.tensors[name] for name in names]
    return Tally(len(stored), sum(each.bytes for each in stored))
