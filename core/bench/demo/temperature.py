"""Whether temperature makes takes of one song differ."""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from core.bench.demo.figures import Bar, Cell, Figure, Reading, cell_of, known, unknown
from core.bench.demo.made import Made
from core.bench.demo.prompts import Prompt
from core.bench.demo.rendering import Maker, played
from corpus.heard.frames import mono, spectra, thinned
from corpus.song import compose
from corpus.types import RATE, Track, Wave

PROMPTS, SEEDS = 6, 3
_TEMPERATURES = (0.4, 0.8, 1.2)
_THIN, _LENGTH, _HOP = 6, 2048, 2000
"""Spectra of 0.26 s, four a second, of sound at 8 kHz."""
FIGURES = (
    *(
        Figure(f"diversity_{one}", "temperature", f"takes differ at temperature {one}", "", "mean", digits=3)
        for one in _TEMPERATURES
    ),
    Figure("diversity_rise", "temperature", "the least rise of the two", "", "mean",
           Bar(0.0, "> 0", is_strict=True), digits=3),
)  # fmt: skip


def fit_for_temperature(prompts: Sequence[Prompt]) -> list[Prompt]:
    """The prompts that temperature is tried with: the shortest."""
    return sorted(prompts, key=lambda one: (one.plan.seconds, one.name))[:PROMPTS]


def temperature_cells(maker: Maker, prompts: Sequence[Prompt], most: float) -> dict[str, Cell]:
    """How far takes of other seeds are apart at each temperature, 0 to 1, and whether that rises."""
    told: dict[str, Cell] = {}
    for temperature in _TEMPERATURES:
        apart: list[Reading] = []
        for prompt in prompts:
            takes = [
                maker.make(prompt.song, seed=100 * prompt.seed + take, most=most * prompt.plan.seconds,
                           stems="mix", temperature=temperature)
                for take in range(SEEDS)
            ]  # fmt: skip
            apart += _all_apart(takes)
        told[f"diversity_{temperature}"] = cell_of(apart, "mean")
    values = [cell.value for cell in told.values()]
    steps = [after - before for before, after in pairwise(values) if before is not None and after is not None]
    is_whole = len(steps) == len(_TEMPERATURES) - 1
    rise = known(min(steps)) if is_whole else unknown("takes could not be compared")
    return {**told, "diversity_rise": cell_of([rise], "mean")}


def corpus_cells(prompts: Sequence[Prompt]) -> dict[str, Cell]:
    """How far the corpus's own songs of one prompt are apart: it knows no temperature."""
    apart = []
    for prompt in prompts:
        seeds = (prompt.plan.seed + 500_000 + take for take in range(SEEDS))
        plans = (compose(seed, lyrics=prompt.wire, description=prompt.song.style) for seed in seeds)
        apart += _all_apart([played(plan, None, prompt.name) for plan in plans])
    cell = cell_of(apart, "mean")
    return {figure.id: cell for figure in FIGURES if figure.bar is None}


def _all_apart(takes: Sequence[Made]) -> list[Reading]:
    faults = [take.fault for take in takes if take.fault]
    if faults:
        return [unknown(fault) for fault in faults]
    tunes = [tune(take.mix) for take in takes]
    return [known(differing(one, other)) for one, other in combinations(tunes, 2)]


def tune(sound: Wave) -> Track:
    """The strength of twelve pitch classes four times a second [m, 12], each row of length 1."""
    heights = spectra(thinned(mono(sound), _THIN), _LENGTH, _HOP).astype(np.float64)
    f = np.arange(heights.shape[1]) * (RATE / _THIN / _LENGTH)
    inside = (f > 110.0) & (f < 1000.0)
    classes = np.round(12.0 * np.log2(f[inside] / 440.0)).astype(int) % 12
    rows = heights[:, inside] @ np.eye(12)[classes]
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-12))


def differing(one: Track, other: Track) -> float:
    """How far two tunes are apart where both sound: 0 for the same one, about 1 for strangers."""
    count = min(len(one), len(other))
    return float(1.0 - np.mean(np.sum(one[:count] * other[:count], axis=1)))
