"""Short songs that have begun, with every network and cache, to try a device with before a person's song.

Kernels are compiled by widths: so these networks have few layers, but rows, heads and codebooks by which
the models' own are compiled.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from core.levo.shapes import TokenShapes
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.cache import CodedCache, PlainCache
from core.levo.tokens.decoding import Decoding, MainPass, Pass, Room, SubPass
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.model import TokenModel
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.levo.tokens.sample import Knobs
from core.levo.tokens.static.state import kept, page_of
from core.levo.tokens.static.step import StaticStep, step_of
from core.levo.weights import hollow
from core.random import Stream

Make = Callable[[TokenModel, Room], Pass]
ROWS = 2
"""Of a song with guidance; one without has one."""


@dataclass(frozen=True, slots=True)
class Size:
    """Widths of some models."""

    name: str
    shapes: TokenShapes
    dtype: torch.dtype
    """Of their weights on an accelerator."""


_SHORT: Mapping[str, Any] = {
    "main_rope_base": 1e5, "sub_rope_base": 5e5, "lyric_rows": 8, "style_rows": 8, "prompt_length": 12,
    "style_length": 12, "delays": (0, 4, 4),
}  # fmt: skip
SIZES = (
    # Twelve heads leave some of a tile of sixteen empty; a prefix so long is divided among many programs.
    Size(
        "published widths",
        TokenShapes(width=1536, ffn=2304, heads=12, main_layers=1, sub_layers=1, codes=16384,
                    lyric_length=500, **_SHORT),
        torch.float16,
    ),
    Size(
        "the demo's widths",
        TokenShapes(width=192, ffn=448, heads=4, main_layers=2, sub_layers=1, codes=1024,
                    lyric_length=40, **_SHORT),
        torch.float32,
    ),
)  # fmt: skip
CACHES = ("int8", "fp16", "fp32", "mulaw8")
ROUNDINGS: Mapping[str, Callable[[nn.Module], None] | None] = {"full": None, "int8": to_int8, "int4": to_int4}
KNOBS = (
    Knobs(temperature=0.9, minimum_length=1.6),
    Knobs(temperature=1.1, top_p=0.9, stem_temperature=0.7, repetition_penalty=1.2, minimum_length=1.6),
)
"""Some to turn to on the way."""
_FRAMES, _KNOWN = 40, 6
_BOOKS: dict[type[Pass], tuple[int, ...]] = {Decoding: EVERY_BOOK, MainPass: (0,), SubPass: (1, 2)}


@dataclass(frozen=True, slots=True)
class Sketch:
    """A network in the middle of a small song, and its step."""

    name: str
    network: Pass
    step: StaticStep

    def memory(self) -> list[Tensor]:
        """What steps write to beside their page."""
        caches = [each.cache for each in self.network.transformers]
        stores = [cache.store for cache in caches if isinstance(cache, PlainCache | CodedCache)]
        return [*stores, self.network.states] if isinstance(self.network, MainPass) else stores

    def kept(self) -> Callable[[], None]:
        """Gives what puts all back to how it is now."""
        page_back, before = kept(self.step.page), [part.clone() for part in self.memory()]

        def put_back() -> None:
            page_back()
            for part, held in zip(self.memory(), before, strict=True):
                part.copy_(held)

        return put_back


def sketches(device: torch.device) -> Iterator[Sketch]:
    """Each network as it stands in a song, with memory of its own on the device."""
    for name, network in networks(device):
        yield Sketch(name, network, _begun(network))


def networks(device: torch.device) -> Iterator[tuple[str, Pass]]:
    """Name and network of each, which has taken in nothing yet."""
    for size, (weights, rounds) in product(SIZES, ROUNDINGS.items()):
        model = _model(size, device)
        if rounds is not None:
            rounds(model)
        for room, make in _rooms(size.shapes, weights):
            network = make(model, room)
            about = f"{weights} weights, {room.cache} cache, {room.rows} of {ROWS} rows, {size.name}"
            yield f"{type(network).__name__}, {about}", network


def _rooms(shapes: TokenShapes, weights: str) -> Iterator[tuple[Room, Make]]:
    """Every network with every cache on full weights, one on others, and one without guidance."""
    columns = _FRAMES + max(shapes.delays)
    if weights == "full":
        for cache, make in product(CACHES, (_both, _main, _sub)):
            yield Room(ROWS, columns, cache), make
    else:
        yield Room(ROWS, columns, CACHES[0]), _both
    yield Room(1, columns, CACHES[0]), _both


def _begun(network: Pass) -> StaticStep:
    """The step of a network that has taken in a prefix and a few columns, with the next column written."""
    device, shapes = network.model.device, network.shapes
    draw = torch.Generator().manual_seed(5)
    codes = torch.randint(0, shapes.codes, (3, _FRAMES), generator=draw)
    begins = [_FRAMES if isinstance(network, SubPass) else _KNOWN, _KNOWN, _KNOWN]
    start = [row[:count] for row, count in zip(codes, begins, strict=True)]
    sheet = Sheet(shapes, _FRAMES, device=torch.device("cpu"), start=start)
    sheet.skip(_BOOKS[type(network)])
    prefix = torch.randn(network.rows, shapes.prefix, shapes.width, generator=draw)
    dtype = next(network.model.parameters()).dtype
    streams = (prefix.to(device, dtype),) * len(network.transformers)
    network.prefill(streams, sheet.columns(0, sheet.done + 1).to(device))
    step = step_of(network, page_of(network, sheet, codes[0, :3], Stream(7, "tokens")))
    step.logits.copy_(network.logits(step.books))
    step.write()
    return step


def _both(model: TokenModel, room: Room) -> Pass:
    return Decoding(model, rows=room.rows, columns=room.columns, cache=room.cache)


def _main(model: TokenModel, room: Room) -> MainPass:
    main = MainPass(model, room)
    main.states.fill_(1.0)
    return main


def _sub(model: TokenModel, room: Room) -> Pass:
    return SubPass(model, room, _main(model, room).states)


def _model(size: Size, device: torch.device) -> TokenModel:
    """A model with drawn weights, in the numbers of its size's own where there is an accelerator."""
    with hollow():
        model = TokenModel(size.shapes, ("main", "sub"))
    dtype = torch.float32 if device.type == "cpu" else size.dtype
    model = model.to(dtype).to_empty(device=device).eval().requires_grad_(False)
    draw = torch.Generator(device).manual_seed(3)
    for weight in model.parameters():
        weight.normal_(std=weight.shape[-1] ** -0.5 if weight.ndim > 1 else 1.0, generator=draw)
    return model
