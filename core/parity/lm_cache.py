"""Golden µ-law cache: codes and scales as written, and what they read back as."""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.levo.tokens.cache import CodedCache, make_cache
from core.levo.tokens.codecs import Mulaw8, Scratch
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of, same
from core.parity.folder import Entry, by_case

_FLIPPED = 1e-3
"""Share of the codes that may be one off, at rounding ties."""
_RELATIVE = 2e-3
_SMALLEST = 2.0**-14


def mulaw_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """Two writes, a prefix and one position behind it, into the cache; then a read of the stored codes."""
    stored = by_case(bench.golden.tensors(file))
    for name, about in entry["cases"].items():
        tensors = {key: tensor.to(bench.device) for key, tensor in stored[name].items()}
        cache = _written(bench, tensors, about["mu"])
        checks: list[Check] = []
        for part, letter in enumerate("kv"):
            codes, scales = tensors[f"{letter}q"].transpose(1, 2), tensors[f"{letter}s"].transpose(1, 2)
            checks += [
                _codes(f"{letter} codes", cache.codes[0, part], codes),
                same(f"{letter} scales", _bits(cache.scales[0, part]), _bits(scales)),
                _relative(
                    f"{letter} read", _read(codes, scales, about["mu"]), tensors[f"{letter}d"].transpose(1, 2)
                ),
            ]
        yield case_of(f"µ-law {name}", checks, f"µ {about['mu']:g}")


def _written(bench: Bench, tensors: dict[str, Tensor], mu: float) -> CodedCache:
    rows, first, heads, dim = tensors["k"].shape
    cache = make_cache(
        "mulaw8", layers=1, rows=rows, heads=heads, positions=first + tensors["k2"].shape[1], dim=dim,
        device=bench.device, mu=mu,
    )  # fmt: skip
    assert isinstance(cache, CodedCache)
    for end in ("", "2"):
        k, v = (tensors[letter + end].transpose(1, 2) for letter in "kv")
        cache.attend(0, k, k, v)
        cache.advance(k.shape[-2])
    return cache


def _read(codes: Tensor, scales: Tensor, mu: float) -> Tensor:
    out = torch.empty(codes.shape, dtype=torch.float16, device=codes.device)
    Mulaw8(mu, codes.device).read(codes, scales, out, Scratch(codes.shape[-2], codes.device))
    return out


def _codes(part: str, got: Tensor, want: Tensor) -> Check:
    apart = (got.int() - want.int()).abs()
    share = float("inf") if int(apart.max()) > 1 else float((apart > 0).float().mean())
    return Check(part, share, _FLIPPED, "of the codes")


def _relative(part: str, got: Tensor, want: Tensor) -> Check:
    left, right = got.double(), want.double()
    alike = (left == right) | (left.isnan() & right.isnan())
    apart = torch.where(alike, 0.0, (left - right).abs() / right.abs().clamp(min=_SMALLEST))
    return Check(part, float(apart.nan_to_num(nan=float("inf")).max()), _RELATIVE, "relative")


def _bits(scales: Tensor) -> Tensor:
    return scales.contiguous().view(torch.int16)
