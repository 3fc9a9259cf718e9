"""A few vectors times a packed matrix: a program takes some rows, and its threads share their columns.

Each thread reads the same columns of all vectors and rows, and sums of its own are all that it keeps, so that
nothing goes from thread to thread before the end. Vectors are scaled to unit root mean square behind the
product, whose sum of squares comes by the way.
"""

import triton
import triton.language as tl

_GROUP = tl.constexpr(128)


@triton.jit(do_not_specialize=["outputs", "groups"])
def products(
    x, codes, scales, norm, bias, residual, out,
    outputs, inputs, width, stride, groups, eps,
    VECTORS: tl.constexpr, PADDED: tl.constexpr, SWIGLU: tl.constexpr, PLANES: tl.constexpr,
    OUT: tl.constexpr, LANES: tl.constexpr, EACH: tl.constexpr,
):  # fmt: skip
    """Write out [VECTORS, outputs] = x [VECTORS, inputs] times rows of codes, `width` each, `stride` apart.

    A program makes OUT of the outputs; LANES loads of EACH codes side by side are a step. A code holds PLANES
    values, whose inputs are a group apart. PADDED, a power of 2, is not less than VECTORS.
    """
    STEP: tl.constexpr = LANES * EACH
    rows = ()
    for r in tl.static_range(OUT):
        rows = rows + (tl.minimum(tl.program_id(0) * OUT + r, outputs - 1).to(tl.int64),)
    if SWIGLU:
        for r in tl.static_range(OUT):
            rows = rows + (rows[r] + outputs,)
    zero = tl.zeros([LANES], tl.float32)
    sums = (zero,) * (len(rows) * PADDED)
    squares = (zero,) * PADDED
    full = inputs // (_GROUP * PLANES) * _GROUP if PLANES > 1 else inputs
    whole = full // STEP * STEP
    for first in range(0, whole, STEP):
        sums, squares = _step(
            first, sums, squares, rows, x, codes, scales, norm, inputs, width, stride, groups,
            VECTORS, PADDED, PLANES, LANES, EACH, False,
        )  # fmt: skip
    for first in range(whole, width, STEP):
        sums, squares = _step(
            first, sums, squares, rows, x, codes, scales, norm, inputs, width, stride, groups,
            VECTORS, PADDED, PLANES, LANES, EACH, True,
        )  # fmt: skip
    y = tl.reshape(_totals(sums, len(rows) * PADDED, LANES), [len(rows), PADDED])
    if norm is not None:
        y *= tl.rsqrt(_totals(squares, PADDED, LANES) / inputs + eps)[None, :]
    _finish(y, bias, residual, out, outputs, VECTORS, PADDED, SWIGLU, OUT)


@triton.jit
def _step(
    first, sums, squares, rows, x, codes, scales, norm, inputs, width, stride, groups,
    VECTORS: tl.constexpr, PADDED: tl.constexpr, PLANES: tl.constexpr, LANES: tl.constexpr,
    EACH: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """Add the products of LANES times EACH codes of each row; all loads stand first, to be under way."""
    at = first + tl.arange(0, LANES) * EACH
    each = tl.arange(0, EACH)[None, :]
    held = ()
    by = ()
    for r in tl.static_range(len(rows)):
        place = at[:, None] + each
        held = held + (_load(codes + rows[r] * stride + place, place < width, MASKED),)
        if scales is not None:
            for plane in tl.static_range(PLANES):
                group = at // _GROUP * PLANES + plane
                if MASKED:  # any scale will do behind the end, where codes and inputs are zero
                    group = tl.minimum(group, groups - 1)
                by = by + (tl.load(scales + rows[r] * groups + group),)
    xs = ()
    shifts = ()
    for plane in tl.static_range(PLANES):
        k = (at + (at // _GROUP * (PLANES - 1) + plane) * _GROUP if PLANES > 1 else at)[:, None] + each
        part, squares, shift = _vectors(x, norm, k, inputs, squares, VECTORS, PADDED, PLANES, MASKED)
        xs = xs + part
        shifts = shifts + shift
    more = ()
    for r in tl.static_range(len(rows)):
        for b in tl.static_range(PADDED):
            total = sums[r * PADDED + b]
            for plane in tl.static_range(PLANES):
                value = (held[r] >> (4 * plane)) & 15 if PLANES > 1 else held[r]
                part = tl.sum(value.to(tl.float32) * xs[plane * PADDED + b], 1)
                if PLANES > 1:
                    part -= shifts[plane * PADDED + b]
                if scales is not None:
                    part *= by[r * PLANES + plane].to(tl.float32)
                total += part
            more = more + (total,)
    return more, squares


@triton.jit
def _vectors(
    x, norm, k, inputs, squares,
    VECTORS: tl.constexpr, PADDED: tl.constexpr, PLANES: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """Inputs `k` of all vectors, weighed, `squares` with theirs, and what codes of 4 bits are off by."""
    xs = ()
    more = ()
    shifts = ()
    for b in tl.static_range(PADDED):
        vector = x + (b if b < VECTORS else VECTORS - 1) * inputs
        part = _load(vector + k, k < inputs, MASKED).to(tl.float32)
        if norm is not None:
            more = more + (squares[b] + tl.sum(part * part, 1),)
            part *= _load(norm + k, k < inputs, MASKED).to(tl.float32)
        else:
            more = more + (squares[b],)
        xs = xs + (part,)
        shifts = shifts + (8.0 * tl.sum(part, 1) if PLANES > 1 else 0.0,)
    return xs, more, shifts


@triton.jit
def _load(place, is_in, MASKED: tl.constexpr):
    if MASKED:
        return tl.load(place, mask=is_in, other=0)
    return tl.load(place)


@triton.jit
def _joined(parts):
    joined = ()
    for i in tl.static_range(len(parts) // 2):
        joined = joined + (tl.join(parts[i], parts[i + len(parts) // 2]),)
    return joined


@triton.jit
def _totals(parts, COUNT: tl.constexpr, LANES: tl.constexpr):
    """Sums of COUNT tensors [LANES], a power of 2, as one tensor [COUNT]."""
    for _ in tl.static_range(6):
        if len(parts) > 1:
            parts = _joined(parts)
    return tl.sum(tl.reshape(parts[0], [LANES, COUNT]), 0)


@triton.jit
def _finish(
    y, bias, residual, out, outputs,
    VECTORS: tl.constexpr, PADDED: tl.constexpr, SWIGLU: tl.constexpr, OUT: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(0) * OUT + tl.arange(0, OUT)
    b = tl.arange(0, PADDED)
    is_out = (n < outputs)[:, None] & (b < VECTORS)[None, :]
    if SWIGLU:
        gate, up = tl.split(tl.permute(tl.reshape(y, [2, OUT, PADDED]), [1, 2, 0]))
        if bias is not None:
            gate += tl.load(bias + n, mask=n < outputs, other=0).to(tl.float32)[:, None]
            up += tl.load(bias + outputs + n, mask=n < outputs, other=0).to(tl.float32)[:, None]
        y = gate / (1.0 + tl.exp(-gate)) * up
    elif bias is not None:
        y += tl.load(bias + n, mask=n < outputs, other=0).to(tl.float32)[:, None]
    place = b[None, :] * outputs + n[:, None]
    if residual is not None:
        y += tl.load(residual + place, mask=is_out, other=0)
    tl.store(out + place, y, mask=is_out)
