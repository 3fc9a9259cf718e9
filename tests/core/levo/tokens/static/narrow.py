"""Trials of a device with networks so narrow that plain torch, or an interpreter, is done with them soon."""

from dataclasses import replace
from typing import Any

import pytest

from core.levo.tokens.static import sketch


def narrow_trials(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Have one size of networks tried, a narrow one; `more` are fields of `TokenShapes`."""
    size = sketch.SIZES[-1]
    less: dict[str, Any] = {"width": 32, "ffn": 48, "heads": 2, "codes": 60, "lyric_length": 5, **more}
    monkeypatch.setattr(sketch, "SIZES", [replace(size, shapes=replace(size.shapes, **less))])
