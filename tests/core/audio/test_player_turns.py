"""A voice that is turned while it sounds: other places, other files, loops, volume, a file that grows."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from core.audio import devicevoice
from core.audio.player import Player, open_player
from core.audio.seat import TAB
from core.audio.spool import Spool
from core.audio.voices import LEAD_IN, Voice
from tests.core.audio.fake_sound import RATE, FakeSound, until

ProgramPlayer = Callable[..., Player]
Heard = npt.NDArray[np.float32]


def on(sound: FakeSound) -> Player:
    return open_player(load_sound=lambda: sound, find=lambda name: None, remote=False)


@contextmanager
def playing(sound: FakeSound, path: Path) -> Iterator[Player]:
    player = on(sound)
    player.load(path)
    try:
        yield player
    finally:
        player.close()
    assert sound.open_streams == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "voice"]


def flat(path: Path, level: float, *, seconds: float = 4.0, rate: int = RATE) -> Path:
    soundfile.write(path, np.full(round(seconds * rate), level, np.float32), rate, subtype="FLOAT")
    return path


def heard(sound: FakeSound) -> Heard:
    return np.array(sound.heard, np.float32)


def longest_silence(samples: Heard) -> int:
    """Frames without sound between the first and the last that has some."""
    first, last = np.flatnonzero(samples)[[0, -1]]
    sounding = np.flatnonzero(samples[first : last + 1])
    return int(np.diff(sounding).max(initial=1)) - 1


def test_seeking_turns_the_stream_that_is_open_and_the_position_moves_at_once(song: Path) -> None:
    sound = FakeSound()
    with playing(sound, song) as player:
        player.play()
        until(lambda: player.position > 0.1)
        for _ in range(30):
            player.seek(player.position + 0.1)
        assert 3.1 <= player.position < 3.4
        until(lambda: heard(sound).max(initial=0) > 3 * RATE / 40_000)
        assert sound.opened == 1
        assert player.position < 3.7


def test_another_file_goes_on_at_the_same_place_without_a_gap(song: Path, tmp_path: Path) -> None:
    sound = FakeSound()
    lower = tmp_path / "lower.wav"
    samples, rate = soundfile.read(song, dtype="float32")
    soundfile.write(lower, -samples, rate, subtype="FLOAT")
    with playing(sound, song) as player:
        player.seek(1.0)
        player.play()
        until(lambda: player.position > 1.2)
        player.swap(lower, gain=0.5)
        assert 1.2 <= player.position < 1.6
        until(lambda: heard(sound).min(initial=0) < 0)
        until(lambda: player.position > 1.9)
        assert player.playing
    samples = heard(sound)
    assert sound.opened == 1
    assert longest_silence(samples) < 200
    first, last = samples[samples > 0.9 * RATE / 40_000], samples[samples < -0.45 * RATE / 40_000]
    # The second file's samples stand where the first one's stopped, at half their size.
    assert -last[-1] * 2 == pytest.approx(player.position * RATE / 40_000, abs=0.02)
    assert abs(-last[0] * 2 - first[-1]) < 0.03


def test_a_file_of_another_rate_goes_on_through_a_stream_of_its_own(song: Path, tmp_path: Path) -> None:
    sound = FakeSound()
    other = flat(tmp_path / "other.wav", 0.6, rate=2 * RATE)
    with playing(sound, song) as player:
        player.play()
        until(lambda: player.position > 0.2)
        player.swap(other)
        until(lambda: heard(sound).max(initial=0) > 0.5)
        assert sound.opened == 2
        assert 0.2 < player.position < 2


def test_another_file_is_taken_up_in_silence_too(song: Path, tmp_path: Path) -> None:
    with playing(FakeSound(), song) as player:
        player.seek(3.0)
        player.swap(flat(tmp_path / "short.wav", 0.5, seconds=2.0))
        assert (player.position, player.duration, player.playing) == (2.0, 2.0, False)


def test_a_stretch_is_heard_again_and_again_until_it_is_let_go(song: Path) -> None:
    sound = FakeSound(speed=10)
    with playing(sound, song) as player:
        player.loop((1.0, 1.5))
        player.seek(1.0)
        player.play()
        until(lambda: len(sound.heard) > 6 * RATE)
        assert 1.0 <= player.position <= 1.5
        samples = heard(sound)
        samples = samples[samples > 0]
        assert samples.max() < 1.5 * RATE / 40_000
        # Each turn falls to nothing and rises again, rather than step.
        low = samples < 0.15
        assert np.count_nonzero(low[1:] & ~low[:-1]) >= 5
        assert np.abs(np.diff(samples)).max() < 0.02
        player.loop(None)
        until(lambda: not player.playing)
        assert player.position == 4.0
    assert sound.opened == 1


def test_the_whole_goes_round_from_its_end(song: Path) -> None:
    sound = FakeSound(speed=20)
    with playing(sound, song) as player:
        player.loop((0.0, inf))
        player.seek(3.5)
        player.play()
        until(lambda: len(sound.heard) > 6 * RATE)
        assert player.playing


def test_playing_from_behind_a_loop_begins_at_its_start(song: Path) -> None:
    with playing(FakeSound(), song) as player:
        player.loop((1.0, 2.0))
        player.seek(3.0)
        player.play()
        until(lambda: 1.0 < player.position < 2.0)


def test_volume_is_heard_with_the_next_buffer_and_does_not_step(tmp_path: Path) -> None:
    sound = FakeSound()
    with playing(sound, flat(tmp_path / "a.wav", 0.8)) as player:
        player.play()
        until(lambda: player.position > 0.1)
        player.set_volume(0.25)
        until(lambda: 0.2 in np.round(heard(sound)[-50:], 3))
        player.pause()
    samples = heard(sound)
    assert np.abs(np.diff(samples[samples > 0.1])).max() < 0.05
    assert sound.opened == 1


def test_the_position_is_what_is_heard_and_the_last_of_it_is_waited_for(song: Path) -> None:
    sound = FakeSound()
    sound.latency = 0.5
    with playing(sound, song) as player:
        player.seek(3.0)
        player.play()
        until(lambda: bool(np.count_nonzero(heard(sound)) > 0.3 * RATE))
        assert player.position == pytest.approx(3.0)
        until(lambda: player.position > 3.1)
        given = heard(sound).max() * 40_000 / RATE
        assert given - player.position > 0.3
        player.pause()
        assert player.position < given - 0.2
        player.play()
        until(lambda: bool(heard(sound)[-1] == 0 and heard(sound).max() > 0.799))
        until(lambda: not player.playing)
    samples = heard(sound)
    assert len(samples) - np.flatnonzero(samples)[-1] >= 0.3 * RATE


@contextmanager
def growing(path: Path) -> Iterator[Spool]:
    with path.open("xb+", buffering=0) as file:
        yield Spool(file, RATE)


def grown(spool: Spool, seconds: float, level: float) -> None:
    spool.append(np.full((round(seconds * RATE), 2), level, np.float32))


def test_a_growing_file_is_waited_for_and_goes_on_by_itself(tmp_path: Path) -> None:
    sound = FakeSound(speed=5)
    path = tmp_path / "preview.wav"
    with growing(path) as spool:
        grown(spool, 1.0, 0.25)
        player = on(sound)
        player.load(path, grows=True)
        player.play()
        until(lambda: player.waiting)
        assert player.playing
        assert player.position == pytest.approx(1.0)
        grown(spool, 1.0, 0.5)
        until(lambda: player.waiting and player.position > 1.5)
        assert player.duration == pytest.approx(2.0)
        player.grow(3.0)
        assert player.duration == 3.0
        # The finished song is under another name by now; nothing of it is heard twice or left out.
        grown(spool, 1.0, 0.75)
        path.rename(tmp_path / "song.wav")
        player.swap(tmp_path / "song.wav")
        until(lambda: not player.playing)
        assert player.position == pytest.approx(3.0)
        assert not player.trouble
        player.close()
    samples = heard(sound)[::2]
    for level in (0.25, 0.5, 0.75):
        assert np.count_nonzero(samples == np.float32(level)) == RATE
    assert sound.opened == 1


def test_a_growing_file_that_vanishes_is_waited_for_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "preview.wav"
    with growing(path) as spool:
        grown(spool, 0.5, 0.25)
        player = on(FakeSound(speed=5))
        player.load(path, grows=True)
        player.play()
        until(lambda: player.waiting)
        path.unlink()
        time.sleep(0.3)
        assert player.waiting
        assert not player.trouble
        player.close()


def test_a_device_that_asks_for_nothing_more_is_said(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicevoice, "_PATIENCE", 0.2)
    sound = FakeSound()
    with playing(sound, song) as player:
        player.play()
        until(lambda: player.position > 0)
        sound.stuck = True
        until(lambda: not player.playing)
        assert "takes no more sound" in player.trouble
        assert player.trouble in player.reason
        assert TAB in player.reason


def test_after_a_lost_device_another_is_looked_for_and_named(song: Path) -> None:
    sound = FakeSound()
    with playing(sound, song) as player:
        player.play()
        until(lambda: player.position > 0.1)
        sound.unplugged, sound.name = True, "Other Speakers"
        until(lambda: not player.playing)
        stayed = player.position
        sound.unplugged = False
        player.play()
        assert not player.trouble
        until(lambda: player.position > stayed + 0.05)
        assert player.position < stayed + 2
        assert "Other Speakers now, Imaginary Speakers is gone" in player.reason
        player.pause()
        assert "Other Speakers" in player.reason


def test_a_device_that_came_after_the_start_is_found(song: Path) -> None:
    sound = FakeSound(device=False)
    sound.name = "Late Speakers"
    player = on(sound)
    assert player.backend == "PortAudio"
    assert sound.looks == 1


def test_a_held_key_starts_one_program_not_a_queue_of_them(
    scratch: Path, song: Path, program_player: ProgramPlayer
) -> None:
    player = program_player()
    player.load(song)
    player.play()
    arguments = scratch / "arguments"
    until(arguments.exists)
    for place in range(20):
        player.seek(place / 10)
        time.sleep(0.01)
    assert player.position == pytest.approx(1.9)
    until(lambda: len(arguments.read_text().splitlines()) == 2)
    until(lambda: player.position > 1.9)
    time.sleep(0.2)
    player.close()
    assert len(arguments.read_text().splitlines()) == 2


PLAYS_ALL = """#!/bin/sh
for last; do :; done
cp "$last" "$SCRATCH/$(ls "$SCRATCH" | grep -c given).given.wav"
exec sleep 0.3
"""


def given(scratch: Path) -> list[Any]:
    return [soundfile.read(path, dtype="float32")[0] for path in sorted(scratch.glob("*.given.wav"))]


def test_a_program_gets_a_softer_copy(scratch: Path, tmp_path: Path, program_player: ProgramPlayer) -> None:
    player = program_player(PLAYS_ALL)
    player.load(flat(tmp_path / "a.wav", 0.8, seconds=0.5))
    player.set_volume(0.5)
    player.play()
    until(lambda: not player.playing)
    assert player.position == player.duration
    assert [copy.max() for copy in given(scratch)] == [pytest.approx(0.4, abs=0.001)]


def test_a_program_is_run_again_for_what_was_rendered_meanwhile(
    scratch: Path, tmp_path: Path, program_player: ProgramPlayer
) -> None:
    path = tmp_path / "preview.wav"
    with growing(path) as spool:
        grown(spool, 0.3, 0.25)
        player = program_player(PLAYS_ALL)
        player.load(path, grows=True)
        player.play()
        until(lambda: player.waiting)
        assert player.position == pytest.approx(0.3)
        grown(spool, 0.5, 0.5)
        until(lambda: len(given(scratch)) == 2)
        until(lambda: player.waiting)
        player.close()
    assert [len(copy) for copy in given(scratch)] == [round((LEAD_IN + new) * RATE) for new in (0.3, 0.5)]


def test_a_program_goes_round_in_one_copy(
    scratch: Path, song: Path, program_player: ProgramPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.audio.programvoice._ROUNDS", 5.0)
    player = program_player(PLAYS_ALL)
    player.load(song)
    player.loop((1.0, 2.0))
    player.seek(1.5)
    player.play()
    until(lambda: bool(given(scratch)))
    assert 1.0 <= player.position < 2.0
    # A program that ends long before its copy does is not run for ever.
    until(lambda: not player.playing)
    player.close()
    assert len(given(scratch)) == 1
    assert 5 * RATE <= len(given(scratch)[0]) < 7 * RATE


def test_no_voice_is_left_by_fast_hands(song: Path, tmp_path: Path) -> None:
    sound = FakeSound(speed=3)
    other = flat(tmp_path / "other.wav", 0.5)
    rng = np.random.default_rng(5)
    with playing(sound, song) as player:
        deeds: list[Callable[[], object]] = [
            player.play,
            player.pause,
            lambda: player.seek(rng.uniform(0, 4)),
            lambda: player.swap(other, gain=0.3),
            lambda: player.swap(song),
            lambda: player.loop((1.0, 1.2)),
            lambda: player.loop(None),
            lambda: player.set_volume(rng.uniform(0, 1)),
        ]
        for _ in range(300):
            deeds[rng.integers(len(deeds))]()
            assert 0 <= player.position <= player.duration
            time.sleep(rng.uniform(0, 0.01))
        player.seek(0.5)
        player.play()
        until(lambda: player.position > 0.6 or not player.playing)
        assert not player.trouble


def test_a_voice_that_cannot_be_turned_says_so(song: Path) -> None:
    assert not Voice.turn(None, None, follow=True)  # type: ignore[arg-type]
