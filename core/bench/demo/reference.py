"""Whether a recording leads: is a song's colour nearer to the one it was given than to another?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile

from core import style
from core.atomic import replacing
from core.bench.demo.figures import Bar, Cell, Figure, Reading, cell_of, right, unknown
from core.bench.demo.home import corpus_digest
from core.bench.demo.learned import CLIP, Learned
from core.bench.demo.made import stretch
from core.bench.demo.prompts import Prompt
from core.bench.demo.rendering import Maker, played
from core.song import Reference, Song
from corpus.families import FAMILIES
from corpus.heard import timbre
from corpus.song import Song as Plan
from corpus.song import compose
from corpus.types import RATE, Track

FIRST_SEED = 2_100_000
"""Of the songs that references are cut from: neither training nor validation uses them."""
PAIRS = 8
_START = 6.0
"""Seconds into its song at which a reference begins."""
_LENGTH = 32.0
_COUPLES = (("pop", "rock"), ("electronic", "ballad"), ("jazz", "hip hop"), ("folk", "latin"))
FIGURES = (Figure("reference", "reference", "timbre nearer to the given reference", bar=Bar(0.8, "≥ 80 %")),)


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording that leads."""

    path: Path
    print: Track
    """Its fingerprint."""
    rest: Track
    """That of the end of the song it is cut from."""


@dataclass(frozen=True, slots=True)
class Couple:
    """Two recordings, and a prompt that says nothing of either's colour."""

    prompt: Prompt
    heard: tuple[Heard, Heard]


def couples(prompts: Sequence[Prompt], folder: Path, pairs: int = PAIRS) -> list[Couple]:
    """A couple for every two of the pairs wanted; the recordings are made in the folder."""
    plain = [replace(one, song=_plain(one)) for one in prompts]
    return [
        Couple(
            plain[at % len(plain)], (_heard(2 * at, names[0], folder), _heard(2 * at + 1, names[1], folder))
        )
        for at, names in enumerate(_COUPLES[: -(-pairs // 2)])
    ]


def reference_cells(maker: Maker, chosen: Sequence[Couple], judges: Learned, most: float) -> dict[str, Cell]:
    """Each prompt is made with each recording of its couple: which of them is the song nearer to?"""

    def told() -> Iterator[Reading]:
        for couple in chosen:
            for given, other in (couple.heard, couple.heard[::-1]):
                prompt = couple.prompt
                song = replace(prompt.song, reference=Reference(path=str(given.path)))
                made = maker.make(song, seed=prompt.seed, most=most * prompt.plan.seconds, stems="mix")
                yield (
                    unknown(made.fault)
                    if made.fault
                    else _nearer(timbre.fingerprint(made.mix), given, other, judges)
                )

    return {"reference": cell_of(told(), "share")}


def corpus_cells(chosen: Sequence[Couple], judges: Learned) -> dict[str, Cell]:
    """The same of the end of each recording's own song."""
    told = [
        _nearer(given.rest, given, other, judges)
        for couple in chosen
        for given, other in (couple.heard, couple.heard[::-1])
    ]
    return {"reference": cell_of(told, "share")}


def _nearer(heard: Track, given: Heard, other: Heard, judges: Learned) -> Reading:
    near, far = (timbre.apart(heard, one.print, judges.weights) for one in (given, other))
    return right(near < far)


def _plain(prompt: Prompt) -> Song:
    """The song with nothing but gender and tempo in its description."""
    kept = [tag for tag in style.split(prompt.song.style) if tag in ("female", "male") or style.bpm_of([tag])]
    return replace(prompt.song, title=f"{prompt.name}-led", style=style.join(kept))


def _heard(order: int, family: str, folder: Path) -> Heard:
    plan = _plan(order, family)
    made = played(plan, None, "")
    clip = stretch(made.mix, _START, _START + CLIP)
    path = folder / "references" / f"{family}-{order}-{corpus_digest()}.wav"
    if not path.is_file():
        with replacing(path) as temporary:
            soundfile.write(temporary, clip.T, RATE, subtype="PCM_24", format="WAV")
    last = made.seconds - 1.2
    return Heard(path, timbre.fingerprint(clip), timbre.fingerprint(stretch(made.mix, last - CLIP, last)))


def _plan(order: int, family: str) -> Plan:
    """A song of a family, drawn but for its genre and the middle of its tempo."""
    low, high = FAMILIES[family].tempo
    described = style.join([FAMILIES[family].genres[0], style.bpm_tag((low + high) // 2)])
    return compose(FIRST_SEED + order, seconds=_LENGTH, description=described)
