"""Weights from a safetensors file into a module, tensor by tensor, or one clear line why not."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.errors import SongdeskError
from core.headers import read_header
from core.kernels.packing import groups, int4_weight, int8_weight
from core.levo.portions import matrix_rows_at_once

M = TypeVar("M", bound=nn.Module)
L = TypeVar("L")
_NAMED = 3
_PIECE = 1 << 26
"""Bytes read between two pauses."""
_SCALE = "_scale"
_ROUNDED = (torch.int8, torch.uint8)
"""What rounded matrices are declared as: int8, and int4 two to a byte."""


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
    key in `twin`, the state of a module in memory, is shared with it. A matrix that the module declares as
    int8 or int4, with its scales under `<key>_scale`, is rounded on its way in, part by part, so that it is
    never in memory as it is stored. Raises SongdeskError when the file is missing, damaged or a Git LFS
    pointer, or when tensors are missing or of another shape.
    """
    return at_once(module_by_pieces(build, path, device, dtype=dtype, prefix=prefix, twin=twin))


def module_by_pieces(
    build: Callable[[], M], path: Path, device: torch.device,
    *, dtype: torch.dtype | None = None, prefix: str = "", twin: Mapping[str, Tensor] | None = None,
) -> Generator[None, None, M]:  # fmt: skip
    """The same with pauses, in which other work may be done."""
    with hollow():
        module = build()
    wanted = {prefix + key: tensor for key, tensor in module.state_dict().items()}
    shapes = {key: tuple(tensor.shape) for key, tensor in wanted.items()} | _as_stored(module, prefix)
    found = yield from _read(path, wanted, shapes, device, dtype, twin or {})
    module.load_state_dict({key.removeprefix(prefix): found[key] for key in wanted}, assign=True)
    return module.eval().requires_grad_(False)


def at_once(loading: Generator[None, None, L]) -> L:
    """What comes of loading without a pause."""
    while True:
        try:
            next(loading)
        except StopIteration as end:
            loaded: L = end.value
            return loaded


def _as_stored(module: nn.Module, prefix: str) -> dict[str, tuple[int, ...]]:
    """By key the shape in a file of what a module keeps in another, which it tells as `stored`."""
    parts = ((name, getattr(part, "stored", None)) for name, part in module.named_modules())
    return {f"{prefix}{name}.weight": tuple(shape) for name, shape in parts if shape is not None}


def _read(
    path: Path,
    wanted: dict[str, Tensor],
    shapes: dict[str, tuple[int, ...]],
    device: torch.device,
    dtype: torch.dtype | None,
    twin: Mapping[str, Tensor],
) -> Generator[None, None, dict[str, Tensor]]:
    if not path.is_file():
        raise SongdeskError("these weights are not here", where=str(path), hint="see `songdesk models`")
    read_header(path)
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            rounded = [key for key, like in wanted.items() if like.dtype in _ROUNDED]
            plain = {key: like for key, like in wanted.items() if key.removesuffix(_SCALE) not in rounded}
            stored = {key: shapes[key] for key in (*plain, *rounded)}
            _fits(path, stored, {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()})  # noqa: SIM118
            found: dict[str, Tensor] = {}
            read = 0
            for key in stored:
                if key in plain:
                    found[key] = _shared(_cast(file.get_tensor(key), plain[key], dtype), twin.get(key))
                else:
                    found[key], found[key + _SCALE] = _rounded(
                        file.get_slice(key), wanted[key], shapes[key], device
                    )
                read += found[key].nbytes
                if read >= _PIECE:
                    read = 0
                    yield
            return found
    except (SafetensorError, OSError) as error:  # it changed meanwhile
        hint = "delete it and fetch or make it again"
        raise SongdeskError("cut short or damaged", where=str(path), hint=hint) from error


def _rounded(
    stored: Any, like: Tensor, shape: tuple[int, ...], device: torch.device
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Codes and scales of a matrix in a file, of which only some rows are in memory at a time.

    No file holds them rounded: an accelerator rounds faster than a disk reads, and a processor at 10 ns a
    value in int8 (some 100 in int4), which is little beside a song and would cost a second file of 4 GB.
    """
    count, width = shape
    made = int8_weight if like.dtype == torch.int8 else int4_weight
    codes = torch.empty(like.shape, dtype=like.dtype, device=device)
    scales = torch.empty(count, groups(width), dtype=torch.float16, device=device)
    rows = matrix_rows_at_once(count, 4 * width)
    for first in range(0, count, rows):
        part = slice(first, min(first + rows, count))
        codes[part], scales[part] = made(stored[part].to(device))
    return codes, scales


def _fits(path: Path, wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> None:
    missing = [key for key in wanted if key not in found]
    if missing:
        raise SongdeskError(
            f"{len(missing)} of {len(wanted)} tensors are missing: {_few(missing)}",
            where=str(path),
            hint="this file is of another model or version; fetch or make it again",
        )
    other = [
        f"{key} is {_show(found[key])} where {_show(shape)} belongs"
        for key, shape in wanted.items()
        if found[key] != shape
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


def _few(items: list[str]) -> str:
    rest = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + rest


def _show(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"
