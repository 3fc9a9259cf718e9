"""The quantizer finds the row that points the same way, and gives rows back at their own length."""

import torch

from core.levo.shapes import QuantizerShapes
from core.levo.vq import Quantizer

SHAPES = QuantizerShapes(codes=40, code_width=4, width=12, neutral=(3, 5))


def quantizer_that_undoes_itself() -> Quantizer:
    """Its way in is the inverse of its way out."""
    draw = torch.Generator().manual_seed(3)
    columns, _ = torch.linalg.qr(torch.randn(SHAPES.width, SHAPES.code_width, generator=draw))
    quantizer = Quantizer(SHAPES).requires_grad_(False)
    quantizer.codebook.weight.copy_(torch.randn(SHAPES.codes, SHAPES.code_width, generator=draw))
    quantizer.leave.weight.copy_(columns)
    quantizer.enter.weight.copy_(columns.T)
    quantizer.leave.bias.zero_()
    quantizer.enter.bias.zero_()
    return quantizer


def test_every_row_of_the_codebook_is_found_again() -> None:
    quantizer = quantizer_that_undoes_itself()
    codes = torch.arange(SHAPES.codes)
    assert torch.equal(quantizer.encode(quantizer.decode(codes)), codes)


def test_the_direction_alone_decides_the_code() -> None:
    quantizer = quantizer_that_undoes_itself()
    features = torch.randn(2, 30, SHAPES.width, generator=torch.Generator().manual_seed(4))
    assert torch.equal(quantizer.encode(features * 0.01), quantizer.encode(features * 50))


def test_the_code_is_the_row_of_largest_cosine() -> None:
    quantizer = quantizer_that_undoes_itself()
    features = torch.randn(25, SHAPES.width, generator=torch.Generator().manual_seed(5))
    entered = features.double() @ quantizer.enter.weight.double().T
    cosines = torch.cosine_similarity(entered[:, None], quantizer.codebook.weight.double()[None], dim=-1)
    assert torch.equal(quantizer.encode(features), cosines.argmax(-1))


def test_a_row_keeps_its_length_on_the_way_out() -> None:
    quantizer = quantizer_that_undoes_itself()
    quantizer.codebook.weight[1] = 3 * quantizer.codebook.weight[0]
    short, long = quantizer.decode(torch.tensor([0, 1]))
    torch.testing.assert_close(long, 3 * short)


def test_batches_keep_their_shape() -> None:
    quantizer = quantizer_that_undoes_itself()
    codes = torch.zeros(2, 7, dtype=torch.int64)
    assert quantizer.decode(codes).shape == (2, 7, SHAPES.width)
    assert quantizer.encode(quantizer.decode(codes)).shape == (2, 7)
