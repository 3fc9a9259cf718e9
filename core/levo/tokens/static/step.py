"""One step of a song as a fixed sequence of kernels: take in the last column, draw the next, write it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.kernels.advance import advance
from core.kernels.append import append
from core.kernels.attention import decode_attention
from core.kernels.draw import draw
from core.kernels.matvec import matvec
from core.kernels.packing import Packed, view
from core.kernels.page import Page
from core.kernels.reference import rms_norm
from core.kernels.store import LayerStore
from core.levo.tokens.blocks import Int8Projection
from core.levo.tokens.decoding import Decoding, MainPass, Pass, Room, SubPass, Transformer
from core.levo.tokens.fourbits import Int4Projection
from core.levo.tokens.pattern import EVERY_BOOK
from core.levo.tokens.static.state import stores_of


class StaticStep(ABC):
    """A step whose position, knobs and tokens lie on the device: nothing in it waits for the host."""

    books: tuple[int, ...]
    """What it writes."""

    def __init__(self, network: Pass, page: Page) -> None:
        """The network's caches hold all but the column that the page has to feed."""
        self.page, self.rows = page, network.rows
        shape = (self.rows, len(self.books), network.shapes.codes + 1)
        self.logits = torch.empty(shape, device=page.marks.device)
        """Of the next column, fp32 [B, n, codes + 1]."""

    def __call__(self) -> None:
        """Take in a column and write the next."""
        self.feed()
        self.write()

    @abstractmethod
    def feed(self) -> None:
        """Take in the column that was written last; leaves the logits of the next."""

    def write(self) -> None:
        """Draw the next column from the logits and write it."""
        draw(self.logits, self.page, books=self.books)
        advance(self.page, books=self.books)


def step_of(network: Pass, page: Page) -> StaticStep:
    """The step of a network over its own caches and weights."""
    match network:
        case Decoding():
            return LockstepStep(network, page)
        case MainPass():
            return MainStep(network, page)
        case SubPass():
            return SubStep(network, page)
    raise AssertionError(network)


class LockstepStep(StaticStep):
    """Main and sub together."""

    books = EVERY_BOOK

    def __init__(self, network: Decoding, page: Page) -> None:
        super().__init__(network, page)
        main, sub = network.transformers
        self._main, self._sub = _Main(network, main), _Sub(network, sub)

    def feed(self) -> None:
        """Both transformers take the column in."""
        x = self._main.through(self.page)
        self.logits[:, 0] = self._main.scores(x)
        below = self._sub.through(self.page, self._main.states(x))
        for row in (1, 2):
            self.logits[:, row] = self._sub.scores(row, below)


class MainStep(StaticStep):
    """Main alone, whose states are kept for sub."""

    books = (0,)

    def __init__(self, network: MainPass, page: Page) -> None:
        super().__init__(network, page)
        (main,) = network.transformers
        self._main, self._states = _Main(network, main), network.states

    def feed(self) -> None:
        """Main takes the column in, and its state is put by."""
        x = self._main.through(self.page)
        self.logits[:, 0] = self._main.scores(x)
        at = _row_of(self._states, self.page)
        self._states.index_copy_(1, at, self._main.states(x).unsqueeze(1))


class SubStep(StaticStep):
    """Sub alone, over the states that main has left."""

    books = (1, 2)

    def __init__(self, network: SubPass, page: Page) -> None:
        super().__init__(network, page)
        (sub,) = network.transformers
        self._sub, self._states = _Sub(network, sub), network.states

    def feed(self) -> None:
        """Sub takes the column in."""
        at = _row_of(self._states, self.page)
        below = self._sub.through(self.page, self._states.index_select(1, at).squeeze(1))
        for row, book in enumerate(self.books):
            self.logits[:, row] = self._sub.scores(book, below)


def packed(projection: nn.Module) -> Packed:
    """The matrix of a linear layer as the network holds it: no copy."""
    if isinstance(projection, Int4Projection):
        return projection.packed
    if isinstance(projection, Int8Projection):
        return view(projection.weight, projection.weight_scale)
    assert isinstance(projection, nn.Linear), "a linear layer"
    return view(projection.weight)


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one layer reads and writes."""

    norm: Tensor
    qkv: Packed
    out: Packed
    later_norm: Tensor
    gate_up: Packed
    down: Packed
    store: LayerStore

    @staticmethod
    def of(layer: nn.Module, store: LayerStore) -> "_Layer":
        part = layer.get_submodule
        return _Layer(
            part("input_layernorm").get_parameter("weight"),
            packed(part("self_attn.fused_qkv_proj")),
            packed(part("self_attn.o_proj")),
            part("post_attention_layernorm").get_parameter("weight"),
            packed(part("mlp.fused_gate_up_proj")),
            packed(part("mlp.down_proj")),
            store,
        )


class _Tower:
    """One transformer, a position at a time."""

    def __init__(self, one: Transformer, room: Room) -> None:
        self.rows, self._rope, self._norm = room.rows, one.rope, one.decoder.norm.weight
        layers = zip(one.decoder.layers, stores_of(one, room), strict=True)
        self._layers = [_Layer.of(layer, store) for layer, store in layers]

    def pass_through(self, x: Tensor, page: Page) -> Tensor:
        """x fp32 [B, W] through all layers, not yet normalised."""
        cos, sin = self._rope.cos, self._rope.sin
        for layer in self._layers:
            qkv = matvec(x, layer.qkv, norm=layer.norm)
            q = append(qkv, cos, sin, layer.store, page.position)
            seen = decode_attention(q, layer.store, page.length)
            x = matvec(seen.flatten(1), layer.out, residual=x)
            wide = matvec(x, layer.gate_up, norm=layer.later_norm, swiglu=True)
            x = matvec(wide, layer.down, residual=x)
        return x

    def states(self, x: Tensor) -> Tensor:
        """Normalised, in the weights' dtype."""
        return rms_norm(x, self._norm)

    def rated(self, x: Tensor, head: Packed) -> Tensor:
        """Logits fp32 [B, codes + 1] of what came through the layers."""
        return matvec(x, head, norm=self._norm)


class _Main(_Tower):
    def __init__(self, network: Pass, one: Transformer) -> None:
        super().__init__(one, network.room)
        model = network.model
        self._table, head = model.emb.get_parameter("0.weight"), model.transformer.lm_head
        assert head is not None, "main has the head of codebook 0"
        self._head = packed(head)

    def through(self, page: Page) -> Tensor:
        embedded = self._table.index_select(0, page.fed[0]).float()
        return self.pass_through(embedded.expand(self.rows, -1).contiguous(), page)

    def scores(self, x: Tensor) -> Tensor:
        return self.rated(x, self._head)


class _Sub(_Tower):
    def __init__(self, network: Pass, one: Transformer) -> None:
        super().__init__(one, network.room)
        model = network.model
        self._tables = [model.layer2_emb.get_parameter(f"{book}.weight") for book in (1, 2)]
        self._heads = [packed(head) for head in model.linears]
        first, _, second = model.mlp
        self._bridge = [(packed(each), each.get_parameter("bias")) for each in (first, second)]

    def through(self, page: Page, states: Tensor) -> Tensor:
        vocal, backing = (
            table.index_select(0, page.fed[book]) for book, table in enumerate(self._tables, start=1)
        )
        embedded = (vocal + backing).float().expand(self.rows, -1)
        (first, first_bias), (second, second_bias) = self._bridge
        wide = matvec(torch.cat((embedded, states.float()), dim=-1), first, bias=first_bias)
        return self.pass_through(matvec(F.gelu(wide), second, bias=second_bias), page)

    def scores(self, book: int, x: Tensor) -> Tensor:
        return self.rated(x, self._heads[book - 1])


def _row_of(states: Tensor, page: Page) -> Tensor:
    """The index of the step's position among states [B, positions, W], int64 [1]."""
    return page.position.clamp_max(states.shape[1] - 1).long()
