"""Facts measured of a sound file, kept beside it as JSON until the file is another; no numpy."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.atomic import write_text
from core.errors import SongdeskError


def stamp(audio: Path) -> str:
    """What changes when the file does, its size and time; SongdeskError where there is none."""
    try:
        facts = audio.stat()
    except OSError as error:
        raise SongdeskError("no such sound file", where=str(audio), hint="check the path") from error
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def beside(audio: Path, what: str) -> Path:
    """Where facts of one kind are kept."""
    return audio.with_name(f"{audio.name}.{what}.json")


def load(path: Path, of: str, version: int) -> Mapping[str, Any] | None:
    """The facts in `path` that were measured of the file with that stamp, if there are any to be used."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if (record["version"], record["of"]) == (version, of) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def store(path: Path, audio: Path, of: str, version: int, facts: Mapping[str, Any]) -> None:
    """Write facts of a file with the stamp they belong to, unless it is another one by now.

    Raises SongdeskError when they cannot be written, and where the file went meanwhile, as that of a take put
    into the trash: its folder is not made anew.
    """
    if stamp(audio) == of:
        write_text(path, json.dumps({"version": version, "of": of, **facts}, separators=(",", ":")) + "\n")
