"""The trial of graphs: eight steps of small songs, recorded and not, compared to the bit."""

import torch
from torch import Tensor

from core.levo.graphs import Answer, Work, recorded
from core.levo.tokens.static.capture import Record, launch_of
from core.levo.tokens.static.sketch import KNOBS, Sketch, sketches
from core.levo.tokens.static.state import Dials

STEPS = 8
_YES = Answer(True, "under trial")


def check(device: torch.device, *, record: Record = recorded) -> str:
    """Where replays differ from steps that are launched kernel by kernel, in words; empty where nowhere."""
    with torch.inference_mode():
        for sketch in sketches(device):
            difference = _difference(sketch, record)
            if difference:
                return f"{difference} ({sketch.name})"
    return ""


def _difference(sketch: Sketch, record: Record) -> str:
    """What steps leave behind that replays do not."""
    put_back = sketch.kept()
    wanted = _run(sketch, sketch.step)
    put_back()
    launch = launch_of(sketch.step, _YES, record=record)
    if launch.kind != "graph":
        return launch.why
    found = _run(sketch, launch.run)
    return ", ".join(name for name, want in wanted.items() if not torch.equal(found[name], want))


def _run(sketch: Sketch, work: Work) -> dict[str, Tensor]:
    """All that so many steps leave, as bytes, with knobs turned halfway."""
    page = sketch.step.page
    dials = Dials(page)
    for number in range(STEPS):
        dials.turn(KNOBS[number * len(KNOBS) // STEPS])
        work()
    left = {"columns": page.columns, "marks": page.marks, "logits": sketch.step.logits}
    left |= {f"memory {number}": part for number, part in enumerate(sketch.memory())}
    return {name: part.contiguous().view(torch.uint8).clone() for name, part in left.items()}
