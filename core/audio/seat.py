"""Where the person sits, and which sound servers can be led to from here."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.audio.pulse import WSLG, Address, PulseServer, asking, connect, find_pulse
from core.environment import sound_variables
from core.host import is_wsl

TAB = "“listen”, or `songdesk listen`, plays it in the browser where you sit"


@dataclass(frozen=True, slots=True)
class Seat:
    """What decides which backend's sound is heard by the person."""

    far: bool = False
    """Whether this session came over SSH: then speakers here are not the person's."""
    pulse: PulseServer = field(default_factory=PulseServer)
    pipewire: str = "no PipeWire runs here for you"
    """Why PipeWire's own tools cannot be used; empty where they can."""

    @property
    def is_brought(self) -> bool:
        """Whether PULSE_SERVER brings sound to another machine, which is not to be passed over."""
        return self.pulse.is_set and self.pulse.is_elsewhere

    @property
    def remark(self) -> str:
        """Whose speakers those of this machine are, where they are not the person's; begins with a dot."""
        return f" · over SSH it plays on the server, not where you sit: {TAB}" if self.far else ""


def take_seat(
    find: Callable[[str], str | None] = shutil.which, variables: Mapping[str, str] | None = None
) -> Seat:
    """Look around, for a second or two where a server does not answer; `find` looks for programs."""
    told = sound_variables() if variables is None else variables
    far = bool(told.get("SSH_CONNECTION"))
    wslg = WSLG if WSLG.is_socket() and is_wsl() else None
    pulse = find_pulse(told, asking(find("pactl")), far=far, wslg=wslg)
    return Seat(far, pulse, pipewire_trouble(told))


def pipewire_trouble(variables: Mapping[str, str]) -> str:
    """Why PipeWire's tools cannot be used, by its socket; empty where they can."""
    folder = variables.get("PIPEWIRE_RUNTIME_DIR") or variables.get("XDG_RUNTIME_DIR", "")
    socket = Path(folder) / variables.get("PIPEWIRE_REMOTE", "pipewire-0") if folder else None
    if socket is None or not socket.exists():
        return "no PipeWire runs here for you"
    came = connect(Address(str(socket)))
    return f"PipeWire {came.trouble}" if came.trouble else ""
