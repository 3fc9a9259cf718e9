"""Variables of songdesk's own process: what is set, what is taken out, where; torch is not needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import environment
from core.cli import main
from core.environment import HARMFUL, HELPFUL, Applied, allocator_variables, arrange
from core.host import Host, Torch, gfx_name, host, read_torch

ROCM = Torch("2.11.0+rocm7.2", "rocm", "7.2.26015")
CUDA = Torch("2.11.0+cu130", "cuda", "13.0")
CPU = Torch("2.11.0+cpu", "cpu")
RADEON = Host(ROCM, has_kfd=True, gfx=("gfx1201",))
RADEON_WSL = Host(ROCM, wsl=2, has_dxg=True, bridge="/opt/rocm/lib/librocdxg.so")
GEFORCE = Host(CUDA, has_nvidia=True)
WSL_KERNEL = "Linux version 6.6.87.2-microsoft-standard-WSL2 (root@x) (gcc) #1 SMP\n"


def done(applied: tuple[Applied, ...]) -> dict[str, str]:
    return {each.name: each.done for each in applied}


def likeness(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_processor_gets_what_helps_everywhere_and_nothing_else() -> None:
    variables: dict[str, str] = {}
    arrange(variables, Host(CPU))
    assert variables == {"OMP_WAIT_POLICY": "PASSIVE", "KINETO_LOG_LEVEL": "5"}


@pytest.mark.parametrize(
    ("here", "names"),
    [
        (GEFORCE, {"PYTORCH_ALLOC_CONF"}),
        (Host(CUDA, wsl=2, has_dxg=True, has_nvidia=True), set()),
        (Host(CUDA), set()),
        (RADEON, {"TORCH_ROCM_AOTRITON_ENABLE_EXPERIMENTAL", "MIOPEN_FIND_MODE"}),
        (Host(ROCM, has_kfd=True, gfx=("gfx90a",)), {"MIOPEN_FIND_MODE"}),
        (
            RADEON_WSL,
            {"TORCH_ROCM_AOTRITON_ENABLE_EXPERIMENTAL", "MIOPEN_FIND_MODE", "HSA_ENABLE_DXG_DETECTION"},
        ),
        (
            Host(ROCM, wsl=2, has_dxg=True),
            {"TORCH_ROCM_AOTRITON_ENABLE_EXPERIMENTAL", "MIOPEN_FIND_MODE"},
        ),
    ],
)
def test_accelerators_get_what_helps_them(here: Host, names: set[str]) -> None:
    variables: dict[str, str] = {}
    arrange(variables, here)
    assert variables.keys() - {"OMP_WAIT_POLICY", "KINETO_LOG_LEVEL"} == names


def test_what_the_person_set_is_kept_also_under_another_name() -> None:
    variables = {"KINETO_LOG_LEVEL": "0", "PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:64"}
    applied = done(arrange(variables, GEFORCE))
    assert variables["KINETO_LOG_LEVEL"] == "0"
    assert "PYTORCH_ALLOC_CONF" not in variables
    assert applied["KINETO_LOG_LEVEL"] == applied["PYTORCH_CUDA_ALLOC_CONF"] == "kept"


@pytest.mark.parametrize(
    ("here", "name", "value"),
    [
        (RADEON, "HSA_OVERRIDE_GFX_VERSION", "11.0.0"),
        (RADEON, "AMD_SERIALIZE_KERNEL", "3"),
        (RADEON, "HIP_LAUNCH_BLOCKING", "1"),
        (RADEON, "PYTORCH_NO_HIP_MEMORY_CACHING", "1"),
        (GEFORCE, "PYTORCH_NO_CUDA_MEMORY_CACHING", "1"),
        (GEFORCE, "CUDA_LAUNCH_BLOCKING", "1"),
        (GEFORCE, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1"),
    ],
)
def test_harmful_ones_are_taken_out_with_a_reason(here: Host, name: str, value: str) -> None:
    variables = {name: value}
    applied = arrange(variables, here)
    assert name not in variables
    assert [(each.done, each.value) for each in applied if each.name == name] == [("removed", value)]
    assert next(each.why for each in applied if each.name == name)


@pytest.mark.parametrize(
    ("here", "name", "value"),
    [
        (Host(CPU), "CUDA_LAUNCH_BLOCKING", "1"),
        (GEFORCE, "CUDA_LAUNCH_BLOCKING", "0"),
        (GEFORCE, "HSA_OVERRIDE_GFX_VERSION", "11.0.0"),
        (Host(ROCM, has_kfd=True, gfx=("gfx1031",)), "HSA_OVERRIDE_GFX_VERSION", "10.3.0"),
        (RADEON, "HSA_ENABLE_DXG_DETECTION", "0"),
        (GEFORCE, "CUDA_VISIBLE_DEVICES", "1"),
    ],
)
def test_what_does_no_harm_here_stays_unmentioned(here: Host, name: str, value: str) -> None:
    variables = {name: value}
    assert done(arrange(variables, here)).get(name) is None
    assert variables[name] == value


@pytest.mark.parametrize(
    ("here", "name", "value"),
    [
        (RADEON_WSL, "HSA_OVERRIDE_GFX_VERSION", "11.0.0"),
        (RADEON, "HSA_ENABLE_SDMA", "0"),
        (RADEON, "HIP_VISIBLE_DEVICES", "-1"),
        (GEFORCE, "CUDA_VISIBLE_DEVICES", ""),
        (Host(CUDA, wsl=2, has_nvidia=True), "PYTORCH_ALLOC_CONF", "expandable_segments:True"),
    ],
)
def test_what_may_have_a_reason_is_left_and_named(here: Host, name: str, value: str) -> None:
    variables = {name: value}
    assert done(arrange(variables, here))[name] == "doubtful"
    assert variables[name] == value


def test_detection_that_was_turned_off_on_wsl_is_turned_on() -> None:
    variables = {"HSA_ENABLE_DXG_DETECTION": "0"}
    applied = arrange(variables, RADEON_WSL)
    assert variables["HSA_ENABLE_DXG_DETECTION"] == "1"
    assert [each.done for each in applied if each.name == "HSA_ENABLE_DXG_DETECTION"] == ["removed", "set"]


def test_keep_env_leaves_harmful_ones_and_says_so() -> None:
    variables = {"CUDA_LAUNCH_BLOCKING": "1", environment.KEEP: "1"}
    assert done(arrange(variables, GEFORCE))["CUDA_LAUNCH_BLOCKING"] == "suffered"
    assert variables["CUDA_LAUNCH_BLOCKING"] == "1"


def test_a_second_time_changes_nothing() -> None:
    variables = {"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}
    arrange(variables, RADEON)
    before = dict(variables)
    assert set(done(arrange(variables, RADEON)).values()) == {"kept"}
    assert variables == before


def test_every_rule_says_where_and_why() -> None:
    assert all(rule.when and rule.why and rule.value for rule in HELPFUL)
    assert all(rule.when and rule.reason for rule in HARMFUL)


def test_the_process_is_prepared_without_torch_and_once() -> None:
    code = (
        "import os, sys\n"
        "from core.environment import prepare\n"
        "first = prepare()\n"
        "assert 'torch' not in sys.modules\n"
        "assert prepare() is first\n"
        "assert {'OMP_WAIT_POLICY', 'KINETO_LOG_LEVEL'} <= {each.name for each in first}\n"
        "print(os.environ['OMP_WAIT_POLICY'], os.environ['KINETO_LOG_LEVEL'])\n"
    )
    bare = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    bare["KINETO_LOG_LEVEL"] = "2"
    run = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("PASSIVE 2\n", "")


@pytest.mark.parametrize(
    ("text", "build", "runtime"),
    [
        ("__version__ = '2.11.0'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "cuda", "13.0"),
        ("__version__ = '2.11.0'\ncuda: Optional[str] = None\nhip: Optional[str] = '7.2'\n", "rocm", "7.2"),
        ("__version__ = '2.4.0'\ncuda = None\nhip = '6.1'\n", "rocm", "6.1"),
        ("__version__ = '2.11.0+cpu'\ncuda: Optional[str] = None\n", "cpu", ""),
    ],
)  # fmt: skip
def test_the_build_of_torch_is_read_from_its_text(text: str, build: str, runtime: str) -> None:
    assert (read_torch(text).build, read_torch(text).runtime) == (build, runtime)


@pytest.mark.parametrize(
    ("target", "name"), [(120001, "gfx1201"), (110000, "gfx1100"), (90010, "gfx90a"), (100302, "gfx1032")]
)
def test_gpus_are_called_as_llvm_calls_them(target: int, name: str) -> None:
    assert gfx_name(target) == name


def test_wsl_with_a_radeon_is_known_by_its_files(tmp_path: Path) -> None:
    root = likeness(
        tmp_path,
        {"proc/version": WSL_KERNEL, "dev/dxg": "", "opt/rocm-7.2.0/lib/librocdxg.so.1": ""},
    )
    here = host(root, ROCM)
    assert (here.wsl, here.has_dxg, here.has_kfd, here.gfx) == (2, True, False, ())
    assert here.kernel == "6.6.87.2-microsoft-standard-WSL2"
    assert here.bridge.endswith("rocm-7.2.0/lib/librocdxg.so.1")


def test_linux_with_gpus_is_known_by_its_files(tmp_path: Path) -> None:
    nodes = "sys/class/kfd/kfd/topology/nodes"
    pci = "sys/bus/pci/devices/0000:03:00.0"
    root = likeness(
        tmp_path,
        {
            "proc/version": "Linux version 6.14.0-24-generic (x@y)\n", "dev/kfd": "", "dev/nvidiactl": "",
            f"{nodes}/0/properties": "cpu_cores_count 16\ngfx_target_version 0\n",
            f"{nodes}/1/properties": "simd_count 112\ngfx_target_version 120001\n",
            f"{pci}/class": "0x030000\n", f"{pci}/vendor": "0x1002\n",
        },
    )  # fmt: skip
    here = host(root, ROCM)
    assert (here.wsl, here.has_dxg, here.has_nvidia, here.gfx) == (0, False, True, ("gfx1201",))
    assert here.cards == ("amd",)


def test_wsl_1_is_told_from_wsl_2(tmp_path: Path) -> None:
    root = likeness(tmp_path, {"proc/version": "Linux version 4.4.0-19041-Microsoft (Microsoft@x)\n"})
    assert host(root, CPU).wsl == 1


def test_an_empty_machine_is_no_error(tmp_path: Path) -> None:
    assert host(tmp_path, CPU) == Host(CPU)


@pytest.mark.parametrize(
    ("told", "done_with_it"),
    [("  Name:                    gfx1201\n", "removed"), ("  Name:                    gfx1031\n", None)],
)
def test_where_no_file_tells_the_gpu_rocminfo_is_asked(
    told: str, done_with_it: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "rocminfo"
    program.write_text(f"#!/bin/sh\ntest -z \"$HSA_OVERRIDE_GFX_VERSION\" && printf '{told}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("HSA_OVERRIDE_GFX_VERSION", "11.0.0")
    monkeypatch.setattr(environment, "host", lambda: RADEON_WSL)
    variables = dict(os.environ)
    assert done(arrange(variables, environment._host())).get("HSA_OVERRIDE_GFX_VERSION") == done_with_it


def test_secrets_are_known_by_the_names_of_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "a-secret-of-mine")
    monkeypatch.setenv("SOMEBODYS_API_KEY", "another-one-longer")
    monkeypatch.setenv("GREETING", "no-secret-at-all")
    found = environment.secrets()
    assert {"a-secret-of-mine", "another-one-longer"} <= set(found)
    assert "no-secret-at-all" not in found


def test_of_the_link_only_its_being_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.1.2.3 4 10.5.6.7 22")
    assert environment.terminal_variables()["SSH_CONNECTION"] == "1"


def test_a_command_says_which_variables_it_does_not_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {"CUDA_LAUNCH_BLOCKING": "1"}
    monkeypatch.setattr("core.cli.prepare", lambda: arrange(variables, GEFORCE))
    assert main(["presets"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "songdesk: CUDA_LAUNCH_BLOCKING=1 is not used: makes every kernel wait; meant for finding faults"
    ]


def test_variables_of_torchs_memory_are_known_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in allocator_variables():
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTORCH_HIP_ALLOC_CONF", "x:1")
    monkeypatch.setenv("PYTORCH_NO_CUDA_MEMORY_CACHING", "1")
    assert allocator_variables() == ("PYTORCH_HIP_ALLOC_CONF",)
