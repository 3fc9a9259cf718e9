"""Devices that go while they play: the place is kept, and they are tried again."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.audio import voices
from core.audio.player import Player, open_player
from core.audio.seat import Seat
from core.audio.voices import LEAD_IN
from tests.core.audio.fake_sound import RATE, FakeSound, until

ProgramPlayer = Callable[..., Player]


@pytest.fixture(autouse=True)
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "RESTS", (0.15, 0.6))
    monkeypatch.setattr(voices, "_SURE", 0.2)


def on(sound: FakeSound) -> Player:
    return open_player(load_sound=lambda: sound, find=lambda _: None, seat=Seat())


def playing(sound: FakeSound, song: Path) -> Player:
    player = on(sound)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: player.position > 1.3)
    return player


def test_the_first_sound_comes_after_a_silence_that_the_position_leaves_out(song: Path) -> None:
    sound = FakeSound(speed=20)
    player = on(sound)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: not player.playing)
    assert np.flatnonzero(np.array(sound.heard, np.float32))[0] >= LEAD_IN * RATE
    assert player.position == 4.0


def test_nothing_has_been_played_while_the_silence_lasts(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.audio.devicevoice.LEAD_IN", 60.0)
    sound = FakeSound()
    player = on(sound)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: len(sound.heard) > 1000)
    assert player.position == 1.0
    assert not any(sound.heard)
    player.close()


def test_a_device_that_comes_back_goes_on_at_the_same_place_by_itself(song: Path) -> None:
    sound = FakeSound()
    player = playing(sound, song)
    sound.unplugged = True
    until(lambda: "trying again" in player.reason)
    stayed = player.position
    assert player.playing
    assert not player.trouble
    sound.unplugged = False
    until(lambda: player.position > stayed + 0.5)
    assert player.position < stayed + 1.5
    assert "Imaginary Speakers" in player.reason, "it says no more of the loss"
    player.close()
    heard = np.array(sound.heard, np.float32)
    places = heard[heard > 0] * 40_000 / RATE
    assert np.diff(places).max() < 0.02, "nothing is left out"
    assert np.diff(places).min() > -0.3, "no more is heard twice than was on its way"


def test_a_device_that_stays_away_leaves_the_player_paused_at_the_place(song: Path) -> None:
    sound = FakeSound()
    player = playing(sound, song)
    opened = sound.opened
    sound.unplugged = True
    until(lambda: not player.playing)
    assert sound.opened == opened + 2, "it is tried twice"
    assert "stopped: paused at 0:01" in player.trouble
    stayed = player.position
    assert 1.3 < stayed < 2.5
    sound.unplugged = False
    player.play()
    until(lambda: player.position > stayed + 0.1)
    assert player.position < stayed + 1
    assert not player.trouble
    player.close()


def test_every_loss_of_a_long_song_is_borne(song: Path) -> None:
    sound = FakeSound()
    player = playing(sound, song)
    for _ in range(2):
        sound.unplugged = True
        until(lambda: "trying again" in player.reason)
        sound.unplugged = False
        stayed = player.position
        until(lambda stayed=stayed: player.position > stayed + 0.25)  # type: ignore[misc]
        until(lambda: "trying again" not in player.reason)
    assert player.playing
    player.close()


def test_orders_are_heeded_while_the_device_is_away(song: Path) -> None:
    sound = FakeSound()
    player = playing(sound, song)
    sound.unplugged = True
    until(lambda: "trying again" in player.reason)
    player.seek(3.0)
    assert player.position == 3.0
    sound.unplugged = False
    until(lambda: player.position > 3.1)
    sound.unplugged = True
    until(lambda: "trying again" in player.reason)
    player.pause()
    stayed = player.position
    sound.unplugged = False
    time.sleep(0.3)
    assert (player.playing, player.position) == (False, stayed)
    player.close()
    assert sound.open_streams == 0


def test_a_device_that_never_worked_is_not_tried_again(song: Path) -> None:
    sound = FakeSound(busy=True)
    player = on(sound)
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert sound.opened == 1
    assert "Device unavailable" in player.trouble


def test_other_speakers_do_not_take_over_by_themselves(song: Path) -> None:
    sound = FakeSound()
    player = playing(sound, song)
    sound.unplugged, sound.name = True, "Loud Speakers"
    until(lambda: not player.playing)
    assert "Imaginary Speakers is gone: paused, play goes on through Loud Speakers" in player.trouble


def test_after_sleep_the_device_is_opened_anew_at_the_same_place(
    song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = FakeSound()
    player = playing(sound, song)
    opened, stayed, clock = sound.opened, player.position, voices.slept()
    monkeypatch.setattr(voices, "slept", lambda: clock + 3600)
    until(lambda: "the machine slept" in player.reason)
    until(lambda: player.position > stayed + 0.4)
    assert sound.opened == opened + 1
    assert player.position < stayed + 2
    player.close()


def test_the_clock_that_counts_sleep_stands_while_awake() -> None:
    before = voices.slept()
    time.sleep(0.05)
    assert abs(voices.slept() - before) < 1


# Plays for a while and then loses its server, until there is one again.
COMES_AND_GOES = """#!/bin/sh
for last; do :; done
cp "$last" "$SCRATCH/$(ls "$SCRATCH" | grep -c given).given.wav"
[ -e "$SCRATCH/away" ] || sleep 0.6
[ -e "$SCRATCH/here" ] && exec sleep 100
echo 'Connection terminated' >&2
exit 1
"""


def test_a_program_that_loses_its_server_is_run_again_from_the_same_place(
    scratch: Path, song: Path, program_player: ProgramPlayer
) -> None:
    player = program_player(COMES_AND_GOES)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: "trying again" in player.reason)
    assert "Connection terminated" in player.reason
    stayed = player.position
    assert 1.2 < stayed < 2.5
    (scratch / "here").touch()
    until(lambda: "trying again" not in player.reason)
    assert player.position < stayed + 1
    assert player.playing
    player.close()
    assert len(list(scratch.glob("*.given.wav"))) == 2


def test_a_program_whose_server_stays_away_leaves_the_player_paused_at_the_place(
    scratch: Path, song: Path, program_player: ProgramPlayer
) -> None:
    player = program_player(COMES_AND_GOES)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: "trying again" in player.reason)
    (scratch / "away").touch()
    until(lambda: not player.playing)
    assert "Connection terminated: paused at 0:0" in player.trouble
    assert 1.2 < player.position < 3
    assert len(list(scratch.glob("*.given.wav"))) == 3
