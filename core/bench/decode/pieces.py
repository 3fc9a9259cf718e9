"""The pieces a step is made of, each as the product does it and as the straightforward way does.

A piece goes through the memory of several layers in turn, more than the caches of a device hold: as in a
step, nothing of it is still there from the call before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from core.bench.decode.midway import fill, known
from core.bench.decode.plain import Cache, PlainLayer, draw, mulaw, recalled, remember
from core.bench.decode.subject import Subject
from core.bench.decode.traffic import ROWS, append_bytes, attention_bytes, draw_bytes
from core.kernels.advance import advance
from core.kernels.append import append
from core.kernels.attention import decode_attention
from core.kernels.draw import draw as draw_next
from core.kernels.matvec import matvec
from core.kernels.packing import Kind, Packed, pack, view
from core.kernels.page import Mark, Page, mark_row, open_page
from core.kernels.reference import rms_norm, rotate_halves
from core.kernels.store import LayerStore
from core.levo.shapes import CODEBOOKS
from core.levo.tokens.decoding import Room, Transformer
from core.levo.tokens.pattern import EVERY_BOOK
from core.levo.tokens.sample import Knobs
from core.levo.tokens.static.state import hand_over, row_of, stores_of
from core.random import Stream

Work = Callable[[], object]
SWEEP = {"cuda": 1 << 28, "cpu": 1 << 26}
"""Bytes that a sweep goes through at least, if there are so many layers."""
_COLUMNS = 16
"""Columns that are drawn in a sweep: a processor makes the noise of so many at once."""
_NEAR, _NEAR_TO = 0.02, {"int8": 0.05, "int4": 0.5}
"""Relative error that is allowed, and with weights of fewer bits than those it is compared with."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some calls of one kernel, and the same work done straightforwardly."""

    calls: int
    """In a sweep."""
    moved: int
    """Bytes that a call has to read and write."""
    ours: Work
    """A sweep."""
    plain: Work
    put_back: Work
    """Undoes a sweep, so that the next one does the same."""
    apart: Callable[[], float]
    """Relative error of what ours makes beside the straightforward way's."""
    allowed: float = _NEAR
    waits: bool = False
    """Whether the straightforward way asks the device for numbers, and so cannot be recorded."""


def pieces(found: Subject, position: int) -> Iterator[tuple[str, str, Callable[[], Piece]]]:
    """Name, format and maker of each piece of a step with so many positions held.

    The format is that of the cache or of the weights, empty where neither matters.
    """
    half = found.dtype == torch.float16
    caches = ("fp16", "int8", "mulaw8") if half else ("fp32", "fp16", "int8", "mulaw8")
    kinds: tuple[Kind, ...] = ("fp16" if half else "fp32", "int8", "int4")
    for cache in caches:
        yield "append", cache, partial(_append, found, cache, position)
    for cache in caches:
        yield "attention", cache, partial(_attention, found, cache, position)
    for kind in kinds:
        yield "products", kind, partial(_products, found, kind)
    yield "draw, advance", "", partial(_draw, found, position)


@dataclass(frozen=True, slots=True)
class _Held:
    """Caches of some layers, as either way sees them, with noise for a history."""

    cache: Cache
    stores: list[LayerStore]
    turn: tuple[Tensor, Tensor]
    """Cosines and sines of every position."""
    table: Tensor
    position: Tensor
    """int32 [1], as is the next."""
    length: Tensor

    @staticmethod
    def of(found: Subject, kind: str, position: int, each: int) -> "_Held":
        """So many layers that a sweep with `each` bytes a layer goes through enough memory."""
        shapes, model = found.shapes, found.model
        room = Room(ROWS, position + 1 - shapes.prefix, kind)
        (cache,) = room.memory(model, _layers(found, each))
        rope = room.rope(model, shapes.main_rope_base)
        fill(known(cache))
        marks = torch.tensor([position, position + 1], dtype=torch.int32, device=found.device)
        one = Transformer(model.transformer.model, rope, cache)
        stores, turn = stores_of(one, room), (rope.cos, rope.sin)
        return _Held(known(cache), stores, turn, mulaw(found.device), marks[:1], marks[1:])

    def here(self, part: int, dtype: torch.dtype) -> Tensor:
        """What the layers hold at the position: keys (part 0) or values (1)."""
        length = int(self.length)
        layers = range(len(self.stores))
        read = (
            recalled(self.cache, layer, part, length, dtype=dtype, table=self.table)[:, :, -1]
            for layer in layers
        )
        return torch.cat([each.flatten() for each in read])


def _append(found: Subject, kind: str, position: int) -> Piece:
    shapes, dtype = found.shapes, found.dtype
    moved = append_bytes(shapes, kind)
    # Only what is written counts, which is little whatever the layers: as many as for attention.
    held = _Held.of(found, kind, position, attention_bytes(shapes, kind, position=position))
    qkv = _noise(found, ROWS, 3 * shapes.width)
    turn = held.position.long()
    cos, sin = (table.index_select(0, turn) for table in held.turn)

    def ours() -> None:
        for store in held.stores:
            append(qkv, *held.turn, store, held.position)

    def plain() -> None:
        for layer in range(len(held.stores)):
            q, k, v = (
                part.view(ROWS, shapes.heads, 1, -1).to(dtype)
                for part in torch.split(qkv, shapes.width, dim=-1)
            )
            rotate_halves(q, cos, sin)
            remember(held.cache, layer, 0, position, rotate_halves(k, cos, sin))
            remember(held.cache, layer, 1, position, v)

    def apart() -> float:
        left = []
        for work in (plain, ours):
            work()
            left.append(torch.cat([held.here(part, torch.float32) for part in range(2)]))
        return _error(left[1], left[0])

    return Piece(len(held.stores), moved, ours, plain, int, apart)


def _attention(found: Subject, kind: str, position: int) -> Piece:
    dtype = found.dtype
    moved = attention_bytes(found.shapes, kind, position=position)
    held = _Held.of(found, kind, position, moved)
    q = _noise(found, ROWS, found.shapes.heads, found.shapes.width // found.shapes.heads)
    asked = q.to(dtype).unsqueeze(2)

    def ours() -> Tensor:
        return [decode_attention(q, store, held.length) for store in held.stores][-1]

    def plain() -> Tensor:
        seen = q
        for layer in range(len(held.stores)):
            keys, values = (
                recalled(held.cache, layer, part, position + 1, dtype=dtype, table=held.table)
                for part in range(2)
            )
            seen = F.scaled_dot_product_attention(asked, keys, values).squeeze(2)
        return seen

    return Piece(len(held.stores), moved, ours, plain, int, lambda: _error(ours(), plain()))


def _products(found: Subject, kind: Kind) -> Piece:
    """All products of a layer, norms, gates and sums with them; the other way on weights as they are."""
    whole = [PlainLayer.of(layer) for layer in found.model.transformer.model.layers]
    first = _Matrices.of(found, 0, kind)
    count = min(len(whole), _layers(found, first.moved))
    packed = [first, *(_Matrices.of(found, layer, kind) for layer in range(1, count))]
    x, seen = (_noise(found, ROWS, found.shapes.width) for _ in range(2))

    def ours() -> Tensor:
        return [_through(one, layer, x, seen) for one, layer in zip(packed, whole, strict=False)][-1]

    def plain() -> Tensor:
        return [_plainly(layer, x, seen) for layer in whole[:count]][-1]

    allowed = _NEAR_TO.get(kind, _NEAR)
    return Piece(
        count, first.moved, ours, plain, int, lambda: _error(ours() - x, plain() - x), allowed=allowed
    )


@dataclass(frozen=True, slots=True)
class _Matrices:
    """Those of one layer in some format."""

    qkv: Packed
    out: Packed
    gate_up: Packed
    down: Packed

    @staticmethod
    def of(found: Subject, layer: int, kind: Kind) -> "_Matrices":
        names = ("self_attn.fused_qkv_proj", "self_attn.o_proj", "mlp.fused_gate_up_proj", "mlp.down_proj")
        weight = found.model.transformer.model.layers[layer].get_parameter
        stored = [weight(f"{name}.weight") for name in names]
        return _Matrices(*(pack(each, kind) if kind in ("int8", "int4") else view(each) for each in stored))

    @property
    def moved(self) -> int:
        return sum(each.moved for each in (self.qkv, self.out, self.gate_up, self.down))


def _through(packed: _Matrices, layer: PlainLayer, x: Tensor, seen: Tensor) -> Tensor:
    matvec(x, packed.qkv, norm=layer.norm)
    x = matvec(seen, packed.out, residual=x)
    wide = matvec(x, packed.gate_up, norm=layer.later_norm, swiglu=True)
    return matvec(wide, packed.down, residual=x)


def _plainly(layer: PlainLayer, x: Tensor, seen: Tensor) -> Tensor:
    near = rms_norm(x, layer.norm)
    for weight in layer.qkv:
        F.linear(near, weight)
    x = x + F.linear(seen.to(layer.out.dtype), layer.out)
    near = rms_norm(x, layer.later_norm)
    return x + F.linear(F.silu(F.linear(near, layer.gate)) * F.linear(near, layer.up), layer.down)


def _draw(found: Subject, position: int) -> Piece:
    """The draw of a column's tokens from their logits, and going on to the next column."""
    shapes, device = found.shapes, found.device
    logits = 3 * _noise(found, ROWS, CODEBOOKS, shapes.codes + 1)
    done = position - shapes.prefix - 1
    columns = torch.randint(0, shapes.codes, (CODEBOOKS, done + 2 + _COLUMNS), generator=_drawing()).to(
        device
    )
    marks = mark_row(position=position, done=done, frames=columns.shape[1])
    marks[Mark.DELAY : Mark.DELAY + CODEBOOKS] = shapes.delays
    knobs, greedy = Knobs(minimum_length=1e6), Knobs(minimum_length=1e6, temperature=0.0)
    page = open_page(
        columns, delays=shapes.delays, codes=shapes.codes, marks=marks, knobs=row_of(knobs),
        key=Stream(0, "tokens").key,
    )  # fmt: skip
    before = page.marks.clone()
    heard = columns[:, max(0, done + 1 - knobs.repetition_window) : done + 1].clone()

    def ours() -> None:
        for _ in range(_COLUMNS):
            draw_next(logits, page, books=EVERY_BOOK)
            advance(page, books=EVERY_BOOK)

    def plain() -> None:
        for _ in range(_COLUMNS):
            torch.tensor(draw(logits, heard, knobs), device=device)

    def put_back() -> None:
        page.marks.copy_(before)
        page.noised.fill_(-1)

    def apart() -> float:
        return _other_tokens(page, logits, heard, knobs, greedy)

    moved = draw_bytes(shapes, window=knobs.repetition_window)
    return Piece(_COLUMNS, moved, ours, plain, put_back, apart, waits=True)


def _other_tokens(page: Page, logits: Tensor, heard: Tensor, knobs: Knobs, greedy: Knobs) -> float:
    """Share of the likeliest tokens of a column that the two ways do not agree on."""
    hand_over(row_of(greedy), page.knobs)
    draw_next(logits, page, books=EVERY_BOOK)
    hand_over(row_of(knobs), page.knobs)
    wanted = torch.tensor(draw(logits, heard, greedy), device=page.tokens.device)
    return float((page.tokens != wanted).float().mean())


def _layers(found: Subject, each: int) -> int:
    """How many layers of so many bytes a sweep goes through."""
    return max(1, min(found.shapes.main_layers, -(-SWEEP.get(found.device.type, 1 << 28) // each)))


def _noise(found: Subject, *size: int) -> Tensor:
    return torch.randn(size, generator=_drawing()).to(found.device)


def _drawing() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _error(one: Tensor, other: Tensor) -> float:
    """Of one beside the other, relative; not a number where one of them is none."""
    wanted = other.float()
    return float((one.float() - wanted).norm() / wanted.norm())
