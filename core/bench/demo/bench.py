"""The whole bench: each figure for the trained model, for the corpus and for weights that learned nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.bench.demo import guidance, measures, reference, temperature
from core.bench.demo.figures import Bar, Cell, Figure, Readings, Row, gathered
from core.bench.demo.learned import Learned, mel_frames
from core.bench.demo.made import Made
from core.bench.demo.prompts import Prompt
from core.bench.demo.rendering import Maker, played
from corpus.heard.timbre import frechet
from corpus.types import Track

MOST = 1.35
"""By how much a song may be longer than its sections ask before it is cut off."""
_SINGLE = ("sound", "structure", "style", "lyrics")
"""Groups whose figures a song tells of alone."""
_NEARER = Figure("nearer", "sound", "Fréchet distance of the untrained by this", "×", "mean",
                 Bar(5.0, "≥ 5 ×"), digits=1)  # fmt: skip
_DISTANCE = Figure("distance", "sound", "Fréchet distance to held-out corpus songs", "", "mean")
_EITHER = Figure("either", "style", "the better of mode and family", bar=Bar(0.7, "≥ 70 %"))
_OVER_CHANCE = Figure("over_chance", "lyrics", "vowels by chance", "×", "mean", Bar(2.0, "≥ 2 ×"), digits=1)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be measured."""

    prompts: tuple[Prompt, ...]
    groups: tuple[str, ...]
    makers: Mapping[str, Maker]
    """By way: trained, untrained."""
    has_corpus: bool
    judges: Learned
    cache: Path
    """Where references are kept."""
    kept: Path | None
    """Where the corpus's songs are kept, if at all."""
    tell: Callable[[str], None]

    @property
    def ways(self) -> tuple[str, ...]:
        """Whose songs are measured."""
        return (*self.makers, *(("corpus",) if self.has_corpus else ()))


@dataclass(slots=True)
class _Heard:
    """What the songs of one way told."""

    songs: list[Readings] = field(default_factory=list)
    frames: list[Track] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """The table, and what each song told."""

    rows: tuple[Row, ...]
    songs: Mapping[str, Mapping[str, Readings]]
    """By way and by prompt."""


def bench(task: Task) -> Report:
    """Make every song and measure it; SongdeskError for weights and settings that cannot be."""
    single = [group for group in _SINGLE if group in task.groups]
    heard = {way: _listen(task, way, single) for way in task.ways} if single else {}
    rows = [*_single_rows(heard, single, task.judges)]
    for group, cells in (("guidance", _guided), ("temperature", _heated), ("reference", _led)):
        if group in task.groups:
            rows += cells(task)
    names = [prompt.name for prompt in task.prompts]
    songs = {way: dict(zip(names, told.songs, strict=True)) for way, told in heard.items()}
    return Report(tuple(rows), songs)


def _listen(task: Task, way: str, groups: Collection[str]) -> _Heard:
    heard = _Heard()
    for prompt in task.prompts:
        made = _made(task, way, prompt)
        heard.songs.append(measures.readings(made, prompt, task.judges, groups))
        if made.fault:
            heard.faults.append(made.fault)
        elif "sound" in groups:
            heard.frames.append(mel_frames(made.mix))
    return heard


def _made(task: Task, way: str, prompt: Prompt) -> Made:
    if way == "corpus":
        task.tell(f"corpus: {prompt.name}")
        return played(prompt.plan, task.kept, prompt.name)
    return task.makers[way].make(prompt.song, seed=prompt.seed, most=MOST * prompt.plan.seconds)


def _single_rows(heard: Mapping[str, _Heard], groups: Collection[str], judges: Learned) -> Iterator[Row]:
    songs = {way: told.songs for way, told in heard.items()}
    for group in groups:
        rows = {figure.id: gathered(figure, songs) for figure in measures.FIGURES if figure.group == group}
        yield from rows.values()
        if group == "sound":
            yield from _distances(heard, judges)
        if group == "style":
            yield _better(rows["mode"], rows["family"])
        if group == "lyrics":
            yield _over_chance(rows["vowels"], rows["vowel_chance"])


def _distances(heard: Mapping[str, _Heard], judges: Learned) -> Iterator[Row]:
    cells = {}
    for way, told in heard.items():
        why = {fault: told.faults.count(fault) for fault in told.faults}
        value = frechet(np.concatenate(told.frames), judges.frames) if told.frames else None
        cells[way] = Cell(value, len(told.frames), why)
    yield Row(_DISTANCE, cells)
    floor = cells["untrained"].value if "untrained" in cells else None
    yield Row(
        _NEARER, {way: _ratio(floor, cell, "the untrained were not measured") for way, cell in cells.items()}
    )


def _better(mode: Row, family: Row) -> Row:
    """The one of two that more songs have right, for each way."""
    return Row(
        _EITHER,
        {
            way: max(cell, family.cells[way], key=lambda one: one.value or 0.0)
            for way, cell in mode.cells.items()
        },
    )


def _over_chance(vowels: Row, chance: Row) -> Row:
    return Row(
        _OVER_CHANCE,
        {
            way: _ratio(cell.value, chance.cells[way], "no vowel is heard")
            for way, cell in vowels.cells.items()
        },
    )


def _ratio(above: float | None, below: Cell, why: str) -> Cell:
    if above is None or not below.value:
        return Cell(None, 0, {why: 1})
    return Cell(above / below.value, below.count)


def _guided(task: Task) -> list[Row]:
    prompts = guidance.fit_for_guidance(task.prompts)
    cells = {
        way: guidance.guidance_cells(maker, prompts, task.judges, MOST) for way, maker in task.makers.items()
    }
    return _rows(guidance.FIGURES, cells)


def _heated(task: Task) -> list[Row]:
    prompts = temperature.fit_for_temperature(task.prompts)
    cells = {way: temperature.temperature_cells(maker, prompts, MOST) for way, maker in task.makers.items()}
    if task.has_corpus:
        task.tell("corpus: the same songs by other seeds")
        cells["corpus"] = temperature.corpus_cells(prompts)
    return _rows(temperature.FIGURES, cells)


def _led(task: Task) -> list[Row]:
    task.tell("corpus: references")
    pairs = min(reference.PAIRS, 2 * len(task.prompts))
    chosen = reference.couples(task.prompts, task.cache, pairs)
    cells = {
        way: reference.reference_cells(maker, chosen, task.judges, MOST) for way, maker in task.makers.items()
    }
    if task.has_corpus:
        cells["corpus"] = reference.corpus_cells(chosen, task.judges)
    return _rows(reference.FIGURES, cells)


def _rows(figures: Sequence[Figure], cells: Mapping[str, Mapping[str, Cell]]) -> list[Row]:
    return [
        Row(figure, {way: told[figure.id] for way, told in cells.items() if figure.id in told})
        for figure in figures
    ]
