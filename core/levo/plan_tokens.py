"""What composing takes, from shapes alone: bytes of weights, caches and everything beside; no torch."""

from core.engine import StagePlan
from core.levo.portions import heads_at_once, looked_up_at_once, looked_up_bytes, matrix_rows_at_once
from core.levo.shapes import CODEBOOKS, PREFILL_CHUNK, TokenShapes
from core.settings import Values

ROWS = 2
"""Sequences side by side: the conditioned one and the null one that guidance needs."""
_NOISE_BYTES = 450
"""Noise of 16 steps: 64 in each of three codebooks, and the words it is made from, per id, measured."""
_CACHE_BYTES = {"fp32": 4, "fp16": 2, "int8": 1, "mulaw8": 1}
_ATTENTION = {4: 10, 2: 9}
"""Values per position and channel that are alive in a layer's attention, by their bytes; measured."""
_ID_BYTES = 8
_MARK_BYTES = 160
"""Marks, knobs and the key of the noise, together."""
_SCALE_CHANNELS = 32
"""Channels of a head that share a scale in the int8 cache; a head that 32 does not divide has one."""
_SCALE_INPUTS = 128
"""Inputs of a row that share a scale in a matrix of int8 or int4."""
_ROUNDED = ("int8", "int4")
_Matrices = list[tuple[int, int, int]]
"""Rows and inputs of matrices, and how many there are of each."""


def lockstep_plan(shapes: TokenShapes, values: Values, *, frames: int, bytes_each: int) -> StagePlan:
    """Main and sub in memory together; the network computes in numbers of `bytes_each`."""
    needs = _Needs(shapes, values, frames, bytes_each)
    layers = (shapes.main_layers, shapes.sub_layers)
    tables = len({shapes.main_rope_base, shapes.sub_rope_base})
    weights = needs.main_weights() + needs.sub_weights()
    cache = sum(needs.cache(count) for count in layers)
    return StagePlan("tokens", frames + max(shapes.delays), weights, cache, needs.work(tables, streams=2))


def two_pass_plan(shapes: TokenShapes, values: Values, *, frames: int, bytes_each: int) -> StagePlan:
    """The fuller of the two passes: main alone with the states it leaves, then sub alone over them."""
    needs = _Needs(shapes, values, frames, bytes_each)
    states = needs.rows * needs.positions * shapes.width * bytes_each
    work = needs.work(1, streams=1) + states
    passes = [
        StagePlan("tokens", 2 * frames, weights, needs.cache(layers), work)
        for weights, layers in (
            (needs.main_weights(), shapes.main_layers),
            (needs.sub_weights(), shapes.sub_layers),
        )
    ]
    return max(passes, key=lambda one: one.peak)


class _Needs:
    """Bytes of the parts of one song with one model."""

    def __init__(self, shapes: TokenShapes, values: Values, frames: int, bytes_each: int) -> None:
        self.shapes, self.bytes_each = shapes, bytes_each
        self.rows = 1 if values.real("guidance") == 1 else ROWS
        self.positions = shapes.prefix + frames + max(shapes.delays)
        self.kind = values.text("kv_cache")
        self.weights = values.text("weights")
        self._sizes = {
            "rows": self.rows, "heads": shapes.heads, "positions": self.positions,
            "dim": shapes.width // shapes.heads,
        }  # fmt: skip

    def main_weights(self) -> int:
        """What main reads."""
        heads = [(self.shapes.codes + 1, self.shapes.width, 1)]
        stack = _stack_matrices(self.shapes, self.shapes.main_layers)
        return self._weights(main_parameters(self.shapes), stack, heads)

    def sub_weights(self) -> int:
        """What sub reads."""
        width = self.shapes.width
        heads = [(self.shapes.codes + 1, width, CODEBOOKS - 1)]
        bridge = [(width, 2 * width, 1), (width, width, 1)]
        stack = _stack_matrices(self.shapes, self.shapes.sub_layers) + bridge
        return self._weights(sub_parameters(self.shapes), stack, heads)

    def _weights(self, parameters: int, matrices: _Matrices, heads: _Matrices) -> int:
        """Of so many parameters, most of them in matrices; heads are never rounded to less than int8."""
        if self.weights not in _ROUNDED:
            return parameters * self.bytes_each
        least = "int8" if self.weights == "int4" else self.weights
        packed = _rounded_bytes(self.weights, matrices) + _rounded_bytes(least, heads)
        return (parameters - _values([*matrices, *heads])) * self.bytes_each + packed

    def cache(self, layers: int) -> int:
        """The KV cache of so many layers."""
        return cache_bytes(self.kind, layers=layers, **self._sizes)

    def work(self, tables: int, *, streams: int) -> int:
        """All but weights, caches and states, with so many tables of angles and streams of embeddings."""
        ropes = tables * self.positions * self._sizes["dim"] * 4
        scratch = scratch_bytes(self.kind, bytes_each=self.bytes_each, **self._sizes)
        width, ffn, codes = self.shapes.width, self.shapes.ffn, self.shapes.codes + 1
        layer = self._unpacked((2 * ffn, width), (width, ffn), (3 * width, width))
        draw = _NOISE_BYTES * codes + self._unpacked((codes, width))
        page = page_bytes(self.shapes, rows=self.rows, positions=self.positions)
        return scratch + ropes + page + self._embedded() + max(self._chunk(streams) + layer, draw)

    def _embedded(self) -> int:
        """Embeddings of the prefix for main and sub, which are in the host's memory."""
        if self.bytes_each == 2:
            return 0
        return 2 * self.rows * self.shapes.prefix * self.shapes.width * self.bytes_each

    def _chunk(self, streams: int) -> int:
        """What a chunk of the prefill takes at its fullest: in attention, or in the feed-forward."""
        width, each = self.shapes.width, self.bytes_each
        whole = self.shapes.prefix + 1
        taken = self.rows * (whole if self.kind == "mulaw8" else min(PREFILL_CHUNK, whole))
        part = min(taken, self.rows * PREFILL_CHUNK)
        turning = 16 * width + (8 * width if each == 2 else 0)
        given = (2 * streams - 1) * width * each + (4 * width if each == 2 else 0)
        attention = taken * _ATTENTION[each] * width * each + part * turning
        feed = taken * (4 * width + 2 * width * each) + part * 3 * self.shapes.ffn * each
        return taken * given + max(attention, feed)

    def _unpacked(self, *matrices: tuple[int, int]) -> int:
        """The part that is unpacked at a time of the widest of some rounded matrices, each [rows, inputs]."""
        if self.weights not in _ROUNDED:
            return 0
        each, is_int4 = self.bytes_each, self.weights == "int4"
        # Groups of int4 come in pairs, of whose codes one half is taken out at a time.
        wide = [
            (rows, 2 * _SCALE_INPUTS * _pairs(inputs) if is_int4 else inputs) for rows, inputs in matrices
        ]
        values = max(matrix_rows_at_once(rows, inputs * each) * inputs for rows, inputs in wide)
        return values * each + (values // 2 if is_int4 else 0)


def page_bytes(shapes: TokenShapes, *, rows: int, positions: int) -> int:
    """What static steps keep of a song beside its cache: its columns, marks, knobs, bans and logits."""
    columns = CODEBOOKS * (positions - shapes.prefix + 1) * _ID_BYTES
    logits = rows * CODEBOOKS * (shapes.codes + 1) * 4
    return columns + 2 * CODEBOOKS * _ID_BYTES + shapes.codes + logits + _MARK_BYTES


def cache_bytes(kind: str, *, layers: int, rows: int, heads: int, positions: int, dim: int) -> int:
    """Bytes of a stack's KV cache, scales included (levo-tokens spec §10)."""
    values = 2 * layers * rows * heads * positions * dim * _CACHE_BYTES[kind]
    if kind == "mulaw8":
        return values + 2 * 2 * layers * rows * positions
    if kind == "int8":
        return values + 2 * layers * rows * heads * positions * _scales(dim)
    return values


def scratch_bytes(kind: str, *, rows: int, heads: int, positions: int, dim: int, bytes_each: int) -> int:
    """Bytes that keys and values are unpacked into; `bytes_each` is the network's own."""
    if _CACHE_BYTES[kind] == bytes_each:
        return 0
    head = rows * positions * dim
    count = heads_at_once(heads, 2 * head * bytes_each)
    unpacked = 2 * count * head * bytes_each
    if kind == "mulaw8":
        looked_up = positions * dim * looked_up_bytes(bytes_each)
        return unpacked + looked_up_at_once(count, looked_up) * looked_up
    if kind == "int8":
        each = 2 if bytes_each == 2 else 2 + bytes_each
        return unpacked + count * rows * positions * _scales(dim) * each
    return unpacked


def _scales(dim: int) -> int:
    return dim // _SCALE_CHANNELS if dim % _SCALE_CHANNELS == 0 else 1


def main_parameters(shapes: TokenShapes) -> int:
    """Parameters that are read for codebook 0 (levo-tokens spec §10)."""
    codes = (2 * shapes.codes + 3) * shapes.width
    return _stack_parameters(shapes, shapes.main_layers) + codes


def sub_parameters(shapes: TokenShapes) -> int:
    """Parameters that are read for codebooks 1 and 2, with the bridge from main (levo-tokens spec §10)."""
    width = shapes.width
    codes = (CODEBOOKS - 1) * (2 * shapes.codes + 3) * width
    return _stack_parameters(shapes, shapes.sub_layers) + codes + 3 * width * width + 2 * width


def _stack_parameters(shapes: TokenShapes, layers: int) -> int:
    return _values(_stack_matrices(shapes, layers)) + layers * 2 * shapes.width + shapes.width


def _stack_matrices(shapes: TokenShapes, layers: int) -> _Matrices:
    width, ffn = shapes.width, shapes.ffn
    return [(4 * width + 2 * ffn, width, layers), (width, ffn, layers)]


def _values(matrices: _Matrices) -> int:
    return sum(rows * inputs * count for rows, inputs, count in matrices)


def _rounded_bytes(kind: str, matrices: _Matrices) -> int:
    """Bytes of matrices and their scales in int8, or in int4, whose groups come in pairs."""
    return sum(
        rows * ((inputs if kind == "int8" else _SCALE_INPUTS * _pairs(inputs)) + 2 * _groups(inputs)) * count
        for rows, inputs, count in matrices
    )


def _groups(inputs: int) -> int:
    return -(-inputs // _SCALE_INPUTS)


def _pairs(inputs: int) -> int:
    return -(-inputs // (2 * _SCALE_INPUTS))
