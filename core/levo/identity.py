"""What tells one state of a model from another: its weights, and the version of what phases exchange."""

import hashlib
from pathlib import Path

from core.checkpoints import model_folder
from core.registry import Variant

RULE = "1"
"""Version of the rule that makes demo weights; files made by another are made again."""
ARTIFACTS = "1"
"""Version of what the phases hand to each other."""
_SAMPLE = 1 << 20
"""Bytes of a weight file that are read: its table of tensors and the first of them."""


def identity(chosen: Variant) -> str:
    """A short text that changes when the same song would be made otherwise; reads little of large files."""
    digest = hashlib.sha256(f"{ARTIFACTS} {chosen.version} {chosen.shapes}".encode())
    if chosen.weights == "rule":
        digest.update(RULE.encode())
    else:
        for path in sorted(model_folder(chosen).glob("*.safetensors")):
            digest.update(_beginning(path))
    return digest.hexdigest()[:16]


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return f"{path.name} {path.stat().st_size} ".encode() + file.read(_SAMPLE)
