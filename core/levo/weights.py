"""Weights from a safetensors file into a module, tensor by tensor, or one clear line why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.errors import SongdeskError

M = TypeVar("M", bound=nn.Module)
_POINTER = b"version https://git-lfs"
_NAMED = 3


class _Unfilled(TorchFunctionMode):
    """Leaves out what fills a new module's parameters."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function of torch, or give back what it was to fill."""
        given = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


@contextmanager
def hollow() -> Iterator[None]:
    """Inside, modules are built without memory, and nothing tries to fill it.

    Torch would do the latter by its compiler, which takes more than a second and 100 MB to be there.
    """
    with torch.device("meta"), _Unfilled():
        yield


def load_module(
    build: Callable[[], M],
    path: Path,
    device: torch.device,
    *,
    dtype: torch.dtype | None = None,
    prefix: str = "",
    twin: Mapping[str, Tensor] | None = None,
) -> M:
    """Build a module that owns no memory and give it the tensors of `path`, ready for inference.

    Each floating tensor becomes `dtype`, or what the module declares, on its way in. Keys are the module's
    own with `prefix` before them; others in the file are left unread. A tensor that equals that of the same
    key in `twin`, the state of a module in memory, is shared with it. Raises SongdeskError when the file is
    missing, damaged or a Git LFS pointer, or when tensors are missing or of another shape.
    """
    with hollow():
        module = build()
    wanted = {prefix + key: tensor for key, tensor in module.state_dict().items()}
    found = _read(path, wanted, device, dtype, twin or {})
    module.load_state_dict({key.removeprefix(prefix): found[key] for key in wanted}, assign=True)
    return module.eval().requires_grad_(False)


def _read(
    path: Path,
    wanted: dict[str, Tensor],
    device: torch.device,
    dtype: torch.dtype | None,
    twin: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    if not path.is_file():
        raise SongdeskError("these weights are not here", where=str(path), hint="see `songdesk models`")
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            _fits(path, wanted, {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()})  # noqa: SIM118
            return {
                key: _shared(_cast(file.get_tensor(key), like, dtype), twin.get(key))
                for key, like in wanted.items()
            }
    except (SafetensorError, OSError) as error:
        raise _unreadable(path) from error


def _fits(path: Path, wanted: dict[str, Tensor], found: dict[str, tuple[int, ...]]) -> None:
    missing = [key for key in wanted if key not in found]
    if missing:
        raise SongdeskError(
            f"{len(missing)} of {len(wanted)} tensors are missing: {_few(missing)}",
            where=str(path),
            hint="this file is of another model or version; fetch or make it again",
        )
    other = [
        f"{key} is {_show(found[key])} where {_show(tuple(like.shape))} belongs"
        for key, like in wanted.items()
        if found[key] != tuple(like.shape)
    ]
    if other:
        raise SongdeskError(
            f"{len(other)} tensors have another shape: {_few(other)}",
            where=str(path),
            hint="this file is of another size of the model; fetch or make it again",
        )


def _shared(tensor: Tensor, other: Tensor | None) -> Tensor:
    same = other is not None and other.dtype == tensor.dtype and torch.equal(tensor, other)
    return other if other is not None and same else tensor


def _cast(tensor: Tensor, like: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype or like.dtype) if like.is_floating_point() else tensor.to(like.dtype)


def _unreadable(path: Path) -> SongdeskError:
    with path.open("rb") as file:
        pointer = file.read(len(_POINTER)) == _POINTER
    if pointer:
        return SongdeskError(
            "only a Git LFS pointer, not the weights themselves", where=str(path), hint="run `git lfs pull`"
        )
    return SongdeskError(
        "damaged, or no safetensors file", where=str(path), hint="delete it and fetch or make it again"
    )


def _few(items: list[str]) -> str:
    rest = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + rest


def _show(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"
