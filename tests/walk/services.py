"""What a test needs of the system: skipped where it is missing, a failure where it was promised."""

import ctypes.util
import os
import shutil
from pathlib import Path

import pytest

PACKAGES = {
    "chromium": "chromium",
    "tmux": "tmux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "pulseaudio": "pulseaudio",
    "pactl": "pulseaudio-utils",
    "parec": "pulseaudio-utils",
    "paplay": "pulseaudio-utils",
    "PortAudio": "libportaudio2",
    "ALSA's pulse plugin": "libasound2-plugins",
}
"""Debian's package of everything that is asked for."""
_PLACES = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/sbin"))
"""Where servers lie, which a person's PATH often leaves out."""


def program(name: str) -> str:
    """The path of a program; empty when it is not here."""
    return shutil.which(name) or shutil.which(name, path=_PLACES) or ""


def need(*names: str) -> None:
    """Go on only with all of these; under CI, or with SONGDESK_SYSTEM set, a missing one is a failure."""
    missing = sorted({PACKAGES[name] for name in names if not _is_here(name)})
    if not missing:
        return
    words = f"not installed: {' '.join(missing)} (make system-packages)"
    if _promised():
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


def _promised() -> bool:
    return any(
        os.environ.get(name, "").lower() not in ("", "0", "false") for name in ("CI", "SONGDESK_SYSTEM")
    )


def _is_here(name: str) -> bool:
    match name:
        case "PortAudio":
            return ctypes.util.find_library("portaudio") is not None
        case "ALSA's pulse plugin":
            return any(Path("/usr").glob("lib*/**/alsa-lib/libasound_module_pcm_pulse.so"))
        case _:
            return bool(program(name))
