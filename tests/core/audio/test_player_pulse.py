"""PulseAudio's player: it is fed through a pipe and says where it is."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from core.audio import pulsevoice, voices
from core.audio.player import Player
from core.audio.spool import Spool
from core.audio.voices import LEAD_IN
from tests.core.audio.fake_sound import RATE, until

ProgramPlayer = Callable[..., Player]
# Takes sound at its pace, notes it, and says the time; files in the folder tell it to stand still or to die.
PAPLAY = f"""#!{sys.executable}
import os, sys, time
scratch = os.environ["SCRATCH"]
said = lambda name: os.path.exists(scratch + "/" + name)
number = sum(name.endswith(".raw") for name in os.listdir(scratch))
open(scratch + "/arguments", "a").write(" ".join(sys.argv[1:]) + "\\n")
pace = {2 * RATE} * int(next(word for word in sys.argv if word.startswith("--channels="))[11:])
heard = 0
with open(f"{{scratch}}/{{number}}.raw", "wb", buffering=0) as given:
    while not said("dead") and not said("leave"):
        if said("still"):
            time.sleep(0.02)
            continue
        data = os.read(0, pace // 20)
        if not data:
            break
        given.write(data)
        heard += len(data) / pace
        sys.stderr.write(f"Time: {{heard:.3f}} sec; Latency: 400000 usec.        \\r")
        sys.stderr.flush()
        time.sleep(len(data) / pace / 3)
if said("dead"):
    sys.stderr.write("\\nStream error: Connection terminated\\n")
    sys.exit(1)
"""


@pytest.fixture(autouse=True)
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "RESTS", (0.15, 0.6))
    monkeypatch.setattr(voices, "_SURE", 0.2)


@pytest.fixture
def player(program_player: ProgramPlayer, song: Path) -> Player:
    opened = program_player(PAPLAY, name="paplay")
    opened.load(song)
    return opened


def given(scratch: Path, number: int = 0) -> npt.NDArray[np.int16]:
    return np.fromfile(scratch / f"{number}.raw", "<i2")


def ramp(first: float) -> npt.NDArray[np.int16]:
    """The song's samples from a place (s) on, as they are given."""
    return (np.arange(round(first * RATE), 4 * RATE) / 40_000 * 32767).astype(np.int16)


def runs(scratch: Path) -> list[str]:
    return (scratch / "arguments").read_text().splitlines()


def test_it_is_given_the_rest_after_a_silence_and_the_end_is_waited_for(
    scratch: Path, player: Player
) -> None:
    player.seek(2.0)
    player.play()
    until(lambda: not player.playing)
    heard, silence = given(scratch), round(LEAD_IN * RATE)
    assert not heard[:silence].any()
    assert np.abs(heard[silence:] - ramp(2.0)).max() <= 1
    assert player.position == 4.0
    assert not player.trouble
    (line,) = runs(scratch)
    for option in ("--server=unix:/imagined/native", "--raw", f"--rate={RATE}", "--channels=1", "--verbose"):
        assert option in line.split()


def test_the_position_is_what_it_says_and_stands_when_it_stands(scratch: Path, player: Player) -> None:
    player.seek(1.0)
    player.play()
    until(lambda: player.position > 1.4)
    (scratch / "still").touch()
    time.sleep(0.2)
    said = len(given(scratch)) / RATE - LEAD_IN + 1.0
    stayed = player.position
    assert said <= stayed <= said + 2 * pulsevoice._CARRY
    time.sleep(0.2)
    assert player.position == stayed
    (scratch / "still").unlink()
    until(lambda: player.position > stayed)
    player.close()


def test_a_server_that_goes_is_found_again_and_nothing_is_left_out(scratch: Path, player: Player) -> None:
    player.play()
    until(lambda: player.position > 1.0)
    (scratch / "dead").touch()
    until(lambda: "trying again" in player.reason)
    assert "paplay stopped: Stream error: Connection terminated" in player.reason
    (scratch / "dead").unlink()
    until(lambda: not player.playing)
    assert not player.trouble
    assert player.position == 4.0
    before, silence = given(scratch)[silent() :], silent()
    after = given(scratch, len(runs(scratch)) - 1)[silence:]
    place = (4 * RATE - len(after)) / RATE
    assert np.abs(after - ramp(place)).max() <= 1
    assert abs(place - len(before) / RATE) < 0.2


def silent() -> int:
    return round(LEAD_IN * RATE)


def test_a_stream_that_stands_still_is_tried_again_and_then_paused_at_its_place(
    scratch: Path, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulsevoice, "_PATIENCE", 0.4)
    player.play()
    until(lambda: player.position > 1.0)
    (scratch / "still").touch()
    until(lambda: not player.playing)
    assert "paplay makes no sound: paused at 0:01" in player.trouble
    assert len(runs(scratch)) == 3
    assert 1.0 < player.position < 2


def test_one_that_never_begins_is_told_and_the_place_does_not_run_on(
    scratch: Path, song: Path, program_player: ProgramPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulsevoice, "_PATIENCE", 0.4)
    player = program_player("#!/bin/sh\nexec sleep 60\n", name="paplay")
    player.load(song)
    player.seek(1.5)
    player.play()
    until(lambda: not player.playing)
    assert "paplay makes no sound" in player.trouble
    assert player.position == 1.5


def test_one_that_leaves_early_is_not_taken_for_the_end(scratch: Path, player: Player) -> None:
    (scratch / "leave").touch()
    player.play()
    until(lambda: not player.playing)
    assert "ended before the song" in player.trouble
    assert player.position < 4


def test_volume_is_changed_while_it_plays(scratch: Path, player: Player) -> None:
    player.seek(1.0)
    player.play()
    until(lambda: player.position > 1.1)
    player.set_volume(0.0)
    until(lambda: not player.playing)
    assert len(runs(scratch)) == 1
    heard = given(scratch)
    assert heard[silent()] == pytest.approx(1 * RATE / 40_000 * 32767, abs=2)
    assert not heard[-1]


def test_a_loop_goes_round_in_one_run(scratch: Path, player: Player) -> None:
    player.loop((1.0, 1.5))
    player.seek(1.0)
    player.play()
    until(lambda: len(given(scratch)) > 2 * RATE if (scratch / "0.raw").exists() else False)
    assert 1.0 <= player.position <= 1.5
    player.close()
    assert len(runs(scratch)) == 1
    assert given(scratch).max() <= 1.5 * RATE / 40_000 * 32767


def test_a_growing_file_goes_on_in_the_same_run(
    scratch: Path, tmp_path: Path, program_player: ProgramPlayer
) -> None:
    path = tmp_path / "preview.wav"
    player = program_player(PAPLAY, name="paplay")
    with path.open("xb+", buffering=0) as file:
        spool = Spool(file, RATE)
        spool.append(np.full((RATE // 4, 2), 0.25, np.float32))
        player.load(path, grows=True)
        player.play()
        until(lambda: player.waiting)
        assert player.playing
        assert player.position == pytest.approx(0.25, abs=0.1)
        spool.append(np.full((RATE // 4, 2), 0.5, np.float32))
        until(lambda: player.waiting and player.position > 0.4)
        assert player.position == pytest.approx(0.5, abs=0.1)
        assert player.duration == pytest.approx(0.5)
        player.close()
    assert len(runs(scratch)) == 1
    assert set(np.unique(given(scratch))) == {0, int(0.25 * 32767), int(0.5 * 32767)}


def test_pause_ends_the_program(scratch: Path, player: Player) -> None:
    player.play()
    until(lambda: player.position > 0.1)
    player.pause()
    stayed = player.position
    time.sleep(0.2)
    size = len(given(scratch))
    time.sleep(0.2)
    assert len(given(scratch)) == size
    player.play()
    until(lambda: player.position > stayed + 0.05)
    player.close()
    assert len(runs(scratch)) == 2
