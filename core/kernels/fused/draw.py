"""Triton: the whole draw of a column in one launch, one program a codebook; the limits need no sort.

Scores are ordered through their bit patterns: read as an integer that grows with the number, the lowest
candidate is found bit by bit from sums over the codebook, and comes out exact.
"""

import triton
import triton.language as tl


@triton.jit
def draw_column(
    logits, columns, marks, knobs, banned, key, tokens,
    row_stride, book_stride, column_stride, first, codes,
    ROWS: tl.constexpr, BLOCK: tl.constexpr, DONE: tl.constexpr,
    GUIDANCE: tl.constexpr, PENALTY: tl.constexpr, WINDOW: tl.constexpr, COUNTS: tl.constexpr,
    AWARE: tl.constexpr, BAN: tl.constexpr, MINIMUM: tl.constexpr, TEMPERATURE: tl.constexpr,
    TOP_K: tl.constexpr, TOP_P: tl.constexpr,
):  # fmt: skip
    """Draw the token of codebook `first` + program from scores [ROWS, n, codes + 1] at the given strides.

    The end of song, whose id is `codes`, is kept beside the block of the others.
    """
    row = tl.program_id(0)
    book = first + row
    done = tl.load(marks + DONE)
    ids = tl.arange(0, BLOCK)
    inside = ids < codes
    guidance = tl.load(knobs + GUIDANCE)
    here = logits + row * book_stride
    scores = tl.load(here + ids, mask=inside, other=0.0)
    end = tl.load(here + codes)
    if ROWS == 2:
        scores = _guide(scores, tl.load(here + row_stride + ids, mask=inside, other=0.0), guidance)
        end = _guide(end, tl.load(here + row_stride + codes), guidance)

    factor = _penalties(
        ids, columns + book * column_stride, done, tl.load(knobs + WINDOW).to(tl.int32),
        tl.load(knobs + PENALTY), tl.load(knobs + COUNTS) > 0,
    )  # fmt: skip
    less = tl.div_rn(scores, factor)
    aware = tl.where(scores < 0, scores * factor, less)
    scores = tl.where(tl.load(knobs + AWARE) > 0, aware, less)

    lowest = float("-inf")
    reach = tl.where((book == 0) & (tl.load(knobs + BAN) > 0), codes, 0)
    is_banned = tl.load(banned + ids, mask=ids < reach, other=0)
    scores = tl.where(inside & (is_banned == 0), scores, lowest)
    is_early = done < tl.load(knobs + MINIMUM)
    end = tl.where((book > 0) | is_early, lowest, end)

    temperature = tl.load(knobs + TEMPERATURE + book)
    if temperature > 0:
        scores, end = tl.div_rn(scores, temperature), tl.div_rn(end, temperature)
        top_k = tl.load(knobs + TOP_K + book)
        top_p = tl.load(knobs + TOP_P + book)
        width = codes + 1
        count = tl.where((top_k > 0) & (top_k < width), top_k, width).to(tl.int32)
        has_nucleus = (top_p > 0) & (top_p < 1)
        if (count < width) | has_nucleus:
            scores, end = limit(scores, end, count, count < width, top_p, has_nucleus)
        # Four ids share a block of noise, in order.
        one, two, three, four = _noise(key, done + 1, book, tl.arange(0, BLOCK // 4))
        scores += tl.interleave(tl.interleave(one, three), tl.interleave(two, four))
        one, two, three, four = _noise(key, done + 1, book, codes // 4)
        at = codes % 4
        end += tl.where(at == 0, one, tl.where(at == 1, two, tl.where(at == 2, three, four)))
    best = tl.max(scores, 0)
    token = tl.min(tl.where(scores == best, ids, codes), 0)
    tl.store(tokens + book, tl.where(end > best, codes, token).to(tl.int64))


@triton.jit
def _guide(conditioned, null, guidance):
    mixed = null + (conditioned - null) * guidance
    return tl.where(guidance == 1, conditioned, mixed)


@triton.jit
def _penalties(ids, cells, done, window, penalty, counts):
    """What each score is divided by: the penalty for codes heard in the last `window` cells, else 1."""
    factor = tl.full(ids.shape, 1.0, tl.float32)
    begin = tl.where(penalty == 1, done + 1, tl.maximum(done + 1 - window, 0))
    for at in range(begin, done + 1):
        heard = tl.load(cells + at).to(tl.int32)
        before = tl.where(counts, factor, 1.0)
        factor = tl.where(ids == heard, before * penalty, factor)
    return factor


@triton.jit
def limit(scores, end, count, has_count, top_p, has_nucleus):
    """Scores of those that are no candidates to -inf: of equal scores the lower id stands above.

    The lowest candidate's score is the highest above which, itself included, `count` scores stand or more
    than `top_p` of the distribution. `room` is how many of those equal to it are candidates.
    """
    lowest = float("-inf")
    floor = tl.full(end.shape, lowest, tl.float32)
    room = tl.full(end.shape, 1 << 30, tl.int32)
    if has_count:
        order = tl.full(end.shape, 0, tl.uint32)
        bit = tl.full(end.shape, 0x80000000, tl.uint32)
        for _ in range(32):
            trial = _score(order | bit)
            passed = tl.sum((scores >= trial).to(tl.int32), 0) + (end >= trial).to(tl.int32)
            order = tl.where(passed >= count, order | bit, order)
            bit = bit >> 1
        floor = _score_of_some(order)
        room = count - tl.sum((scores > floor).to(tl.int32), 0) - (end > floor).to(tl.int32)
    if has_nucleus:
        highest = tl.maximum(tl.max(scores, 0), end)
        parts, end_part = tl.exp(scores - highest), tl.exp(end - highest)
        most = top_p * (tl.sum(parts, 0) + end_part)
        order = tl.full(end.shape, 0, tl.uint32)
        bit = tl.full(end.shape, 0x80000000, tl.uint32)
        for _ in range(32):
            trial = _score(order | bit)
            mass = tl.sum(tl.where(scores >= trial, parts, 0.0), 0) + tl.where(end >= trial, end_part, 0.0)
            order = tl.where(mass > most, order | bit, order)
            bit = bit >> 1
        lower = _score_of_some(order)
        mass = tl.sum(tl.where(scores > lower, parts, 0.0), 0) + tl.where(end > lower, end_part, 0.0)
        part = tl.exp(lower - highest)
        fitting = tl.minimum(tl.where(part > 0, (most - mass) / part, 1e9), 1e9).to(tl.int32) + 1
        room = tl.where(lower > floor, fitting, tl.where(lower == floor, tl.minimum(room, fitting), room))
        floor = tl.maximum(floor, lower)

    is_tied = scores == floor
    tied = tl.sum(is_tied.to(tl.int32), 0)
    scores = tl.where(scores >= floor, scores, lowest)
    if tied > room:
        rank = tl.cumsum(is_tied.to(tl.int32), 0)
        scores = tl.where(is_tied & (rank > room), lowest, scores)
    is_in = (end > floor) | ((end == floor) & (tied < room))
    return scores, tl.where(is_in, end, lowest)


@triton.jit
def _score(order):
    """The number whose place is `order` when all of fp32 stand in a row, from negative to positive ones."""
    bits = order.to(tl.int32, bitcast=True)
    # Below zero the bits count the other way.
    return (bits ^ tl.where(bits < 0, -2147483648, -1)).to(tl.float32, bitcast=True)


@triton.jit
def _score_of_some(order):
    """The same, where the first of the row, which are no numbers, stand for the lowest."""
    return tl.where(order < 0x00800000, float("-inf"), _score(order))


@triton.jit
def _noise(key, step, lane, block):
    """Four rows of Gumbel noise from the counters of `core.random`."""
    low, high = tl.load(key).to(tl.uint32), tl.load(key + 1).to(tl.uint32)
    left = block.to(tl.uint32)
    right = step.to(tl.uint32) + tl.zeros_like(left)
    other_left = (lane << 16).to(tl.uint32) + tl.zeros_like(left)
    other_right = tl.load(key + 2).to(tl.uint32) + tl.zeros_like(left)
    first_by = tl.full(left.shape, 0xD2511F53, tl.uint32)
    other_by = tl.full(left.shape, 0xCD9E8D57, tl.uint32)
    for _ in tl.static_range(10):
        upper, other_upper = tl.umulhi(left, first_by), tl.umulhi(other_left, other_by)
        lower, other_lower = left * first_by, other_left * other_by
        left, other_left = other_upper ^ right ^ low, upper ^ other_right ^ high
        right, other_right = other_lower, lower
        low += tl.full(low.shape, 0x9E3779B9, tl.uint32)
        high += tl.full(high.shape, 0xBB67AE85, tl.uint32)
    return _gumbel(left), _gumbel(right), _gumbel(other_left), _gumbel(other_right)


@triton.jit
def _gumbel(word):
    uniform = ((word >> 9).to(tl.float32) + 0.5) * 1.1920928955078125e-07
    return -tl.log(-tl.log(uniform))
