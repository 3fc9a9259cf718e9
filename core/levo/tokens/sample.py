"""From logits to the next column, in published order: guidance, penalty, bans, temperature, filters, draw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.levo.shapes import FRAME_RATE, TokenShapes
from core.settings import Value

if TYPE_CHECKING:
    from core.random import Stream

_BLOCK = 16
"""Steps whose noise is made in one go."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """What a person can turn while a song is composed; defaults as published (levo-tokens spec §8)."""

    temperature: float = 0.8
    """Of codebook 0; 0 takes the likeliest."""
    guidance: float = 1.5
    top_k: int = 5000
    """Candidates at most; 0 is no limit."""
    top_p: float = 0.0
    """Share of the whole distribution the candidates reach; 0 and 1 are no limit."""
    repetition_penalty: float = 1.1
    repetition_window: int = 50
    """Columns."""
    penalty_mode: str = "presence"
    """`presence` divides once, `count` once for each time a code was heard."""
    penalty_sign: str = "published"
    """`published` divides scores below zero too, which raises them; `aware` multiplies those."""
    stem_temperature: float = 0.0
    """Of codebooks 1 and 2, as are the two limits below."""
    stem_top_k: int = 5000
    stem_top_p: float = 0.0
    minimum_length: float = 0.0
    """The song does not end before this (s)."""
    ban_prompt: bool = True

    @staticmethod
    def from_live(live: Callable[[str], Value]) -> "Knobs":
        """The present values, asked for by name."""
        return Knobs(
            temperature=float(live("temperature")),
            guidance=float(live("guidance")),
            top_k=int(live("top_k")),
            top_p=float(live("top_p")),
            repetition_penalty=float(live("repetition_penalty")),
            repetition_window=int(live("repetition_window")),
            penalty_mode=str(live("penalty_mode")),
            penalty_sign=str(live("penalty_sign")),
            stem_temperature=float(live("stem_temperature")),
            stem_top_k=int(live("stem_top_k")),
            stem_top_p=float(live("stem_top_p")),
            minimum_length=float(live("minimum_length")),
            ban_prompt=bool(live("ban_prompt")),
        )


class Noise:
    """Gumbel noise addressed by (step, codebook): which steps were drawn before changes nothing."""

    def __init__(self, stream: "Stream", width: int, *, device: torch.device) -> None:
        self._stream, self._width, self._device = stream, width, device
        self._blocks: dict[int, tuple[int, Tensor]] = {}

    def at(self, step: int, book: int) -> Tensor:
        """One number for each id, fp32 [width]."""
        first = step - step % _BLOCK
        held = self._blocks.get(book)
        if held is None or held[0] != first:
            positions = torch.arange(first, first + _BLOCK, dtype=torch.int64, device=self._device)
            uniform = self._stream.uniform(positions, self._width, lane=book)
            held = self._blocks[book] = (first, uniform.log_().neg_().log_().neg_())
        return held[1][step - first]


class Sampler:
    """Draws the columns of one song."""

    def __init__(
        self, shapes: TokenShapes, prompt: Tensor, stream: "Stream", *, device: torch.device
    ) -> None:
        """`prompt` is the prompt's codes of codebook 0, int64 [n], which may be banned."""
        self._shapes = shapes
        self._prompt = torch.unique(prompt[prompt < shapes.codes]).to(device)
        self._noise = Noise(stream, shapes.codes + 1, device=device)

    def draw(
        self, logits: Tensor, books: tuple[int, ...], knobs: Knobs, *, step: int, history: Tensor
    ) -> Tensor:
        """The tokens int64 [n] of column `step` for n codebooks.

        `logits` [B, n, codes + 1] with row 0 conditioned and row 1, if there, null, go through fp32 from here
        on; `history` [n, W] is the window of columns as written.
        """
        scores = penalise(
            guide(logits.float(), knobs.guidance),
            history,
            knobs.repetition_penalty,
            mode=knobs.penalty_mode,
            sign=knobs.penalty_sign,
        )
        self._ban(scores, books, knobs, step)
        tokens = [self._pick(scores[row], book, knobs, step) for row, book in enumerate(books)]
        return torch.stack(tokens)

    def _ban(self, scores: Tensor, books: tuple[int, ...], knobs: Knobs, step: int) -> None:
        too_soon = step - 1 < knobs.minimum_length * FRAME_RATE
        for row, book in enumerate(books):
            if book > 0 or too_soon:
                scores[row, self._shapes.eos] = -torch.inf
            if book == 0 and knobs.ban_prompt and self._prompt.numel():
                scores[row, self._prompt] = -torch.inf

    def _pick(self, scores: Tensor, book: int, knobs: Knobs, step: int) -> Tensor:
        if book == 0:
            temperature, top_k, top_p = knobs.temperature, knobs.top_k, knobs.top_p
        else:
            temperature, top_k, top_p = knobs.stem_temperature, knobs.stem_top_k, knobs.stem_top_p
        if temperature <= 0:
            return scores.argmax()
        kept, ids = keep(scores / temperature, top_k=top_k, top_p=top_p)
        return ids.take((kept + self._noise.at(step, book)[ids]).argmax())


def guide(logits: Tensor, guidance: float) -> Tensor:
    """Mix rows conditioned and null, [2, n, V], to [n, V]: null + guidance × (conditioned - null)."""
    if len(logits) == 1 or guidance == 1:
        return logits[0].clone()
    return logits[1] + (logits[0] - logits[1]) * guidance


def penalise(
    scores: Tensor, history: Tensor, penalty: float, *, mode: str = "presence", sign: str = "published"
) -> Tensor:
    """Divide the score of each code that stands in the history [n, W]; end of song and special never.

    `mode` count divides as often as the code stands there, presence once. `sign` published divides scores
    below zero too, which raises them: the published models were tuned with that; aware multiplies them.
    """
    end = scores.shape[-1] - 1
    if penalty == 1 or not history.shape[-1]:
        return scores
    where = history.clamp(max=end)
    heard = scores.gather(1, where)
    factor = torch.full_like(heard, penalty)
    if mode == "count":
        times = torch.zeros_like(scores).scatter_add_(1, where, torch.ones_like(heard))
        factor = factor ** times.gather(1, where)
    less = heard / factor
    if sign == "aware":
        less = torch.where(heard < 0, heard * factor, less)
    return scores.scatter(1, where, torch.where(history < end, less, heard))


def keep(scores: Tensor, *, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """Candidates among scores [V]: their scores and ids, both [≤ V]; those past `top_p` score -inf.

    Exactly the `top_k` highest, of which those count that have at most `top_p` of the whole distribution
    above them.
    """
    count = min(top_k, len(scores)) if top_k > 0 else len(scores)
    if 0 < top_p < 1:
        kept, ids = scores.topk(count)
        shares = (kept - scores.logsumexp(0)).exp()
        return kept.masked_fill(shares.cumsum(0) - shares > top_p, -torch.inf), ids
    if count == len(scores):
        return scores, torch.arange(count, device=scores.device)
    kept, ids = scores.topk(count, sorted=False)
    return kept, ids
