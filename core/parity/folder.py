"""A folder of golden vectors: its manifest and files, or one clear line why it cannot be read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.tensors import load_tensors

MANIFEST = "manifest.json"
_AGAIN = "get this folder again"

Entry = Mapping[str, Any]
"""What a manifest says of a file or of a case."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One folder."""

    path: Path
    manifest: Entry

    @property
    def kind(self) -> str:
        """`lm`, `audio`, or `other`."""
        if "tiny_config" in self.manifest:
            return "lm"
        return "audio" if "cases" in self.manifest else "other"

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Every tensor of one file."""
        path = self.path / name
        try:
            return load_tensors(path)
        except SongdeskError as error:
            raise SongdeskError(f"missing or damaged ({error.what})", where=str(path), hint=_AGAIN) from error

    def entries(self, name: str) -> Entry:
        """One JSON file."""
        return _json(self.path / name)


def open_folder(path: Path) -> Golden:
    """Read a folder's manifest; SongdeskError when there is none or it is damaged."""
    if not (path / MANIFEST).is_file():
        raise SongdeskError(
            f"no {MANIFEST} here",
            where=str(path),
            hint="name a folder of golden vectors, such as tests/golden/lm",
        )
    return Golden(path, _json(path / MANIFEST))


def folders_in(path: Path) -> list[Path]:
    """The folder itself when it has a manifest, else those right under it that have, else itself again."""
    if (path / MANIFEST).is_file() or not path.is_dir():
        return [path]
    return sorted(found.parent for found in path.glob(f"*/{MANIFEST}")) or [path]


def by_case(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors named `<case>/<tensor>` as one mapping a case, in the order of their names."""
    cases: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, rest = key.partition("/")
        cases.setdefault(name, {})[rest] = tensor
    return cases


def codes(tensor: Tensor) -> Tensor:
    """Stored codes or ids in the type the product works in."""
    return tensor.to(torch.int64)


def _json(path: Path) -> Entry:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SongdeskError(f"missing or damaged ({error})", where=str(path), hint=_AGAIN) from error
    if not isinstance(entry, dict):
        raise SongdeskError("damaged: no JSON object", where=str(path), hint=_AGAIN)
    return entry
