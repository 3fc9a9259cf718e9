"""Small songs that have begun, with every network and cache, to try a device with before a person's song."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

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
from core.random import Stream

SHAPES = TokenShapes(
    width=256, ffn=704, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e5, sub_rope_base=5e5,
    codes=1000, lyric_rows=8, style_rows=8, lyric_length=40, prompt_length=12, style_length=12,
    delays=(0, 4, 4),
)  # fmt: skip
CACHES = ("int8", "fp16", "mulaw8")
ROUNDINGS: Mapping[str, Callable[[nn.Module], None]] = {"int8": to_int8, "int4": to_int4}
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
    """One for each network and cache, and for rounded weights, each with memory of its own on the device."""
    model, columns = _model(device), _FRAMES + max(SHAPES.delays)
    for cache, make in product(CACHES, (_both, _main, _sub)):
        network = make(model, Room(2, columns, cache))
        yield Sketch(f"{type(network).__name__}, {cache} cache", network, _begun(network))
    for kind, rounds in ROUNDINGS.items():
        model = _model(device)
        rounds(model)
        network = _both(model, Room(2, columns, CACHES[0]))
        yield Sketch(f"{type(network).__name__}, {kind} weights", network, _begun(network))


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
    streams = (prefix.to(device, _dtype(device)),) * len(network.transformers)
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


def _model(device: torch.device) -> TokenModel:
    """A small model with drawn weights, in the numbers of published ones where there is an accelerator."""
    draw = torch.Generator().manual_seed(3)
    model = TokenModel(SHAPES, ("main", "sub"))
    for weight in model.parameters():
        scale = weight.shape[-1] ** -0.5 if weight.ndim > 1 else 1.0
        weight.data.copy_(torch.randn(weight.shape, generator=draw) * scale)
    return model.to(device, _dtype(device)).eval().requires_grad_(False)


def _dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "cpu" else torch.float16
