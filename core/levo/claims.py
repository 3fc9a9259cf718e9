"""What the index of a torch file claims of its tensors, checked by numbers alone; no torch."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from core.headers import MOST_AXES, MOST_VALUES

STORAGES: Mapping[str, tuple[str, int]] = {
    "DoubleStorage": ("float64", 8), "FloatStorage": ("float32", 4), "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2), "LongStorage": ("int64", 8), "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1), "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}  # fmt: skip
"""By the name of torch's class the dtype of a storage and the bytes of a value."""
DTYPES = frozenset(name for name, _ in STORAGES.values())


class Unfit(ValueError):
    """A claim that cannot be true, in words for a person."""


@dataclass(frozen=True, slots=True)
class Name:
    """Something of torch's that an index may name: only a name here, never what it stands for."""

    full: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A record of an archive that values lie in."""

    dtype: str
    width: int
    """Bytes of a value."""
    key: str
    count: int

    @property
    def size(self) -> int:
        """Bytes of all its values."""
        return self.count * self.width


@dataclass(frozen=True, slots=True)
class Claim:
    """A tensor of an index: which values of a storage it has. None of them lies outside of that."""

    storage: Storage
    first: int
    """Index of its first value."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many values it has; more than its storage where it repeats some."""
        return prod(self.shape)

    @property
    def is_row(self) -> bool:
        """Whether its values lie one behind the other."""
        step = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if size != 1 and stride != step:
                return not self.values
            step *= size
        return True

    @property
    def is_plain(self) -> bool:
        """Whether each of its values has a place of its own in the storage."""
        step = 1
        for stride, size in sorted(zip(self.strides, self.shape, strict=True)):
            if size > 1:
                if stride < step:
                    return not self.values
                step = stride * size
        return True


def stored(given: object) -> Storage:
    """The storage that a persistent id names; Unfit for any other."""
    if not isinstance(given, tuple) or len(given) not in (5, 6) or given[5:] not in ((), (None,)):
        raise Unfit("it refers to what is no storage")
    word, kind, key, device, count = given[:5]
    is_kind = isinstance(kind, Name) and kind.full.removeprefix("torch.") in STORAGES
    texts = isinstance(key, str) and isinstance(device, str)
    if word != "storage" or not is_kind or not texts or not _is_count(count):
        raise Unfit("it refers to what is no storage")
    return Storage(*STORAGES[kind.full.removeprefix("torch.")], key, count)


def _tensor(*given: object) -> Claim:
    """A tensor as `torch._utils._rebuild_tensor_v2` is asked for it."""
    if len(given) not in (6, 7):
        raise Unfit("a tensor in it is not described as torch does")
    storage, first, shape, strides, grad, hooks = given[:6]
    fits = isinstance(storage, Storage) and _is_count(first) and isinstance(grad, bool)
    if not fits or not _are_counts(shape) or not _are_counts(strides) or hooks or any(given[6:]):
        raise Unfit("a tensor in it is not described as torch does")
    assert isinstance(storage, Storage) and isinstance(first, int)  # noqa: PT018 - said for mypy
    assert isinstance(shape, tuple) and isinstance(strides, tuple)  # noqa: PT018
    if len(shape) != len(strides) or len(shape) > MOST_AXES or prod(shape) > MOST_VALUES:
        raise Unfit("a tensor in it has a shape that no tensor has")
    last = first + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if first > storage.count or (prod(shape) and last >= storage.count):
        raise Unfit("a tensor in it reaches beyond its values")
    return Claim(storage, first, shape, strides)


def _parameter(*given: object) -> Claim:
    if len(given) != 3 or not isinstance(given[0], Claim) or not isinstance(given[1], bool) or given[2]:
        raise Unfit("a parameter in it is not described as torch does")
    return given[0]


def _bytes(*given: object) -> bytes:
    """Bytes, which an index of this form holds as text."""
    if len(given) != 2 or not isinstance(given[0], str) or given[1] != "latin1":
        raise Unfit("bytes in it are not written as torch does")
    return given[0].encode("latin1")


def _ordered(*given: object) -> "OrderedDict[object, object]":
    if given:
        raise Unfit("a dictionary in it is not written as torch does")
    return OrderedDict()


def _set(*given: object) -> frozenset[object]:
    if len(given) != 1 or not isinstance(given[0], list):
        raise Unfit("a set in it is not written as torch does")
    if not all(isinstance(each, str) or type(each) is int for each in given[0]):
        raise Unfit("a set in it holds more than words and numbers")
    return frozenset(given[0])


def _size(*given: object) -> tuple[int, ...]:
    if len(given) != 1 or not isinstance(given[0], tuple) or not _are_counts(given[0]):
        raise Unfit("a size in it is none")
    return given[0]


def _device(*given: object) -> str:
    if not given or not isinstance(given[0], str) or not all(_is_count(index) for index in given[1:2]):
        raise Unfit("a device in it is none")
    return ":".join(map(str, given[:2]))


MADE: Mapping[str, Callable[..., object]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": _ordered,
    "_codecs.encode": _bytes,
    "builtins.set": _set,
    "__builtin__.set": _set,
    "torch.Size": _size,
    "torch.device": _device,
}
"""By the full name of what an index may call, what is done here in its place."""
ALLOWED = frozenset(MADE) | {f"torch.{name}" for name in (*STORAGES, *DTYPES)}
"""Every name that an index may hold."""


def _is_count(number: object) -> bool:
    return type(number) is int and 0 <= number <= MOST_VALUES


def _are_counts(numbers: object) -> bool:
    return isinstance(numbers, tuple) and all(_is_count(number) for number in numbers)
