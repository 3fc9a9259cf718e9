"""Where a model's weights are, and what to say when they are not."""

from collections.abc import Iterable
from pathlib import Path

from core.engine import Stage
from core.errors import SongdeskError
from core.paths import checkpoints
from core.registry import Variant


def model_folder(chosen: Variant) -> Path:
    """The folder of one model's weights; it need not exist."""
    return checkpoints() / chosen.id


def require_weights(chosen: Variant, stages: Iterable[Stage]) -> None:
    """Miss a weight file before the first stage rather than after it; a rule's files are made when needed."""
    if chosen.weights != "rule":
        for role in (role for stage in stages for role in stage.roles):
            role_file(chosen, role)


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
