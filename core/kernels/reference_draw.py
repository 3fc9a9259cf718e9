"""The plain-torch twin of the sampler: no step of it asks an accelerator for a value."""

import torch
from torch import Tensor

from core.kernels.page import AT_ONCE, Knob, Mark, Page, span

_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def draw(logits: Tensor, page: Page, *, books: tuple[int, ...]) -> None:
    """Draw the tokens of the next column for n neighbouring codebooks into `page.tokens`.

    `logits` fp32 [B, n, codes + 1] with row 0 conditioned and row 1, if there, null.
    """
    scores = _penalise(_guide(logits, page.knobs[Knob.GUIDANCE]), page, books)
    _ban(scores, page, books)
    for row, book in enumerate(books):
        page.tokens[book] = _pick(scores[row], page, book)


def support(scores: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Which of scores [V] are candidates, bool [V]; the limits are fp32 [].

    The `top_k` highest, of which those count that have at most `top_p` of the whole distribution above them;
    of equal scores the lower id stands above the higher. 0 is no limit, nor is a `top_p` of 1.
    """
    width = len(scores)
    ordered, ids = scores.sort(stable=True, descending=True)
    shares = (ordered - scores.logsumexp(0)).exp()
    above = shares.cumsum(0) - shares
    count = torch.where(top_k > 0, top_k, width)
    share = torch.where((top_p > 0) & (top_p < 1), top_p, torch.inf)
    kept = (torch.arange(width, device=scores.device) < count) & (above <= share)
    return torch.zeros_like(kept).scatter_(0, ids, kept)


def uniform(key: Tensor, steps: Tensor, lane: int, width: int) -> Tensor:
    """`core.random.Stream.uniform` at positions `steps` [N], integers below 2³¹, on one lane: [N, width]."""
    blocks = torch.arange(-(-width // 4), device=key.device)
    shape = (len(steps), len(blocks))
    left, right = blocks.expand(shape), steps.long()[:, None].expand(shape)
    other_left, other_right = torch.full_like(left, lane << 16), key[2].expand(shape)
    low_key, high_key = key[0], key[1]
    for _ in range(_ROUNDS):
        # int64 products wrap, which leaves the 64 bits of the unsigned product; masking drops the sign.
        product, other = left * _MULTIPLIERS[0], other_left * _MULTIPLIERS[1]
        left = (other >> 32).bitwise_xor_(right).bitwise_xor_(low_key).bitwise_and_(_LOW)
        other_left = (product >> 32).bitwise_xor_(other_right).bitwise_xor_(high_key).bitwise_and_(_LOW)
        right, other_right = other, product
        low_key, high_key = (low_key + _WEYL[0]) & _LOW, (high_key + _WEYL[1]) & _LOW
    drawn = torch.stack((left, right & _LOW, other_left, other_right & _LOW), dim=-1).flatten(1)
    return (drawn[:, :width] >> 9).float().add_(0.5).mul_(2.0**-23)


def _guide(logits: Tensor, guidance: Tensor) -> Tensor:
    if len(logits) == 1:
        return logits[0].clone()
    mixed = logits[1] + (logits[0] - logits[1]) * guidance
    return torch.where(guidance == 1, logits[0], mixed)


def _penalise(scores: Tensor, page: Page, books: tuple[int, ...]) -> Tensor:
    """Divide the score of each code heard in the window; end of song and special never."""
    knobs, done, end = page.knobs, page.marks[Mark.DONE], page.codes
    if not _may((knobs[Knob.PENALTY] != 1) & (knobs[Knob.WINDOW] > 0)):
        return scores
    at = torch.arange(page.columns.shape[1], device=scores.device)
    lately = ((at <= done) & (at > done - knobs[Knob.WINDOW])).float()
    heard = page.columns[span(books)].clamp(max=end).long()
    times = torch.zeros_like(scores).scatter_add_(1, heard, lately.expand(heard.shape))
    times[:, end] = 0
    times = torch.where(knobs[Knob.COUNTS] > 0, times, times.clamp(max=1))
    factor = knobs[Knob.PENALTY] ** times
    is_raised = (knobs[Knob.AWARE] > 0) & (scores < 0)
    return torch.where(is_raised, scores * factor, scores / factor)


def _ban(scores: Tensor, page: Page, books: tuple[int, ...]) -> None:
    """Rule out in place what may not be drawn; only codebook 0 may end the song, and not too soon."""
    end, knobs = page.codes, page.knobs
    scores[1 if books[0] == 0 else 0 :, end] = -torch.inf
    if books[0] == 0:
        is_early = page.marks[Mark.DONE] < knobs[Knob.MINIMUM]
        scores[0, end].masked_fill_(is_early, -torch.inf)
        scores[0, :end].masked_fill_(page.banned & (knobs[Knob.BAN] > 0), -torch.inf)


def _pick(scores: Tensor, page: Page, book: int) -> Tensor:
    """The token of one codebook of scores [V], int64 []."""
    slots = (Knob.TEMPERATURE, Knob.TOP_K, Knob.TOP_P)
    temperature, top_k, top_p = (page.knobs[slot + book] for slot in slots)
    is_hot, width = temperature > 0, len(scores)
    if not _may(is_hot):
        return scores.argmax()
    warm = scores / torch.where(is_hot, temperature, 1)
    if _may(((top_k > 0) & (top_k < width)) | ((top_p > 0) & (top_p < 1))):
        warm.masked_fill_(~support(warm, top_k, top_p), -torch.inf)
    return torch.where(is_hot, warm + _noise(page, book, width), scores).argmax()


def _noise(page: Page, book: int, width: int) -> Tensor:
    """Gumbel noise of the step, [width]."""
    step = page.marks[Mark.DONE : Mark.DONE + 1] + 1
    if step.device.type != "cpu":
        return _gumbel(uniform(page.key, step, book, width))[0]
    # A processor takes as long for a few numbers as for many.
    first = int(step) - int(step) % AT_ONCE
    if int(page.noised[book]) != first:
        page.noise[book] = _gumbel(uniform(page.key, torch.arange(first, first + AT_ONCE), book, width))
        page.noised[book] = first
    return page.noise[book, int(step) - first]


def _gumbel(fractions: Tensor) -> Tensor:
    return fractions.log_().neg_().log_().neg_()


def _may(condition: Tensor) -> bool:
    """Whether a condition may hold anywhere: looked at only where looking waits for nobody."""
    return condition.device.type != "cpu" or bool(condition.any())
