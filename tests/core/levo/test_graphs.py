"""Whether a device's graphs are to be trusted: asked of another process, and remembered."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.errors import Cancelled
from core.levo import graphs
from core.levo.graphs import Answer, proved, remembered
from core.paths import graph_file

GPU = torch.device("cuda")
NAME = "core.levo.synthesis.trial"
Child = Callable[..., Any]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A device by name, a child that answers as told, and a cache of its own."""
    told = SimpleNamespace(name="RX", out='noise\n{"difference": ""}\n', code=0, error="", asked=[])

    class Child:
        def __init__(self, command: list[str], *, stdout: Any, stderr: Any, **_: Any) -> None:
            told.asked.append(command)
            if isinstance(told.out, OSError):
                raise told.out
            stdout.write(str(told.out).encode())
            stderr.write(told.error.encode())

        def wait(self, timeout: float) -> int:
            if isinstance(told.out, Exception):
                raise told.out
            return int(told.code)

        def poll(self) -> int:
            return int(told.code)

    monkeypatch.setattr("core.levo.graphs.subprocess.Popen", Child)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: told.name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return told


def test_a_processor_is_not_asked(device: SimpleNamespace) -> None:
    assert proved(NAME, torch.device("cpu")) == Answer(False, "a processor has no graphs")
    assert device.asked == []


def test_what_agreed_is_asked_once(device: SimpleNamespace) -> None:
    first = proved(NAME, GPU)
    assert first.is_yes
    assert proved(NAME, GPU) == first
    (command,) = device.asked
    assert command[1:] == ["-m", "core.levo.graphs", NAME]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"out": '{"difference": "window 3 is off"}'}, "window 3 is off"),
        ({"code": -11}, "signal 11"),
        ({"code": 1, "out": "", "error": "Traceback\nRuntimeError: HIP error"}, "RuntimeError: HIP error"),
        ({"out": "nonsense"}, "exit code 0"),
    ],
)
def test_what_failed_is_remembered_with_its_reason(
    device: SimpleNamespace, change: dict[str, Any], why: str
) -> None:
    vars(device).update(change)
    answers = [proved(NAME, GPU) for _ in range(2)]
    assert answers[0] == answers[1]
    assert not answers[0].is_yes
    assert why in answers[0].why
    assert len(device.asked) == 1


@pytest.mark.parametrize("out", [subprocess.TimeoutExpired("x", 600), OSError(12, "no memory")])
def test_what_came_to_no_end_is_asked_again_after_a_while(
    device: SimpleNamespace, out: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.out = out
    monkeypatch.setattr(graphs, "_PATIENCE", 0.01)
    now = 1e9
    monkeypatch.setattr("core.levo.graphs.time.time", lambda: now)
    assert not proved(NAME, GPU).is_yes
    assert not proved(NAME, GPU).is_yes
    assert len(device.asked) == 1
    monkeypatch.setattr(graphs, "_PATIENCE", 10.0)
    device.out, now = '{"difference": ""}', 1e9 + 8 * 86_400
    assert proved(NAME, GPU).is_yes


def test_another_device_torch_driver_module_or_source_is_asked_anew(
    device: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proved(NAME, GPU)
    driver, windows = tmp_path / "version", tmp_path / "drivers"
    driver.write_text("6.1\n")
    (windows / "nv_dispi.inf_amd64_1").mkdir(parents=True)
    changes: list[Callable[[], object]] = [
        lambda: setattr(device, "name", "another"),
        lambda: monkeypatch.setattr(torch, "__version__", "9.9"),
        lambda: monkeypatch.setattr("platform.release", lambda: "6.17"),
        lambda: monkeypatch.setattr(graphs, "_DRIVERS_OF_WINDOWS", str(windows)),
        lambda: (windows / "nv_dispi.inf_amd64_1").rename(windows / "nv_dispi.inf_amd64_2"),
        lambda: monkeypatch.setattr(graphs, "_DRIVERS", (str(driver),)),
        lambda: driver.write_text("6.2\n"),
        lambda: monkeypatch.setattr(graphs, "_digest", lambda _: "another"),
    ]
    for count, change in enumerate(changes, start=2):
        change()
        proved(NAME, GPU)
        assert len(device.asked) == count
    proved("core.levo.tokens.static.selftest", GPU)
    assert len(device.asked) == len(changes) + 2


def test_who_looks_makes_no_trial(device: SimpleNamespace) -> None:
    assert remembered(NAME, GPU) is None
    assert device.asked == []
    assert proved(NAME, GPU) == remembered(NAME, GPU) == Answer(True, "a trial agreed")


def test_who_gives_up_during_a_trial_ends_it_and_all_it_began(
    device: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A real process, with one of its own as a compiler would be, of which neither must be left."""
    begun, program = tmp_path / "begun", tmp_path / "program"
    program.write_text(f"#!/bin/sh\nsleep 100 &\necho $$ $! > {begun}.part\nmv {begun}.part {begun}\nwait\n")
    program.chmod(0o755)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(graphs, "_about", lambda *_: "about")
    monkeypatch.setattr("sys.executable", str(program))

    def give_up() -> None:
        if begun.exists():
            raise Cancelled

    with pytest.raises(Cancelled):
        proved(NAME, GPU, pause=give_up)
    left = [int(each) for each in begun.read_text().split()]
    until = time.monotonic() + 10
    while any(map(_runs, left)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(_runs, left))
    assert remembered(NAME, GPU) is None, "nothing came of it"


def _runs(process: int) -> bool:
    """Whether a process is there and no corpse that nobody has buried yet."""
    try:
        os.kill(process, 0)
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"x": 1}'])
def test_a_damaged_file_is_asked_anew(device: SimpleNamespace, damage: str) -> None:
    graph_file().parent.mkdir(parents=True)
    graph_file().write_text(damage)
    assert proved(NAME, GPU).is_yes
    assert proved(NAME, GPU).is_yes
    assert len(device.asked) == 1


def test_a_cache_that_cannot_be_written_costs_only_the_memory(
    device: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert proved(NAME, GPU).is_yes
    assert proved(NAME, GPU).is_yes
    assert len(device.asked) == 2


def test_the_child_runs_the_modules_check_and_prints_what_it_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.device] = []

    def check(device: torch.device) -> str:
        seen.append(device)
        return "off by one"

    monkeypatch.setattr(graphs, "import_module", lambda name: SimpleNamespace(check=check))
    graphs._main(NAME)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"difference": "off by one"}
    assert seen == [GPU]


@pytest.mark.gpu
def test_a_device_proves_the_flows_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    answer = proved(NAME, GPU)
    assert answer.is_yes, answer.why
