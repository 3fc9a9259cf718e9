"""The comparison of recordings finds what it is there for."""

from pathlib import Path

import numpy as np
import pytest

from tests.walk.hearing import make_sound
from tests.walk.likeness import likeness, stretches
from tests.walk.sound import RATE, Sound

_GAP = np.zeros((RATE // 2, 2), np.float32)


@pytest.fixture
def played(tmp_path: Path) -> Sound:
    return make_sound(tmp_path / "sound.wav", 2.0)


def test_a_true_recording_is_one_stretch(played: Sound) -> None:
    recorded = np.concatenate([_GAP, played, _GAP])
    (stretch,) = stretches(recorded, played)
    assert (stretch.heard, stretch.place, stretch.seconds) == (0.5, 0.0, 2.0)
    alike = likeness(recorded, played, stretch)
    assert alike.correlation == pytest.approx((1.0, 1.0))
    assert alike.level == pytest.approx((0.0, 0.0), abs=1e-6)


def test_a_quieter_or_mixed_channel_shows(played: Sound) -> None:
    (stretch,) = stretches(played, played)
    assert likeness(played * np.float32(0.5), played, stretch).level == pytest.approx(
        (-6.02, -6.02), abs=0.01
    )
    left_twice = np.repeat(played[:, :1], 2, axis=1)
    assert likeness(left_twice, played, stretch).correlation[1] < 0.9


@pytest.mark.parametrize("at", [0.3, 0.317])
def test_a_gap_a_repeat_and_a_lost_piece_are_each_two_stretches(played: Sound, at: float) -> None:
    cut = round(at * RATE)
    for recorded in (
        np.concatenate([played[:cut], _GAP[:600], played[cut:]]),
        np.concatenate([played[:cut], played[cut - 600 :]]),
        np.concatenate([played[:cut], played[cut + 600 :]]),
    ):
        first, second = stretches(np.concatenate([_GAP, recorded, _GAP]), played)
        assert first.place == pytest.approx(0.0, abs=0.02)
        assert first.end == pytest.approx(at, abs=0.03)
        assert second.end == pytest.approx(2.0, abs=0.03)


def test_swapped_channels_and_silence_are_nothing_of_it(played: Sound) -> None:
    assert stretches(_GAP, played) == []
    assert stretches(played[:, ::-1], played) == []
