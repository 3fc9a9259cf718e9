"""Tensors in files: safetensors written whole or not at all, and what they say of themselves."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from core.atomic import replacing


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors of the host atomically; SongdeskError when the folder or the disk refuses."""
    with replacing(path) as temporary:
        try:
            save_file(dict(tensors), temporary, dict(metadata))
        except SafetensorError as error:  # the library wraps what the disk says
            raise OSError(str(error)) from error


def metadata_of(path: Path) -> Mapping[str, str]:
    """What a file says of itself; nothing where there is no file that can be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}
