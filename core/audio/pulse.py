"""Where PulseAudio's sound server is, on whose machine, and whether it answers; PipeWire has one too."""

import re
import socket
import struct
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from core.environment import child_variables

WSLG = Path("/mnt/wslg/PulseServer")
"""The socket of the sound server that comes with WSL2 and plays through Windows."""
_PORT = 4713
_PATIENCE = 1.0
"""Seconds a server has to take a connection."""
_TALK = 3.0
"""Seconds it has to tell of itself."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AWAY = ("connection refused", "connection terminated", "no answer")
"""What pactl says where a connection leads nowhere."""
_NO_OUTPUT = "auto_null"
"""The sink a server plays into when it has no device."""
_FACT = re.compile(r"^(Host Name|Default Sink): (.+)$", re.MULTILINE)

Place = Literal["here", "windows", "forwarded", "network"]
"""Where it plays: on this machine, through Windows around it, at the other end of SSH, on another machine."""


@dataclass(frozen=True, slots=True)
class PulseServer:
    """A sound server, as far as it can be told without playing."""

    address: str = ""
    """As PULSE_SERVER has it; empty where none was found."""
    is_set: bool = False
    """Whether PULSE_SERVER led to it."""
    place: Place = "here"
    answers: bool | None = None
    """None where it takes a connection, and nothing is here to ask it more."""
    trouble: str = "no PulseAudio server runs here for you"
    """Why it cannot be used; empty where it can."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether it plays on another machine than this one."""
        return self.place in ("forwarded", "network")

    @property
    def words(self) -> str:
        """What it is."""
        match self.place:
            case "windows":
                how = "" if self.is_set else f", found at {WSLG}"
                return f"WSLg's sound server, which plays through Windows{how}"
            case "forwarded":
                return "your machine's sound server, which SSH forwards as PULSE_SERVER"
            case "network":
                return "the sound server of another machine, which PULSE_SERVER names"
            case "here":
                return "the sound server of this machine"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    path: str = ""
    """Of a unix socket; empty for TCP."""
    host: str = ""
    port: int = _PORT

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of a connection."""

    trouble: str = ""
    is_sshd: bool = False
    """Whether it is sshd that listens there: then the server is at the other end."""


Ask = Callable[[str], Mapping[str, str] | str | None]
"""Asks the server at an address of itself: its facts, why it does not tell, or None where nothing can ask."""


def find_pulse(
    variables: Mapping[str, str],
    ask: Ask,
    *,
    far: bool,
    wslg: Path | None = None,
    reach: Callable[[Address], Reached] | None = None,
) -> PulseServer:
    """Look where the variables, WSLg and custom lead; `far` is a session over SSH, `wslg` its socket."""
    found = _candidate(variables, wslg)
    if not found.address:
        return found
    address = read_address(found.address)
    came = (reach or connect)(address)
    found = replace(found, place=_place(found, address, came, far=far))
    if came.trouble:
        return replace(found, answers=False, trouble=f"{_named(found)} {came.trouble}")
    facts = ask(found.address)
    if facts is None:
        return replace(found, trouble="")
    if isinstance(facts, str):
        return replace(found, answers=False, trouble=f"{_named(found)} {_refusal(facts)}")
    found = replace(found, place=_surely(found, facts, came))
    if facts.get("Default Sink") == _NO_OUTPUT:
        return replace(found, answers=False, trouble=f"{found.words}, has no output device")
    return replace(found, answers=True, trouble="")


def read_address(text: str) -> Address:
    """The first server of a PULSE_SERVER, such as `{machine}unix:/run/pulse tcp:laptop:4713`."""
    first = re.sub(r"^\{[^}]*\}", "", (text.split() or [""])[0])
    if first.startswith(("unix:", "/")):
        return Address(first.removeprefix("unix:"))
    first = re.sub(r"^tcp[46]?:", "", first)
    found = re.fullmatch(r"\[?(?P<host>[^\]]*?)\]?(?::(?P<port>\d{1,5}))?", first)
    if found is None or not found["host"]:
        return Address(host=first)
    return Address(host=found["host"], port=int(found["port"] or _PORT))


def connect(address: Address) -> Reached:
    """Try a connection, and see who listens."""
    try:
        if address.path:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_PATIENCE)
                link.connect(address.path)
                return Reached(is_sshd=_is_sshd(link))
        with socket.create_connection((address.host, address.port), timeout=_PATIENCE):
            return Reached()
    except TimeoutError:
        return Reached("does not answer")
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", "") or str(error)
        return Reached(f"cannot be reached: {said.lower()}")


def asking(pactl: str | None) -> Ask:
    """Asks with `pactl`, a path; nothing where there is none."""

    def ask(address: str) -> Mapping[str, str] | str | None:
        if pactl is None:
            return None
        try:
            done = subprocess.run(  # noqa: S603 - a known program, as found on PATH
                [pactl, f"--server={address}", "info"],
                env=child_variables(LC_ALL="C"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TALK,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {_TALK:.0f} s"
        except OSError as error:
            return (error.strerror or str(error)).lower()
        if done.returncode:
            return next(iter(reversed(done.stderr.strip().splitlines())), f"exit status {done.returncode}")
        return dict(_FACT.findall(done.stdout))

    return ask


def _candidate(variables: Mapping[str, str], wslg: Path | None) -> PulseServer:
    told = variables.get("PULSE_SERVER", "").strip()
    if told:
        is_wslg = read_address(told).path == str(WSLG)
        return PulseServer(told, is_set=True, place="windows" if is_wslg else "here")
    if wslg is not None:
        return PulseServer(f"unix:{wslg}", place="windows")
    folders = [variables.get("PULSE_RUNTIME_PATH", ""), f"{variables.get('XDG_RUNTIME_DIR', '')}/pulse"]
    sockets = [Path(folder) / "native" for folder in folders if folder not in ("", "/pulse")]
    own = next((place for place in sockets if place.exists()), None)
    return PulseServer(f"unix:{own}" if own else "")


def _place(found: PulseServer, address: Address, came: Reached, *, far: bool) -> Place:
    """As the address has it, and whoever listens there."""
    if found.place == "windows":
        return "windows"
    if came.is_sshd or (far and address.host in _LOOPBACK):
        return "forwarded"
    return "network" if address.host and address.host not in _LOOPBACK else "here"


def _surely(found: PulseServer, facts: Mapping[str, str], came: Reached) -> Place:
    """As the server has it: it names the machine that it runs on."""
    told = facts.get("Host Name", "")
    if found.place == "windows" or came.is_sshd or not told:
        return found.place
    if told == socket.gethostname():
        return "here"
    return "forwarded" if found.place == "forwarded" else "network"


def _named(found: PulseServer) -> str:
    """A way to say it that gives away no other machine's name."""
    if not found.is_set:
        return found.words
    return "PULSE_SERVER" if found.place == "network" else f"PULSE_SERVER={found.address}"


def _refusal(said: str) -> str:
    """What pactl's last words mean: the link may be there, and at its other end nobody any more."""
    if any(words in said.lower() for words in _AWAY):
        return f"cannot be reached: {said}"
    if "access denied" in said.lower():
        said += " (copy ~/.config/pulse/cookie of the server's machine to the same place here)"
    return f"refuses: {said}"


def _is_sshd(link: socket.socket) -> bool:
    """Whether the process that listens at the other end of a unix socket is sshd, where Linux tells."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return False
    process, _, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, option, 12))
    try:
        return process > 0 and psutil.Process(process).name().startswith("sshd")
    except psutil.Error:
        return False
