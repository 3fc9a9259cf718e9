"""Whether an error says that memory ran out, in the words of each library that may say so."""

import errno
from collections.abc import Iterator

from core.errors import Cancelled, SongdeskError

_SAID = (
    "out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc",
    "bad allocation", "alloc_failed", "allocfailed", "outofmemory", "failed to allocate",
    "cublas_status_not_initialized", "cudnn_status_not_initialized", "hipblas_status_not_initialized",
    "rocblas_status_memory_error", "unable to find an engine to execute this computation",
)  # fmt: skip
"""CUDA and HIP, the processor's allocator, the C++ library, and BLAS and DNN libraries.

Those libraries start at their first call and ask for scratch in each: a device that is full by then keeps
them from it, and they name only what came of that.
"""
_DEEP = 10
"""So many errors behind an error are looked at."""


def is_shortage(error: BaseException) -> bool:
    """Whether an allocation failed, on the host or on the device, or an error came of one that did.

    What a person can mend otherwise (SongdeskError) or has asked for (Cancelled) stays what it is.
    """
    if isinstance(error, SongdeskError | Cancelled):
        return False
    return any(_says_so(one) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those it came of, or came up in dealing with."""
    now: BaseException | None = error
    for _ in range(_DEEP):
        if now is None:
            return
        yield now
        now = now.__cause__ or now.__context__


def _says_so(error: BaseException) -> bool:
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _SAID)
