"""The vector quantizer: feature vectors to codebook rows and back."""

import torch.nn.functional as F
from torch import Tensor, nn

from core.levo.shapes import QuantizerShapes


class Quantizer(nn.Module):
    """One codebook with a projection on either side (levo-audio spec §3.6)."""

    def __init__(self, shapes: QuantizerShapes) -> None:
        super().__init__()
        self.enter = nn.Linear(shapes.width, shapes.code_width)
        self.codebook = nn.Embedding(shapes.codes, shapes.code_width)
        self.leave = nn.Linear(shapes.code_width, shapes.width)

    def encode(self, features: Tensor) -> Tensor:
        """Features [..., width] to the codes [...], int64, whose rows point most nearly the same way."""
        rows = F.normalize(self.codebook.weight, dim=-1)
        found: Tensor = (F.normalize(self.enter(features), dim=-1) @ rows.T).argmax(-1)
        return found

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [...], int64, to features [..., width]; the codebook row keeps its own length."""
        features: Tensor = self.leave(self.codebook(codes))
        return features
