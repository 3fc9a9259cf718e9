"""What a step of decoding has to read, from shapes alone: the weights, and the cache as far as it is held."""

from dataclasses import dataclass

from core.kernels.packing import Kind, packed_bytes
from core.levo.plan_tokens import cache_bytes
from core.levo.shapes import CODEBOOKS, TokenShapes

ROWS = 2
"""Sequences side by side: the conditioned one and the null one."""
_FULL: dict[int, Kind] = {2: "fp16", 4: "fp32"}


@dataclass(frozen=True, slots=True)
class Form:
    """How the weights and the cache are kept, by the names of the settings."""

    weights: str
    """`full` or `int8`."""
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
    kind = "int8" if weights == "int8" else _FULL[bytes_each]
    matrices = sum(count * packed_bytes(kind, rows, inputs) for rows, inputs, count in _matrices(shapes))
    return matrices + _vectors(shapes) * bytes_each


def _matrices(shapes: TokenShapes) -> list[tuple[int, int, int]]:
    """Rows and inputs of each kind of matrix, and how many there are of it."""
    width, ffn, layers = shapes.width, shapes.ffn, shapes.main_layers + shapes.sub_layers
    return [
        (3 * width, width, layers),
        (width, width, layers),
        (2 * ffn, width, layers),
        (width, ffn, layers),
        (width, 2 * width, 1),
        (width, width, 1),
        (shapes.codes + 1, width, CODEBOOKS),
    ]


def _vectors(shapes: TokenShapes) -> int:
    """Numbers of the norms, the bridge's biases and the rows of embeddings."""
    layers = shapes.main_layers + shapes.sub_layers
    return shapes.width * (2 * layers + 2 + 2 + CODEBOOKS)
