"""What a step of decoding has to read, from shapes alone: the weights, and the cache as far as it is held."""

from dataclasses import dataclass

from core.kernels.packing import Kind, packed_bytes
from core.levo.plan_tokens import cache_bytes
from core.levo.shapes import CODEBOOKS, TokenShapes

ROWS = 2
"""Sequences side by side: the conditioned one and the null one."""
_FULL: dict[int, Kind] = {2: "fp16", 4: "fp32"}
_ROUNDED: dict[str, Kind] = {"int8": "int8", "int4": "int4"}


@dataclass(frozen=True, slots=True)
class Form:
    """How the weights and the cache are kept, by the names of the settings."""

    weights: str
    """`full`, `int8` or `int4`, which keeps the heads in int8."""
    cache: str
    """`fp32`, `fp16`, `int8` or `mulaw8`."""

    def __str__(self) -> str:
        return f"{self.weights} weights, {self.cache} cache"


def step_bytes(shapes: TokenShapes, form: Form, *, position: int, bytes_each: int) -> int:
    """Bytes of a step that finds `position` positions in the cache and writes one more, which it reads too.

    The network computes in numbers of `bytes_each`; what it works on between two products is left out.
    """
    layers = shapes.main_layers + shapes.sub_layers
    cache = cache_bytes(
        form.cache, layers=layers, rows=ROWS, heads=shapes.heads, positions=position + 1,
        dim=shapes.width // shapes.heads,
    )  # fmt: skip
    return cache + weight_bytes(shapes, form.weights, bytes_each=bytes_each)


def weight_bytes(shapes: TokenShapes, weights: str, *, bytes_each: int) -> int:
    """Bytes of all matrices and vectors that a step reads, and of the rows of three tables of embeddings."""
    kind = _ROUNDED.get(weights, _FULL[bytes_each])
    sizes = [count * packed_bytes(kind, rows, inputs) for rows, inputs, count in _matrices(shapes)]
    least: Kind = "int8" if kind == "int4" else kind
    heads = CODEBOOKS * packed_bytes(least, shapes.codes + 1, shapes.width)
    return sum(sizes) + heads + _vectors(shapes) * bytes_each


def attention_bytes(shapes: TokenShapes, cache: str, *, position: int) -> int:
    """Bytes of one layer's cache that attention reads in a step that finds so many positions."""
    return cache_bytes(
        cache, layers=1, rows=ROWS, heads=shapes.heads, positions=position + 1,
        dim=shapes.width // shapes.heads,
    )  # fmt: skip


def append_bytes(shapes: TokenShapes, cache: str) -> int:
    """Bytes of query, key and value of one layer that are read, of what becomes of them, and of the query."""
    return (3 + 1) * ROWS * shapes.width * 4 + attention_bytes(shapes, cache, position=0)


def draw_bytes(shapes: TokenShapes, *, window: int) -> int:
    """Bytes of the logits of a column, and of the columns in which tokens were heard lately."""
    return ROWS * CODEBOOKS * (shapes.codes + 1) * 4 + CODEBOOKS * window * 8


def _matrices(shapes: TokenShapes) -> list[tuple[int, int, int]]:
    """Rows and inputs of each kind of matrix but the heads, and how many there are of it."""
    width, ffn, layers = shapes.width, shapes.ffn, shapes.main_layers + shapes.sub_layers
    return [
        (3 * width, width, layers),
        (width, width, layers),
        (2 * ffn, width, layers),
        (width, ffn, layers),
        (width, 2 * width, 1),
        (width, width, 1),
    ]


def _vectors(shapes: TokenShapes) -> int:
    """Numbers of the norms, the bridge's biases and the rows of embeddings."""
    layers = shapes.main_layers + shapes.sub_layers
    return shapes.width * (2 * layers + 2 + 2 + CODEBOOKS)
