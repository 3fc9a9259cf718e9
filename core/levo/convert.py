"""Turns a published checkpoint into the file songdesk loads, a few megabytes at a time."""

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from core.atomic import replacing, sweep
from core.claim import claimed
from core.errors import SongdeskError
from core.levo.published import PREFIX, UNUSED, Fit, few, fit, fuse
from core.levo.stored import Checkpoint, Stored, open_checkpoint
from core.paths import checkpoints
from core.tensors import metadata_of

__all__ = ["Conversion", "Report", "Tally", "convert", "fuse", "plan_conversion"]

FILE = "tokens.safetensors"
LAYOUT = "1"
"""Changes when a converted file of an earlier songdesk no longer loads."""
_LAYOUT, _SOURCE = "songdesk_layout", "songdesk_source"
_END = 1 << 20
"""Bytes at each end of a checkpoint that tell it from another."""
_LARGEST = torch.finfo(torch.float16).max
_SPARE = 64 << 20
"""Bytes to leave free on the disk."""
_CAST = {torch.bfloat16: "bf16", torch.float32: "fp32", torch.float64: "fp64"}


@dataclass(frozen=True, slots=True)
class Tally:
    """Tensors of the checkpoint and the bytes they take in it."""

    tensors: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion will do; nothing is written yet."""

    checkpoint: Checkpoint
    names: Mapping[str, str]
    """Names in the file by the name without its prefix."""
    fit: Fit
    target: Path
    source: str
    """Fingerprint of the checkpoint."""

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


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a checkpoint."""

    file: Path
    made: bool
    """False when the file was there already, made of the same checkpoint or being it."""
    variant: str = ""
    version: str = ""
    listed: bool = True
    """Whether `songdesk models` knows the variant."""
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


@dataclass(slots=True)
class _Rounding:
    flushed: int = 0
    clamped: int = 0


Step = Callable[[int, int], object]
"""Called with bytes written and bytes to write; may raise to give up."""


def convert(path: Path, out: Path | None = None, *, step: Step = max) -> Report:
    """Write `tokens.safetensors` in `out`, or in the detected model's own folder, from a checkpoint.

    Takes the published model.pt, the fused file made of it, and says of our own that nothing is to do. The
    file appears whole or not at all. Raises SongdeskError for checkpoints that cannot be converted, and for a
    folder that cannot be written or is in use.
    """
    checkpoint = open_checkpoint(path)
    if _LAYOUT in checkpoint.metadata:
        about = checkpoint.metadata
        return Report(path, made=False, variant=about.get("variant", ""), version=about.get("version", ""))
    plan = plan_conversion(checkpoint, out)
    report = _report(plan)
    if _is_made(plan):
        return replace(report, made=False)
    if plan.target.exists() and plan.target.samefile(path):
        raise SongdeskError("would be written over itself", where=str(path), hint="name a folder with --out")
    with claimed(plan.target.parent) as ours:
        if not ours:
            raise SongdeskError(
                "another songdesk is writing here",
                where=str(plan.target.parent),
                hint="wait until it is done",
            )
        sweep(plan.target)
        _room(plan)
        rounding = _write(plan, step)
    return replace(report, flushed=rounding.flushed, clamped=rounding.clamped)


def plan_conversion(checkpoint: Checkpoint, out: Path | None = None) -> Conversion:
    """What converting an opened checkpoint comes to; SongdeskError when it does not fit a known model."""
    path = str(checkpoint.path)
    prefixed = any(name.startswith(PREFIX) for name in checkpoint.tensors)
    names = {
        name.removeprefix(PREFIX): name
        for name in checkpoint.tensors
        if name.startswith(PREFIX) or not prefixed
    }
    found = {bare: checkpoint.tensors[name].shape for bare, name in names.items()}
    fitted = fit(found, path)
    if out is None and fitted.twins:
        raise SongdeskError(
            f"its shapes are those of {', '.join((fitted.variant, *fitted.twins))} alike",
            where=path,
            hint="name the folder of the one it is with --out",
        )
    folder = out if out is not None else checkpoints() / fitted.variant
    plan = Conversion(checkpoint, names, fitted, folder / FILE, _fingerprint(checkpoint.path))
    odd = [name for name in plan.kept if checkpoint.tensors[name].dtype is None]
    if odd:
        raise SongdeskError(
            f"{len(odd)} tensors hold no 16- or 32-bit floats: {few(odd)}",
            where=path,
            hint="a quantised file cannot be converted; fetch the published one",
        )
    return plan


def _is_made(plan: Conversion) -> bool:
    there = metadata_of(plan.target)
    return there.get(_SOURCE) == plan.source and there.get(_LAYOUT) == LAYOUT


def _fingerprint(path: Path) -> str:
    """Size, and a hash of both ends: the whole of 13 GB would take a minute to read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_END))
        file.seek(max(0, size - _END))
        digest.update(file.read(_END))
    return f"{size}-{digest.hexdigest()}"


def _report(plan: Conversion) -> Report:
    tensors = plan.checkpoint.tensors
    kept = [tensors[name] for name in plan.kept]
    cast = {
        name: _tally([each for each in kept if each.dtype is kind])
        for kind, name in _CAST.items()
        if any(each.dtype is kind for each in kept)
    }
    return Report(
        file=plan.target,
        made=True,
        variant=plan.fit.variant,
        version=plan.fit.version,
        listed=plan.fit.listed,
        written=Tally(len(plan.fit.shapes), 2 * plan.parameters),
        parameters=plan.parameters,
        kept=_tally(kept),
        cast=cast,
        dropped=_tally([tensors[name] for name in plan.dropped]),
        unknown=plan.unknown,
    )


def _tally(tensors: list[Stored]) -> Tally:
    return Tally(len(tensors), sum(each.bytes for each in tensors))


def _room(plan: Conversion) -> None:
    free, needed = shutil.disk_usage(plan.target.parent).free, 2 * plan.parameters + _SPARE
    if free < needed:
        raise SongdeskError(
            f"{needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free",
            where=str(plan.target.parent),
            hint="free some space, or name a folder on another disk with --out",
        )


def _write(plan: Conversion, step: Step) -> _Rounding:
    rounding, done = _Rounding(), 0
    total = 2 * plan.parameters
    with (
        plan.checkpoint.path.open("rb") as source,
        replacing(plan.target) as temporary,
        temporary.open("wb") as target,
    ):
        target.write(_header(plan))
        for name in plan.kept:
            for piece in plan.checkpoint.pieces(source, name):
                step(done, total)
                done += target.write(_half(piece, rounding, plan, name).numpy().tobytes())
        step(done, total)
        _unchanged(plan, source)
    return rounding


def _header(plan: Conversion) -> bytes:
    """The safetensors header: length in 8 bytes, then JSON filled with spaces to a multiple of 8."""
    about = {_LAYOUT: LAYOUT, _SOURCE: plan.source, "variant": plan.fit.variant, "version": plan.fit.version}
    index: dict[str, object] = {"__metadata__": about}
    start = 0
    for key, shape in plan.fit.shapes.items():
        end = start + 2 * torch.Size(shape).numel()
        index[key] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(index, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _half(piece: Tensor, rounding: _Rounding, plan: Conversion, name: str) -> Tensor:
    if not piece.isfinite().all():
        raise SongdeskError(
            f"{name} has values that are no numbers",
            where=str(plan.checkpoint.path),
            hint="this file is damaged; fetch it again",
        )
    if piece.dtype is torch.float16:
        return piece
    half = piece.half()
    over = half.isinf()
    if over.any():
        rounding.clamped += int(over.sum())
        half = half.clamp(-_LARGEST, _LARGEST)
    rounding.flushed += int(piece.count_nonzero()) - int(half.count_nonzero())
    return half


def _unchanged(plan: Conversion, source: BinaryIO) -> None:
    """Refuse a result read from a file that grew or shrank meanwhile, as while it is being fetched."""
    size = os.fstat(source.fileno()).st_size
    if not plan.source.startswith(f"{size}-"):
        raise SongdeskError(
            "changed while it was read",
            where=str(plan.checkpoint.path),
            hint="wait until it is complete",
        )
