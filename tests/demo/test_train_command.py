"""The command of the training: what it refuses in one line, what can be changed, what it writes."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from core.errors import SongdeskError
from train import __main__ as command
from train import curves
from train.config import FILE, load
from train.loop import Plan


@dataclass(frozen=True, slots=True)
class _Settings:
    plan: Plan
    lengths: tuple[float, ...] = (1.0,)
    inner: dict[str, float] = field(default_factory=dict)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("seed: 5\nvae:\n  plan: {steps: 10, rate: 1e-3}\n  lengths: [2, 3]\n", encoding="utf-8")
    return path


def test_values_come_from_the_file_and_from_what_is_changed(file: Path) -> None:
    config = load(["plan.steps=7", "seed=3", "vae.lengths=[4.5]"], part="vae", file=file)
    assert config.seed == 3
    settings = config.part("vae", _Settings)
    assert (settings.plan.steps, settings.plan.rate, settings.plan.clip) == (7, 1e-3, Plan(1, 1).clip)
    assert settings.lengths == (4.5,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("plan.stepz=3", "there is no key plan.stepz → use one of plan.steps, plan.rate, lengths"),
        ("plan=3", "vae.plan is a block of keys → set one of steps, rate"),
        ("seed", "seed is no key=value → write for example vae.plan.steps=100"),
    ],
)
def test_a_change_that_means_nothing_is_refused(file: Path, change: str, told: str) -> None:
    with pytest.raises(SongdeskError) as raised:
        load([change], part="vae", file=file)
    assert str(raised.value) == told


@pytest.mark.parametrize("text", ["plan.steps=many", "lengths=[a]"])
def test_a_value_of_the_wrong_kind_is_refused_with_its_part(file: Path, text: str) -> None:
    config = load([text], part="vae", file=file)
    with pytest.raises(SongdeskError, match=r"config\.yaml: vae: Value '.*' .* could not be converted"):
        config.part("vae", _Settings)


def test_a_missing_or_broken_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match=r"none\.yaml: No such file"):
        load(file=tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("seed: [1", encoding="utf-8")
    with pytest.raises(SongdeskError, match=r"broken\.yaml:"):
        load(file=broken)


def test_the_shipped_file_has_a_seed_and_the_demos_shapes() -> None:
    config = load()
    assert config.seed == load(file=FILE).seed
    assert config.shapes.quantizer.codes == config.shapes.tokens.codes


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["singing"], "train: there is no part singing → use one of words, pool, "),
        (["ears", "batches=3"], "train: there is no key batches → use one of "),
        (["separator", "--state", "{tmp}/none"], "pool: there are no songs → run the part pool first"),
        (["curves", "--state", "{tmp}"], "there are no logs → train a part first"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([one.replace("{tmp}", str(tmp_path)) for one in arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_every_part_is_a_function_of_its_module() -> None:
    for part in (one for one in command.PARTS if one not in ("export", "ship")):
        assert callable(command.work_of(part))
    assert [one for one in command.PARTS if one not in command.asked("all")] == ["ship"]


def _log(path: Path, *entries: dict[str, float]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def test_a_log_is_read_in_order_without_what_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "vae.jsonl"
    _log(
        path,
        {"step": 0, "loss": 4.0, "cpu_s": 2.0},
        {"step": 20, "loss": 9.0, "cpu_s": 2.0},
        {"step": 10, "loss": 3.0, "cpu_s": 4.0},
        {"step": 20, "loss": 2.0, "extra": 1.0, "cpu_s": 6.0},
    )
    with path.open("a", encoding="utf-8") as file:
        file.write('{"step": 30, "lo')
    log = curves.read(path)
    assert log["step"].tolist() == [0, 10, 20]
    assert log["loss"].tolist() == [4, 3, 2]
    assert np.isnan(log["extra"]).tolist() == [True, True, False]
    assert curves.hours(log) == pytest.approx(4.0 * 21 / 3600)


def test_a_curve_is_smoothed_over_what_is_there() -> None:
    noisy = np.tile([1.0, 3.0], 200)
    noisy[7] = np.nan
    inner = curves.smooth(noisy)[10:-10]
    assert abs(inner - 2).max() < 0.3
    assert curves.smooth(np.array([5.0, 1.0])).tolist() == [5.0, 1.0]


def test_the_picture_has_a_panel_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="only the extra `train` brings it")
    for name in ("vae", "flow"):
        _log(tmp_path / f"{name}.jsonl", *({"step": at, "loss": 9.0 - at, "cpu_s": 1.0} for at in range(5)))
    assert command.main(["curves", "--state", str(tmp_path)]) == 0
    assert "vae: 5 steps, 0.00 hours of one core" in capsys.readouterr().out
    assert (tmp_path / curves.PICTURE).read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _log(tmp_path / "vae.jsonl", {"step": 0, "loss": 1.0, "cpu_s": 1.0})
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert command.main(["curves", "--state", str(tmp_path)]) == 2
    assert "→ pip install -e '.[train]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--workers", "-1"], "train: there cannot be -1 workers → use 0 for none"),
        (["--device", "abacus"], "train: no network can learn on abacus: "),
    ],
)
def test_a_device_or_workers_that_cannot_be_are_refused(
    given: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["pool", "--state", str(tmp_path / "state"), *given]) == command.EXIT_BAD_INPUT
    assert capsys.readouterr().err.startswith(told)
    assert not (tmp_path / "state").exists()
