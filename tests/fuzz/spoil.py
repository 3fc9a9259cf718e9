"""Ways in which a file's bytes go wrong, and the property that any reader of files is to have."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.headers import _UNSHOWN

Spoiler = Callable[[bytes], bytes]

_ANY = list(HealthCheck)
_QUICK = settings(max_examples=30, deadline=None, suppress_health_check=_ANY, derandomize=True)
_LONG = settings(max_examples=2000, deadline=None, suppress_health_check=_ANY)
"""With `-m slow`: other examples each time."""

_WORDS = (
    b"\0", b"\xff", b"../../x", b"/etc/passwd", b"\x80\x02cos\nsystem\n", b"(S'x'\ntR.", b"\x93", b"R", b"b",
    b"\x81", b"Q", b".", b"PK\x05\x06", b"PK\x01\x02", b"PK\x06\x07", b'{"', b"[" * 50, b"NaN", b"1e999",
    b"\xff\xff\xff\x7f", b"\xff" * 8, b"__metadata__", b"data.pkl", b"\xed\xa0\x80", b"&a [*a,*a]",
)  # fmt: skip
"""What files of these kinds give a meaning to."""


def fuzzed(
    check: Callable[..., None], **strategies: st.SearchStrategy[object]
) -> tuple[Callable[..., None], Callable[..., None]]:
    """A property tried on some examples, always the same, and on thousands that are not."""
    long = pytest.mark.timeout(1800)(pytest.mark.slow(_LONG(given(**strategies)(check))))
    return _QUICK(given(**strategies)(check)), long


def spoiled(sound: bytes) -> st.SearchStrategy[bytes]:
    """A sound file cut, flipped, filled, doubled or overwritten, some times over."""
    return st.lists(_change(len(sound)), min_size=1, max_size=4).map(lambda changes: _all(sound, changes))


def _all(data: bytes, changes: list[Spoiler]) -> bytes:
    for change in changes:
        data = change(data)
    return data


def _change(length: int) -> st.SearchStrategy[Spoiler]:
    place = st.integers(0, max(0, length - 1)) | st.integers(0, min(200, length)) | _near_end(length)
    some = st.binary(min_size=1, max_size=12) | st.sampled_from(_WORDS)
    return st.one_of(
        place.map(lambda at: lambda data: data[:at]),
        st.tuples(place, st.integers(0, 7)).map(lambda at: lambda data: _flip(data, *at)),
        st.tuples(place, some).map(lambda at: lambda data: data[: at[0]] + at[1] + data[at[0] :]),
        st.tuples(place, some).map(
            lambda at: lambda data: data[: at[0]] + at[1] + data[at[0] + len(at[1]) :]
        ),
        st.tuples(place, place).map(lambda at: lambda data: data[: at[0]] + data[at[1] :]),
    )


def _near_end(length: int) -> st.SearchStrategy[int]:
    return st.integers(max(0, length - 120), max(0, length - 1))


def _flip(data: bytes, at: int, bit: int) -> bytes:
    if at >= len(data):
        return data
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def holds(read: Callable[[Path], object], path: Path) -> None:
    """Whatever is in a file: it is read, or refused in one line that is fit for a terminal."""
    told = ""
    try:
        read(path)
    except SongdeskError as error:
        told = str(error)
    assert _UNSHOWN.search(told) is None, repr(told)
