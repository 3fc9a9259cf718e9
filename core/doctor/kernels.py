"""The check of the kernels: which ones are live on the device and why, and what came of trying them."""

from collections.abc import Mapping

from core.doctor.finding import Finding
from core.doctor.scene import Scene

_RIGHT: Mapping[str, str] = {
    "kernels": "they agree with plain torch",
    "token steps": "token steps are replayed as graphs",
    "sound steps": "sound steps are replayed as graphs",
}
"""What it means that a trial agreed, by what was tried."""
_WRONG: Mapping[str, str] = {
    "kernels": "songs are composed without them",
    "token steps": "token steps are set off kernel by kernel",
    "sound steps": "sound steps are set off kernel by kernel",
}


def kernels(scene: Scene) -> Finding | None:
    """Whether songs are made by the fast kernels, and if not why not."""
    told, about = scene.step("kernels"), scene.step("device")
    if told is None or about is None:
        return _untold(scene)
    name, why, facts = str(told["live"]), str(told["why"]), dict(told)
    if name != "triton":
        return _plain(why, is_accelerator=about["kind"] != "cpu", facts=facts)
    tried = told["tried"]
    assert isinstance(tried, Mapping)
    good, bad, open_ = [], [], []
    for what, answer in tried.items():
        if answer["is_yes"]:
            good.append(_RIGHT[what])
        elif answer["is_yes"] is None:
            open_.append(what)
        else:
            bad.append(f"{_WRONG[what]}, as {answer['why']}")
    parts = [f"{why}", *good, *bad]
    if open_:
        parts.append(f"not tried yet: {', '.join(open_)} (the first song does, or doctor without --quick)")
    what = "; ".join(parts)
    if bad:
        fix = "update the driver; songs are right all the same, and slower"
        return Finding("kernels", "Kernels", "warn", what, fix, facts)
    return Finding("kernels", "Kernels", "ok", what, facts=facts)


def _plain(why: str, *, is_accelerator: bool, facts: dict[str, object]) -> Finding:
    what = f"plain torch: {why}"
    if is_accelerator and "not installed" in why:
        fix = "install Triton beside torch: make setup (README); until then songs are composed more slowly"
        return Finding("kernels", "Kernels", "warn", what, fix, facts)
    return Finding("kernels", "Kernels", "ok", what, facts=facts)


def _untold(scene: Scene) -> Finding:
    probe = scene.probe
    said = probe.errors.get("kernels")
    if said is None and probe.begun == "kernels":
        said = f"they were tried and did not come back: {probe.trouble}"
    if said is None:
        return Finding("kernels", "Kernels", "unknown", "not looked at: the device was lost before")
    return Finding("kernels", "Kernels", "fail", said, "update the driver, or use device: cpu")
