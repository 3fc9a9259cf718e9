"""The built-in references: codes of a corpus song for each style name, language and turn."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from core.levo.shapes import REFERENCE_FRAMES
from core.song import BUILT_IN_STYLES
from core.tensors import save_tensors
from corpus.song import Song, compose
from train.codes import Codes, codes_of, frame_at
from train.config import Config

_TAGS: Mapping[str, str] = {
    "Hip-Hop": "hip hop", "R&B/Soul": "r&b", "Metal": "heavy metal", "World": "folk", "Auto": "pop",
}  # fmt: skip
"""How a style is described, where it is not by its own name."""
_SPOKEN = ("en", "zh")
_TURNS = 2
_SECONDS = 26.0
_FIRST_SEED = 500_000
_MOST = 200
"""Seeds tried for a song in the right language."""


def train(config: Config, state: Path) -> None:
    """Nothing is learned here: what a style is like, the corpus says."""


def export(state: Path, folder: Path) -> None:  # noqa: ARG001
    """Write the role file."""
    export_styles(folder)


def export_styles(folder: Path) -> None:
    """Write `styles.safetensors`: int16 [3, 250] by `style/language/turn`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / "styles.safetensors", dict(_table()), {"licence": "Apache-2.0"})


def _table() -> Iterator[tuple[str, Tensor]]:
    for order, style in enumerate(BUILT_IN_STYLES):
        for spoken in _SPOKEN:
            for turn in range(_TURNS):
                song = _song(style, spoken, _FIRST_SEED + 1000 * order + _MOST * turn)
                yield f"{style}/{spoken}/{turn}", torch.from_numpy(_window(song)).short()


def _song(style: str, spoken: str, first: int) -> Song:
    """The first song in a language that is sung to the description of a style."""
    gender = ("female", "male")[first // _MOST % 2]
    description = f"{gender}, {_TAGS.get(style, style.lower())}"
    songs = (compose(seed, seconds=_SECONDS, description=description) for seed in range(first, first + _MOST))
    return next(song for song in songs if song.language == spoken and any(s.sung for s in song.sections))


def _window(song: Song) -> Codes:
    """Ten seconds from the first line on, or the last ones there are."""
    codes = codes_of(song)
    begin = next(section.start for section in song.sections if section.sung)
    first = max(0, min(frame_at(begin), codes.shape[1] - REFERENCE_FRAMES))
    return codes[:, first : first + REFERENCE_FRAMES].copy()
