"""What a song's steps share with their host: the page on the device, and what is written to it from here."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.kernels.page import Mark, Page, knob_row, mark_row, open_page
from core.kernels.store import Kind, LayerStore
from core.levo.shapes import CODEBOOKS, FRAME_RATE
from core.levo.tokens.cache import CodedCache, PlainCache
from core.levo.tokens.decoding import Pass, Room, Transformer
from core.levo.tokens.pattern import Sheet
from core.levo.tokens.sample import Knobs

if TYPE_CHECKING:
    from core.random import Stream

_STEMS = CODEBOOKS - 1
"""Codebooks that share their knobs."""


def page_of(network: Pass, sheet: Sheet, prompt: Tensor, stream: "Stream") -> Page:
    """A page on the network's device for the song on a sheet of the host, with the knobs as published.

    `prompt` is the prompt's codes of codebook 0, int64 [n], which may be banned; `stream` gives the noise.
    """
    shapes = network.shapes
    return open_page(
        sheet.columns(0, sheet.size).to(network.model.device, copy=True),
        delays=shapes.delays, codes=shapes.codes, marks=marks_of(network, sheet), knobs=row_of(Knobs()),
        key=stream.key, banned=prompt[prompt < shapes.codes],
    )  # fmt: skip


def marks_of(network: Pass, sheet: Sheet) -> list[int]:
    """Where a song stands of which all is here, as `Page.marks`.

    The position is that of the column written last, whether it is yet to be taken in or was just now.
    """
    delays = network.shapes.delays
    row = mark_row(
        position=network.shapes.prefix + sheet.done, done=sheet.done, frames=sheet.frames,
        given=sheet.given, until=sheet.until, is_ended=sheet.ended, is_told=sheet.is_told,
    )  # fmt: skip
    row[Mark.DELAY : Mark.DELAY + len(delays)] = delays
    return row


def row_of(knobs: Knobs) -> list[float]:
    """Knobs as `Page.knobs`."""
    return knob_row(
        guidance=knobs.guidance,
        penalty=knobs.repetition_penalty,
        window=knobs.repetition_window,
        counts=knobs.penalty_mode == "count",
        aware=knobs.penalty_sign == "aware",
        ban=knobs.ban_prompt,
        minimum=math.ceil(knobs.minimum_length * FRAME_RATE),
        temperature=(knobs.temperature, *_STEMS * (knobs.stem_temperature,)),
        top_k=(knobs.top_k, *_STEMS * (knobs.stem_top_k,)),
        top_p=(knobs.top_p, *_STEMS * (knobs.stem_top_p,)),
    )


def hand_over(values: Sequence[float] | Sequence[int], into: Tensor) -> None:
    """Write numbers to a row on the device, behind the steps launched before, without waiting for them."""
    row = torch.tensor(values, dtype=into.dtype)
    into.copy_(row.pin_memory() if into.device.type == "cuda" else row, non_blocking=True)


class Dials:
    """Hands knobs to a page when they were turned."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: Knobs | None = None

    def turn(self, knobs: Knobs) -> None:
        """Let the steps launched from here on obey these."""
        if knobs != self._held:
            self._held = knobs
            hand_over(row_of(knobs), self._page.knobs)


def kept(page: Page) -> Callable[[], None]:
    """Gives what puts a page back to where it stands now."""
    rows = (page.columns, page.fed, page.tokens, page.marks)
    before = [row.clone() for row in rows]

    def put_back() -> None:
        for row, held in zip(rows, before, strict=True):
            row.copy_(held)

    return put_back


def stores_of(one: Transformer, room: Room) -> list[LayerStore]:
    """The cache of a transformer, layer by layer, as kernels see it: no copy."""
    cache = one.cache
    if isinstance(cache, PlainCache):
        plain: Kind = "fp16" if cache.store.dtype == torch.float16 else "fp32"
        return [LayerStore(plain, keys, values) for keys, values in cache.store]
    assert isinstance(cache, CodedCache), "a cache without memory cannot be stepped over"
    coded: Kind = "mulaw8" if room.cache == "mulaw8" else "int8"
    return [
        LayerStore(coded, keys, values, key_scales, value_scales, room.mu)
        for (keys, values), (key_scales, value_scales) in zip(cache.codes, cache.scales, strict=True)
    ]
