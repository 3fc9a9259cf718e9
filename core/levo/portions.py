"""How much is worked on at a time, so that songs need little besides weights and cache; no torch."""

UNPACKED_BYTES = 72 << 20
"""Keys and values of one layer that are unpacked at a time: of all heads in songs of two minutes."""
LOOKED_UP_BYTES = 20 << 20
"""Codes of the µ-law cache that are looked up at a time, with all that this takes."""
WEIGHT_BYTES = 32 << 20
"""Of an int8 matrix that is unpacked at a time."""


def heads_at_once(heads: int, each: int) -> int:
    """How many of a layer's heads are unpacked together when one takes `each` bytes; a divisor of `heads`."""
    return _most(heads, each, UNPACKED_BYTES)


def looked_up_at_once(heads: int, each: int) -> int:
    """How many heads of one row are looked up together when one takes `each` bytes; a divisor of `heads`."""
    return _most(heads, each, LOOKED_UP_BYTES)


def looked_up_bytes(value: int) -> int:
    """What looking a code up takes when a value has so many bytes: its index, and its half where that is
    not the value itself."""
    return 4 if value == 2 else 4 + 2


def matrix_rows_at_once(rows: int, row: int) -> int:
    """How many rows of an int8 matrix are unpacked together when one takes `row` bytes."""
    return max(1, min(rows, WEIGHT_BYTES // row))


def _most(count: int, each: int, room: int) -> int:
    return max(n for n in range(1, count + 1) if count % n == 0 and (n == 1 or n * each <= room))
