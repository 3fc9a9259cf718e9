"""The variables of songdesk's own process: those that help are set before torch is imported, harmful ones
are taken out, and what was done can be shown. Imports no torch.
"""

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TextIO

from core.host import Host, host

KEEP = "SONGDESK_KEEP_ENV"
"""Set to 1, harmful variables stay as they are."""
NATIVE = (
    "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1030",
    "gfx1100", "gfx1101", "gfx1102", "gfx1150", "gfx1151", "gfx1200", "gfx1201",
)  # fmt: skip
"""AMD GPUs that torch's builds for ROCm 7 hold kernels for."""
_log = logging.getLogger(__name__)
_PATIENCE = 10.0
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE", re.IGNORECASE)
_SHORTEST_SECRET = 6
_ALLOCATOR = re.compile(r"PYTORCH_\w*ALLOC_CONF")
_TERMINAL = (
    "TERM", "COLORTERM", "NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "TERM_PROGRAM", "TERM_PROGRAM_VERSION",
    "LC_TERMINAL", "LC_TERMINAL_VERSION", "KONSOLE_VERSION", "VTE_VERSION", "TMUX_PANE", "ConEmuANSI",
)  # fmt: skip
_LINK = (
    "WT_SESSION", "KITTY_WINDOW_ID", "TMUX", "STY", "ZELLIJ", "MOSH_CONNECTION",
    "SSH_CONNECTION", "SSH_TTY",
)  # fmt: skip

Done = Literal["set", "kept", "removed", "suffered", "doubtful"]
"""Set by us · set by the person and left · taken out · harmful but left as asked · left, worth a warning."""


@dataclass(frozen=True, slots=True)
class Helpful:
    """A variable that helps, where the person has not set it."""

    name: str
    value: str
    when: str
    """Where it applies, in words."""
    why: str
    applies: Callable[[Host], bool]
    unless: tuple[str, ...] = ()
    """Other names of the same thing: where one of these is set, it is left alone."""


@dataclass(frozen=True, slots=True)
class Harmful:
    """A variable that harms, with some values on some machines."""

    name: str
    when: str
    reason: str
    harms: Callable[[Host, str], bool]
    is_removed: bool = True
    """Taken out for this process; else left and only named."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one variable."""

    name: str
    value: str
    done: Done
    why: str


def _on_rdna(here: Host) -> bool:
    rdna = any(name.startswith(("gfx11", "gfx12")) for name in here.gfx)
    return here.torch.build == "rocm" and (rdna or not here.gfx)


def _is_cuda_on_linux(here: Host) -> bool:
    return here.torch.build == "cuda" and here.has_nvidia and not here.wsl


def _is_gpu_build(here: Host, value: str = "") -> bool:
    return here.torch.build in ("cuda", "rocm") and value != "0"


def _is_rocm(here: Host, value: str) -> bool:
    return here.torch.build == "rocm" and value not in ("", "0")


HELPFUL = (
    Helpful(
        "OMP_WAIT_POLICY", "PASSIVE", "everywhere",
        "threads that wait sleep: spinning, they slow a small model a hundredfold on a busy machine",
        lambda _: True,
    ),
    Helpful(
        "KINETO_LOG_LEVEL", "5", "everywhere",
        "the profiler does not call a machine without a GPU an error",
        lambda _: True,
    ),
    Helpful(
        "PYTORCH_ALLOC_CONF", "expandable_segments:True", "CUDA on Linux",
        "less memory is lost between blocks; on WSL it fails with some drivers, on ROCm with some builds",
        _is_cuda_on_linux, ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF"),
    ),
    Helpful(
        "TORCH_ROCM_AOTRITON_ENABLE_EXPERIMENTAL", "1", "ROCm on gfx11 and gfx12",
        "fused attention, which torch holds back there as experimental; without it attention is slow",
        _on_rdna,
    ),
    Helpful(
        "MIOPEN_FIND_MODE", "FAST", "ROCm",
        "the first convolution of each shape takes what MIOpen knows and does not search for minutes",
        lambda here: here.torch.build == "rocm",
    ),
    Helpful(
        "HSA_ENABLE_DXG_DETECTION", "1", "ROCm on WSL2 with librocdxg",
        "ROCm 7.2 looks for the GPU of Windows only with it",
        lambda here: here.torch.build == "rocm" and here.wsl == 2 and here.has_dxg and bool(here.bridge),
    ),
)  # fmt: skip
"""What is set."""

HARMFUL = (
    Harmful(
        "HSA_OVERRIDE_GFX_VERSION", "ROCm on a GPU that torch has kernels for",
        "this GPU is supported as it is; kernels of another one crash it or compute wrong",
        lambda here, _: here.torch.build == "rocm" and any(name in NATIVE for name in here.gfx),
    ),
    Harmful(
        "HSA_ENABLE_DXG_DETECTION", "ROCm on WSL2, set to 0",
        "with 0 ROCm does not look for the GPU of Windows",
        lambda here, value: here.torch.build == "rocm" and here.wsl == 2 and value == "0",
    ),
    Harmful(
        "PYTORCH_NO_CUDA_MEMORY_CACHING", "CUDA and ROCm",
        "every tensor asks the driver for memory: many times slower, and more of it",
        lambda here, _: _is_gpu_build(here),
    ),
    Harmful(
        "PYTORCH_NO_HIP_MEMORY_CACHING", "ROCm",
        "every tensor asks the driver for memory: many times slower, and more of it",
        lambda here, _: here.torch.build == "rocm",
    ),
    Harmful(
        "CUDA_LAUNCH_BLOCKING", "CUDA and ROCm",
        "makes every kernel wait; meant for finding faults",
        lambda here, value: _is_gpu_build(here, value) and value != "",
    ),
    Harmful("HIP_LAUNCH_BLOCKING", "ROCm", "makes every kernel wait; meant for finding faults", _is_rocm),
    Harmful("AMD_SERIALIZE_KERNEL", "ROCm", "makes every kernel wait; meant for finding faults", _is_rocm),
    Harmful("AMD_SERIALIZE_COPY", "ROCm", "makes every copy wait; meant for finding faults", _is_rocm),
    Harmful(
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "CUDA",
        "fp32 would be TF32 whatever `flow_precision` says; set that to tf32 for the same speed",
        lambda here, value: here.torch.build == "cuda" and value not in ("", "0"),
    ),
    Harmful(
        "HSA_OVERRIDE_GFX_VERSION", "ROCm on a GPU that is not known to need it",
        "if torch supports this GPU as it is, kernels of another one crash it or compute wrong",
        lambda here, _: here.torch.build == "rocm" and not here.gfx, is_removed=False,
    ),
    Harmful(
        "HSA_ENABLE_SDMA", "ROCm, set to 0",
        "copies to and from the GPU go without its copy engines and are slower",
        lambda here, value: here.torch.build == "rocm" and value == "0", is_removed=False,
    ),
    Harmful(
        "PYTORCH_TUNABLEOP_ENABLED", "CUDA and ROCm",
        "products are timed while songs are made: slow at first, and a replay may differ",
        lambda here, value: _is_gpu_build(here, value) and value != "", is_removed=False,
    ),
    *(
        Harmful(
            name, "CUDA on WSL2, with expandable_segments:True",
            "the first allocation fails with some NVIDIA drivers on WSL2",
            lambda here, value: here.wsl == 2 and "expandable_segments:True" in value, is_removed=False,
        )
        for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
    ),
    *(
        Harmful(
            name, "CUDA and ROCm, empty or -1", "it hides every GPU",
            lambda here, value: _is_gpu_build(here) and value.strip() in ("", "-1"), is_removed=False,
        )
        for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
    ),
)  # fmt: skip
"""What is taken out, or named where it may have a reason."""


@cache
def prepare() -> tuple[Applied, ...]:
    """Set what helps and take out what harms, once for this process; to be called before torch is imported.

    Gives what was done and why, the same at every call. With SONGDESK_KEEP_ENV=1 nothing is taken out.
    """
    done = arrange(os.environ, _host())
    for each in done:
        level = logging.INFO if each.done in ("set", "kept") else logging.WARNING
        _log.log(level, "%s %s: %s", each.name, each.done, each.why)
    return done


def arrange(variables: MutableMapping[str, str], here: Host) -> tuple[Applied, ...]:
    """Change variables as `prepare` does those of the process."""
    return (*_take_out(variables, here), *_put_in(variables, here))


def terminal_variables(variables: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The variables that tell of the terminal, of this process where no others are given.

    Of the link only that it is there: its value has addresses.
    """
    told = os.environ if variables is None else variables
    return {name: told[name] if name in _TERMINAL else "1" for name in (*_TERMINAL, *_LINK) if told.get(name)}


def sound_variables() -> Mapping[str, str]:
    """The variables that say where sound goes, and that the person is at the other end of a link."""
    names = (
        "PULSE_SERVER", "PULSE_RUNTIME_PATH", "PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR",
        "SSH_CONNECTION",
    )  # fmt: skip
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def lead_to_sound(server: str) -> None:
    """Let libraries of this process find a sound server that PULSE_SERVER does not name; a set one stays."""
    os.environ.setdefault("PULSE_SERVER", server)


def child_variables(**others: str) -> dict[str, str]:
    """The variables for a program that is run from here, with others over them."""
    return {**os.environ, **others}


@dataclass(frozen=True, slots=True)
class Reached:
    """How this machine was reached over SSH."""

    server: str
    """Its address, as the link sees it from here."""
    port: int


def reached_by_ssh() -> Reached | None:
    """The end of the SSH link on this machine; None without one, or where it does not tell."""
    parts = os.environ.get("SSH_CONNECTION", "").split()
    if len(parts) != 4 or not parts[3].isdecimal():
        return None
    return Reached(parts[2], int(parts[3]))


def allocator_variables() -> tuple[str, ...]:
    """Names of the variables that are set and change how torch takes memory of a GPU."""
    return tuple(name for name in sorted(os.environ) if _ALLOCATOR.fullmatch(name))


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: a terminal that is not dumb, and NO_COLOR is unset."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def secrets() -> tuple[str, ...]:
    """Values of variables that are named as secrets are, the longest first: they are never to be shown."""
    named = {value for name, value in os.environ.items() if _SECRET.search(name)}
    return tuple(sorted((value for value in named if len(value) >= _SHORTEST_SECRET), key=len, reverse=True))


def _take_out(variables: MutableMapping[str, str], here: Host) -> list[Applied]:
    keeps = variables.get(KEEP) == "1"
    done: list[Applied] = []
    for rule in HARMFUL:
        value = variables.get(rule.name)
        if value is None or not rule.harms(here, value):
            continue
        if rule.is_removed and not keeps:
            del variables[rule.name]
        left: Done = "suffered" if rule.is_removed else "doubtful"
        done.append(
            Applied(rule.name, value, "removed" if rule.is_removed and not keeps else left, rule.reason)
        )
    return done


def _put_in(variables: MutableMapping[str, str], here: Host) -> list[Applied]:
    done: list[Applied] = []
    for rule in HELPFUL:
        taken = next((name for name in (rule.name, *rule.unless) if name in variables), None)
        if not rule.applies(here):
            continue
        if taken is None:
            variables[rule.name] = rule.value
            done.append(Applied(rule.name, rule.value, "set", rule.why))
        else:
            done.append(Applied(taken, variables[taken], "kept", rule.why))
    return done


def _host() -> Host:
    """This machine; where its GPU's kind decides whether a variable harms, `rocminfo` is asked."""
    here = host()
    if here.torch.build != "rocm" or here.gfx or "HSA_OVERRIDE_GFX_VERSION" not in os.environ:
        return here
    from dataclasses import replace

    return replace(here, gfx=_asked_gfx(here))


def _asked_gfx(here: Host) -> tuple[str, ...]:
    program = shutil.which("rocminfo") or shutil.which("rocminfo", path="/opt/rocm/bin")
    if program is None:
        return ()
    variables = {name: value for name, value in os.environ.items() if name != "HSA_OVERRIDE_GFX_VERSION"}
    if here.wsl:
        variables["HSA_ENABLE_DXG_DETECTION"] = "1"
    try:
        told = subprocess.run(  # noqa: S603 - a known program, as found on PATH
            [program], env=variables, capture_output=True, text=True, timeout=_PATIENCE, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ()
    return tuple(dict.fromkeys(re.findall(r"^\s*Name:\s+(gfx[0-9a-f]+)\s*$", told, re.MULTILINE)))
