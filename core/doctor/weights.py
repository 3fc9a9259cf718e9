"""Checks of the files of models: whole or not, their hashes, and what only looks like them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from core.checkpoints import find_role, model_folder
from core.doctor.finding import Finding, few
from core.doctor.scene import Scene
from core.making.weighing import recorded
from core.models.presence import presence_of
from core.models.suspect import suspect
from core.paths import checkpoints, shipped_weights
from core.registry import Variant, variants
from core.shipped import digest_of, faults_of, mending
from core.sizes import gigabytes

_WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
_SMALL = 1 << 16
"""Bytes of the largest page that is looked for."""
_MOST_FILES = 5000
_LARGEST_HEADER = 100 << 20


def models(_: Scene) -> Finding:
    """Which models are here, whether their files are whole, and whether they are as they were."""
    here = {path: chosen.weights == "shipped" for chosen, path in _files()}
    if faults := _faults():
        what = few([f"{name} is {fault}" for name, fault in faults.items()])
        fix = mending(next(iter(faults.values())))
        return Finding("models", "Models", "fail", what, fix, {"faults": faults})
    broken = [path.name for path in here if not _is_whole(path)]
    known = {
        path: ("known", digest_of(path)) if is_ours else recorded(path) for path, is_ours in here.items()
    }
    changed = [_named(path) for path, (state, _) in known.items() if state == "changed"]
    hashes = {_named(path): digest for path, (state, digest) in known.items() if state == "known"}
    sizes = {_named(path): path.stat().st_size for path in here}
    facts: dict[str, object] = {"files": sizes, "sha256": hashes, "changed": changed}
    able, begun = _present()
    facts |= {"able": able, "begun": begun}
    what = f"{', '.join(able) or 'none'} ready; {len(here)} files, {gigabytes(sum(sizes.values()))}"
    if broken:
        fix = "fetch and convert these again: songdesk models fetch NAME"
        return Finding("models", "Models", "fail", f"{what}; not whole: {few(broken)}", fix, facts)
    if changed:
        what = f"{what}; changed since their hash was taken: {few(changed)}"
        fix = "nothing, if you changed them; takes made with them tell another hash from now on"
        return Finding("models", "Models", "warn", what, fix, facts)
    if begun:
        fix = "songdesk models fetch NAME brings what is missing"
        return Finding("models", "Models", "warn", f"{what}; {few(begun)}", fix, facts)
    return Finding("models", "Models", "ok", f"{what}; {_hashes(len(hashes), len(here))}", facts=facts)


def stand_ins(_: Scene) -> Finding:
    """Files that are none of what their names say: LFS pointers, and pages that a server sent instead."""
    found = {}
    ours = shipped_weights()
    folders = [checkpoints(), *([] if ours.is_relative_to(checkpoints()) else [ours])]
    for path in (path for folder in folders for path in _small_files(folder)):
        kind = _kind(path)
        if kind:
            found[_named(path)] = kind
    facts = {"files": found}
    if not found:
        what = "no LFS pointer or web page among the weights"
        return Finding("stubs", "Stand-ins", "ok", what, facts=facts)
    what = few([f"{name} is {kind}" for name, kind in found.items()])
    fix = "git lfs pull, or songdesk models fetch NAME; what a server said instead can be deleted"
    return Finding("stubs", "Stand-ins", "fail", what, fix, facts)


def _files() -> Iterator[tuple[Variant, Path]]:
    for chosen in variants().values():
        for role in _roles(chosen):
            if (path := find_role(chosen, role)) is not None:
                yield chosen, path


def _faults() -> dict[str, str]:
    """What is wrong with the weights that came with songdesk, by file; reads them whole."""
    return {
        f"{chosen.id}/{role}.safetensors": fault
        for chosen in variants().values()
        for role, fault in faults_of(chosen).items()
    }


def _present() -> tuple[list[str], list[str]]:
    """Models that can make a song, and those that are begun, with what they lack.

    A model is begun where its own weights are here: what it shares with others says nothing.
    """
    able, begun = [], []
    for chosen in variants().values():
        presence = presence_of(chosen)
        if presence.usable and presence.here:
            able.append(chosen.id)
        elif presence.needed and any(model_folder(chosen).glob("*.safetensors")):
            begun.append(f"{chosen.id} {presence.words}")
    return able, begun


def _roles(chosen: Variant) -> tuple[str, ...]:
    if chosen.sources:
        return tuple(chosen.sources)
    folder = model_folder(chosen)
    return tuple(sorted(path.stem for path in folder.glob("*.safetensors"))) if folder.is_dir() else ()


def _is_whole(path: Path) -> bool:
    """Whether a file is as long as its header says; nothing else of it is read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _LARGEST_HEADER:
                return False
            index = json.loads(file.read(length))
        ends = [about["data_offsets"][1] for name, about in index.items() if name != "__metadata__"]
        return path.stat().st_size == 8 + length + max(ends, default=0)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


def _small_files(folder: Path) -> Iterator[Path]:
    """Files too small to be weights, in a folder and all below it; what cannot be read is passed by."""
    seen = 0
    for place, _, names in os.walk(folder):
        for name in names:
            seen += 1
            path = Path(place, name)
            if seen > _MOST_FILES:
                return
            try:
                is_small = path.is_file() and path.stat().st_size <= _SMALL
            except OSError:
                continue
            if is_small:
                yield path


def _kind(path: Path) -> str:
    """What a file is in truth; nothing where it is what it seems, or a small file of ours such as JSON."""
    try:
        kind = suspect(path)
    except OSError:
        return ""
    if kind == "an empty file" and path.suffix not in _WEIGHTS:
        return ""
    return "" if kind.endswith("JSON") else kind


def _named(path: Path) -> str:
    """A file by its name below the folder of all weights."""
    try:
        return str(path.relative_to(checkpoints()))
    except ValueError:
        return f"{path.parent.name}/{path.name}"


def _hashes(known: int, files: int) -> str:
    if known == files:
        return "all hashes are recorded"
    return f"hashes of {known} are recorded, the others when a song is made with them"
