"""What the doctor says of torch, devices, drivers and WSL, on machines that are none."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.doctor import accelerator, programs
from core.doctor.child import Told
from core.doctor.finding import Finding
from core.doctor.scene import Scene
from core.environment import arrange
from core.host import Host, Torch
from tests.core.doctor.machines import CPU, CUDA, GEFORCE, GIB, PROCESSOR, RADEON, ROCM, told, wsl_radeon

WSL_CHECKS = (accelerator.wsl, accelerator.dxg, accelerator.bridge, accelerator.vm_memory)


def status(found: Finding | None) -> str:
    assert found is not None
    assert found.fix or found.status in ("ok", "unknown")
    return found.status


def meminfo(root: Path, gigabytes: float) -> Path:
    (root / "proc").mkdir()
    (root / "proc" / "meminfo").write_text(f"MemTotal: {int(gigabytes * 1e9 / 1024)} kB\nMemFree: 1 kB\n")
    return root


def test_a_radeon_on_wsl_that_is_set_up_well_has_nothing_to_mend(tmp_path: Path) -> None:
    scene = replace(wsl_radeon(), root=meminfo(tmp_path, 28))
    checks = (programs.torch, accelerator.device, *WSL_CHECKS)
    assert [status(check(scene)) for check in checks] == ["ok"] * 6
    assert accelerator.driver(scene) is None
    device = accelerator.device(scene)
    assert "gfx1201" in device.what
    assert "16.0 GiB" in device.what


def test_outside_of_wsl_nothing_is_said_of_it() -> None:
    scene = Scene(Host(CUDA, has_nvidia=True), probe=told(GEFORCE))
    assert [check(scene) for check in WSL_CHECKS] == [None] * 4


def test_wsl_without_the_gpu_of_windows_fails_and_names_the_way() -> None:
    found = accelerator.dxg(wsl_radeon(has_dxg=False))
    assert status(found) == "fail"
    assert found is not None
    assert "Adrenalin" in found.fix


def test_wsl_without_librocdxg_fails() -> None:
    assert status(accelerator.bridge(wsl_radeon(bridge=""))) == "fail"


def test_the_old_runtime_of_the_distribution_is_named(tmp_path: Path) -> None:
    old = tmp_path / "usr/lib/x86_64-linux-gnu/libhsa-runtime64.so.1"
    old.parent.mkdir(parents=True)
    old.touch()
    found = accelerator.bridge(replace(wsl_radeon(), root=tmp_path))
    assert status(found) == "warn"
    assert found is not None
    assert "apt remove" in found.fix


@pytest.mark.parametrize(("gigabytes", "verdict"), [(15.6, "warn"), (25, "warn"), (25.5, "ok"), (31, "ok")])
def test_the_memory_of_wsl_is_measured_against_26_gb(gigabytes: float, verdict: str, tmp_path: Path) -> None:
    found = accelerator.vm_memory(replace(wsl_radeon(), root=meminfo(tmp_path, gigabytes)))
    assert status(found) == verdict
    assert found is not None
    assert f"{gigabytes:.1f} GB" in found.what
    assert (".wslconfig" in found.fix) == (verdict == "warn")


def test_memory_that_is_not_told_is_unknown(tmp_path: Path) -> None:
    assert status(accelerator.vm_memory(replace(wsl_radeon(), root=tmp_path))) == "unknown"


def test_wsl_1_fails() -> None:
    assert status(accelerator.wsl(wsl_radeon(wsl=1))) == "fail"


@pytest.mark.parametrize("free", [0, 17 * GIB])
def test_a_driver_that_tells_nonsense_of_memory_is_unknown_memory(free: int) -> None:
    found = accelerator.device(wsl_radeon(told({**RADEON, "free": free})))
    assert status(found) == "warn"
    assert "unknown" in found.what


def test_a_gpu_without_kernels_in_this_torch_fails() -> None:
    found = accelerator.device(wsl_radeon(told({**RADEON, "gfx": "gfx1031"})))
    assert status(found) == "fail"
    assert "no kernels" in found.what


@pytest.mark.parametrize(
    ("capability", "kernels", "verdict"),
    [
        ("8.9", ["sm_75", "sm_80", "sm_86"], "ok"),
        ("6.1", ["sm_75", "sm_80", "sm_120"], "fail"),
        ("13.0", ["sm_120"], "fail"),
        ("13.0", ["sm_120", "compute_120"], "ok"),
        ("12.0", ["sm_75", "sm_120a"], "ok"),
        ("9.0", [], "ok"),
    ],
)
def test_cards_of_nvidia_need_kernels_of_their_generation(
    capability: str, kernels: list[str], verdict: str
) -> None:
    probe = told({**GEFORCE, "capability": capability, "kernels_for": kernels})
    assert status(accelerator.device(Scene(Host(CUDA, has_nvidia=True), probe=probe))) == verdict


def test_little_video_memory_is_said() -> None:
    found = accelerator.device(wsl_radeon(told({**RADEON, "memory": 4 * GIB, "free": 3 * GIB})))
    assert status(found) == "warn"


def test_a_driver_that_hangs_is_one_failed_line() -> None:
    probe = Told({"torch": {"version": "2.11.0"}}, begun="device", trouble="no answer within 60 s")
    found = accelerator.device(wsl_radeon(probe))
    assert status(found) == "fail"
    assert "no answer within 60 s" in found.what


def test_a_device_that_was_asked_for_and_is_not_there_fails_with_its_reason() -> None:
    probe = Told({"torch": {"version": "2.11.0"}}, {"device": "SongdeskError: device cuda cannot be used"})
    found = accelerator.device(Scene(Host(CUDA), probe=probe, device="cuda"))
    assert (status(found), found.what) == ("fail", "SongdeskError: device cuda cannot be used")


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (Host(CPU), "ok"),
        (Host(CUDA), "ok"),
        (Host(CUDA, has_nvidia=True), "fail"),
        (Host(ROCM, has_kfd=True), "fail"),
        (Host(ROCM, wsl=2, has_dxg=True), "fail"),
        (Host(CPU, wsl=2, has_dxg=True), "warn"),
        (Host(CUDA, has_kfd=True), "warn"),
    ],
)
def test_the_processor_is_well_unless_a_gpu_lies_idle(host: Host, verdict: str) -> None:
    assert status(accelerator.device(Scene(host, probe=told(PROCESSOR)))) == verdict
    asked = Scene(host, probe=told(PROCESSOR), device="cpu")
    assert status(accelerator.device(asked)) == "ok"


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (Host(CUDA, has_nvidia=True), "ok"),
        (Host(CUDA), "ok"),
        (Host(CUDA, cards=("nvidia",)), "fail"),
        (Host(ROCM), "fail"),
        (Host(ROCM, has_kfd=True, gfx=("gfx1201",)), "ok"),
    ],
)
def test_drivers_of_linux_are_looked_for(host: Host, verdict: str, tmp_path: Path) -> None:
    assert status(accelerator.driver(Scene(host, root=tmp_path))) == verdict


def test_the_version_of_nvidias_driver_is_read(tmp_path: Path) -> None:
    about = tmp_path / "proc/driver/nvidia/version"
    about.parent.mkdir(parents=True)
    about.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n")
    found = accelerator.driver(Scene(Host(CUDA, has_nvidia=True), root=tmp_path))
    assert found is not None
    assert "580.95.05" in found.what


def test_torch_that_crashes_at_its_import_fails_with_what_it_said() -> None:
    probe = Told(begun="torch", trouble="it was ended by SIGSEGV")
    found = programs.torch(Scene(Host(CUDA), probe=probe))
    assert status(found) == "fail"
    assert "SIGSEGV" in found.what
    assert accelerator.device(Scene(Host(CUDA), probe=probe)).status == "unknown"


@pytest.mark.parametrize(
    ("version", "triton", "verdict"),
    [
        ("2.11.0", "3.6.0", "ok"),
        ("2.12.0", "3.7.0", "warn"),
        ("2.11.0", "3.5.0", "warn"),
        ("2.11.0", "", "ok"),
    ],
)
def test_other_versions_of_torch_and_triton_are_named(version: str, triton: str, verdict: str) -> None:
    probe = Told({"torch": {"version": version, "triton": triton, "threads": 4}})
    assert status(programs.torch(Scene(Host(CUDA), probe=probe))) == verdict


def test_without_torch_the_set_up_is_named() -> None:
    found = programs.torch(Scene(Host(Torch())))
    assert (status(found), found.fix) == ("fail", "make setup")


def test_variables_that_were_taken_out_are_told_with_the_reason() -> None:
    host = Host(ROCM, has_kfd=True, gfx=("gfx1201",))
    variables = {"HSA_OVERRIDE_GFX_VERSION": "11.0.0", "HSA_ENABLE_SDMA": "0"}
    found = programs.variables(Scene(host, arrange(variables, host)))
    assert status(found) == "warn"
    assert "HSA_OVERRIDE_GFX_VERSION=11.0.0 taken out for songdesk: this GPU is supported" in found.what
    assert "HSA_ENABLE_SDMA=0 left" in found.what
    assert "MIOPEN_FIND_MODE" in found.what
    assert "unset HSA_OVERRIDE_GFX_VERSION, HSA_ENABLE_SDMA" in found.fix


def test_variables_that_help_are_told_without_alarm() -> None:
    found = programs.variables(Scene(Host(CPU), arrange({"KINETO_LOG_LEVEL": "1"}, Host(CPU))))
    assert status(found) == "ok"
    assert "set here: OMP_WAIT_POLICY" in found.what
    assert "yours: KINETO_LOG_LEVEL=1" in found.what


@pytest.mark.parametrize("step", ["torch", "device"])
def test_where_torch_is_lost_a_variable_that_may_stop_it_comes_first(step: str) -> None:
    steps = {"torch": {"version": "2.11.0"}} if step == "device" else {}
    probe = Told(steps, begun=step, trouble="it was ended by SIGABRT: Unrecognized key")
    scene = Scene(Host(CUDA), probe=probe, allocator=("PYTORCH_CUDA_ALLOC_CONF",))
    found = programs.torch(scene) if step == "torch" else accelerator.device(scene)
    assert status(found) == "fail"
    assert found.fix.startswith("unset PYTORCH_CUDA_ALLOC_CONF, then try again; else ")
    bare = replace(scene, allocator=())
    assert "unset" not in (programs.torch(bare) if step == "torch" else accelerator.device(bare)).fix


def test_a_device_that_says_itself_how_to_mend_it_says_it_once() -> None:
    probe = Told({"torch": {}}, {"device": "device cuda cannot be used"}, hints={"device": "choose cpu"})
    found = accelerator.device(Scene(Host(CUDA), probe=probe))
    assert (found.what, found.fix) == ("device cuda cannot be used", "choose cpu")
