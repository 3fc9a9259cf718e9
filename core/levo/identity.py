"""What tells one state of a model from another: its weights, and the version of what phases exchange."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.checkpoints import find_role
from core.registry import Variant
from core.shipped import digest_of

RULE = "1"
"""Version of the rule that makes untrained weights; files made by another are made again."""
ARTIFACTS = "2"
"""Version of what the phases hand to each other."""
LED_BY: Mapping[str, tuple[str, ...]] = {
    "recording": ("separator", "mix_encoder", "stem_encoder", "vae"),
    "stems": ("mix_encoder", "stem_encoder", "vae"),
    "style": ("styles",),
}
"""By kind of reference the weights that make conditions of it."""
_SAMPLE = 1 << 20
"""Bytes of a weight file that are read: its table of tensors and the first of them."""


def identity(chosen: Variant, roles: Iterable[str]) -> str:
    """A short text that changes when these weights would make a song otherwise.

    Of published files it reads little; those that come with songdesk are small, and it reads them whole.
    """
    digest = hashlib.sha256(f"{ARTIFACTS} {chosen.version} {chosen.shapes}".encode())
    if chosen.weights == "rule":
        digest.update(RULE.encode())
    else:
        for path in (find_role(chosen, role) for role in sorted(set(roles))):
            digest.update(_mark(chosen, path) if path is not None else b"missing ")
    return digest.hexdigest()[:16]


def _mark(chosen: Variant, path: Path) -> bytes:
    return f"{path.name} {digest_of(path)} ".encode() if chosen.weights == "shipped" else _beginning(path)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return f"{path.name} {path.stat().st_size} ".encode() + file.read(_SAMPLE)
