"""The player through a real sound system: what comes out of the speakers is what stands in the file."""

from pathlib import Path

import pytest

from tests.walk.hearing import PlayerProcess, make_sound
from tests.walk.likeness import Stretch, likeness, stretches
from tests.walk.services import need
from tests.walk.sound import Sound, SoundServer

pytestmark = pytest.mark.system

_UNHEARD = 0.04
"""Seconds of a beginning that the recorder may miss: what a null sink had rendered when the sound came."""
_ROUGHLY = 0.3
"""Seconds that a place may be off where the player's position is an estimate, or is handed on late."""


def heard_stretches(recorded: Sound, played: Sound) -> list[Stretch]:
    found = stretches(recorded, played)
    assert found, (
        f"nothing of the file was heard in {len(recorded)} frames, the loudest {abs(recorded).max()}"
    )
    return found


@pytest.mark.parametrize("only", ["", "paplay"])
def test_a_file_is_heard_whole_and_true(sound_server: SoundServer, tmp_path: Path, only: str) -> None:
    need(*filter(None, [only]))
    file = tmp_path / "sound.wav"
    played = make_sound(file, 3.0)
    with sound_server.recording() as recording:
        with PlayerProcess(file, sound_server.environment, only=only) as player:
            assert player.backend == (only or "PortAudio")
            player.tell("play")
            seen = player.until_end()
        assert seen.position == pytest.approx(3.0)
    recorded = recording.samples()
    found = heard_stretches(recorded, played)
    assert len(found) == 1, f"there are gaps or repeats: {found}"
    assert found[0].place < _UNHEARD
    assert found[0].end > 2.98
    alike = likeness(recorded, played, found[0])
    assert min(alike.correlation) > 0.99
    assert alike.level == pytest.approx((0.0, 0.0), abs=0.5)


@pytest.mark.parametrize("only", ["", "paplay"])
def test_pause_goes_on_and_a_seek_is_heard_from_the_right_place(
    sound_server: SoundServer, tmp_path: Path, only: str
) -> None:
    need(*filter(None, [only]))
    file = tmp_path / "sound.wav"
    played = make_sound(file, 6.0)
    with (
        sound_server.recording() as recording,
        PlayerProcess(file, sound_server.environment, only=only) as player,
    ):
        player.tell("play")
        player.until(lambda seen: seen.position > 0.8)
        paused = player.tell("pause").position
        assert not player.tell().playing
        player.tell("play")
        player.until(lambda seen: seen.position > paused + 0.8)
        left = player.tell().position
        player.tell("seek", 4.5)
        player.until_end()
    found = [s for s in heard_stretches(recording.samples(), played) if s.seconds > 0.1]
    first, again, last = found
    assert first.place < _UNHEARD
    assert first.end == pytest.approx(paused, abs=_ROUGHLY)
    assert again.place == pytest.approx(paused, abs=_UNHEARD)
    assert again.end == pytest.approx(left, abs=_ROUGHLY)
    assert last.place == pytest.approx(4.5, abs=_UNHEARD)
    assert last.end > 5.98


def test_a_loop_goes_round_without_a_gap_and_ends_when_told(
    sound_server: SoundServer, tmp_path: Path
) -> None:
    file = tmp_path / "sound.wav"
    played = make_sound(file, 3.0)
    with (
        sound_server.recording() as recording,
        PlayerProcess(file, sound_server.environment) as player,
    ):
        player.tell("loop", (1.0, 2.0))
        player.tell("seek", 1.0)
        player.tell("play")
        for _ in range(2):
            player.until(lambda seen: seen.position > 1.7)
            player.until(lambda seen: seen.position < 1.5)
        player.tell("loop", None)
        player.until_end()
    found = [s for s in heard_stretches(recording.samples(), played) if s.seconds > 0.1]
    first, second, last = found
    for before, after in ((first, second), (second, last)):
        assert before.end == pytest.approx(2.0, abs=_UNHEARD)
        assert after.place == pytest.approx(1.0, abs=_UNHEARD)
        assert after.heard == pytest.approx(before.heard + before.seconds, abs=_UNHEARD)
    assert last.end > 2.98


def test_another_take_goes_on_at_the_same_place_without_a_gap(
    sound_server: SoundServer, tmp_path: Path
) -> None:
    file, other = tmp_path / "a.wav", tmp_path / "b.wav"
    played, swapped = make_sound(file, 3.0), make_sound(other, 3.0, seed=8)
    with (
        sound_server.recording() as recording,
        PlayerProcess(file, sound_server.environment) as player,
    ):
        player.tell("play")
        player.until(lambda seen: seen.position > 1.0)
        player.tell("swap", str(other))
        player.until_end()
    recorded = recording.samples()
    (before,) = heard_stretches(recorded, played)
    (after,) = heard_stretches(recorded, swapped)
    assert after.place == pytest.approx(before.end, abs=_UNHEARD)
    assert after.heard == pytest.approx(before.heard + before.seconds, abs=_UNHEARD)
    assert after.end > 2.98
