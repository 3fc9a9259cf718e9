"""The positions before the first code column: lyrics, reference prompt and style as embeddings."""

import torch
from torch import Tensor, nn

from core.levo.artifacts import Conditions
from core.levo.shapes import CODEBOOKS, TokenShapes

SECTIONS = 200
"""Rows of the structure table; the first 14 are reached."""


class LyricTable(nn.Module):
    """Embeds lyric ids and the section each belongs to."""

    def __init__(self, shapes: TokenShapes) -> None:
        super().__init__()
        self.output_proj = nn.Embedding(shapes.lyric_rows, shapes.width)
        self.structure_emb = nn.Embedding(SECTIONS, shapes.width)

    def forward(self, ids: Tensor, structure: Tensor) -> Tensor:
        """int64 [B, T] each; gives [B, T, W]."""
        embedded: Tensor = self.output_proj(ids) + self.structure_emb(structure)
        return embedded


class StyleTable(nn.Module):
    """Embeds style ids."""

    def __init__(self, shapes: TokenShapes) -> None:
        super().__init__()
        self.output_proj = nn.Embedding(shapes.style_rows, shapes.width)

    def forward(self, ids: Tensor) -> Tensor:
        """int64 [B, T]; gives [B, T, W]."""
        embedded: Tensor = self.output_proj(ids)
        return embedded


class PromptTable(nn.Module):
    """Embeds prompt codes for each stream, behind a vector that ends the text."""

    def __init__(self, shapes: TokenShapes) -> None:
        super().__init__()
        self.EOT_emb = nn.Parameter(torch.zeros(1, shapes.width))
        self.layer2_EOT_emb = nn.Parameter(torch.zeros(1, shapes.width))
        self.emb = nn.ModuleList(nn.Embedding(shapes.codes + 2, shapes.width) for _ in range(CODEBOOKS))

    def forward(self, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Slots int64 [B, 3, n] as `prompt_slots` gives them; gives [B, n + 1, W] for main and for sub."""
        rows = slots.shape[0]
        mixed, vocal, backing = (table(slots[:, book]) for book, table in enumerate(self.emb))
        main = torch.cat((self.EOT_emb.expand(rows, 1, -1), mixed), dim=1)
        sub = torch.cat((self.layer2_EOT_emb.expand(rows, 1, -1), vocal + backing), dim=1)
        return main, sub


class ConditionProvider(nn.Module):
    """The three tables, under the names the published checkpoint gives them."""

    def __init__(self, shapes: TokenShapes) -> None:
        super().__init__()
        self.shapes = shapes
        self.conditioners = nn.ModuleDict(
            {
                "description": LyricTable(shapes),
                "prompt_audio": PromptTable(shapes),
                "type_info": StyleTable(shapes),
            }
        )

    def forward(self, conditions: Conditions, rows: int) -> tuple[Tensor, Tensor]:
        """Lyrics, prompt, style of the first `rows` rows: [B, prefix, W] for main and for sub.

        Padding is embedded like any other id and later attended to, as in training (levo-tokens spec §3).
        """
        lyrics = self.conditioners["description"](conditions.lyric_ids[:rows], conditions.structure[:rows])
        main, sub = self.conditioners["prompt_audio"](
            prompt_slots(conditions.prompt_codes, self.shapes)[:rows]
        )
        style = self.conditioners["type_info"](conditions.style_ids[:rows])
        return torch.cat((lyrics, main, style), dim=1), torch.cat((lyrics, sub, style), dim=1)


def prompt_slots(codes: Tensor, shapes: TokenShapes) -> Tensor:
    """Prompt codes [3, n] behind an end-of-song slot, filled to full length: int64 [2, 3, frames + 1].

    A codebook whose first code is special is absent altogether; the null row has no prompt (spec §4.1).
    """
    codes = codes[:, : shapes.prompt_frames]
    slots = codes.new_full((2, CODEBOOKS, shapes.prompt_frames + 1), shapes.special)
    if codes.shape[1]:
        present = codes[:, 0] != shapes.special
        slots[0, present, 0] = shapes.eos
        slots[0, present, 1 : codes.shape[1] + 1] = codes[present]
    return slots
