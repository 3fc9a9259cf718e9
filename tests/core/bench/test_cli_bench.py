"""`songdesk bench audio`: a table a model, or everything as one object."""

import json
import re

import pytest

from core.cli import main

BRIEF = ("--seconds", "2", "--steps", "2", "--device", "cpu")


def test_a_table_is_printed_for_each_model(windowed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "audio", "--model", windowed, "--model", windowed, *BRIEF]) == 0
    shown = capsys.readouterr()
    tables = shown.out.split("\n\nwindowed: ")
    assert len(tables) == 2
    for table in tables:
        assert re.search(
            r"^agreement on 60 frames: latents \S+e-\d+, sound \S+e[-+]\d+ ", table, re.MULTILINE
        )
        for row in ("A straightforward", "B ours", "A / B"):
            assert len(re.findall(rf"^{row} .*\d", table, re.MULTILINE)) == 1
        assert re.search(r"^work: for 50 frames of song A solves 60", table, re.MULTILINE)
        assert re.search(r"^plan: \S+ MB for B, \S+% (above|below) what it took$", table, re.MULTILINE)
    assert max(map(len, shown.out.splitlines())) <= 110
    assert shown.err.splitlines()[-1].startswith("windowed: lap 4 of 4")


def test_json_is_one_object_with_everything(windowed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "audio", "--model", windowed, "--json", *BRIEF]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    (report,) = json.loads(line)["reports"]
    assert report["model"] == windowed
    assert report["weights"] == "made by rule"
    assert report["task"]["steps"] == 2
    assert report["shapes"]["flow"]["positions"] == 60
    assert set(report["ratios"]) == {"time", "first", "memory"}
    for way in (report["baseline"], report["ours"]):
        assert len(way["laps"]) == 2
        assert way["factor"] > 0
        assert way["memory"] > way["weights"] > 0
    assert report["agreement"]["sound"] < 1e-4
    assert report["planned"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nobody"], "unknown model"),
        (["--model", "demo", "--seconds", "900"], "length cannot be"),
        (["--model", "demo", "--steps", "0"], "flow_steps cannot be"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "audio", "--device", "cpu", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert words in line
