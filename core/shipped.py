"""The weights that come with the program: whether they are as they were sent, and what to do if not."""

from functools import lru_cache
from pathlib import Path

from core.digest import sha256_of
from core.headers import POINTER
from core.paths import is_packed, shipped_weights
from core.registry import Variant


def shipped_file(chosen: Variant, role: str) -> Path:
    """Where a role's weights are that come with the program; the file need not exist."""
    return shipped_weights() / chosen.id / f"{role}.safetensors"


def fault_of(chosen: Variant, role: str, *, in_full: bool = False) -> str:
    """What is wrong with a shipped file by its size or, in full, its hash, in words; empty for nothing."""
    path = shipped_file(chosen, role)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(len(POINTER))
    except OSError as error:
        return "not here" if isinstance(error, FileNotFoundError) else "not to be read"
    if head == POINTER:
        return "only a Git LFS pointer, not the weights themselves"
    known = next((file for file in chosen.files if role in file.roles), None)
    if known is None:
        return ""
    if known.bytes is not None and size != known.bytes:
        what = "cut short" if size < known.bytes else "damaged"
        return f"{what}: {size:,} bytes, not {known.bytes:,}"
    return "damaged: its SHA-256 is another" if in_full and not known.agrees(digest_of(path)) else ""


def faults_of(chosen: Variant) -> dict[str, str]:
    """What is wrong with a model's files if it is shipped, by role; reads all of them."""
    if chosen.weights != "shipped":
        return {}
    folder = shipped_weights() / chosen.id
    roles = tuple(chosen.sources) or tuple(sorted(path.stem for path in folder.glob("*.safetensors")))
    found = {role: fault_of(chosen, role, in_full=True) for role in roles}
    return {role: fault for role, fault in found.items() if fault}


def mending(fault: str = "") -> str:
    """How to get shipped weights back as they were."""
    if "LFS" in fault:
        return "run `git lfs pull`"
    if is_packed():
        return "install songdesk again: its wheel holds them"
    return "`git checkout -- ckpt/demo` gets them again"


def digest_of(path: Path) -> str:
    """SHA-256 of a file; OSError where it cannot be read. It is read once a process as long as it stays."""
    about = path.stat()
    return _digest(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed: int) -> str:
    return sha256_of(path)
