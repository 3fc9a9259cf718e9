"""What a tab says, read strictly: whatever does not fit is refused in one line."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from core.audio.listen.shelf import Shelf
from core.audio.listen.stage import Command, Do, Heard

_DO = frozenset(get_args(Do))
_TAB = re.compile(r"[A-Za-z0-9-]{1,40}")
_LONGEST = 86_400.0
"""Seconds of a place: a day."""
_LATEST = 1e12
"""Seconds of a clock; no number may be past every float."""
_WANTS = {"seek": "place", "take": "take", "stem": "stem", "volume": "volume", "mark": "letter"}
"""What those that say how much, or which, cannot do without."""


class Unfit(ValueError):
    """What was said makes no sense; the text says why."""


def tab_of(value: object) -> str:
    """The name that a tab gave itself."""
    if not isinstance(value, str) or not _TAB.fullmatch(value):
        raise Unfit("tab: 1 to 40 letters, digits or hyphens")
    return value


def command(body: bytes, shelf: Shelf) -> Command:
    """What somebody at a tab asks for; only takes and stems that there are."""
    said = _object(body)
    do = said.get("do")
    if not isinstance(do, str) or do not in _DO:
        raise Unfit(f"do: one of {', '.join(sorted(_DO))}")
    wanted = _WANTS.get(do)
    if wanted is not None and said.get(wanted) is None:
        raise Unfit(f"{do} wants {wanted}")
    take, stem = said.get("take"), said.get("stem")
    if take is not None and (not isinstance(take, str) or (take and shelf.card(take) is None)):
        raise Unfit("take: the id of one that there is")
    if stem is not None and stem not in ("mix", "vocal", "backing"):
        raise Unfit("stem: mix, vocal or backing")
    letter = said.get("letter")
    if letter not in (None, "a", "b"):
        raise Unfit("letter: a or b")
    place, volume = _number(said, "place", _LONGEST), _number(said, "volume", 1.0)
    return Command(cast("Do", do), place=place, take=take or None, stem=stem, volume=volume, letter=letter)


def heard(body: bytes) -> tuple[str, Heard]:
    """The name of a tab and what it does."""
    said = _object(body)
    place = _number(said, "place", _LONGEST)
    if place is None:
        raise Unfit("place: seconds")
    flags = {key: said.get(key, False) for key in ("playing", "blocked", "ended", "waiting")}
    revision = said.get("revision", 0)
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise Unfit(f"{', '.join(flags)}: true or false")
    if not isinstance(revision, int) or isinstance(revision, bool):
        raise Unfit("revision: a whole number")
    return tab_of(said.get("tab")), Heard(place, **flags, revision=revision, at=_number(said, "at", _LATEST))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unfit("this is no JSON") from error
    if not isinstance(said, dict):
        raise Unfit("a JSON object is wanted")
    return said


def _number(said: Mapping[str, Any], key: str, most: float) -> float | None:
    value = said.get(key)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise Unfit(f"{key}: a number from 0 to {most:g}")
    return float(value)
