"""Checks of room: memory of the host, and disks for models and songs."""

import shutil
from pathlib import Path

import psutil

from core.doctor.finding import Finding, gb, gib
from core.doctor.scene import Scene
from core.paths import checkpoints, library

_LITTLE_RAM, _ENOUGH_RAM = 2 << 30, 6 << 30
_FOR_MODEL = 30e9
"""Bytes for one large model: its published file beside the converted one, and what all models share."""
_FOR_SONGS, _FULL = 5e9, 500e6


def ram(_: Scene) -> Finding:
    """Memory of the host."""
    memory = psutil.virtual_memory()
    facts = {"total": memory.total, "available": memory.available}
    what = f"{gib(memory.total)}, {gib(memory.available)} available"
    if memory.available < _LITTLE_RAM:
        return Finding("ram", "Memory", "warn", what, "close other programs before a song is made", facts)
    if memory.total < _ENOUGH_RAM:
        return Finding("ram", "Memory", "warn", what, "published models may not fit; demo does", facts)
    return Finding("ram", "Memory", "ok", what, facts=facts)


def disk_for_models(_: Scene) -> Finding:
    """The disk that weights go to."""
    return _disk(
        "disk-models", "Disk for models", checkpoints(), _FOR_MODEL, "free some, or set SONGDESK_CKPT"
    )


def disk_for_songs(_: Scene) -> Finding:
    """The disk that songs go to."""
    return _disk("disk-songs", "Disk for songs", library(), _FOR_SONGS, "free some, or set SONGDESK_LIBRARY")


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next((place for place in (path, *path.absolute().parents) if place.exists()), Path("/"))


def _disk(name: str, title: str, place: Path, wanted: float, fix: str) -> Finding:
    try:
        free = shutil.disk_usage(existing(place)).free
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Finding(name, title, "unknown", f"unknown: {why}", facts={"folder": str(place)})
    facts = {"folder": str(place), "free": free, "wanted": int(wanted)}
    what = f"{gb(free)} free for {place}"
    if free < _FULL:
        return Finding(name, title, "fail", f"{what}: full", fix, facts)
    if free < wanted:
        return Finding(name, title, "warn", f"{what}; {gb(wanted)} are wanted", fix, facts)
    return Finding(name, title, "ok", what, facts=facts)
