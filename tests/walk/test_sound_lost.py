"""A sound server that dies while it plays, and one that comes from another machine through SSH."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.audio.pulse import asking, find_pulse
from tests.walk.hearing import PlayerProcess, make_sound
from tests.walk.likeness import stretches
from tests.walk.link import SshServer
from tests.walk.services import need, program
from tests.walk.sound import SoundServer, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

_UNHEARD = 0.5
"""Seconds that may be heard again after a loss: what was on its way when the server died."""


@pytest.fixture
def server() -> Iterator[SoundServer]:
    """A sound server of this test's own, as it is killed."""
    need("pulseaudio", "pactl", "parec", "paplay", "PortAudio", "ALSA's pulse plugin")
    server = SoundServer()
    yield server
    server.close()


@pytest.mark.parametrize("only", ["", "paplay"])
def test_a_sound_server_that_dies_and_comes_back_goes_on_at_the_same_place(
    server: SoundServer, tmp_path: Path, only: str
) -> None:
    file = tmp_path / "sound.wav"
    played = make_sound(file, 20.0)
    with PlayerProcess(file, server.environment, only=only) as player:
        player.tell("play")
        player.until(lambda seen: seen.position > 1.0)
        server.kill()
        stayed = player.until(lambda seen: "trying again" in seen.reason)
        assert stayed.playing
        server.restart()
        with server.recording() as recording:
            seen = player.until(lambda seen: seen.position > stayed.position + 1.5 or not seen.playing)
            assert seen.playing, seen.reason
            assert seen.position < stayed.position + 3
            assert "trying again" not in seen.reason
            player.tell("pause")
    first = stretches(recording.samples(), played)[0]
    assert first.place > stayed.position - _UNHEARD
    assert first.place < stayed.position + 1.5


@pytest.mark.parametrize("only", ["", "paplay"])
def test_a_sound_server_that_stays_away_is_said_and_play_tries_it_again(
    server: SoundServer, tmp_path: Path, only: str
) -> None:
    file = tmp_path / "sound.wav"
    make_sound(file, 20.0)
    with PlayerProcess(file, server.environment, only=only) as player:
        player.tell("play")
        player.until(lambda seen: seen.position > 1.0)
        server.kill()
        gone = player.until(lambda seen: not seen.playing)
        assert "paused at 0:01" in gone.reason
        assert "play tries again" in gone.reason
        time.sleep(0.5)
        assert player.tell().position == gone.position
        server.restart()
        player.tell("play")
        seen = player.until(lambda seen: seen.position > gone.position + 0.3 or not seen.playing)
        assert seen.playing, seen.reason
        assert seen.position < gone.position + 2


def test_a_sound_server_that_ssh_brings_here_is_known_as_the_persons_and_is_heard(
    server: SoundServer, tmp_path: Path
) -> None:
    need("sshd", "ssh", "ssh-keygen")
    file = tmp_path / "sound.wav"
    played = make_sound(file, 3.0)
    ssh = SshServer()
    brought = ssh.folder / "pulse"
    command = ssh.client("sleep", "200")
    command[1:1] = ["-R", f"{brought}:{server.environment['PULSE_SERVER'].removeprefix('unix:')}"]
    link = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        wait_for(brought.exists, "that ssh forwards the socket")
        variables = {"PULSE_SERVER": f"unix:{brought}", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
        found = find_pulse(variables, asking(program("pactl")), far=True)
        assert (found.place, found.answers, found.trouble) == ("forwarded", True, "")
        environment = {**server.environment, **variables}
        with server.recording() as recording, PlayerProcess(file, environment, only="paplay") as player:
            player.tell("play")
            assert "your machine's sound server" in player.tell().reason
            assert "on the server" not in player.tell().reason
            player.until_end()
        (heard,) = stretches(recording.samples(), played)
        assert heard.place < 0.04
        assert heard.end > 2.98
        link.terminate()
        link.wait(10)
        gone = find_pulse(variables, asking(program("pactl")), far=True)
        assert "cannot be reached" in gone.trouble
    finally:
        link.kill()
        link.wait(10)
        brought.unlink(missing_ok=True)
        ssh.close()
