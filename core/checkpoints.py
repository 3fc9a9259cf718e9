"""Where a model's weights are, and what to say when they are not."""

from pathlib import Path

from core.errors import SongdeskError
from core.paths import checkpoints
from core.registry import Variant


def model_folder(chosen: Variant) -> Path:
    """The folder of one model's weights; it need not exist."""
    return checkpoints() / chosen.id


def role_file(chosen: Variant, role: str) -> Path:
    """The safetensors file of one role's weights; SongdeskError when it is missing."""
    path = model_folder(chosen) / f"{role}.safetensors"
    if not path.is_file():
        raise SongdeskError(
            f"the weights of {chosen.id} are not here",
            where=str(path),
            hint=f"{chosen.note}; --model demo runs without",
        )
    return path
