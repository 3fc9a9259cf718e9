"""Playing takes: the choice of a backend, and the same behaviour of all of them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.audio.player import Player, open_player
from core.audio.voices import SoundModule
from core.errors import SongdeskError
from tests.core.audio.fake_sound import RATE, FakeSound, until

ProgramPlayer = Callable[..., Player]


def ramp() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (np.arange(4 * RATE) / 40_000).astype(np.float32)


def no_portaudio() -> SoundModule:
    raise OSError("PortAudio library not found")


def no_program(name: str) -> str | None:
    return None


@pytest.fixture(params=["PortAudio", "aplay"])
def player(request: pytest.FixtureRequest, program_player: ProgramPlayer) -> Iterator[Player]:
    if request.param == "PortAudio":
        opened = open_player(load_sound=FakeSound, find=no_program, remote=False)
    else:
        opened = program_player()
    yield opened
    opened.close()


def test_a_loaded_file_waits_silently_at_its_beginning(player: Player, song: Path) -> None:
    player.load(song)
    assert (player.duration, player.position, player.playing) == (4.0, 0.0, False)


def test_play_moves_on_and_pause_stays(player: Player, song: Path) -> None:
    player.load(song)
    player.play()
    assert player.playing
    until(lambda: player.position > 0.05)
    player.pause()
    stayed = player.position
    until(lambda: not player.playing, 0)
    assert 0.05 < stayed < 4
    time.sleep(0.1)
    assert player.position == stayed
    player.play()
    until(lambda: player.position > stayed)
    assert player.playing


def test_seek_goes_on_playing_from_the_place_or_stays_silent_there(player: Player, song: Path) -> None:
    player.load(song)
    player.seek(2.5)
    assert (player.position, player.playing) == (2.5, False)
    player.play()
    until(lambda: player.position > 2.5)
    player.seek(1.0)
    assert player.playing
    assert 1.0 <= player.position < 2.5
    player.seek(-5)
    assert player.position < 1
    player.pause()
    player.seek(99)
    assert player.position == 4.0


def test_many_seeks_at_once_end_at_the_last(player: Player, song: Path) -> None:
    player.load(song)
    player.play()
    for place in range(20):
        player.seek(place / 10)
    until(lambda: player.position > 1.9)
    assert player.playing


@pytest.mark.timeout(30)
def test_controls_do_not_wait_for_the_song(player: Player, song: Path) -> None:
    player.load(song)
    for action in (player.play, lambda: player.seek(1), player.pause, player.play, player.pause):
        action()


def test_a_missing_file_is_one_clear_error_and_the_player_goes_on(player: Player, song: Path) -> None:
    player.load(song)
    with pytest.raises(SongdeskError, match="no such sound file"):
        player.load(song.parent / "none.wav")
    assert player.duration == 4.0
    player.play()
    assert player.playing


def test_without_a_file_nothing_happens(player: Player) -> None:
    player.play()
    player.pause()
    player.seek(3)
    assert (player.playing, player.position, player.duration) == (False, 0.0, 0.0)


def test_the_device_hears_every_sample_once_and_in_order(song: Path) -> None:
    sound = FakeSound(speed=20)
    player = open_player(load_sound=lambda: sound, find=no_program, remote=False)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: not player.playing)
    heard = np.array(sound.heard, np.float32)
    first, last = np.flatnonzero(heard)[[0, -1]]
    span = heard[first : last + 1]
    assert np.array_equal(span[span != 0], ramp()[RATE:])
    assert player.position == 4.0
    assert sound.open_streams == 0


def test_play_at_the_end_begins_again(song: Path) -> None:
    player = open_player(load_sound=lambda: FakeSound(speed=20), find=no_program, remote=False)
    player.load(song)
    player.seek(4.0)
    player.play()
    assert player.position < 3.9
    player.close()


def test_a_device_in_use_is_a_reason_with_the_files_place(song: Path) -> None:
    player = open_player(load_sound=lambda: FakeSound(busy=True), find=no_program, remote=False)
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert "Device unavailable" in player.reason
    assert str(song) in player.reason


def test_a_device_pulled_out_while_playing_is_a_reason(song: Path) -> None:
    sound = FakeSound()
    player = open_player(load_sound=lambda: sound, find=no_program, remote=False)
    player.load(song)
    player.play()
    until(lambda: player.position > 0)
    sound.unplugged = True
    until(lambda: not player.playing)
    assert "stopped" in player.reason
    assert sound.open_streams == 0
    assert 0 < player.position < 4


def test_a_file_that_vanishes_before_play_is_a_reason(player: Player, song: Path) -> None:
    player.load(song)
    player.seek(1)
    song.unlink()
    player.play()
    until(lambda: not player.playing)
    assert "no such sound file" in player.reason


def test_without_any_backend_the_reason_says_why_and_where_the_file_is(song: Path) -> None:
    player = open_player(load_sound=no_portaudio, find=no_program, remote=False)
    player.load(song)
    player.play()
    assert (player.backend, player.can_seek, player.playing, player.duration) == ("none", False, False, 4.0)
    for part in ("PortAudio is not installed", "paplay", str(song)):
        assert part in player.reason


def test_a_machine_as_it_is_gets_some_player() -> None:
    player = open_player()
    assert player.reason
    player.close()


def test_importing_the_player_costs_neither_torch_nor_numpy() -> None:
    code = "import sys, core.audio.player; sys.exit(bool({'torch', 'numpy', 'soundfile'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
