"""What tests of takes have in common."""

from itertools import count

import pytest

from core.takes import branch


@pytest.fixture(autouse=True)
def _seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts of the same seeds in every run: with one of some thousand a song ends just behind its draft."""
    monkeypatch.setattr(branch, "draw_seed", count(3).__next__)
