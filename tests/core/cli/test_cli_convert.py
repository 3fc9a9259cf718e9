"""`songdesk models convert`: what it prints, and what it leaves when it cannot or may not finish."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from core.cli import main
from core.levo.convert import Report, Step, convert

LIMITED = """
import resource, sys
from core.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.exit(main(sys.argv[1:]))
"""


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_path_goes_to_stdout_and_the_account_to_stderr(
    model_pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "convert", str(model_pt), "--out", str(tmp_path / "o")]) == 0
    told = capsys.readouterr()
    assert told.out == f"{tmp_path / 'o' / 'tokens.safetensors'}\n"
    assert load_file(told.out.strip())
    for word in (
        "tiny (version 2)",
        "kept",
        "from bf16",
        "from fp32",
        "dropped 6",
        "vocab.json and merges.txt",
    ):
        assert word in told.err


def test_json_gives_one_object_with_counts_and_bytes(
    model_pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_QWEN2", str(tmp_path / "words"))
    assert main(["models", "convert", str(model_pt), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(tmp_path / "ckpt" / "tiny" / "tokens.safetensors")
    assert told["made"]
    assert told["kept"]["tensors"] == sum(each["tensors"] for each in told["cast"].values())
    assert told["qwen2"] == str(tmp_path / "words")
    assert main(["models", "--json", "convert", str(model_pt)]) == 0
    assert not json.loads(capsys.readouterr().out)["made"]


def test_a_second_time_and_a_converted_file_are_said_to_be_done(
    model_pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "convert", str(model_pt)]) == 0
    path = capsys.readouterr().out
    assert main(["models", "convert", str(model_pt)]) == 0
    told = capsys.readouterr()
    assert (told.out, "already there" in told.err) == (path, True)
    assert main(["models", "convert", path.strip()]) == 0
    told = capsys.readouterr()
    assert (told.out, "already converted" in told.err) == (path, True)


def test_a_model_is_here_when_every_file_it_needs_is(
    model_pt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def state() -> str:
        capsys.readouterr()
        assert main(["models", "--json"]) == 0
        models = map(json.loads, capsys.readouterr().out.splitlines())
        return next(str(each["state"]) for each in models if each["id"] == "tiny")

    assert state() == "not here"
    assert main(["models", "convert", str(model_pt)]) == 0
    assert state() == "partly"
    (tmp_path / "ckpt" / "tiny" / "synthesis.safetensors").touch()
    assert state() == "here"


def test_a_bad_file_is_one_line_and_exit_code_2(
    tiny: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.pt"
    path.write_text("<html>not found</html>")
    assert main(["models", "convert", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [told.err.strip()]
    assert str(path) in told.err
    assert "→" in told.err
    assert left_in(tmp_path / "ckpt") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_converting_leaves_nothing(
    number: signal.Signals,
    model_pt: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The signal comes halfway through the file."""

    def interrupted(path: Path, out: Path | None, *, step: Step) -> Report:
        def halfway(done: int, total: int) -> None:
            if done > total / 2:
                os.kill(os.getpid(), number)
            step(done, total)

        return convert(path, out, step=halfway)

    monkeypatch.setattr("core.cli.convert.convert", interrupted)
    assert main(["models", "convert", str(model_pt)]) == 128 + number
    told = capsys.readouterr()
    assert (told.out, "stopped" in told.err) == ("", True)
    assert left_in(tmp_path / "ckpt") == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_disk_that_fills_up_is_told_in_one_line_and_nothing_stays(model_pt: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-c", LIMITED, "models", "convert", str(model_pt)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stdout) == (2, "")
    assert "cannot write here" in made.stderr.splitlines()[-1]
    assert "Traceback" not in made.stderr
    assert left_in(tmp_path / "ckpt") == []
