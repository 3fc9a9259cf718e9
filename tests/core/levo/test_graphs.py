"""Whether a device's graphs are to be trusted: asked of another process, and remembered."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.levo import graphs
from core.levo.graphs import Answer, proved
from core.paths import graph_file

GPU = torch.device("cuda")
NAME = "core.levo.synthesis.trial"
Child = Callable[..., Any]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A device by name, a child that answers as told, and a cache of its own."""
    told = SimpleNamespace(name="RX", out='noise\n{"difference": ""}\n', code=0, error="", asked=[])

    def run(command: list[str], **_: Any) -> Any:
        told.asked.append(command)
        if isinstance(told.out, Exception):
            raise told.out
        return subprocess.CompletedProcess(command, told.code, told.out, told.error)

    monkeypatch.setattr("core.levo.graphs.subprocess.run", run)
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
    now = 1e9
    monkeypatch.setattr("core.levo.graphs.time.time", lambda: now)
    assert not proved(NAME, GPU).is_yes
    assert not proved(NAME, GPU).is_yes
    assert len(device.asked) == 1
    device.out, now = '{"difference": ""}', 1e9 + 8 * 86_400
    assert proved(NAME, GPU).is_yes


def test_another_device_torch_driver_module_or_source_is_asked_anew(
    device: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proved(NAME, GPU)
    driver = tmp_path / "version"
    driver.write_text("6.1\n")
    changes: list[Callable[[], object]] = [
        lambda: setattr(device, "name", "another"),
        lambda: monkeypatch.setattr(torch, "__version__", "9.9"),
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
