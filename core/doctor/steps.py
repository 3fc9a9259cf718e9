"""What a child of the doctor does: step after step, a JSON line before and after each."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from core.errors import SongdeskError

Step = tuple[str, Callable[[], Mapping[str, object]]]


def go_through(steps: Sequence[Step], *, needed: frozenset[str] = frozenset()) -> None:
    """Do the steps in turn and tell of each; one that fails ends it only where it is `needed`."""
    for name, do in steps:
        alive(name)
        began = time.perf_counter()
        try:
            facts = do()
        except Exception as error:  # noqa: BLE001 - whatever a driver says is an answer
            _tell({"step": name, **_failure(error)})
            if name in needed:
                return
            continue
        _tell({"step": name, "facts": {**facts, "seconds": round(time.perf_counter() - began, 3)}})


def alive(name: str) -> None:
    """Tell that a step is under way; one that takes long says it again, or it is taken for hung."""
    _tell({"step": name})


def _failure(error: Exception) -> dict[str, str]:
    if isinstance(error, SongdeskError):
        return {"error": f"{error.where}: {error.what}".removeprefix(": "), "hint": error.hint}
    said = (str(error).splitlines() or [""])[0]
    return {"error": f"{type(error).__name__}: {said}".rstrip(": ")}


def _tell(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
