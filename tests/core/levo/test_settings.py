"""The settings table as one model takes it."""

from dataclasses import replace

import pytest

from core.levo.settings import settings_of
from core.registry import variant


@pytest.mark.parametrize("seconds", [0.5, 60.0, 270.0])
def test_no_default_is_beyond_what_the_model_takes(seconds: float) -> None:
    chosen = variant("v2-large")
    short = replace(chosen, limits=replace(chosen.limits, seconds=seconds), defaults={})
    table = {setting.key: setting for setting in settings_of(short)}
    assert table["length"].default == min(120.0, seconds)
    assert table["minimum_length"].default == min(1.0, seconds)
    assert table["length"].hi == table["minimum_length"].hi == seconds
