"""Song time as people say it, `2:10`, and names for what begins now."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import count

_CLOCK = re.compile(r"(?:(\d{1,4}):([0-5]?\d(?:\.\d+)?)|(\d{1,6}(?:\.\d+)?) ?s?)", re.ASCII)


def clock(seconds: float) -> str:
    """`1:05` for 65 s."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def seconds_of(text: str) -> float | None:
    """What `2:10`, `130`, `130s` or `12.5 s` says (s); None where it is no time."""
    found = _CLOCK.fullmatch(text.strip().lower())
    if found is None:
        return None
    minutes, rest, plain = found.groups()
    return float(plain) if plain else int(minutes) * 60 + float(rest)


def stamps() -> Iterator[str]:
    """Names for what begins now, the first that is free to be taken."""
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return (f"{now}-{number}" for number in count(1))
