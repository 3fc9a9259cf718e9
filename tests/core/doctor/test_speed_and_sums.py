"""Ranges of speed, sums on the device, and golden vectors."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.doctor import goldens, rightness, speed, sums, timing
from core.doctor.child import Told
from core.doctor.scene import GOLDENS, Scene
from core.host import Host
from core.kernels import reference
from core.parity.folder import open_folder
from tests.core.doctor.machines import CPU, CUDA, GEFORCE, PROCESSOR, told, wsl_radeon

CPU_DEVICE = torch.device("cpu")


def measured(rate: float, first: float = 0.1) -> dict[str, object]:
    return {"rate": rate, "lap": 1.0, "first": first}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("AMD Radeon RX 9070 XT (rocm)", 640e9), ("NVIDIA GeForce RTX 4090 (cuda)", 1008e9),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 672e9), ("NVIDIA GeForce RTX 4070 Laptop GPU", 504e9),
        ("NVIDIA GeForce RTX 4060 Ti", 288e9), ("NVIDIA H200", 4800e9), ("Intel Arc B580", None),
        ("NVIDIA GeForce RTX 4070 Ti", None),
    ],
)  # fmt: skip
def test_a_card_is_known_by_its_name(name: str, found: float | None) -> None:
    known = speed.card(name)
    assert (known.bandwidth if known else None) == found


@pytest.mark.parametrize(("rate", "verdict"), [(60e12, "ok"), (5e12, "warn"), (900e12, "ok")])
def test_a_known_gpu_is_compared_with_its_estimate(rate: float, verdict: str) -> None:
    found = speed.gemm(wsl_radeon(told({**wsl_radeon().probe.steps["device"]}, gemm=measured(rate))))
    assert found is not None
    assert found.status == verdict
    assert "estimated" in found.what
    assert bool(found.fix) == (verdict == "warn")


def test_an_unknown_gpu_shows_its_number_and_no_verdict() -> None:
    probe = told({**GEFORCE, "name": "Imaginary 9000"}, gemm=measured(60e12), attention=measured(3e11))
    scene = Scene(Host(CUDA), probe=probe)
    lines = [speed.gemm(scene), speed.attention(scene)]
    assert [line and line.status for line in lines] == ["unknown", "unknown"]
    assert [line and line.what.split(";")[0] for line in lines] == ["60.0 TFLOP/s", "300.0 GB/s of cache"]


def test_a_processor_is_judged_by_its_cores() -> None:
    assert speed.expected("gemm", "cpu", "", 8) == (4e9, 2400e9)
    found = speed.conv(Scene(Host(CPU), probe=told(PROCESSOR, conv=measured(1e9))))
    assert found is not None
    assert (found.status, found.what.split(",")[0]) == ("warn", "1 GFLOP/s")


def test_a_slow_first_call_is_mentioned() -> None:
    found = speed.conv(wsl_radeon(told(wsl_radeon().probe.steps["device"], conv=measured(8e12, 61.0))))
    assert found is not None
    assert "first call took 61 s" in found.what


def test_a_timing_that_hangs_fails_and_what_came_after_is_unknown() -> None:
    steps = told(GEFORCE).steps
    scene = Scene(Host(CUDA), probe=Told(steps, begun="conv", trouble="no answer within 150 s"))
    conv, attention = speed.conv(scene), speed.attention(scene)
    assert conv is not None
    assert attention is not None
    assert (conv.status, attention.status) == ("fail", "unknown")
    assert "no answer within 150 s" in conv.what


def test_quick_leaves_out_timings_and_vectors() -> None:
    scene = replace(wsl_radeon(), is_quick=True)
    assert (
        speed.gemm(scene) is speed.conv(scene) is speed.attention(scene) is rightness.goldens(scene) is None
    )


@pytest.mark.parametrize("name", ["gemm", "conv", "attention"])
def test_every_timing_gives_a_rate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_LAPS", 1)
    facts = timing.MEASURES[name](CPU_DEVICE)
    assert float(str(facts["rate"])) > 0


def test_the_sums_are_right_on_a_processor() -> None:
    found = list(sums.checks(CPU_DEVICE))
    assert [name for name, error, most in found if error > most] == []
    assert {name.split()[0] for name, _, _ in found} == {
        "product", "attention", "convolution", "rotary", "µ-law",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("place", "wrong", "name"),
    [
        ("linear", lambda x, w: x @ w.T * 1.01, "product float32"),
        ("attention", lambda q, k, v: v, "attention float32"),
        ("rotate_halves", lambda x, cos, sin: x, "rotary"),
        ("mulaw_encode", lambda x, mu: ((x * 3).to(torch.int8), x.amax()), "µ-law"),
    ],
)
def test_a_device_that_computes_wrong_is_found_out(
    place: str, wrong: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, place, wrong)
    found = list(sums.checks(CPU_DEVICE))
    assert [what for what, error, most in found if error > most] == [name]
    probe = told(PROCESSOR, sums={"checks": [list(each) for each in found]})
    line = rightness.sums(Scene(Host(CPU), probe=probe))
    assert line.status == "fail"
    assert name in line.what


def test_no_number_is_a_failure_and_not_a_pass() -> None:
    assert sums._apart(torch.tensor([float("nan")]), torch.zeros(1).double()) == float("inf")


def test_without_a_checkout_vectors_are_unknown_and_say_why() -> None:
    found = rightness.goldens(Scene(Host(CPU), probe=told(PROCESSOR), goldens=None))
    assert found is not None
    assert found.status == "unknown"
    assert "checkout" in found.what


@pytest.mark.parametrize(("wrong", "verdict"), [([], "ok"), (["logits c1 up_fp32 (main)"], "fail")])
def test_vectors_that_differ_fail_by_name(wrong: list[str], verdict: str) -> None:
    probe = told(PROCESSOR, goldens={"cases": 52, "wrong": wrong})
    found = rightness.goldens(Scene(Host(CPU), probe=probe, goldens=Path("vectors")))
    assert found is not None
    assert found.status == verdict
    assert all(name in found.what for name in wrong)


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="needs the vectors of a checkout")
def test_the_few_vectors_cover_both_kinds_and_every_name_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {str(about["id"]) for about in open_folder(GOLDENS / "audio").manifest["cases"]}
    assert set(goldens._AUDIO) <= named
    monkeypatch.setattr(goldens, "_GROUPS", ("4",))
    monkeypatch.setattr(goldens, "_NETWORK", ("none",))
    monkeypatch.setattr(goldens, "_AUDIO", ("fe.peaknorm",))
    facts = goldens.checked(str(GOLDENS), CPU_DEVICE)
    assert facts["wrong"] == []
    assert int(str(facts["cases"])) > 1
