"""Which backend is chosen, and what is said of each."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.audio.backends import BROWSER, PROGRAMS, Backend, backends
from core.audio.player import open_player
from core.audio.pulse import PulseServer
from core.audio.seat import Seat, pipewire_trouble, take_seat
from core.audio.voices import SoundModule
from core.environment import sound_variables
from tests.core.audio.conftest import SERVERS
from tests.core.audio.fake_sound import FakeSound
from tests.core.audio.listening_socket import listening

HERE = SERVERS.pulse
FORWARDED = replace(HERE, address="tcp:localhost:24713", is_set=True, place="forwarded")
WINDOWS = PulseServer("unix:/mnt/wslg/PulseServer", place="windows", answers=True, trouble="")


def no_portaudio() -> SoundModule:
    raise OSError("PortAudio library not found")


def all_of(name: str) -> str | None:
    return f"/usr/bin/{name}"


def none_of(name: str) -> str | None:
    return None


def look(seat: Seat, find: Callable[[str], str | None] = all_of, sound: bool = True) -> dict[str, Backend]:
    load = FakeSound if sound else no_portaudio
    return {each.name: each for each in backends(seat, find, load)}


def test_every_backend_is_told_and_the_browser_is_the_last() -> None:
    assert list(look(SERVERS)) == ["PortAudio", *PROGRAMS, BROWSER]
    assert list(look(Seat(), none_of, sound=False)) == ["PortAudio", *PROGRAMS, BROWSER]


def test_portaudio_comes_first_and_programs_only_where_it_finds_no_device() -> None:
    chosen = open_player(load_sound=FakeSound, find=all_of, seat=SERVERS)
    assert chosen.backend == "PortAudio"
    assert "Imaginary Speakers" in chosen.reason
    without = open_player(load_sound=lambda: FakeSound(device=False), find=all_of, seat=SERVERS)
    assert without.backend == "paplay"
    assert "no output device" in without.reason
    assert "libasound2-plugins" in without.reason, "a sound server answers, which ALSA could be led to"
    pipewire = Seat(pipewire="")
    assert (
        open_player(load_sound=no_portaudio, find=all_of, seat=pipewire, prefer="pw-play").backend
        == "pw-play"
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_is_used_where_it_is_the_only_one(name: str) -> None:
    find = lambda wanted: all_of(wanted) if wanted == name else None  # noqa: E731
    player = open_player(load_sound=no_portaudio, find=find, seat=SERVERS)
    assert player.backend == name
    assert ("estimate" in player.reason) == (name != "paplay")


def test_a_program_whose_sound_server_does_not_run_is_passed_over() -> None:
    silent = Seat(pulse=PulseServer("unix:/x", answers=False, trouble="the server of this machine is away"))
    told = look(silent, sound=False)
    assert (told["pw-play"].works, told["paplay"].works, told["aplay"].works) == (False, False, None)
    assert "is away" in told["paplay"].why
    assert open_player(load_sound=no_portaudio, find=all_of, seat=silent).backend == "aplay"


def test_paplay_may_start_a_server_where_pulseaudio_is_installed() -> None:
    nobody = Seat()
    assert look(nobody)["paplay"].works is None
    without = lambda name: None if name == "pulseaudio" else all_of(name)  # noqa: E731
    assert look(nobody, without)["paplay"].works is False


def test_sound_that_is_brought_to_the_person_goes_before_speakers_of_the_server() -> None:
    seat = Seat(far=True, pulse=FORWARDED, pipewire="")
    assert list(look(seat))[:2] == ["paplay", "PortAudio"]
    player = open_player(load_sound=FakeSound, find=all_of, seat=seat)
    assert player.backend == "paplay"
    assert "your machine's sound server" in player.reason
    assert "over SSH it plays on the server" not in player.reason


def test_over_ssh_the_speakers_of_the_server_are_named_as_such_with_the_way_out() -> None:
    seat = replace(SERVERS, far=True)
    for load in (FakeSound, no_portaudio):
        reason = open_player(load_sound=load, find=all_of, seat=seat).reason
        assert "plays on the server, not where you sit" in reason
        assert "songdesk listen" in reason
    near = open_player(load_sound=FakeSound, find=all_of, seat=SERVERS).reason
    assert "server" not in near


def test_when_what_brings_the_sound_is_broken_the_server_is_used_and_named() -> None:
    seat = Seat(far=True, pulse=replace(FORWARDED, answers=False, trouble="PULSE_SERVER cannot be reached"))
    player = open_player(load_sound=FakeSound, find=all_of, seat=seat)
    assert player.backend == "PortAudio"
    assert "plays on the server" in player.reason
    assert "PULSE_SERVER cannot be reached" in player.reason


def test_on_wsl_the_sound_server_of_windows_goes_before_pipewire() -> None:
    seat = Seat(pulse=WINDOWS, pipewire="")
    player = open_player(load_sound=lambda: FakeSound(device=False), find=all_of, seat=seat)
    assert player.backend == "paplay"
    assert "WSLg's sound server, which plays through Windows" in player.reason


def test_a_backend_can_be_asked_for_and_none_takes_its_place() -> None:
    paplay = open_player(load_sound=FakeSound, find=all_of, seat=SERVERS, prefer="paplay")
    assert paplay.backend == "paplay"
    assert open_player(load_sound=FakeSound, seat=SERVERS, prefer="portaudio").backend == "PortAudio"

    def crashes() -> SoundModule:
        raise AssertionError("it is not asked for")

    assert open_player(load_sound=crashes, find=all_of, seat=SERVERS, prefer="aplay").backend == "aplay"
    missing = open_player(load_sound=FakeSound, find=none_of, seat=SERVERS, prefer="paplay")
    assert missing.backend == "none"
    assert "asks for paplay" in missing.reason
    assert "installed" in missing.reason
    unknown = open_player(load_sound=FakeSound, find=all_of, seat=SERVERS, prefer="gramophone")
    assert unknown.backend == "none"
    assert "none of PortAudio, paplay" in unknown.reason
    assert open_player(load_sound=FakeSound, find=all_of, seat=SERVERS, prefer=BROWSER).backend == "none"


def test_where_nothing_plays_every_reason_is_given_and_the_browser_named(song: Path) -> None:
    player = open_player(load_sound=no_portaudio, find=none_of, seat=Seat())
    player.load(song)
    player.play()
    assert (player.backend, player.playing, player.duration) == ("none", False, 4.0)
    for part in ("PortAudio is not installed", "paplay", "songdesk listen", str(song)):
        assert part in player.reason


def test_pipewire_is_found_by_its_socket(tmp_path: Path) -> None:
    assert "no PipeWire" in pipewire_trouble({})
    assert "no PipeWire" in pipewire_trouble({"XDG_RUNTIME_DIR": str(tmp_path)})
    with listening(tmp_path / "pipewire-0"):
        assert pipewire_trouble({"XDG_RUNTIME_DIR": str(tmp_path)}) == ""
        other = {"XDG_RUNTIME_DIR": "/nowhere", "PIPEWIRE_RUNTIME_DIR": str(tmp_path)}
        assert pipewire_trouble(other) == ""
    assert "refused" in pipewire_trouble({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_wslgs_server_is_found_where_nothing_names_it_and_portaudio_is_led_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = tmp_path / "PulseServer"
    monkeypatch.setattr("core.audio.seat.WSLG", socket)
    monkeypatch.setattr("core.audio.seat.is_wsl", lambda: True)
    assert take_seat(none_of, {}).pulse.place == "here", "an older WSL has no such server"
    with listening(socket):
        seat = take_seat(none_of, {})
    assert (seat.pulse.place, seat.pulse.address) == ("windows", f"unix:{socket}")
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSound())
    assert open_player(find=none_of, seat=seat).backend == "PortAudio"
    assert sound_variables()["PULSE_SERVER"] == f"unix:{socket}"
    monkeypatch.setenv("PULSE_SERVER", "unix:/the/persons/own")
    open_player(find=none_of, seat=seat)
    assert sound_variables()["PULSE_SERVER"] == "unix:/the/persons/own"


def test_the_seat_is_read_off_the_variables(tmp_path: Path) -> None:
    near = take_seat(none_of, {})
    assert (near.far, near.is_brought, near.remark) == (False, False, "")
    away = {"SSH_CONNECTION": "192.0.2.1 2 192.0.2.2 22", "PULSE_SERVER": f"unix:{tmp_path}/gone"}
    far = take_seat(shutil.which, away)
    assert far.far
    assert "cannot be reached" in far.pulse.trouble
