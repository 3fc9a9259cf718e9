"""Rotate, quantise and append one position of a layer, in one launch."""

import triton
import triton.language as tl


@triton.jit
def rotate_and_store(
    qkv, cos, sin, turned, keys, values, key_scales, value_scales, position, heads, length, table, mu,
    KIND: tl.constexpr, DIM: tl.constexpr, AT_ONCE: tl.constexpr, HEADS_PADDED: tl.constexpr,
    GROUPS: tl.constexpr, GROUPS_PADDED: tl.constexpr, WIDTH: tl.constexpr, WIDTH_PADDED: tl.constexpr,
):  # fmt: skip
    """A program takes query, key or value (axis 1) of a row (axis 0) and of as many heads as share a scale.

    Tiles are [heads, groups, channels of a group].
    """
    row, part, at = tl.program_id(0), tl.program_id(1), tl.load(position)
    head = tl.program_id(2) * AT_ONCE + tl.arange(0, HEADS_PADDED)[:, None, None]
    group = tl.arange(0, GROUPS_PADDED)[None, :, None]
    lane = tl.arange(0, WIDTH_PADDED)[None, None, :]
    channel = group * WIDTH + lane
    known = (head < heads) & (group < GROUPS) & (lane < WIDTH)
    source = qkv + (row * 3 + part) * heads * DIM + head * DIM
    x = tl.load(source + channel, mask=known, other=0.0).to(tl.float32)
    if part < 2:
        half: tl.constexpr = DIM // 2
        leads = channel < half
        partner = tl.load(source + tl.where(leads, channel + half, channel - half), mask=known, other=0.0)
        partner = tl.where(leads, -partner.to(tl.float32), partner.to(tl.float32))
        angle = tl.minimum(at, table - 1) * half + tl.where(leads, channel, channel - half)
        by_cos = tl.load(cos + angle, mask=known, other=0.0)
        by_sin = tl.load(sin + angle, mask=known, other=0.0)
        x = (x * by_cos + partner * by_sin).to(qkv.dtype.element_ty).to(tl.float32)
    place = row * heads + head
    if part == 0:
        tl.store(turned + place * DIM + channel, x.to(turned.dtype.element_ty), mask=known)
    else:
        codes = keys if part == 1 else values
        codes += (place * length + at) * DIM + channel
        known = known & (at < length)
        kept = (head < heads) & (group < GROUPS) & (at < length)
        if KIND == "int8":
            scales = key_scales if part == 1 else value_scales
            steps, made = _linear_codes(x)
            tl.store(scales + (place * length + at) * GROUPS + group, steps, mask=kept)
            tl.store(codes, made, mask=known)
        elif KIND == "mulaw8":
            scales = key_scales if part == 1 else value_scales
            largest = tl.maximum(tl.max(tl.max(tl.max(tl.abs(x), 2), 1), 0), 1.1754943508222875e-38)
            tl.store(scales + row * length + at, largest.to(tl.float16), mask=at < length)
            tl.store(codes, _mulaw_codes(x, largest, mu), mask=known)
        else:
            tl.store(codes, x.to(codes.dtype.element_ty), mask=known)


@triton.jit
def _linear_codes(x):
    """Bytes of scales [heads, groups, 1] and codes of x, as `reference.int8_encode` makes them."""
    wanted = tl.minimum(tl.max(tl.abs(x), 2, keep_dims=True) / 127.0, 61440.0).to(tl.float16)
    steps = (wanted.to(tl.int16, bitcast=True).to(tl.int32) + 127) >> 7
    size = (steps << 7).to(tl.int16).to(tl.float16, bitcast=True).to(tl.float32)
    codes = _nearest(x / tl.where(size > 0.0, size, 1.0))
    return steps.to(tl.uint8), tl.minimum(tl.maximum(codes, -127.0), 127.0).to(tl.int8)


@triton.jit
def _mulaw_codes(x, largest, mu):
    """Codes as `reference.mulaw_codes` makes them."""
    companded = tl.log2(1.0 + tl.abs(x / largest) * mu) / tl.log2(1.0 + mu)
    codes = _nearest(companded * 127.0)
    return tl.where(x < 0.0, -codes, codes).to(tl.int8)


@triton.jit
def _nearest(x):
    """The nearest whole number, the even one of two, for numbers below 4 million."""
    return (x + 12582912.0) - 12582912.0
