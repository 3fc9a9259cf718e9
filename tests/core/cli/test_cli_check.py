"""`songdesk check`: every problem as `file:line: section: what → how to mend`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.cli import main
from core.paths import sample_file


def test_every_problem_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "songs.jsonl"
    songs: list[dict[str, str]] = [
        {"idx": "a", "gt_lyric": "[vers] La. ; [inst-short] No. ; [verse]", "descriptions": "pop"},
        {
            "idx": "b",
            "gt_lyric": "[verse] La.",
            "descriptions": "I would like a sad song about the sea please.",
        },
        {"idx": "c", "gt_lyric": "[verse] La.", "parameters": "temp:11"},
    ]
    path.write_text("\n".join(json.dumps(song) for song in songs))
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(r".+songs\.jsonl:\d+: .+: .+ → .+", line) for line in lines), lines
    by_line = {number: [line for line in lines if f"jsonl:{number}:" in line] for number in (1, 2, 3)}
    assert len(by_line[1]) >= 3
    assert any("style" in line for line in by_line[2])
    assert any("temp" in line for line in by_line[3])


def test_the_samples_are_free_of_problems(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("songs.jsonl", "paper-boats.jsonl"):
        assert main(["check", str(sample_file(name))]) == 0
    assert capsys.readouterr().out == ""


def test_warnings_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_text(json.dumps({"idx": "a", "gt_lyric": "[verse] La.", "mood": "sad"}))
    assert main(["check", str(path), "--json"]) == 0
    problem = json.loads(capsys.readouterr().out)
    assert problem["severity"] == "warning"
    assert "mood" in problem["what"]


def test_a_model_whose_vocabulary_is_not_here_still_checks_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path))
    monkeypatch.delenv("SONGDESK_QWEN2", raising=False)
    path = tmp_path / "songs.jsonl"
    path.write_text(json.dumps({"idx": "a", "gt_lyric": "[vers] La."}))
    assert main(["check", str(path), "--model", "v2-large"]) == 1
    told = capsys.readouterr().out
    assert "not counted" in told
    assert "unknown tag" in told


@pytest.mark.parametrize(
    ("content", "start", "told"),
    [(b"no sound", 0, "damaged"), (None, 0, ""), (None, 3, "2.0 s long")],
)
def test_a_reference_that_cannot_be_heard_is_told_without_hearing_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, start: float, told: str
) -> None:
    recording = tmp_path / "ref.wav"
    if content is None:
        soundfile.write(recording, np.zeros((96_000, 2), dtype=np.float32), 48_000)
    else:
        recording.write_bytes(content)
    song = {
        "idx": "a", "gt_lyric": "[verse] La.", "prompt_audio_path": "ref.wav", "prompt_start": start,
    }  # fmt: skip
    path = tmp_path / "songs.jsonl"
    path.write_text(json.dumps(song))
    assert main(["check", str(path)]) == (1 if told else 0)
    line = capsys.readouterr().out.strip()
    assert told in line
    if told:
        assert line.startswith(f"{path}:1: prompt_audio_path: {recording}: ")
