"""Where the page is for whoever sits elsewhere: its address, and the ssh line that leads to it."""

import ipaddress
import os
import pwd
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

from core.audio.listen.serve import PORT, Server
from core.environment import Reached, reached_by_ssh
from core.host import is_wsl

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Address:
    """How to come to the page."""

    url: str
    """To be opened in the person's browser, once the line below runs there where there is one."""
    forward: str
    """To be run on the person's own machine; empty where nothing has to be."""
    notes: tuple[str, ...] = ()
    """What is to be known of both, and what could not be known."""


def address_of(server: Server) -> Address:
    """The way to a server from where the person sits, as far as this process can tell."""
    return told(
        server.port,
        server.token,
        path=server.path,
        moved=server.moved,
        ssh=reached_by_ssh(),
        user=_user(),
        name=socket.gethostname(),
        in_wsl=is_wsl(),
    )


def told(
    port: int,
    token: str,
    *,
    path: Path | None = None,
    moved: str = "",
    ssh: Reached | None = None,
    user: str = "",
    name: str = "",
    in_wsl: bool = False,
) -> Address:
    """The same from facts: the port or socket, and how this session was reached, if over SSH."""
    # On another family of addresses the name localhost may lead to somebody else's program: Windows alone
    # needs it, as it passes on the name and not the number.
    host = "localhost" if in_wsl and ssh is None else "127.0.0.1"
    near = port or PORT
    url = f"http://{host}:{near}/{token}/"
    first = (moved,) if moved else ()
    if ssh is None and in_wsl and path is None:
        return Address(url, "", (*first, "the browser of Windows opens this as it is"))
    far = f"127.0.0.1:{port}" if path is None else str(path.absolute())
    where, why = _where(ssh, user, name)
    more = f" -p {ssh.port}" if ssh is not None and ssh.port != _SSH_PORT else ""
    line = f"ssh -N -L {shlex.quote(f'{near}:{far}')}{more} {shlex.quote(where)}"
    if ssh is None and path is None:
        here = "a browser on this machine opens it as it is; on another machine run the ssh line there first"
        return Address(url, line, (*first, here, why))
    return Address(url, line, (*first, *((why,) if why else ())))


def _where(ssh: Reached | None, user: str, name: str) -> tuple[str, str]:
    """Whom to ask for with ssh, and what of it is a guess."""
    login = f"{user}@" if user else ""
    if ssh is None:
        return f"{login}{name}", f"{name} is what this machine calls itself: you may know it by another name"
    if _is_private(ssh.server):
        why = (
            f"{ssh.server} is this machine in its own network: use the name that you gave ssh, if it differs"
        )
        return f"{login}{ssh.server}", why
    return f"{login}{ssh.server}", ""


def _is_private(server: str) -> bool:
    try:
        return not ipaddress.ip_address(server.partition("%")[0]).is_global
    except ValueError:
        return True


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return ""
