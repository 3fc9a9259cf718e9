"""How far two results are apart, and the verdict of one case."""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


class Skipped(Exception):
    """A case that cannot be run here; the text says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: how far off, and how far off is still right."""

    part: str
    error: float
    tolerance: float
    unit: str = ""
    """Of both numbers; empty for an absolute difference."""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; not a number never is."""
        return self.error <= self.tolerance

    @property
    def severity(self) -> float:
        """Larger is worse: how often the tolerance fits into the error."""
        if math.isnan(self.error):
            return math.inf
        if self.tolerance:
            return self.error / self.tolerance
        return math.inf if self.error else 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the report."""

    name: str
    worst: Check | None
    """The comparison nearest to its tolerance or furthest beyond it; None when skipped."""
    checks: int = 0
    note: str = ""
    """Why it was skipped, or which of two known behaviours it was compared with."""

    @property
    def state(self) -> str:
        """`ok`, `FAIL` or `skipped`."""
        if self.worst is None:
            return "skipped"
        return "ok" if self.worst.passed else "FAIL"


def case_of(name: str, checks: Sequence[Check], note: str = "") -> Case:
    """The line of a case from its comparisons, of which there is at least one."""
    return Case(name, max(checks, key=lambda check: check.severity), len(checks), note)


def close(part: str, got: Tensor, want: Tensor, tolerance: float) -> Check:
    """Largest absolute difference; infinite when shapes differ or a number is not finite."""
    return Check(part, _furthest(got, want), tolerance)


def ulps(part: str, got: Tensor, want: Tensor, tolerance: float) -> Check:
    """Largest difference in units of the last place of half precision."""
    places = torch.exp2(want.double().abs().clamp(min=2.0**-14).log2().floor() - 10)
    return Check(part, _furthest(got.cpu().double() / places, want.double() / places), tolerance, "ulp")


def same(part: str, got: Tensor | Sequence[int], want: Tensor | Sequence[int]) -> Check:
    """How many entries differ; all of them when the shapes do."""
    left, right = (torch.as_tensor(side).cpu().to(torch.int64) for side in (got, want))
    if left.shape != right.shape:
        return Check(part, float(max(left.numel(), right.numel(), 1)), 0, "differ")
    return Check(part, float((left != right).sum()), 0, "differ")


def noise(part: str, got: Tensor, want: Tensor, decibels: float) -> Check:
    """Root mean square of the difference relative to the signal's, against a signal-to-noise floor in dB."""
    left, right = got.cpu().double(), want.double()
    error = float((left - right).square().mean().sqrt() / right.square().mean().sqrt())
    return Check(part, error, 10 ** (-decibels / 20), f"of the signal, floor {decibels:g} dB")


def holds(part: str, wrong: Iterable[object]) -> Check:
    """How many things are wrong; none is right."""
    return Check(part, float(len(list(wrong))), 0, "wrong")


def checksum(tensor: Tensor) -> int:
    """CRC-32 of a tensor's bytes, little-endian."""
    array = tensor.detach().cpu().contiguous().numpy()
    return zlib.crc32(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def _furthest(got: Tensor, want: Tensor) -> float:
    left, right = got.cpu().double(), want.double()
    if left.shape != right.shape:
        return math.inf
    # Equal infinities are no difference; a difference that is no number is beyond every tolerance.
    apart = torch.where(left == right, 0.0, (left - right).abs()).nan_to_num(nan=math.inf, posinf=math.inf)
    return float(apart.max()) if apart.numel() else 0.0
