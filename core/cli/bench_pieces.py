"""The table of what a step is made of, kernel by kernel, in `songdesk bench decode`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.bench.decode.piecework import PieceTime
    from core.bench.decode.report import Report

_FORMS = {"append": "cache", "attention": "cache", "products": "weights"}
_UNSTEADY = 0.1
"""Difference of two laps from which the times are worth a warning."""


def piece_lines(report: "Report") -> Iterator[str]:
    """A line a kernel: a call's time, the bytes it has to move, how fast, and the straightforward time."""
    if not report.pieces:
        return
    yield ""
    what = "kernels" if report.kernels.startswith("triton") else "kernels' twins in plain torch"
    yield f"{what} at position {report.position}, of one layer or column, beside the straightforward way"
    heads = ("a call", "moves", "GB/s", "of read", "straightf.", "ratio", "apart")
    yield f"  {'':<24}" + "".join(f"{head:>11}" for head in heads)
    for piece in report.pieces:
        yield _line(piece, report.machine.read)
    yield from _how(report)


def piece_facts(piece: "PieceTime", read: float) -> dict[str, float]:
    """What follows from a piece's time where the machine reads so many bytes a second."""
    return {"rate": piece.rate, "of_read": piece.rate / read, "ratio": piece.ratio}


def _line(piece: "PieceTime", read: float) -> str:
    kind = _FORMS.get(piece.name, "")
    name = " ".join(part for part in (f"{piece.name},", piece.form, kind) if part).rstrip(",")
    if piece.left_out:
        return f"  {name:<24} not measured: {piece.left_out}"
    cells = (
        _time(piece.seconds), _size(piece.moved), f"{piece.rate / 1e9:.3g}", f"{piece.rate / read:.0%}",
        _time(piece.plain), f"{piece.ratio:.2f}", f"{piece.apart:.1e}",
    )  # fmt: skip
    return f"  {name:<24}" + "".join(f"{cell:>11}" for cell in cells)


def _how(report: "Report") -> Iterator[str]:
    """How they were set off, and whether the times are steady."""
    there = [piece for piece in report.pieces if not piece.left_out]
    ours, plain = ({piece.set_off[way] for piece in there} for way in (0, 1))
    if "replayed" in ours | plain:
        late = [piece.name for piece in there if "launched" in piece.set_off]
        yield "  replayed as graphs" + (f", but launched: {', '.join(dict.fromkeys(late))}" if late else "")
    spread = max((piece.spread for piece in there), default=0.0)
    if spread > _UNSTEADY:
        yield f"  laps differ by up to {spread:.0%}, as other work ran beside"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 10**6 else f"{count / 1e3:.1f} kB"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"
