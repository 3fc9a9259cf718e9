"""What the trained encoders hear in kept-out songs, by the product's own way from sound to codes."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from core.levo.conditions.codes import MixEncoder, StemEncoder, encode
from core.levo.conditions.listen import turned_down
from core.levo.shapes import REFERENCE_FRAMES, SAMPLES_PER_FRAME, Shapes
from train import pool, spectra
from train.codes import Codes, codes_of
from train.symbols import BOOKS, Symbol

_NAMES = ("mix", "vocal", "backing")
_NEAR = 1
"""Frames by which an event may be early or late and still count as heard."""
_VALUES: Mapping[str, tuple[str, ...]] = {
    "hold": ("frames", "sung"), "section": ("tag",), "bar": ("bar",), "chord": ("root", "quality"),
    "beat": ("beat",), "pitch": ("pitch",), "line": ("number",), "place": ("number",),
    "note": ("pitch",), "sound": ("onset", "nucleus", "coda"), "phone": ("phone", "pitch"),
    "stroke": ("kit", "drums", "force"), "players": ("chords", "bass"), "colours": ("lead", "texture"),
}  # fmt: skip
"""What a kind's values are called; of a chord in codebook 2 the first two are family and level."""
_BACKING_CHORD = ("family", "level", "root", "quality")


def report(
    state: Path, networks: Mapping[str, MixEncoder | StemEncoder], shapes: Shapes, seeds: list[int]
) -> None:
    """Say what is right in ten seconds of each song, in frames and by what a symbol is made of."""
    counts: Counter[tuple[str, ...]] = Counter()
    for seed in seeds:
        stems, true = pool.stems_of(state / "pool", seed), codes_of(pool.song_of(seed))
        first = max(0, (true.shape[1] - REFERENCE_FRAMES) // 2)
        cut = stems[:, first * SAMPLES_PER_FRAME : (first + REFERENCE_FRAMES) * SAMPLES_PER_FRAME]
        count(counts, true[:, first : first + REFERENCE_FRAMES], codes_heard(networks, shapes, cut))
    for line in lines(counts):
        sys.stdout.write(f"ears: {line}\n")


def codes_heard(networks: Mapping[str, MixEncoder | StemEncoder], shapes: Shapes, stems: pool.Stems) -> Codes:
    """Codes [3, frames] of int16 stems, each part heard for itself."""
    taps = (shapes.encoder.mix_tap, shapes.encoder.vocal_tap, shapes.encoder.backing_tap)
    frames = stems.shape[1] // SAMPLES_PER_FRAME
    found = []
    with torch.inference_mode():
        for name, parts, tap in zip(_NAMES, spectra.HEARD, taps, strict=True):
            network = networks["mix_encoder" if name == "mix" else "stem_encoder"]
            sound = turned_down(torch.from_numpy(pool.as_heard(stems, parts)))
            found.append(encode(network.encoder, getattr(network, name), sound, tap=tap, frames=frames))
    heard: Codes = torch.stack(found).numpy().astype(np.int16)
    return heard


def count(counts: Counter[tuple[str, ...]], true: Codes, heard: Codes) -> None:
    """Add up what is right by codebook, kind and value, as ("vocal", "phone", "pitch"); "n" counts all."""
    for book, name in enumerate(_NAMES):
        wanted, found = ([BOOKS[book][code] for code in codes[book]] for codes in (true, heard))
        for at, symbol in enumerate(wanted):
            near = found[max(0, at - _NEAR) : at + _NEAR + 1]
            for key in _right(book, symbol, found[at], near):
                counts[name, *key] += 1
        if book:
            for symbol, other in zip(wanted, found, strict=True):
                counts[name, "all", "none or not"] += (symbol[0] == "none") == (other[0] == "none")


def lines(counts: Counter[tuple[str, ...]]) -> Iterator[str]:
    """The counts as shares, a line for each kind of symbol."""
    for name, kind in sorted({(name, kind) for name, kind, _ in counts}):
        whole = counts[name, kind, "n"]
        shares = (
            f"{what} {100 * right / whole:.0f} %"
            for (of, one, what), right in counts.items()
            if (of, one) == (name, kind) and what != "n"
        )
        yield f"{name} {kind} ({whole} frames): {', '.join(shares)}"


def _right(book: int, symbol: Symbol, found: Symbol, near: list[Symbol]) -> Iterator[tuple[str, str]]:
    kind, values = str(symbol[0]), symbol[1:]
    yield "all", "n"
    yield kind, "n"
    if found == symbol:
        yield "all", "right"
        yield kind, "right"
    if found[0] == kind:
        yield "all", "kind"
        yield kind, "kind"
    if symbol in near:
        yield kind, "right within a frame"
    # Values are judged where the kind is heard within a frame.
    alike = [one for one in near if one[0] == kind]
    names = _BACKING_CHORD if book and kind == "chord" else _VALUES.get(kind, ())
    for at, (name, value) in enumerate(zip(names, values, strict=True)):
        if any(one[at + 1] == value for one in alike):
            yield kind, name
