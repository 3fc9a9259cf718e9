"""Phase 1 without a reference: lyrics and style in ids, for the song and for the null condition."""

import torch
from torch import Tensor

from core.levo.artifacts import Conditions
from core.levo.shapes import CODEBOOKS, TokenShapes
from core.levo.text import Encoded, Tokenizers, lyric_text, null_style


def text_conditions(
    wire: str, style: str, shapes: TokenShapes, tokenizers: Tokenizers, *, latent: int = 64
) -> Conditions:
    """Both rows' ids, padded or cut on the right to the model's lengths, and no prompt (levo-tokens spec §4).

    `style` is the string `style_text` gives; `latent` is the channels of the prompt latents that are absent.
    """
    lyrics = (tokenizers.encode_lyrics(lyric_text(wire)), tokenizers.encode_lyrics(None))
    styles = (tokenizers.encode_style(style), tokenizers.encode_style(null_style(style)))
    lyrics = _fitted(lyrics, shapes.lyric_length, tokenizers.pad)
    styles = _fitted(styles, shapes.style_length, tokenizers.pad)
    return Conditions(
        lyric_ids=_rows([row.ids for row in lyrics]),
        structure=_rows([row.structure for row in lyrics]),
        style_ids=_rows([row.ids for row in styles]),
        prompt_codes=torch.empty(CODEBOOKS, 0, dtype=torch.int64),
        prompt_latents=torch.empty(0, latent),
    )


def _fitted(rows: tuple[Encoded, Encoded], length: int, pad: int) -> tuple[Encoded, Encoded]:
    conditioned, null = rows
    return conditioned.fit(length, pad), null.fit(length, pad)


def _rows(rows: list[tuple[int, ...]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.int64)
