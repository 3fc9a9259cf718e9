"""Attention from one query over a cache, split among programs that each keep a running softmax.

Every slot of a program's tile has a running maximum of its own, so that within the loop nothing crosses
warps and there is no barrier; slots meet once behind it, and splits in `merge`.
"""

import triton
import triton.language as tl

_LOWEST = tl.constexpr(-1e30)
"""A maximum of nothing: finite, so that a difference of two is a number."""


@triton.jit
def attend_codes(
    q, keys, values, key_scales, value_scales, length, mixed, stats, heads, positions, sharpness, mu,
    KIND: tl.constexpr, DIM: tl.constexpr, GROUPS: tl.constexpr, GROUPS_PADDED: tl.constexpr,
    WORDS: tl.constexpr, WORDS_PADDED: tl.constexpr, SLOTS: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """One split of one head over 8-bit codes, read as words of four: tiles are [groups, slots, words].

    Channel 4·w + j of a group is byte j of word w; the four bytes go their own ways to the end. `sharpness`
    is log2(e) / sqrt(D). mixed [pairs, splits, D] and stats [pairs, splits, 2] get what `merge` reads. Scales
    of int8 come as one number a position where there are 1, 2 or 4, else as bytes.
    """
    pair, split = tl.program_id(0), tl.program_id(1)
    held = tl.minimum(tl.load(length), positions)
    group, lane, slots = tl.arange(0, GROUPS_PADDED), tl.arange(0, WORDS_PADDED), tl.arange(0, SLOTS)
    word = (group * WORDS)[:, None, None] + lane[None, None, :]
    known = (group < GROUPS)[:, None, None] & (lane < WORDS)[None, None, :]
    asks = q + pair * DIM + word * 4
    q0 = tl.load(asks, mask=known, other=0.0).to(tl.float32) * sharpness
    q1 = tl.load(asks + 1, mask=known, other=0.0).to(tl.float32) * sharpness
    q2 = tl.load(asks + 2, mask=known, other=0.0).to(tl.float32) * sharpness
    q3 = tl.load(asks + 3, mask=known, other=0.0).to(tl.float32) * sharpness
    zero = tl.sum(q0 + q1 + q2 + q3, 2) * 128.0
    curve, unit = tl.log2(1.0 + mu) / 127.0, 1.0 / mu
    top = tl.full((SLOTS,), _LOWEST, tl.float32)
    total = tl.zeros((SLOTS,), tl.float32)
    below = tl.zeros((GROUPS_PADDED, SLOTS), tl.float32)
    sum0 = tl.zeros((GROUPS_PADDED, SLOTS, WORDS_PADDED), tl.float32)
    sum1 = tl.zeros((GROUPS_PADDED, SLOTS, WORDS_PADDED), tl.float32)
    sum2 = tl.zeros((GROUPS_PADDED, SLOTS, WORDS_PADDED), tl.float32)
    sum3 = tl.zeros((GROUPS_PADDED, SLOTS, WORDS_PADDED), tl.float32)
    first, last = _share(held, split, SLOTS, SPLITS)
    for begin in range(first, last, SLOTS):
        # The last slots read the last position again, and weigh it 0: so no load waits for a condition.
        at = tl.minimum(begin + slots, held - 1)
        place = (pair * positions + at)[None, :, None] * (DIM // 4) + word
        if GROUPS == GROUPS_PADDED and WORDS == WORDS_PADDED:
            k, v = tl.load(keys + place), tl.load(values + place)
        else:
            k = tl.load(keys + place, mask=known, other=0)
            v = tl.load(values + place, mask=known, other=0)
        k_scale = _scales(key_scales, pair, heads, positions, at, unit, KIND, GROUPS, GROUPS_PADDED)
        v_scale = _scales(value_scales, pair, heads, positions, at, unit, KIND, GROUPS, GROUPS_PADDED)
        dot = _plane(k, 0, curve, KIND) * q0
        dot += _plane(k, 1, curve, KIND) * q1
        dot += _plane(k, 2, curve, KIND) * q2
        dot += _plane(k, 3, curve, KIND) * q3
        heard = tl.sum(dot, 2)
        if KIND == "int8":
            heard -= zero
        score = tl.where(begin + slots < held, tl.sum(heard * k_scale, 0), float("-inf"))
        higher = tl.maximum(top, score)
        fade = tl.exp2(top - higher)
        weight = tl.exp2(score - higher)
        top = higher
        total = total * fade + weight
        share = weight[None, :] * v_scale
        if KIND == "int8":
            below = below * fade[None, :] + share
        wide = share[:, :, None]
        fading = fade[None, :, None]
        sum0 = sum0 * fading + _plane(v, 0, curve, KIND) * wide
        sum1 = sum1 * fading + _plane(v, 1, curve, KIND) * wide
        sum2 = sum2 * fading + _plane(v, 2, curve, KIND) * wide
        sum3 = sum3 * fading + _plane(v, 3, curve, KIND) * wide
    highest = tl.max(top, 0)
    fade = tl.exp2(top - highest)
    place = pair * SPLITS + split
    tl.store(stats + place * 2, highest)
    tl.store(stats + place * 2 + 1, tl.sum(total * fade, 0))
    low = tl.sum(below * fade[None, :], 1)[:, None, None] * 128.0
    fading = fade[None, :, None]
    into = mixed + place * DIM + word * 4
    tl.store(into, tl.sum(sum0 * fading, 1, keep_dims=True) - low, mask=known)
    tl.store(into + 1, tl.sum(sum1 * fading, 1, keep_dims=True) - low, mask=known)
    tl.store(into + 2, tl.sum(sum2 * fading, 1, keep_dims=True) - low, mask=known)
    tl.store(into + 3, tl.sum(sum3 * fading, 1, keep_dims=True) - low, mask=known)


@triton.jit
def _share(held, split, SLOTS: tl.constexpr, SPLITS: tl.constexpr):
    """From where to where a split goes: whole tiles, as many as the others or one more."""
    tiles = tl.cdiv(held, SLOTS)
    return tiles * split // SPLITS * SLOTS, tiles * (split + 1) // SPLITS * SLOTS


@triton.jit
def _plane(words, byte: tl.constexpr, curve, KIND: tl.constexpr):
    """One code of each word as a number: int8's plus 128, mulaw8's at scale `mu`."""
    if KIND == "int8":
        unsigned = words.to(tl.uint32, bitcast=True) ^ 0x80808080
        return ((unsigned >> (8 * byte)) & 255).to(tl.float32)
    signed = ((words << (24 - 8 * byte)) >> 24).to(tl.float32)
    size = tl.exp2(tl.abs(signed) * curve) - 1.0
    sign = signed.to(tl.int32, bitcast=True) & -2147483648
    return (size.to(tl.int32, bitcast=True) | sign).to(tl.float32, bitcast=True)


@triton.jit
def _scales(
    scales, pair, heads, positions, at, unit,
    KIND: tl.constexpr, GROUPS: tl.constexpr, GROUPS_PADDED: tl.constexpr,
):  # fmt: skip
    """What a plane is multiplied by, [groups, slots]; `unit` is 1 / mu.

    Loads have an element a slot: more would be laid out in a way of their own, and brought here by barriers.
    """
    if KIND == "mulaw8":
        return (tl.load(scales + pair // heads * positions + at).to(tl.float32) * unit)[None, :]
    group = tl.arange(0, GROUPS_PADDED)[:, None]
    if GROUPS == GROUPS_PADDED:
        # The bytes of a slot in one number.
        bits = (tl.load(scales + pair * positions + at).to(tl.int32)[None, :] >> (group * 8)) & 255
    else:
        bits = tl.zeros((GROUPS_PADDED, at.shape[0]), tl.int32)
        for index in tl.static_range(GROUPS):
            byte = tl.load(scales + (pair * positions + at) * GROUPS + index).to(tl.int32)
            bits = tl.where(group == index, byte[None, :], bits)
    return (bits << 7).to(tl.int16).to(tl.float16, bitcast=True).to(tl.float32)


@triton.jit
def attend_plain(
    q, keys, values, length, mixed, stats, positions, sharpness,
    DIM: tl.constexpr, DIM_PADDED: tl.constexpr, SLOTS: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """One split of one head over plain numbers: tiles are [slots, D]. See `attend_codes`."""
    pair, split = tl.program_id(0), tl.program_id(1)
    held = tl.minimum(tl.load(length), positions)
    channel, slots = tl.arange(0, DIM_PADDED)[None, :], tl.arange(0, SLOTS)
    asked = tl.load(q + pair * DIM + channel, mask=channel < DIM, other=0.0).to(tl.float32) * sharpness
    top = tl.full((SLOTS,), _LOWEST, tl.float32)
    total = tl.zeros((SLOTS,), tl.float32)
    mix = tl.zeros((SLOTS, DIM_PADDED), tl.float32)
    first, last = _share(held, split, SLOTS, SPLITS)
    for begin in range(first, last, SLOTS):
        at = tl.minimum(begin + slots, held - 1)
        place = (pair * positions + at)[:, None] * DIM + channel
        if DIM == DIM_PADDED:
            k, v = tl.load(keys + place).to(tl.float32), tl.load(values + place).to(tl.float32)
        else:
            k = tl.load(keys + place, mask=channel < DIM, other=0.0).to(tl.float32)
            v = tl.load(values + place, mask=channel < DIM, other=0.0).to(tl.float32)
        score = tl.where(begin + slots < held, tl.sum(k * asked, 1), float("-inf"))
        higher = tl.maximum(top, score)
        fade = tl.exp2(top - higher)
        weight = tl.exp2(score - higher)
        top = higher
        total = total * fade + weight
        mix = mix * fade[:, None] + v * weight[:, None]
    highest = tl.max(top, 0)
    fade = tl.exp2(top - highest)
    place = pair * SPLITS + split
    tl.store(stats + place * 2, highest)
    tl.store(stats + place * 2 + 1, tl.sum(total * fade, 0))
    out = tl.sum(mix * fade[:, None], 0)
    lane = tl.arange(0, DIM_PADDED)
    tl.store(mixed + place * DIM + lane, out, mask=lane < DIM)


@triton.jit
def merge(mixed, stats, out, DIM: tl.constexpr, DIM_PADDED: tl.constexpr, SPLITS: tl.constexpr):
    """The splits of a head put together by their weight; one that saw nothing has none."""
    pair = tl.program_id(0)
    split, channel = tl.arange(0, SPLITS), tl.arange(0, DIM_PADDED)
    place = pair * SPLITS + split
    top = tl.load(stats + place * 2)
    share = tl.exp2(top - tl.max(top, 0))
    total = tl.sum(tl.load(stats + place * 2 + 1) * share, 0)
    known = channel < DIM
    parts = tl.load(mixed + place[:, None] * DIM + channel[None, :], mask=known[None, :], other=0.0)
    whole = tl.sum(parts * share[:, None], 0) / tl.where(total > 0.0, total, 1.0)
    tl.store(out + pair * DIM + channel, whole.to(out.dtype.element_ty), mask=known)
