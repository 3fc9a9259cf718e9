"""`songdesk models convert`: what it prints, and what it leaves when it cannot or may not finish."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
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


def models(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[str], str]:
    """What is said of the tiny model: state, what is missing, and what its lines tell of the disk."""
    capsys.readouterr()
    assert main(["models", "--json", "--no-machine"]) == 0
    told = {each["id"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert main(["models", "--no-machine"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    _, _, line = words.partition("tiny Tiny ")
    return told["tiny"]["state"], told["tiny"]["missing"], line.partition(" · ")[0]


def test_a_model_is_here_when_every_file_that_each_song_needs_is(
    model_pt: Path, publish: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    extras = ["separator", "mix_encoder", "stem_encoder", "styles"]
    state, missing, line = models(capsys)
    assert (state, missing) == ("not here", ["tokens", "flow", "vae", *extras])
    assert line == "not here"
    assert main(["models", "convert", str(model_pt)]) == 0
    state, missing, line = models(capsys)
    assert (state, missing) == ("partly", ["flow", "vae", *extras])
    assert line.startswith("partly, without flow, vae, ")
    for file in ("model_2.safetensors", "autoencoder_music_1320k.ckpt"):
        assert main(["models", "convert", str(publish(file))]) == 0
    state, missing, line = models(capsys)
    assert (state, missing) == ("here", ["separator", "mix_encoder", "styles"])
    assert line.startswith("here, without reference audio: separator, mix encoder, styles, ")
    for file in ("model_2_fixed.safetensors", "htdemucs.pth"):
        assert main(["models", "convert", str(publish(file))]) == 0
    codes = torch.zeros(1, 3, 9, dtype=torch.int64)
    torch.save({"Pop": {"en": [codes]}}, model_pt.with_name("new_auto_prompt.pt"))
    assert main(["models", "convert", str(model_pt.with_name("new_auto_prompt.pt"))]) == 0
    state, missing, line = models(capsys)
    assert (state, missing) == ("here", [])
    assert line.startswith("here, ")
    assert line.endswith(" on disk")


def test_a_checkpoint_of_two_roles_gives_a_path_a_line(
    publish: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = publish("model_2.safetensors"), tmp_path / "ckpt" / "levo"
    paths = [str(folder / "stem_encoder.safetensors"), str(folder / "flow.safetensors")]
    assert main(["models", "convert", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == paths
    for word in ("stem encoder and flow of tiny: ", "parameters", "kept ", "dropped 9 that are never read"):
        assert word in told.err
    assert "fp16" not in told.err
    assert "Qwen2" not in told.err
    (folder / "flow.safetensors").unlink()
    assert main(["models", "convert", str(path), "--json"]) == 0
    told = capsys.readouterr()
    about = json.loads(told.out)
    assert (about["files"], about["there"], about["file"]) == (paths, paths[:1], paths[0])
    assert (about["made"], about["models"], about["roles"]) == (True, ["tiny"], ["stem_encoder", "flow"])
    assert "already there, made of this checkpoint: stem_encoder.safetensors" in told.err
    assert main(["models", "convert", str(path)]) == 0
    told = capsys.readouterr()
    assert (told.out.splitlines(), "nothing to do" in told.err) == (paths, True)
    assert main(["models", "convert", paths[1]]) == 0
    told = capsys.readouterr()
    assert (told.out.strip(), "put it at levo/flow.safetensors" in told.err) == (paths[1], True)


def test_statistics_of_a_half_trained_normaliser_are_warned_of(
    publish: Callable[[str], Path],
    audio: dict[str, dict[str, torch.Tensor]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    audio["model_2.safetensors"]["normfeat.counts"].fill_(4000)
    assert main(["models", "convert", str(publish("model_2.safetensors"))]) == 0
    assert "warning: the normaliser's statistics are of 4,000 latents, not 100,000" in capsys.readouterr().err


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
@pytest.mark.parametrize("kind", ["tokens", "audio"])
def test_a_disk_that_fills_up_is_told_in_one_line_and_nothing_stays(
    kind: str, model_pt: Path, publish: Callable[[str], Path], tmp_path: Path
) -> None:
    path = model_pt if kind == "tokens" else publish("htdemucs.pth")
    made = subprocess.run(
        [sys.executable, "-c", LIMITED, "models", "convert", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stdout) == (2, "")
    assert "cannot write here" in made.stderr.splitlines()[-1]
    assert "Traceback" not in made.stderr
    assert left_in(tmp_path / "ckpt") == []
