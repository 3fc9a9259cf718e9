"""Composing: prefill the conditions, then one column a step until the song ends, listening all the while."""

from typing import Protocol

import torch
from torch import Tensor

from core.engine import Run, Verdict
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import TokenShapes, frames_in
from core.levo.tokens.model import Decoding, TokenModel
from core.levo.tokens.pattern import Sheet
from core.levo.tokens.sample import Knobs, Sampler
from core.settings import Values


class Network(Protocol):
    """What writing a song asks of a network that has taken in the conditions and column 0."""

    @property
    def shapes(self) -> TokenShapes:
        """Sizes of the codebooks and the delays between them."""

    def feed(self, columns: Tensor) -> None:
        """Take in the next columns, int64 [3, S]."""

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column: fp32 [B, len(books), codes + 1]."""


def compose(model: TokenModel, conditions: Conditions, values: Values, run: Run) -> Tokens:
    """Phase 2: conditions to codes at 25 Hz.

    With guidance 1 at the start only the conditioned row is kept, and guidance stays 1 to the end. Raises
    SongdeskError when the model ends the song before its first frame, Cancelled when the person gives up.
    """
    frames = frames_in(values.real("length"))
    sheet = Sheet(model.shapes, frames, device=model.device)
    rows = 1 if float(run.live("guidance")) == 1 else 2
    on_device = Conditions(**{name: tensor.to(model.device) for name, tensor in conditions.tensors().items()})
    song = Decoding(model, rows=rows, columns=sheet.total, cache=values.text("kv_cache"))
    song.prefill(on_device, sheet.first, pause=lambda: run.step(0, sheet.total))
    write(song, sheet, conditions.prompt_codes[0], run)
    return Tokens(sheet.codes().cpu())


def write(network: Network, sheet: Sheet, prompt: Tensor, run: Run) -> None:
    """Fill the sheet to its end; `prompt` is the prompt's codes of codebook 0, int64 [n].

    Told to finish, it ends the song after the frames made so far and writes out the delayed codebooks.
    """
    device = sheet.first.device
    sampler = Sampler(network.shapes, prompt, run.stream("tokens"), device=device)
    while sheet.done < sheet.total:
        column = _next_column(network, sheet, sampler, Knobs.from_live(run.live))
        if sheet.frames == 0:
            raise SongdeskError(
                "the model ended the song before its first frame",
                hint="set a minimum_length, or another seed",
            )
        if run.step(min(sheet.done, sheet.total), sheet.total) is Verdict.FINISH:
            sheet.finish()
        if sheet.done < sheet.total:
            network.feed(column)


def _next_column(network: Network, sheet: Sheet, sampler: Sampler, knobs: Knobs) -> Tensor:
    books = sheet.open_books
    if not books:
        return sheet.write(books, torch.empty(0, dtype=torch.int64, device=sheet.first.device))
    history = sheet.history(books, knobs.repetition_window)
    tokens = sampler.draw(network.logits(books), books, knobs, step=sheet.done + 1, history=history)
    return sheet.write(books, tokens)
