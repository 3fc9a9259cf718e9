"""What the token model makes of kept-out songs, read from its codes: end, tempo, words, sections."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from core.engine import FreshRun, Run, Verdict
from core.levo.conditions.prompt import no_prompt
from core.levo.conditions.text import text_conditions
from core.levo.shapes import FRAME_RATE, TokenShapes
from core.levo.text import Tokenizers, style_text
from core.levo.tokens.compose import compose as write
from core.levo.tokens.model import TokenModel
from core.levo.tokens.sample import Knobs
from core.random import Stream
from core.settings import Value, Values
from corpus.song import Song, compose
from train.codes import Codes
from train.symbols import CODES, MIX, sound_code

_FIRST_SEED = 1_000_000
"""Of songs that training keeps out."""


@dataclass(frozen=True, slots=True)
class Found:
    """How one composed song keeps to what was asked."""

    seconds: float
    """Its length over the corpus's own for the same words."""
    ended: bool
    bpm: float
    """Over the one that was asked for."""
    sounds: float
    """Edits between its syllables and those of the text, over how many the text has."""
    vowels: float
    """The same for vowels alone."""
    sections: float
    """The same for section tags."""


class _Quiet(FreshRun):
    """A run that nobody watches."""

    device = torch.device("cpu")

    def __init__(self, seed: int, knobs: Mapping[str, Value]) -> None:
        self._seed, self._knobs = seed, knobs

    def step(self, done: int, total: int) -> Verdict:  # noqa: ARG002
        return Verdict.GO

    def live(self, key: str) -> Value:
        return self._knobs.get(key, getattr(Knobs(), key))

    def stream(self, name: str) -> Stream:
        return Stream(self._seed, name)


def sampled(
    model: TokenModel, words: Tokenizers, song: Song, *, seed: int, longest: float, knobs: Mapping[str, Value]
) -> Codes:
    """Codes [3, T] that the product composes for a song's words and description."""
    style = style_text(song.description, version=words.version)
    conditions = text_conditions(song.lyrics, style, no_prompt(1), model.shapes, words)
    values = Values({"length": longest, "kv_cache": "fp32", "mulaw_mu": 64.0, "weights": "exact"})
    run = _Quiet(seed, {"ban_prompt": False, "repetition_penalty": 1.0, **knobs})
    with torch.inference_mode():
        # Composing alone asks for nothing that a quiet run lacks.
        made = write(lambda _: model, model.shapes, conditions, values, cast("Run", run))
    return made.codes.numpy().astype(np.int16)


def judged(song: Song, codes: Codes, *, longest: float) -> Found:
    """What codes made for a song are like beside it."""
    told = [MIX[code] for code in codes[0] if code < len(MIX)]
    wanted = [one.sound for section in song.sections for line in section.lines for one in line.syllables]
    sung = [symbol[1:] for symbol in told if symbol[0] == "sound"]
    asked = [MIX[sound_code(sound)][1:] for sound in wanted]
    seconds = codes.shape[1] / FRAME_RATE
    tags = [str(symbol[1]) for symbol in told if symbol[0] == "section"]
    return Found(
        seconds=seconds / song.seconds,
        ended=seconds < longest - 0.1,
        bpm=bpm_of(codes) / song.style.bpm,
        sounds=edits(sung, asked) / max(1, len(asked)),
        vowels=edits([one[1] for one in sung], [one[1] for one in asked]) / max(1, len(asked)),
        sections=edits(tags, [section.tag for section in song.sections]) / max(1, len(song.sections)),
    )


def bpm_of(codes: Codes) -> float:
    """Beats per minute of the mix's codes; 0 where they have no beat."""
    first, count = CODES[0]["hold", 1, 0], sum(symbol[0] == "hold" for symbol in MIX)
    frames = np.flatnonzero(codes[0] < first + count)
    beats = np.unique(frames - (codes[0, frames] - first) // 2 - 1)
    if len(beats) < 3:
        return 0.0
    kept = beats[np.concatenate([[True], np.diff(beats) > 4])]
    gaps = np.diff(kept)
    usual = np.median(gaps)
    near = gaps[np.abs(gaps - usual) <= 0.25 * usual]
    return float(60 * FRAME_RATE / near.mean())


def edits(found: Sequence[object], wanted: Sequence[object]) -> int:
    """Insertions, deletions and replacements that make one of the other."""
    before = list(range(len(wanted) + 1))
    for row, one in enumerate(found, 1):
        line = [row]
        for at, other in enumerate(wanted, 1):
            line.append(min(before[at] + 1, line[-1] + 1, before[at - 1] + (one != other)))
        before = line
    return before[-1]


def loaded(shapes: TokenShapes, weights: Mapping[str, Tensor]) -> TokenModel:
    """The product's model with these weights."""
    model = TokenModel(shapes)
    model.load_state_dict(dict(weights))
    return model.eval()


def tell(
    model: TokenModel, words: Tokenizers, *, songs: int, seconds: float, knobs: Mapping[str, Value]
) -> list[Found]:
    """Compose and judge some kept-out songs, a line each."""
    found = []
    for at in range(songs):
        song = compose(_FIRST_SEED + at, seconds=seconds)
        longest = 1.6 * song.seconds
        codes = sampled(model, words, song, seed=at, longest=longest, knobs=knobs)
        found.append(judged(song, codes, longest=longest))
        sys.stdout.write(f"{song.language} {len(song.sections)} sections {song.style.bpm} bpm: {found[-1]}\n")
    return found


def main(state: Path, *, songs: int = 6, seconds: float = 12.0, **knobs: Value) -> list[Found]:
    """The same with the average that a state has."""
    from core.levo.text import demo_tokenizers
    from core.paths import conf_file
    from train.config import load
    from train.tokens import product_weights

    model = loaded(load().shapes.tokens, product_weights(state))
    words = demo_tokenizers(conf_file("demo-tokenizer.json"), "v2")
    return tell(model, words, songs=songs, seconds=seconds, knobs=knobs)
