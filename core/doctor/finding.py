"""What a check found: a line with a verdict, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "warn", "fail", "unknown"]
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    id: str
    """Names the check; it stays the same from version to version."""
    title: str
    status: Status
    what: str
    fix: str = ""
    """What a person can do; empty where nothing is wrong."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """Numbers and names for whoever reads the report by program."""


def gib(count: float | None) -> str:
    """Memory in words: `15.9 GiB`, or `unknown`."""
    return "unknown" if count is None else f"{count / GIB:.1f} GiB"


def gb(count: float) -> str:
    """Files and disks in words: `12.9 GB`."""
    return f"{count / 1e9:.1f} GB"


def few(names: list[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
