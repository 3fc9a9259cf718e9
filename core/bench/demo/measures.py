"""One song's readings: what its sound says of the figures that do not need several songs."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from core.bench.demo.figures import Bar, Figure, Reading, Readings, known, right, unknown
from core.bench.demo.laying import Laid, lay
from core.bench.demo.learned import Learned, syllable_shapes
from core.bench.demo.made import Made, level, levelled, stretch
from core.bench.demo.matching import fitted, syllables_of
from core.bench.demo.prompts import Prompt
from corpus.heard import pitch, tempo, timbre
from corpus.heard.mode import chroma
from corpus.heard.words import turns

if TYPE_CHECKING:
    from corpus.types import Wave

FIGURES = (
    Figure("flatness", "sound", "spectral flatness (white noise: 0.56)", "", "median", digits=3),
    Figure("gap", "structure", "voice in sung over instrumental sections, as heard", "dB", "median",
           Bar(12.0, "≥ 12 dB")),
    Figure("gap_planned", "structure", "the same at the times that lyrics and bpm ask", "dB", "median"),
    Figure("idle_voice", "structure", "voice under the mix in songs without words", "dB", "median"),
    Figure("length", "structure", "length within 15 % of what the sections ask", bar=Bar(0.9, "≥ 90 %")),
    Figure("length_ratio", "structure", "length by what the sections ask", "×", "median", digits=2),
    Figure("ends", "structure", "ends by itself", bar=Bar(0.9, "≥ 90 %")),
    Figure("bpm", "style", "bpm within 4 %, looked for within 30 %", bar=Bar(0.8, "≥ 80 %")),
    Figure("bpm_free", "style", "bpm within 4 %, looked for from 50 to 200"),
    Figure("gender", "style", "gender by median f0", bar=Bar(0.9, "≥ 90 %")),
    Figure("mode", "style", "mode by the mood"),
    Figure("family", "style", "genre family, of eight"),
    Figure("syllables", "lyrics", "lines with syllables within 20 %", bar=Bar(0.7, "≥ 70 %")),
    Figure("syllable_ratio", "lyrics", "syllables heard by syllables written", "×", "median", digits=2),
    Figure("vowels", "lyrics", "vowel of sung syllables, of seven"),
    Figure("vowel_chance", "lyrics", "the same judged by other lines' vowels"),
)  # fmt: skip
STYLE = ("bpm", "gender", "mode", "family")
"""What guidance is to bring nearer."""
_NEAR = 0.04
_LENGTH = 0.15
_SYLLABLES = 0.2
_MARGIN = 0.4
"""Seconds at the edges of a section that count for none: breaths, consonants and reverb."""
_WIDEST = 60.0
"""Decibels that a gap counts at most."""


def readings(made: Made, prompt: Prompt, judges: Learned, groups: Collection[str]) -> Readings:
    """What a song says of the figures of some groups; a figure that it was not asked for is left out."""
    wanted = {figure.id for figure in FIGURES if figure.group in groups}
    if made.fault:
        asked = {*wanted} - _not_asked(prompt)
        told = {one: [unknown(made.fault)] for one in asked}
        return {**told, **{one: each for one, each in _length(made, prompt).items() if one in wanted}}
    laid = lay(made.vocal, prompt.plan) if made.vocal is not None and _lines(prompt) else None
    parts: Mapping[str, Callable[[], dict[str, list[Reading]]]] = {
        "sound": lambda: {"flatness": [known(timbre.flatness(levelled(made.mix)))]},
        "structure": lambda: _length(made, prompt) | _gaps(made, prompt, laid),
        "style": lambda: _style(made, prompt, judges),
        "lyrics": lambda: _lyrics(made, prompt, laid, judges) if _lines(prompt) else {},
    }
    return {one: told for group in parts if group in groups for one, told in parts[group]().items()}


def _lines(prompt: Prompt) -> int:
    return sum(len(section.lines) for section in prompt.plan.sections)


def _not_asked(prompt: Prompt) -> set[str]:
    """Figures that have nothing to do with a prompt."""
    asks = prompt.asks
    without = {"bpm": asks.bpm, "bpm_free": asks.bpm, "gender": asks.gender, "mode": asks.mode,
               "family": asks.family}  # fmt: skip
    left = {one for one, asked in without.items() if asked is None}
    if not _lines(prompt):
        return left | {"gap", "gap_planned", "syllables", "syllable_ratio", "vowels", "vowel_chance"}
    return left | {"idle_voice"}


def _length(made: Made, prompt: Prompt) -> dict[str, list[Reading]]:
    ratio = made.seconds / prompt.plan.seconds
    return {
        "length": [right(abs(ratio - 1.0) <= _LENGTH)],
        "length_ratio": [known(ratio)],
        "ends": [right(made.has_ended)],
    }


def _gaps(made: Made, prompt: Prompt, laid: Laid | None) -> dict[str, list[Reading]]:
    """How much louder the voice is where there are words than where there are none."""
    assert made.vocal is not None, "structure is heard in the vocal stem"
    if not _lines(prompt):
        return {"idle_voice": [known(max(-_WIDEST, level(made.vocal) - level(made.mix)))]}
    if all(section.sung for section in prompt.plan.sections):
        return {}
    planned = _gap(made, prompt, lambda seconds: seconds)
    if laid is None:
        # Nobody is heard to sing, or not for long enough: there is no gap.
        return {"gap": [known(0.0)], "gap_planned": [planned]}
    return {"gap": [_gap(made, prompt, laid.at)], "gap_planned": [planned]}


def _gap(made: Made, prompt: Prompt, at: Callable[[float], float]) -> Reading:
    assert made.vocal is not None
    sung: list[Wave] = []
    rests: list[Wave] = []
    for section in prompt.plan.sections:
        start, end = at(section.start), at(section.end)
        part = stretch(made.vocal, start + _MARGIN, end - _MARGIN)
        (sung if section.sung else rests).append(part)
    loud, soft = np.concatenate(sung, axis=1), np.concatenate(rests, axis=1)
    if not loud.size or not soft.size:
        return known(0.0)  # it ends before there was both
    return known(float(np.clip(level(loud) - level(soft), -_WIDEST, _WIDEST)))


def _style(made: Made, prompt: Prompt, judges: Learned) -> dict[str, list[Reading]]:
    """Hits and misses of what the description names; a song in which nobody sings has no right gender."""
    asks, told = prompt.asks, {}
    if asks.bpm is not None:
        near, free = tempo.bpm_near(made.mix, asks.bpm), tempo.bpm(made.mix)
        told["bpm"] = [right(abs(near / asks.bpm - 1.0) <= _NEAR)]
        told["bpm_free"] = [right(abs(free / asks.bpm - 1.0) <= _NEAR)]
    if asks.gender is not None:
        assert made.vocal is not None, "gender is heard in the vocal stem"
        median = pitch.median_f0(made.vocal)
        told["gender"] = [right(median > 0 and (median > pitch.DIVIDE) == (asks.gender == "female"))]
    if asks.mode is not None:
        told["mode"] = [right(judges.mode(chroma(made.mix)) == asks.mode)]
    if asks.family is not None:
        told["family"] = [right(judges.family(timbre.fingerprint(made.mix)) == asks.family)]
    return told


def _lyrics(made: Made, prompt: Prompt, laid: Laid | None, judges: Learned) -> dict[str, list[Reading]]:
    """Syllables and vowels of each line; lines of a song in which none can be found have no syllables."""
    assert made.vocal is not None, "lyrics are heard in the vocal stem"
    lines = [line for section in prompt.plan.sections for line in section.lines]
    if laid is None:
        why = "no line is heard"
        return {
            "syllables": [right(False) for _ in lines],
            "syllable_ratio": [known(0.0) for _ in lines],
            "vowels": [unknown(why)],
            "vowel_chance": [unknown(why)],
        }
    onsets = [turns(made.vocal, start, end) for start, end in laid.lines]
    ratios = [len(found) / len(line.syllables) for found, line in zip(onsets, lines, strict=True)]
    times = [
        syllables_of(line, span, found) for line, span, found in zip(lines, laid.lines, onsets, strict=True)
    ]
    shapes = syllable_shapes(made.vocal, _inside([time for each in times for time in each], made.seconds))
    heard = judges.vowels.judge(shapes)
    sung = [[one.sound.vowel for one in line.syllables] for line in lines]
    hits, chance, at = [], [], 0
    for line, own in zip(lines, sung, strict=True):
        judged = heard[at : at + len(own)]
        at += len(own)
        hits += [right(one == asked) for one, asked in zip(judged, own, strict=True)]
        others = [vowels for other, vowels in zip(lines, sung, strict=True) if other.text != line.text]
        chance += [
            known(float(np.mean([one == fitted(vowels, len(own))[place] for vowels in others])))
            for place, one in enumerate(judged)
            if others
        ]
    return {
        "syllables": [right(abs(ratio - 1.0) <= _SYLLABLES) for ratio in ratios],
        "syllable_ratio": [known(ratio) for ratio in ratios],
        "vowels": hits,
        "vowel_chance": chance,
    }


def _inside(times: list[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """The stretches moved to where there is sound on both sides."""
    last = seconds - 0.2
    return [(min(max(0.05, start), last - 0.05), min(max(0.1, end), last)) for start, end in times]
