"""The trial of the kernels: each step of small songs by them and in plain torch, and what comes out compared.

A device whose compiler gets a kernel wrong composes without kernels, rather than nonsense.
"""

import torch

from core.kernels.live import using
from core.levo.tokens.static.sketch import KNOBS, Sketch, sketches
from core.levo.tokens.static.state import Dials

STEPS = 5
_TOLERANCE = 0.03
"""How far a logit may lie from where it belongs, in parts of their spread: codes of a cache may round the
other way."""


def check(device: torch.device) -> str:
    """Where kernels and plain torch differ, in words; empty where they agree."""
    with torch.inference_mode():
        for sketch in sketches(device):
            dials = Dials(sketch.step.page)
            for number in range(STEPS):
                dials.turn(KNOBS[number % len(KNOBS)])
                difference = _difference(sketch)
                if difference:
                    return f"{difference} ({sketch.name}, step {number + 1})"
    return ""


def _difference(sketch: Sketch) -> str:
    """What a step by kernels makes otherwise; leaves what plain torch has drawn from its own logits."""
    step, page = sketch.step, sketch.step.page
    put_back = sketch.kept()
    with using("torch", "as a measure"):
        step.feed()
    wanted = step.logits.clone()
    put_back()
    step.feed()
    off = float((step.logits - wanted).abs().max() / wanted.std())
    if not off <= _TOLERANCE:  # not a number counts as well
        return f"logits lie {off:.2g} of their spread apart"
    step.logits.copy_(wanted)
    put_page_back = sketch.kept()
    with using("torch", "as a measure"):
        step.write()
    rows = (page.tokens, page.columns, page.fed, page.marks)
    drawn = [row.clone() for row in rows]
    put_page_back()
    step.write()
    is_same = all(torch.equal(row, want) for row, want in zip(rows, drawn, strict=True))
    return "" if is_same else "other tokens are drawn"
