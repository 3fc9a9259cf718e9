"""Checks of speed: what the child measured, beside what such a device should do.

The ranges are wide and derived, not measured: GPUs from bandwidths and from estimates of how long phases
take, processors by core. What is not in the tables is unknown and told as a number alone.
"""

import re
from dataclasses import dataclass

from core.doctor.finding import Finding
from core.doctor.scene import Scene

_LOW, _HIGH = 0.25, 4.0
"""How far below and above an estimate a rate may be."""
_READS = (0.03, 1.15)
"""Of a GPU's bandwidth: one query keeps few of its units busy where the kernel does not split the cache."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a GPU should do; None where it was not estimated."""

    pattern: str
    bandwidth: float
    """Of its memory (bytes a second), as specified."""
    gemm: float | None = None
    """fp16 products (operations a second)."""
    conv: float | None = None
    """fp32 convolutions (operations a second)."""


CARDS = (
    Card(r"RX 9070", 640e9, 55e12, 10e12),
    Card(r"RTX 4060 Ti", 288e9),
    Card(r"RTX 4060", 272e9, 25e12, 8e12),
    Card(r"RTX 3060", 360e9),
    Card(r"RTX 4070 Ti SUPER", 672e9),
    Card(r"RTX 4070(?! Ti)", 504e9, 42e12, 17e12),
    Card(r"RTX 4080", 717e9),
    Card(r"RTX 4090", 1008e9, 125e12, 42e12),
    Card(r"H200", 4800e9, 500e12, 42e12),
)
"""Cards whose figures are known, the particular before the general."""
_CORE = {"gemm": (4e9, 300e9), "conv": (2e9, 300e9)}
"""Operations a second that a core of a processor does, from a slow laptop to a new server."""
_MAIN_MEMORY = (1e9, 400e9)
"""Bytes a second."""
_SPEED = {"gemm": "Matrix product", "conv": "Convolution", "attention": "Attention"}
_FIRST = 20.0
"""Seconds of a first call that are worth a word."""


def gemm(scene: Scene) -> Finding | None:
    """Products of matrices, which most of the work is."""
    return _speed(scene, "gemm")


def conv(scene: Scene) -> Finding | None:
    """Convolutions, which the decoder is made of."""
    return _speed(scene, "conv")


def attention(scene: Scene) -> Finding | None:
    """A step's look at a long cache."""
    return _speed(scene, "attention")


def card(name: str) -> Card | None:
    """The figures of a GPU by the name its driver gives; None where there are none."""
    return next((known for known in CARDS if re.search(known.pattern, name, re.IGNORECASE)), None)


def expected(step: str, kind: str, name: str, cores: int) -> tuple[float, float] | None:
    """The least and the most that a device should do of a step's unit in a second; None where unknown."""
    if kind == "cpu":
        if step == "attention":
            return _MAIN_MEMORY
        low, high = _CORE[step]
        return low, high * cores
    known = card(name)
    if known is None:
        return None
    if step == "attention":
        return known.bandwidth * _READS[0], known.bandwidth * _READS[1]
    estimate = known.gemm if step == "gemm" else known.conv
    return (estimate * _LOW, estimate * _HIGH) if estimate else None


def _speed(scene: Scene, step: str) -> Finding | None:
    if scene.is_quick:
        return None
    title, told, about = _SPEED[step], scene.step(step), scene.step("device")
    if told is None or about is None:
        return _not_measured(scene, step)
    rate, first = float(str(told["rate"])), float(str(told["first"]))
    threads = int(str((scene.step("torch") or {}).get("threads") or 1))
    within = expected(step, str(about["kind"]), str(about["name"]), threads)
    facts = {"rate": rate, "first": first, "expected": list(within) if within else None}
    what = _rate(step, rate)
    if within is None:
        return Finding(step, title, "unknown", f"{what}; nothing is known of this GPU to compare", "", facts)
    what = f"{what}, expected {_span(step, within)} (estimated)"
    if rate < within[0]:
        fix = "end what else uses the device; look at the driver, power saving and the variables above"
        return Finding(step, title, "warn", what, fix, facts)
    if first > _FIRST:
        what = f"{what}; its first call took {first:.0f} s, later ones do not"
    return Finding(step, title, "ok", what, facts=facts)


def _not_measured(scene: Scene, step: str) -> Finding:
    probe, title = scene.probe, _SPEED[step]
    if error := probe.errors.get(step):
        return Finding(step, title, "fail", error, "update the driver, or use device: cpu")
    if probe.begun == step:
        return Finding(
            step,
            title,
            "fail",
            f"it did not come back: {probe.trouble}",
            "update the driver, or use device: cpu",
        )
    return Finding(step, title, "unknown", "not measured: the device was lost before")


def _rate(step: str, rate: float) -> str:
    if step == "attention":
        return f"{rate / 1e9:.1f} GB/s of cache"
    return f"{rate / 1e12:.1f} TFLOP/s" if rate >= 1e12 else f"{rate / 1e9:.0f} GFLOP/s"


def _span(step: str, within: tuple[float, float]) -> str:
    scale = 1e9 if step == "attention" or within[1] < 1e12 else 1e12
    unit = "GB/s" if step == "attention" else "GFLOP/s" if scale == 1e9 else "TFLOP/s"
    return f"{within[0] / scale:.3g} to {within[1] / scale:.4g} {unit}"
