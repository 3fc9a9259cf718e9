"""Trained weights into the product: checked, copied beside the program, and listed with their hashes.

The part `ship` of the training, done only when asked for, takes the files that `export` wrote.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from core.atomic import replacing, write_text
from core.digest import sha256_of
from core.errors import SongdeskError
from core.headers import read_header
from core.levo.demo import empty_module
from core.levo.shapes import Shapes

MODEL = "demo"
ROLES = ("tokens", "flow", "vae", "mix_encoder", "stem_encoder", "separator", "styles")
MOST = 24_000_000
"""Bytes of all files together."""
_BLOCK = re.compile(rf"(?ms)^{MODEL}:\n(?:[ #].*?\n|\n)*?(?=^\S|\Z)")
_FILES = re.compile(r"  files:\n(?:    .*\n)+")
_LIMITS = re.compile(r"(?m)^  limits:")


def ship(folder: Path, shapes: Shapes, *, into: Path, models: Path) -> None:
    """Check the files of a folder, copy them to `into` and list them in `models`, a registry.

    Raises SongdeskError, with nothing copied, for files that are missing, do not fit or are too large.
    """
    paths = [folder / f"{role}.safetensors" for role in ROLES]
    for role, path in zip(ROLES, paths, strict=True):
        _check(role, path, shapes)
    if (size := sum(path.stat().st_size for path in paths)) > MOST:
        raise SongdeskError(f"{size:,} bytes together, more than {MOST:,}", where=str(folder))
    into.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if path.resolve() != (into / path.name).resolve():
            with replacing(into / path.name) as temporary:
                shutil.copyfile(path, temporary)
    write_text(models, listed(models.read_text(encoding="utf-8"), [into / path.name for path in paths]))


def listed(text: str, paths: Iterable[Path]) -> str:
    """A registry's text with these files for the demo's, by their sizes and hashes; its other lines stay."""
    lines = "".join(f"    - {{{_entry(path)}}}\n" for path in paths)
    block = _BLOCK.search(text)
    if block is None:
        raise SongdeskError(f"no model `{MODEL}` in the registry", hint="it begins its own line")
    entry = _LIMITS.sub("  files:\n" + lines + "  limits:", _FILES.sub("", block[0]), count=1)
    return text[: block.start()] + entry + text[block.end() :]


def _entry(path: Path) -> str:
    where = f'path: {MODEL}/{path.name}, repo: "", roles: [{path.stem}], shared: false'
    return f'{where}, bytes: {path.stat().st_size}, sha256: "{sha256_of(path)}"'


def _check(role: str, path: Path, shapes: Shapes) -> None:
    """Refuse what the loader would: a damaged file, and tensors that are missing or of another shape."""
    found = {name: tensor.shape for name, tensor in read_header(path).tensors.items()}
    if role == "styles":
        return
    wanted = {key: tuple(like.shape) for key, like in empty_module(role, shapes).state_dict().items()}
    other = sorted(key for key, shape in wanted.items() if found.get(key) != shape)
    if other or len(found) > len(wanted):
        odd = other or sorted(found.keys() - wanted.keys())
        raise SongdeskError(f"{len(odd)} tensors do not fit, such as {odd[0]}", where=str(path))
