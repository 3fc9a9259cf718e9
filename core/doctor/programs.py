"""Checks of Python, torch and the variables of this process."""

import platform
import sys

from core.doctor.finding import Finding, few
from core.doctor.scene import Scene
from core.environment import Applied

_OLDEST = (3, 11)
_TORCH = "2.11."
_TRITON = "3.6."
_README = {"rocm": " (README: AMD on WSL2)", "cuda": " (README: NVIDIA)", "cpu": ": make setup"}


def python(_: Scene) -> Finding:
    """The Python that runs songdesk."""
    facts = {"version": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    what = f"{facts['version']} on {facts['system']} {facts['machine']}"
    if sys.version_info < _OLDEST:
        return Finding("python", "Python", "fail", what, "install Python 3.11 or newer", facts)
    return Finding("python", "Python", "ok", what, facts=facts)


def torch(scene: Scene) -> Finding:
    """Whether torch starts, and which it is."""
    step, installed = scene.step("torch"), scene.host.torch
    facts: dict[str, object] = {"version": installed.version, "build": installed.build}
    facts["runtime"] = installed.runtime
    if installed.build == "none":
        return Finding("torch", "PyTorch", "fail", "not installed", "make setup", facts)
    if step is None:
        said = scene.probe.errors.get("torch") or scene.probe.trouble or "it told nothing"
        fix = scene.without_allocator(f"install torch anew for this machine{_README[installed.build]}")
        return Finding("torch", "PyTorch", "fail", f"{installed.version} does not start: {said}", fix, facts)
    triton = str(step.get("triton") or "")
    facts |= {"triton": triton, "threads": step.get("threads")}
    what = f"{step['version']} for {_build(scene)}" + (f", Triton {triton}" if triton else "")
    if not str(step["version"]).startswith(_TORCH):
        return Finding("torch", "PyTorch", "warn", what, f"songdesk is made for PyTorch {_TORCH}x", facts)
    if triton and not triton.startswith(_TRITON) and installed.build != "cpu":
        return Finding(
            "torch", "PyTorch", "warn", what, f"take the Triton {_TRITON}x that comes with it", facts
        )
    return Finding("torch", "PyTorch", "ok", what, facts=facts)


def variables(scene: Scene) -> Finding:
    """What was set for this process and what was taken out, with the reason of each that matters."""
    applied = scene.applied
    facts = {"variables": [_fact(each) for each in applied]}
    bad = [each for each in applied if each.done in ("removed", "suffered", "doubtful")]
    given = [each.name for each in applied if each.done == "set"]
    kept = [f"{each.name}={each.value}" for each in applied if each.done == "kept"]
    parts = ["; ".join(_told(each) for each in bad)] if bad else []
    parts += [f"set here: {', '.join(given)}"] if given else []
    parts += [f"yours: {', '.join(kept)}"] if kept else []
    what = "; ".join(parts) or "none needed"
    if not bad:
        return Finding("variables", "Variables", "ok", what, facts=facts)
    fix = f"unset {few(list(dict.fromkeys(each.name for each in bad)), 9)} where your shell sets it"
    return Finding("variables", "Variables", "warn", what, fix, facts)


def _told(each: Applied) -> str:
    done = {
        "removed": "taken out for songdesk",
        "suffered": "left because of SONGDESK_KEEP_ENV",
        "doubtful": "left",
    }
    return f"{each.name}={each.value} {done[each.done]}: {each.why}"


def _fact(each: Applied) -> dict[str, str]:
    return {"name": each.name, "value": each.value, "done": each.done, "why": each.why}


def _build(scene: Scene) -> str:
    names = {"cuda": "CUDA", "rocm": "ROCm", "cpu": "the processor alone", "none": "nothing"}
    return f"{names[scene.host.torch.build]} {scene.host.torch.runtime}".strip()
