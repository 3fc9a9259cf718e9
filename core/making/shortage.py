"""Whether an error says that memory ran out, in the words of each library that may say so."""

import errno

_SAID = (
    "out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc",
    "bad allocation", "alloc_failed", "allocfailed", "outofmemory", "failed to allocate",
)  # fmt: skip
"""CUDA and HIP, the processor's allocator, the C++ library, and BLAS and DNN libraries."""


def is_shortage(error: BaseException) -> bool:
    """Whether an allocation failed, on the host or on the device."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _SAID)
