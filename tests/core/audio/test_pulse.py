"""Where PulseAudio's server is, whose speakers it has, and what keeps it from being used."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.audio import pulse
from core.audio.pulse import Address, Place, PulseServer, Reached, asking, connect, find_pulse, read_address
from tests.core.audio.listening_socket import listening

Facts = Mapping[str, str] | str | None
HERE = {"Host Name": socket.gethostname(), "Default Sink": "alsa_output.usb"}
LAPTOP = {"Host Name": "somebodys-laptop", "Default Sink": "alsa_output.pci"}


def found(
    variables: dict[str, str],
    facts: Facts = None,
    came: Reached | None = None,
    *,
    far: bool = False,
    wslg: Path | None = None,
) -> PulseServer:
    reach = lambda _: came or Reached()  # noqa: E731
    return find_pulse(variables, lambda _: facts, far=far, wslg=wslg, reach=reach)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/run/user/1000/pulse/native", Address("/run/user/1000/pulse/native")),
        ("/tmp/my-pulse", Address("/tmp/my-pulse")),
        ("{0123abc}unix:/a tcp:laptop:4713", Address("/a")),
        ("tcp:localhost:24713", Address(host="localhost", port=24713)),
        ("tcp4:192.0.2.7", Address(host="192.0.2.7")),
        ("tcp6:[::1]:5000", Address(host="::1", port=5000)),
        ("laptop", Address(host="laptop")),
        ("laptop:99999999", Address(host="laptop:99999999")),
        ("", Address()),
    ],
)
def test_servers_are_read_as_pulseaudio_writes_them(text: str, address: Address) -> None:
    assert read_address(text) == address


SSH, LAN = "tcp:localhost:24713", "tcp:studio.example:4713"
WSLG = f"unix:{pulse.WSLG}"


@pytest.mark.parametrize(
    ("server", "far", "facts", "came", "place"),
    [
        (SSH, True, LAPTOP, Reached(), "forwarded"),
        (SSH, True, None, Reached(), "forwarded"),
        # A server of this machine that listens on TCP tells its own name.
        (SSH, True, HERE, Reached(), "here"),
        (SSH, False, HERE, Reached(), "here"),
        ("unix:/tmp/my-pulse", True, None, Reached(is_sshd=True), "forwarded"),
        # Both machines may have one name: who listens is surer.
        ("unix:/tmp/my-pulse", True, HERE, Reached(is_sshd=True), "forwarded"),
        ("unix:/tmp/my-pulse", True, LAPTOP, Reached(), "network"),
        ("unix:/tmp/my-pulse", True, HERE, Reached(), "here"),
        (LAN, False, LAPTOP, Reached(), "network"),
        (WSLG, False, LAPTOP, Reached(), "windows"),
    ],
)
def test_whose_speakers_they_are_is_told_by_who_listens_and_by_the_server_itself(
    server: str, *, far: bool, facts: Facts, came: Reached, place: Place
) -> None:
    server_ = found({"PULSE_SERVER": server}, facts, came, far=far)
    assert server_.place == place
    assert server_.is_elsewhere == (place in ("forwarded", "network"))
    assert server_.is_set
    assert not server_.trouble
    assert server_.answers is (None if facts is None else True)


def test_the_words_tell_the_way_and_no_name_of_another_machine() -> None:
    brought = found({"PULSE_SERVER": SSH}, LAPTOP, far=True)
    assert "your machine's sound server, which SSH forwards" in brought.words
    for server in (found({"PULSE_SERVER": LAN}, LAPTOP), found({"PULSE_SERVER": LAN}, None, Reached("away"))):
        assert "example" not in server.words + server.trouble
        assert "laptop" not in server.words + server.trouble


def test_wslgs_server_is_found_without_the_variable_and_explained() -> None:
    server = found({"XDG_RUNTIME_DIR": "/nowhere"}, LAPTOP, wslg=pulse.WSLG)
    assert (server.address, server.place, server.answers, server.is_set) == (WSLG, "windows", True, False)
    assert "WSLg" in server.words
    assert str(pulse.WSLG) in server.words
    told = found({"PULSE_SERVER": SSH}, HERE, wslg=pulse.WSLG)
    assert told.address == SSH, "what the person says goes before"


def test_the_own_server_is_found_by_its_socket(tmp_path: Path) -> None:
    assert not found({}).address
    assert not found({"XDG_RUNTIME_DIR": str(tmp_path)}).address
    (tmp_path / "pulse").mkdir()
    with listening(tmp_path / "pulse/native"):
        server = find_pulse({"XDG_RUNTIME_DIR": str(tmp_path)}, lambda _: HERE, far=False)
    assert server.address == f"unix:{tmp_path}/pulse/native"
    assert (server.answers, server.place, server.is_set) == (True, "here", False)


@pytest.mark.parametrize(
    ("facts", "came", "words"),
    [
        (None, Reached("cannot be reached: connection refused"), "connection refused"),
        ("Connection failure: Access denied", Reached(), "copy ~/.config/pulse/cookie"),
        ("no answer within 3 s", Reached(), "no answer"),
        ({**HERE, "Default Sink": "auto_null"}, Reached(), "no output device"),
    ],
)
def test_what_keeps_a_server_from_being_used_is_said(facts: Facts, came: Reached, words: str) -> None:
    server = found({"PULSE_SERVER": "unix:/tmp/my-pulse"}, facts, came)
    assert server.answers is False
    assert words in server.trouble


def test_a_connection_tells_who_does_not_listen(tmp_path: Path) -> None:
    path = tmp_path / "native"
    assert "no such file" in connect(Address(str(path))).trouble
    with listening(path):
        assert connect(Address(str(path))) == Reached()
    assert "refused" in connect(Address(str(path))).trouble
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        assert "refused" in connect(Address(host="127.0.0.1", port=port)).trouble
    assert connect(Address(host="127.0.0.1", port=99999)).trouble
    assert connect(Address("/" + "x" * 300)).trouble


INFO = """#!/bin/sh
[ "$1 $2 $LC_ALL" = "--server=unix:/a info C" ] || exit 9
echo 'Server String: unix:/a'
echo 'Host Name: somebodys-laptop'
echo 'Default Sink: alsa_output.pci'
"""


def test_pactl_is_asked_in_english_and_its_refusal_is_kept(tmp_path: Path) -> None:
    assert asking(None)("unix:/a") is None
    pactl = tmp_path / "pactl"
    pactl.write_text(INFO)
    pactl.chmod(0o755)
    assert asking(str(pactl))("unix:/a") == LAPTOP
    pactl.write_text("#!/bin/sh\necho 'Connection failure: Access denied' >&2\nexit 1\n")
    assert asking(str(pactl))("unix:/a") == "Connection failure: Access denied"
    assert isinstance(asking(str(tmp_path / "none"))("unix:/a"), str)


def test_a_pactl_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "_TALK", 0.2)
    pactl = tmp_path / "pactl"
    pactl.write_text("#!/bin/sh\nexec sleep 60\n")
    pactl.chmod(0o755)
    assert "no answer" in str(asking(str(pactl))("unix:/a"))
