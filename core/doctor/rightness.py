"""Checks of what the device computes: small sums beside float64, and a few golden vectors."""

from core.doctor.finding import Finding, few
from core.doctor.scene import Scene

_FIX = "do not trust its songs: update the driver and torch, look at `songdesk parity`, or use device: cpu"


def sums(scene: Scene) -> Finding:
    """Sums that need no file, on the device and in float64."""
    told = scene.step("sums")
    if told is None:
        return _lost(scene, "sums", "Sums")
    checks = told["checks"]
    assert isinstance(checks, list)
    wrong = [
        f"{name} (off by {error:.2g}, {most:.2g} allowed)" for name, error, most in checks if error > most
    ]
    facts = {"checks": {name: error for name, error, _ in checks}}
    if wrong:
        return Finding("sums", "Sums", "fail", f"wrong: {few(wrong)}", _FIX, facts)
    return Finding("sums", "Sums", "ok", f"{len(checks)} kinds agree with float64", facts=facts)


def goldens(scene: Scene) -> Finding | None:
    """A few golden vectors of a checkout."""
    if scene.is_quick:
        return None
    if scene.goldens is None:
        what = "unknown: vectors come with a checkout, not with a wheel; `songdesk parity DIR` takes others"
        return Finding("parity", "Golden vectors", "unknown", what)
    told = scene.step("goldens")
    if told is None:
        return _lost(scene, "goldens", "Golden vectors", "parity")
    wrong = [str(name) for name in told["wrong"]] if isinstance(told["wrong"], list) else []
    facts = {"cases": told["cases"], "wrong": wrong}
    if wrong:
        return Finding(
            "parity",
            "Golden vectors",
            "fail",
            f"{len(wrong)} of {told['cases']} differ: {few(wrong)}",
            _FIX,
            facts,
        )
    what = f"{told['cases']} cases right; `songdesk parity` checks all"
    return Finding("parity", "Golden vectors", "ok", what, facts=facts)


def _lost(scene: Scene, step: str, title: str, name: str = "") -> Finding:
    probe = scene.probe
    if error := probe.errors.get(step):
        return Finding(name or step, title, "fail", error, _FIX)
    if probe.begun == step:
        return Finding(name or step, title, "fail", f"it did not come back: {probe.trouble}", _FIX)
    return Finding(name or step, title, "unknown", "not checked: torch or the device was lost before")
