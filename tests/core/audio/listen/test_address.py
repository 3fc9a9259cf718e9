"""The way to the page, from wherever the person sits, and the token in it."""

import stat
from pathlib import Path

import pytest

from core.audio.listen.address import address_of, told
from core.audio.listen.serve import Server
from core.audio.listen.tokens import kept_token
from core.environment import Reached, reached_by_ssh


def test_over_ssh_the_line_is_exact() -> None:
    address = told(8737, "tok", ssh=Reached("93.184.216.34", 22), user="ann", name="box")
    assert address.url == "http://127.0.0.1:8737/tok/"
    assert address.forward == "ssh -N -L 8737:127.0.0.1:8737 ann@93.184.216.34"
    assert address.notes == ()


def test_another_port_of_ssh_and_of_the_server_is_in_the_line_and_said() -> None:
    moved = "port 8737 is taken, perhaps by another studio: 41001 is used instead"
    address = told(41001, "tok", moved=moved, ssh=Reached("2606:2800:220:1::1", 2222), user="ann", name="box")
    assert address.forward == "ssh -N -L 41001:127.0.0.1:41001 -p 2222 ann@2606:2800:220:1::1"
    assert ":41001/" in address.url
    assert address.notes == (moved,)


@pytest.mark.parametrize("server", ["10.0.0.5", "192.168.1.2", "fe80::1%eth0", "172.17.0.2"])
def test_an_address_that_leads_nowhere_from_outside_is_said_to_be_one(server: str) -> None:
    address = told(8737, "tok", ssh=Reached(server, 22), user="ann", name="box")
    assert f"ann@{server}" in address.forward.replace("'", "")
    assert any("in its own network" in note for note in address.notes)


def test_without_ssh_the_name_of_the_machine_is_said_to_be_a_guess() -> None:
    address = told(8737, "tok", user="ann", name="box")
    assert address.forward.endswith("ann@box")
    assert any("box is what this machine calls itself" in note for note in address.notes)
    assert any("a browser on this machine" in note for note in address.notes)


def test_the_browser_of_windows_needs_nothing() -> None:
    address = told(8737, "tok", user="ann", name="box", in_wsl=True)
    assert (address.url, address.forward) == ("http://localhost:8737/tok/", "")
    assert any("Windows" in note for note in address.notes)


def test_a_wsl_that_is_reached_over_ssh_is_any_machine() -> None:
    address = told(8737, "tok", ssh=Reached("93.184.216.34", 22), user="ann", in_wsl=True)
    assert address.url.startswith("http://127.0.0.1:8737/")
    assert address.forward


def test_a_socket_is_forwarded_to_a_port(tmp_path: Path) -> None:
    path = tmp_path / "a b.sock"
    address = told(0, "tok", path=path, ssh=Reached("93.184.216.34", 22), user="ann")
    assert address.forward == f"ssh -N -L '8737:{path}' ann@93.184.216.34"
    assert address.url == "http://127.0.0.1:8737/tok/"


def test_the_link_is_read_as_ssh_tells_it(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.7 50000 93.184.216.34 2200")
    assert reached_by_ssh() == Reached("93.184.216.34", 2200)
    address = address_of(server)
    assert f"-L {server.port}:127.0.0.1:{server.port} -p 2200" in address.forward
    assert "203.0.113.7" not in str(address)
    for told_ in ("", "nonsense", "a b c d"):
        monkeypatch.setenv("SSH_CONNECTION", told_)
        assert reached_by_ssh() is None


def test_a_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "listen-token"
    token = kept_token(file)
    assert len(token) == 32
    assert kept_token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_token(file, is_fresh=True) != token
    assert [path.name for path in file.parent.iterdir()] == ["listen-token"]


def test_a_token_that_others_may_know_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "listen-token"
    token = kept_token(file)
    file.chmod(0o644)
    assert kept_token(file) != token
    other = tmp_path / "other"
    file.rename(other)
    file.symlink_to(other)
    assert kept_token(file) != other.read_text()
    file.unlink()
    file.write_text("short")
    file.chmod(0o600)
    assert len(kept_token(file)) == 32


def test_where_a_token_cannot_be_kept_one_is_drawn_for_this_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = tmp_path / "file" / "listen-token"
    assert kept_token(file) != kept_token(file)
