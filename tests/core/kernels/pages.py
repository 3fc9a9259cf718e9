"""Songs small enough to be drawn many times over, as the product keeps them and as pages."""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.kernels.page import Page, knob_row, mark_row, open_page
from core.levo.shapes import TokenShapes
from core.levo.tokens.sample import Knobs

CPU = torch.device("cpu")
NAME = "tokens"


def shapes(codes: int, delays: tuple[int, int, int] = (0, 3, 3)) -> TokenShapes:
    return TokenShapes(
        width=32, ffn=48, heads=2, main_layers=1, sub_layers=1, main_rope_base=1e4, sub_rope_base=1e4,
        codes=codes, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
        delays=delays,
    )  # fmt: skip


def row(knobs: Knobs, *, finish: bool = False) -> list[float]:
    """The knobs as a page wants them."""
    return knob_row(
        guidance=knobs.guidance, penalty=knobs.repetition_penalty, window=knobs.repetition_window,
        counts=knobs.penalty_mode == "count", aware=knobs.penalty_sign == "aware", ban=knobs.ban_prompt,
        minimum=math.ceil(knobs.minimum_length * 25),
        temperature=(knobs.temperature, knobs.stem_temperature, knobs.stem_temperature),
        top_k=(knobs.top_k, knobs.stem_top_k, knobs.stem_top_k),
        top_p=(knobs.top_p, knobs.stem_top_p, knobs.stem_top_p), finish=finish,
    )  # fmt: skip


def key(seed: int, name: str = NAME) -> tuple[int, int, int]:
    return seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, zlib.crc32(name.encode())


def page_over(
    columns: Tensor, knobs: Knobs, *, codes: int, done: int, seed: int = 1, prompt: Sequence[int] = (),
    delays: tuple[int, int, int] = (0, 3, 3), **marks: Any,
) -> Page:  # fmt: skip
    """A page that has `done` columns of so many `codes`."""
    known = {"frames": columns.shape[1] - 1 - max(delays), **marks}
    return open_page(
        columns, delays=delays, codes=codes, marks=mark_row(position=done + 16, done=done, **known),
        knobs=row(knobs), key=key(seed), banned=torch.tensor(prompt, dtype=torch.int64),
    )  # fmt: skip
