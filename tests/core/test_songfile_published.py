"""Song files as the published programs take them work unchanged: checked, and read by the first phase."""

import json
from pathlib import Path

import pytest

from core.cli import main
from core.songfile import read_songs

_LINES: list[dict[str, object]] = [
    {"idx": "plain", "gt_lyric": "[intro-short] ; [verse] One. Two ; [inst-medium] ; [outro-short]"},
    {
        "idx": "all",
        "descriptions": "female, pop, the bpm is 125.",
        "gt_lyric": "[verse] One. Two. ; [chorus] Three.",
        "auto_prompt_audio_type": "R&B/Soul",
        "parameters": "temp:0.9, cfg_coef:1.5, record_window:50, top_p:0.9, top_k:500",
    },
    {"idx": "中文", "gt_lyric": "[verse] 夜晚.街灯 ; [chorus] 回忆", "descriptions": None},
    {"IDX": 7, "Gt_Lyric": "[verse] One.", "Description": "Male, Rock", "auto_prompt_audio_type": "auto"},
    {"idx": "tight", "gt_lyric": "[verse]One.Two;[chorus]Three", "parameters": "temp:0.9,"},
    {"idx": "wide", "gt_lyric": "[verse] One.  Two ; ; [chorus] Three ;", "prompt_audio_path": None},
    {"idx": "empty", "gt_lyric": "[verse] One.", "descriptions": "", "auto_prompt_audio_type": ""},
    {"idx": "instrumental", "gt_lyric": "[intro-short] ; [inst-long] ; [outro-short]"},
]
"""In the forms that the published programs take (levo-audio spec §2, levo-tokens spec §3, §8)."""


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """The lines as an editor on Windows leaves them, some apart by blank lines."""
    path = tmp_path / "songs.jsonl"
    text = "\r\n\r\n".join(json.dumps(line, ensure_ascii=False) for line in _LINES)
    path.write_bytes(b"\xef\xbb\xbf" + f"\r\n{text}\r\n".encode())
    return path


def test_published_lines_are_free_of_errors(songs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(songs), "--model", "demo"]) == 0
    out, err = capsys.readouterr()
    assert "8 sound songs" in err
    said = [line for line in out.splitlines() if ": hint: " not in line]
    assert all(": warning: a reference and style tags together" in line for line in said), said


def test_published_lines_are_read_by_the_first_phase(
    toy: str, songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["render", str(songs), "--model", toy, "--until", "conditions", "--out", str(tmp_path / "out")]
    )
    out, err = capsys.readouterr()
    assert code == 0, err
    assert len(out.splitlines()) == len(_LINES)
    assert all(Path(line).is_file() for line in out.splitlines())


@pytest.mark.parametrize(
    ("written", "meant"),
    [("[VERSE]", "[verse]"), ("[Intro-Short]", "[intro-short]"), ("[intro]", "[intro-short]"),
     ("[Inst]", "[inst-short]"), ("[outro]", "[outro-short]")],
)  # fmt: skip
def test_a_tag_in_another_case_or_without_a_length_is_the_tag_it_means(
    tmp_path: Path, written: str, meant: str
) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_text(json.dumps({"idx": "a", "gt_lyric": f"{written} ; [verse] [Live] here. Now"}) + "\n")
    (line,), (problem,) = read_songs(path)
    assert line.song.lyrics.startswith(f"{meant}\n")
    assert "[Live]" in line.song.lyrics
    assert (problem.severity, problem.what) == ("warning", f"{written} is read as {meant}")


def test_lines_of_other_programs_keep_their_own_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_text(
        json.dumps({"idx": "a", "gt_lyric": "[verse] One.", "melody_audio_path": "x.wav", "n": {}})
    )
    assert main(["check", str(path), "--model", "demo"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [("warning" in line, "is not used" in line) for line in out] == [(True, True)] * 2
