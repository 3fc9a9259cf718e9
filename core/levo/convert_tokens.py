"""What the published language model becomes: its rows joined, in fp16."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.convert_files import Target, require_floats, signature
from core.levo.convert_report import Report, Tally, tally
from core.levo.published import PREFIX, UNUSED, Fit, fit
from core.levo.stored import Checkpoint
from core.paths import checkpoints
from core.tensors import Layout

ROLE = "tokens"
_LARGEST = torch.finfo(torch.float16).max
_CAST = {torch.bfloat16: "bf16", torch.float32: "fp32", torch.float64: "fp64"}


@dataclass(slots=True)
class _Rounding:
    """Values that fp16 could not hold, counted while they are written."""

    flushed: int = 0
    clamped: int = 0


@dataclass(frozen=True, slots=True)
class TokenConversion:
    """What a conversion will do; nothing is written yet."""

    checkpoint: Checkpoint
    names: Mapping[str, str]
    """Names in the file by the name without its prefix."""
    fit: Fit
    folder: Path
    mark: Mapping[str, str]
    """What the file says of the checkpoint."""
    _rounding: _Rounding = field(default_factory=_Rounding)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The one file to write."""
        layout = {key: Layout(torch.float16, shape) for key, shape in self.fit.shapes.items()}
        about = {"role": ROLE, "variant": self.fit.variant, "version": self.fit.version}
        path = self.folder / f"{ROLE}.safetensors"
        return (Target(ROLE, path, layout, {**self.mark, **about}, self._values),)

    @property
    def parameters(self) -> int:
        """Values of the converted file."""
        return sum(torch.Size(shape).numel() for shape in self.fit.shapes.values())

    @property
    def kept(self) -> tuple[str, ...]:
        """Names in the file that are read, in the order they are written."""
        return tuple(self.names[part] for parts in self.fit.sources.values() for part in parts)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names in the file that are known and that inference never reads."""
        return tuple(name for bare, name in self.names.items() if bare in UNUSED)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names in the file that mean nothing here and are left out as well."""
        known = {*self.kept, *self.dropped}
        return tuple(name for name in self.checkpoint.tensors if name not in known)

    def report(self, todo: tuple[Target, ...]) -> Report:
        """What became of it once `todo` is written."""
        tensors = self.checkpoint.tensors
        cast = {
            label: tally(self.checkpoint, [name for name in self.kept if tensors[name].dtype is kind])
            for kind, label in _CAST.items()
            if any(tensors[name].dtype is kind for name in self.kept)
        }
        files = tuple(target.path for target in self.targets)
        return Report(
            roles=(ROLE,),
            files=files,
            there=() if todo else files,
            variant=self.fit.variant,
            version=self.fit.version,
            models=(self.fit.variant, *self.fit.twins),
            written=Tally(len(self.fit.shapes), 2 * self.parameters),
            parameters=self.parameters,
            kept=tally(self.checkpoint, self.kept),
            cast=cast,
            dropped=tally(self.checkpoint, self.dropped),
            unknown=self.unknown,
            flushed=self._rounding.flushed,
            clamped=self._rounding.clamped,
        )

    def _values(self, file: BinaryIO, key: str) -> Iterator[Tensor]:
        for part in self.fit.sources[key]:
            for piece in self.checkpoint.pieces(file, self.names[part]):
                yield self._half(piece)

    def _half(self, piece: Tensor) -> Tensor:
        if piece.dtype is torch.float16:
            return piece
        half = piece.half()
        over = half.isinf()
        if over.any():
            self._rounding.clamped += int(over.sum())
            half = half.clamp(-_LARGEST, _LARGEST)
        self._rounding.flushed += int(piece.count_nonzero()) - int(half.count_nonzero())
        return half


def plan_tokens(checkpoint: Checkpoint, out: Path | None = None) -> TokenConversion:
    """What converting the language model comes to; SongdeskError when it does not fit a known one.

    Of models with the same shapes it is for the one whose name the folder has, else for the first.
    """
    prefixed = any(name.startswith(PREFIX) for name in checkpoint.tensors)
    names = {
        name.removeprefix(PREFIX): name
        for name in checkpoint.tensors
        if name.startswith(PREFIX) or not prefixed
    }
    found = {bare: checkpoint.tensors[name].shape for bare, name in names.items()}
    fitted = fit(found, str(checkpoint.path))
    if out is None and fitted.twins:
        raise SongdeskError(
            f"its shapes are those of {', '.join((fitted.variant, *fitted.twins))} alike",
            where=str(checkpoint.path),
            hint="name the folder of the one it is with --out",
        )
    folder = out if out is not None else checkpoints() / fitted.variant
    plan = TokenConversion(checkpoint, names, fitted.named(folder.name), folder, signature(checkpoint))
    require_floats(checkpoint, plan.kept)
    return plan
