"""The built-in references: codes of music in thirteen styles, chosen by the take's seed."""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.errors import SongdeskError
from core.headers import read_header
from core.levo.conditions.prompt import Prompt, no_prompt
from core.levo.shapes import CODEBOOKS, REFERENCE_FRAMES, QuantizerShapes
from core.lyrics.language import language
from core.random import Stream
from core.song import ANY_STYLE


def style_prompt(
    path: Path, style: str, lyrics: str, stream: Stream, quantizer: QuantizerShapes, *, latent: int
) -> Prompt:
    """One of the table's references for a style in the lyrics' language; the stream's first number chooses.

    A style that the table lacks is refused with SongdeskError, but for `Auto`, which then means any of them;
    for a language that it lacks another is taken, and said.
    """
    names = sorted(name for name in _names(path) if name.count("/") > 1)
    fitting, notes = _fitting(names, style, language(lyrics), path)
    draw = float(stream.uniform(torch.zeros(1, dtype=torch.int64), 1))
    chosen = fitting[int(draw * len(fitting))]
    codes = _entry(path, chosen)
    told = f"led by the built-in reference {chosen}"
    empty = no_prompt(latent)
    return Prompt(_checked(codes, path, quantizer)[:, :REFERENCE_FRAMES], empty.latents, (*notes, told))


def _names(path: Path) -> Iterable[str]:
    try:
        return read_header(path).tensors
    except SongdeskError as error:
        raise _unreadable(path) from error


def _entry(path: Path, name: str) -> Tensor:
    try:
        with safe_open(path, framework="pt") as file:
            codes: Tensor = file.get_tensor(name)
            return codes.long()
    except (OSError, SafetensorError) as error:
        raise _unreadable(path) from error


def _fitting(names: list[str], style: str, spoken: str, path: Path) -> tuple[list[str], tuple[str, ...]]:
    """The entries to choose from, named style/language/number."""
    if not names:
        raise _strange(path)
    of_style = [name for name in names if name.rsplit("/", 2)[0] == style]
    if not of_style and style == ANY_STYLE:
        of_style = names
    if not of_style:
        known = sorted({name.rsplit("/", 2)[0] for name in names})
        raise SongdeskError(f"it has no style {style}", where=str(path), hint=f"use {', '.join(known)}")
    fitting = [name for name in of_style if name.rsplit("/", 2)[1] == spoken]
    if fitting:
        return fitting, ()
    return of_style, (f"no built-in reference of style {style} in this language; another is used",)


def _checked(codes: Tensor, path: Path, quantizer: QuantizerShapes) -> Tensor:
    fits = codes.ndim == 2 and codes.shape[0] == CODEBOOKS and codes.shape[1] > 0
    if not fits or not 0 <= int(codes.min()) <= int(codes.max()) < quantizer.codes:
        raise _strange(path)
    return codes


def _unreadable(path: Path) -> SongdeskError:
    return SongdeskError(
        "the table of built-in styles cannot be read",
        where=str(path),
        hint="convert it again: songdesk models convert new_auto_prompt.pt",
    )


def _strange(path: Path) -> SongdeskError:
    return SongdeskError(
        "this table of built-in styles is of another model",
        where=str(path),
        hint="convert the one published with this model",
    )
