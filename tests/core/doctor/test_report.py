"""The report: every check guarded, 80 columns, JSON, exit codes, nothing private."""

import argparse
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from rich.cells import cell_len

from core import doctor
from core.cli import main
from core.cli.doctor import lines_of, run_doctor
from core.doctor.examine import CHECKS, examine
from core.doctor.finding import Finding
from core.doctor.masking import Mask
from core.doctor.scene import Scene
from core.errors import SongdeskError
from core.host import Host
from tests.core.doctor.machines import CPU, PROCESSOR, told

SCENE = Scene(Host(CPU), probe=told(PROCESSOR))
LONG = "a word and another " * 20


def test_a_check_that_breaks_is_one_failed_line_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(_: Scene) -> Finding:
        raise ZeroDivisionError("division by zero\nin many lines")

    def well(_: Scene) -> Finding:
        return Finding("well", "Well", "ok", "fine")

    def absent(_: Scene) -> None:
        return None

    checks = (("breaks", "Breaks", breaks), ("absent", "Absent", absent), ("well", "Well", well))
    broken, fine = examine(SCENE, Mask(), checks)
    assert (broken.status, broken.what) == ("fail", "the check broke: ZeroDivisionError: division by zero")
    assert (broken.id, fine.status) == ("breaks", "ok")


def test_a_check_that_meets_what_a_person_can_mend_says_how() -> None:
    def stumbles(_: Scene) -> Finding:
        raise SongdeskError("model `x` has no `limits`", where="models.yaml", hint="mend it")

    (found,) = examine(SCENE, Mask(), (("models", "Models", stumbles),))
    assert (found.status, found.fix) == ("fail", "mend it")
    assert found.what == "models.yaml: model `x` has no `limits`"


def test_sections_of_the_readme_that_a_fix_names_are_there() -> None:
    root = Path(doctor.__file__).parents[2]
    sources = "".join(path.read_text(encoding="utf-8") for path in (root / "core" / "doctor").glob("*.py"))
    titles = re.findall(r"^#+ (.*)$", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"README: ([^){\"]+)\)", sources)) | {"AMD on WSL2", "NVIDIA"}
    assert all(any(title.startswith(name) for title in titles) for name in named)


def test_checks_have_names_of_their_own_and_their_findings_bear_them() -> None:
    names = [name for name, _, _ in CHECKS]
    assert len(set(names)) == len(names)
    pairs = [(name, title, do(SCENE)) for name, title, do in CHECKS if name not in ("audio", "terminal")]
    assert {(name, title) for name, title, found in pairs if found} == {
        (found.id, found.title) for _, _, found in pairs if found
    }


@pytest.mark.parametrize("width", [60, 80, 100])
def test_lines_keep_to_the_width_and_have_their_mark_without_colour(width: int) -> None:
    lines = list(lines_of(Finding("x", "Golden vectors", "fail", LONG, LONG), width=width, coloured=False))
    assert max(cell_len(line) for line in lines) <= width
    assert lines[0].startswith("FAIL  Golden vectors ")
    assert sum("→" in line for line in lines) == 1


def test_colour_changes_the_mark_alone() -> None:
    found = Finding("x", "X", "warn", "what", "fix")
    plain, coloured = (list(lines_of(found, width=80, coloured=each)) for each in (False, True))
    assert coloured[0].replace("\x1b[33m", "").replace("\x1b[0m", "") == plain[0]
    assert coloured[1:] == plain[1:]


def test_what_comes_from_outside_cannot_command_the_terminal() -> None:
    found = Finding("x", "X", "ok", "a\x1b[2Jb", "c\x07d")
    assert not any(char in line for line in lines_of(found, width=80, coloured=False) for char in "\x1b\x07")


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """The findings that the command will make."""
    found: list[Finding] = []
    monkeypatch.setattr("core.doctor.scene.look_around", lambda device, is_quick: SCENE)
    monkeypatch.setattr("core.doctor.examine.examine", lambda scene, mask: map(mask.finding, found))
    return found


@pytest.mark.parametrize(
    ("statuses", "code"), [(["ok"], 0), (["ok", "warn", "unknown"], 0), (["warn", "fail", "ok"], 1)]
)
def test_the_exit_code_tells_of_a_failure(
    statuses: list[str], code: int, staged: list[Finding], capsys: pytest.CaptureFixture[str]
) -> None:
    staged += [Finding(str(number), "X", status, "what") for number, status in enumerate(statuses)]  # type: ignore[arg-type]
    assert main(["doctor"]) == code
    assert len(capsys.readouterr().out.splitlines()) >= len(statuses) + 1


def test_bad_usage_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--device", "abacus"])
    assert ended.value.code == 2
    assert "abacus" in capsys.readouterr().err


def test_letters_that_the_output_lacks_are_spelt(
    staged: list[Finding], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    staged.append(Finding("x", "X", "warn", "80×24, µ-law", "go on"))
    with (tmp_path / "out").open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert run_doctor(argparse.Namespace(device="cpu", quick=True, json=False)) == 0
    text = (tmp_path / "out").read_text()
    assert "80x24, u-law" in text
    assert "-> go on" in text


def test_a_configuration_that_cannot_be_read_is_a_line_and_not_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "songdesk").mkdir()
    (tmp_path / "songdesk" / "songdesk.yaml").write_text("studio: {theme: [1\n")
    monkeypatch.setattr("core.doctor.scene.look_around", lambda device, is_quick: SCENE)
    checks = tuple(check for check in CHECKS if check[0] == "config")
    monkeypatch.setattr(examine, "__defaults__", (checks,))
    assert main(["doctor"]) == 1
    assert "FAIL  Configuration" in capsys.readouterr().out


def test_the_doctor_itself_stays_clear_of_torch() -> None:
    code = (
        "import sys\n"
        "import core.cli.doctor, core.doctor.examine, core.doctor.masking, core.doctor.scene\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_real_report_is_one_object_and_holds_nothing_planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home" / "gwendolyn"
    (home / "ckpt").mkdir(parents=True)
    (home / "ckpt" / "model.pt").write_text("version https://git-lfs.github.com/spec/v1\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SONGDESK_CKPT", str(home / "ckpt"))
    monkeypatch.setenv("SONGDESK_LIBRARY", str(home / "hf_AbCdEfGhIjKlMnOp"))
    monkeypatch.setenv("HF_TOKEN", "sw0rdfish-of-mine")
    monkeypatch.setenv("OMP_WAIT_POLICY", "sw0rdfish-of-mine")
    monkeypatch.setattr("getpass.getuser", lambda: "gwendolyn")
    monkeypatch.setattr("socket.gethostname", lambda: "bluebottle")
    import_module("core.environment").prepare.cache_clear()
    try:
        code = main(["doctor", "--quick", "--device", "cpu", "--json"])
    finally:
        import_module("core.environment").prepare.cache_clear()
    out = capsys.readouterr().out
    report = json.loads(out)
    found = {each["id"]: each for each in report["findings"]}
    assert code == 1
    assert found["stubs"]["status"] == "fail"
    assert found["torch"]["status"] == found["sums"]["status"] == found["device"]["status"] == "ok"
    assert {"audio", "terminal", "library", "models", "config", "folders", "ram"} <= found.keys()
    assert found["kernels"]["facts"] == {
        "live": "torch", "why": "a processor", "tried": {}, "seconds": found["kernels"]["facts"]["seconds"],
    }  # fmt: skip
    assert not {"gemm", "parity"} & found.keys()
    assert sum(report["total"].values()) == len(found)
    assert not any(each["what"].startswith("the check broke") for each in found.values())
    planted = ("gwendolyn", "bluebottle", "sw0rdfish", "hf_AbCdEf")
    assert [word for word in planted if word in out] == []
