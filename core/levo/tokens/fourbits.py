"""Int4 weights, experimental: matrices of two values a byte with a scale to 128 inputs, and heads in int8."""

import torch
from torch import Tensor, nn

from core.kernels.packing import GROUP, Packed, groups, int4_weight
from core.kernels.reference import packed_linear
from core.levo.portions import matrix_rows_at_once
from core.levo.tokens.blocks import Projection, int8_of

HEADS = ("transformer.lm_head", "linears")
"""What gives logits: they are a fortieth of all weights, and the first to suffer."""


class Int4Projection(nn.Module):
    """A linear layer whose matrix is kept as int4 codes, unpacked part by part."""

    weight: Tensor
    weight_scale: Tensor

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        self.stored = (outputs, inputs)
        """The shape of the matrix in a file, which `core.levo.weights` rounds on its way in."""
        pairs = -(-inputs // (2 * GROUP))
        self.register_buffer("weight", torch.empty(outputs, pairs * GROUP, dtype=torch.uint8))
        self.register_buffer("weight_scale", torch.empty(outputs, groups(inputs), dtype=torch.float16))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    @staticmethod
    def of(exact: Projection) -> "Int4Projection":
        """The same layer with its matrix rounded; one that is hollow stays so."""
        made = Int4Projection(exact.in_features, exact.out_features, bias=False)
        if not exact.weight.is_meta:
            made.weight, made.weight_scale = int4_weight(exact.weight.detach())
        made.bias = exact.bias
        return made

    @property
    def packed(self) -> Packed:
        """Its matrix, without a copy."""
        return Packed("int4", self.weight, self.weight_scale, *self.stored)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., D] to [..., N]."""
        rows = matrix_rows_at_once(len(self.weight), 2 * self.weight.shape[1] * x.element_size())
        return packed_linear(x, self.packed, self.bias, rows=rows)


def to_int4(network: nn.Module) -> None:
    """Round every projection of a token model, the heads to int8 and all others to int4."""
    for path, module in list(network.named_modules()):
        for name, child in module.named_children():
            if isinstance(child, Projection):
                is_head = f"{path}.{name}".removeprefix(".").startswith(HEADS)
                setattr(module, name, int8_of(child) if is_head else Int4Projection.of(child))
