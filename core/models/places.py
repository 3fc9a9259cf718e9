"""Where published files are below the folder of all weights while they are fetched; no torch."""

import hashlib
from pathlib import Path

from core.paths import checkpoints
from core.registry import PublishedFile


def published_folder() -> Path:
    """The folder of files as published and of unfinished ones; it need not exist."""
    return checkpoints() / "published"


def source_path(file: PublishedFile) -> Path:
    """Where a file is as published, whole and verified, until it is converted: paths as on the hub."""
    return published_folder() / file.repo / file.path


def part_path(file: PublishedFile) -> Path:
    """Where a file is while it comes."""
    name = hashlib.sha256(f"{file.repo}/{file.path}".encode()).hexdigest()[:16]
    return published_folder() / ".parts" / f"{name}-{file.name}"
