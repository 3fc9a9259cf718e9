"""Whether guidance brings a song nearer to its description."""

from collections.abc import Sequence

from core.bench.demo.figures import Bar, Cell, Figure, Reading, Readings, cell_of, unknown
from core.bench.demo.learned import Learned
from core.bench.demo.measures import STYLE, readings
from core.bench.demo.prompts import Prompt
from core.bench.demo.rendering import Maker

PROMPTS = 8
_WEAK, _STRONG = 1.0, 2.0
FIGURES = (
    Figure("guidance_1", "guidance", "style right at guidance 1"),
    Figure("guidance_2", "guidance", "style right at guidance 2"),
    Figure("guidance_rise", "guidance", "the second above the first", "points", "mean",
           Bar(0.0, "> 0 points", is_strict=True)),
)  # fmt: skip


def fit_for_guidance(prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts that guidance is tried with: those whose description can be judged in every way."""
    asked = [
        one for one in prompts if None not in (one.asks.bpm, one.asks.gender, one.asks.mode, one.asks.family)
    ]
    step = max(1, len(asked) // PROMPTS)
    return asked[::step][:PROMPTS]


def guidance_cells(maker: Maker, prompts: Sequence[Prompt], judges: Learned, most: float) -> dict[str, Cell]:
    """Of tempo, gender, mode and family, how many are right with guidance 1 and 2; `most` bounds lengths."""
    told = {}
    for name, guidance in (("guidance_1", _WEAK), ("guidance_2", _STRONG)):
        songs = [
            readings(
                maker.make(one.song, seed=one.seed, most=most * one.plan.seconds, guidance=guidance),
                one, judges, ("style",),
            )
            for one in prompts
        ]  # fmt: skip
        told[name] = cell_of(_hits(songs), "share")
    weak, strong = told["guidance_1"].value, told["guidance_2"].value
    if weak is None or strong is None:
        return {**told, "guidance_rise": cell_of([unknown("no style could be judged")], "mean")}
    rise = Cell(100.0 * (strong - weak), min(told["guidance_1"].count, told["guidance_2"].count))
    return {**told, "guidance_rise": rise}


def _hits(songs: Sequence[Readings]) -> list[Reading]:
    return [reading for song in songs for one in STYLE for reading in song.get(one, ())]
