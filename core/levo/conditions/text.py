"""Lyrics and style in ids, for the song and for the null condition."""

import torch
from torch import Tensor

from core.levo.artifacts import Conditions
from core.levo.conditions.prompt import Prompt
from core.levo.shapes import TokenShapes
from core.levo.text import Encoded, Tokenizers, lyric_text, null_style


def text_conditions(
    wire: str, style: str, prompt: Prompt, shapes: TokenShapes, tokenizers: Tokenizers
) -> Conditions:
    """Both rows' ids, padded or cut on the right to the model's lengths, and the prompt (tokens spec §4).

    `style` is the string `style_text` gives.
    """
    lyrics = (tokenizers.encode_lyrics(lyric_text(wire)), tokenizers.encode_lyrics(None))
    styles = (tokenizers.encode_style(style), tokenizers.encode_style(null_style(style)))
    lyrics = _fitted(lyrics, shapes.lyric_length, tokenizers.pad)
    styles = _fitted(styles, shapes.style_length, tokenizers.pad)
    return Conditions(
        lyric_ids=_rows([row.ids for row in lyrics]),
        structure=_rows([row.structure for row in lyrics]),
        style_ids=_rows([row.ids for row in styles]),
        prompt_codes=prompt.codes,
        prompt_latents=prompt.latents,
    )


def _fitted(rows: tuple[Encoded, Encoded], length: int, pad: int) -> tuple[Encoded, Encoded]:
    conditioned, null = rows
    return conditioned.fit(length, pad), null.fit(length, pad)


def _rows(rows: list[tuple[int, ...]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.int64)
