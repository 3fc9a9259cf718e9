"""How much memory a container, or another group of processes with a limit, leaves to this one; no torch."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_PLACE = Path("sys/fs/cgroup")
_NOW = ("memory.max", "memory.current", "inactive_file")
_OLD = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
"""The files of limit and use, and what `memory.stat` calls files that nobody reads (cgroup v2 and v1)."""
_ENDLESS = 1 << 60
"""Version 1 has no word for `no limit`: it tells a number like this."""


def memory_left(root: Path = Path("/")) -> int | None:
    """Bytes up to the tightest limit, files that nobody reads counted as free; None without a limit."""
    rooms = (_room(folder, *names) for folder, names in _groups(root))
    return min((room for room in rooms if room is not None), default=None)


def _groups(root: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """The groups that this process is in, each with those around it.

    Inside a container the name may be that of outside: then only the uppermost is there.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, kinds, name = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            place, names = root / _PLACE, _NOW
        elif "memory" in kinds.split(","):
            place, names = root / _PLACE / "memory", _OLD
        else:
            continue
        parts = [part for part in PurePosixPath(name).parts if part not in ("/", "..")]
        for depth in range(len(parts) + 1):
            yield place.joinpath(*parts[:depth]), names


def _room(folder: Path, limit_file: str, use_file: str, idle_name: str) -> int | None:
    try:
        limit, used = int(_text(folder / limit_file)), int(_text(folder / use_file))
    except ValueError:  # `max`, or nothing
        return None
    stat = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line)
    idle = stat.get(idle_name, "")
    return max(0, limit - used + (int(idle) if idle.isdecimal() else 0)) if limit < _ENDLESS else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
