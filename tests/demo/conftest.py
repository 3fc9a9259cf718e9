"""What tests of the corpus and the training need: both are beside the weights, not in a package."""

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from corpus.render import Stems
    from corpus.song import Song

_ROOT = Path(__file__).parents[2]
FOLDERS = (str(_ROOT), str(_ROOT / "ckpt" / "demo"))
"""Where `core`, `corpus` and `train` are found, also by processes that tests start."""

sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]
os.environ["PYTHONPATH"] = os.pathsep.join(
    dict.fromkeys((*FOLDERS, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))))
)

_SUNG = (
    "[intro-short] ; [verse] Paper boats are drifting slow. Nobody knows the way. ; "
    "[chorus] Hold the line and sing with me. We are the night and the day. ; [outro-short]"
)


@pytest.fixture(scope="session")
def heard() -> Callable[..., "tuple[Song, Stems]"]:
    """Gives the song of a description, with its sound; of other `lyrics` if wanted."""
    return _heard


@lru_cache(maxsize=16)
def _heard(description: str, lyrics: str = _SUNG) -> "tuple[Song, Stems]":
    from corpus.render import render
    from corpus.song import compose

    song = compose(7, lyrics=lyrics, description=description)
    return song, render(song)
