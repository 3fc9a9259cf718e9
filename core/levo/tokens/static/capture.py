"""A step as a graph of its device, where that is proved to compute the same; else launched piece by piece."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.levo.graphs import Answer, Work, recorded
from core.levo.tokens.static.state import kept
from core.levo.tokens.static.step import StaticStep

Record = Callable[[Work, Work], Work]
"""Records what work does, calling the second to undo it after each trial run; gives what does it again."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a step is set off, and why so."""

    run: Work
    kind: Literal["graph", "eager"]
    why: str


def launch_of(step: StaticStep, answer: Answer, *, record: Record = recorded) -> Launch:
    """The fastest way to set a step off: as a recorded graph, or the same kernels one by one.

    Trial runs leave the page as it stands; what they put in the cache lies where the next step writes the
    same. So nothing is lost where recording fails.
    """
    if not answer.is_yes:
        return Launch(step, "eager", answer.why)
    put_back = kept(step.page)
    try:
        return Launch(record(step, put_back), "graph", answer.why)
    except RuntimeError as error:
        put_back()
        said = str(error).splitlines()
        return Launch(step, "eager", f"recording failed: {said[0] if said else type(error).__name__}")
