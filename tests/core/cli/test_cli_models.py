"""`songdesk models`: what is told of each model, in lines and as objects."""

import json
from pathlib import Path

import pytest

from core.cli import main
from core.cli import models as command
from core.errors import SongdeskError
from core.machine import Machine
from core.registry import variants

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    monkeypatch.setenv("SONGDESK_QWEN2", str(tmp_path / "ckpt" / "qwen2"))
    monkeypatch.setenv("COLUMNS", "80")


def looks(monkeypatch: pytest.MonkeyPatch, free: float | None) -> list[str]:
    """Let the machine have so many GiB free; gives the devices that were asked for."""
    asked: list[str] = []
    room = None if free is None else int(free * GIB)

    def look(device: str) -> Machine:
        asked.append(device)
        return Machine("cuda", "A card", "asked for", "2.11", "CUDA 13", room, 16 * GIB, 9 * GIB, 32 * GIB, 8)

    monkeypatch.setattr(command, "look", look)
    return asked


@pytest.mark.parametrize("words", [["models"], ["models", "list"]])
def test_each_model_has_a_few_lines_that_fit_a_small_terminal(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = looks(monkeypatch, 30.0)
    assert main(words) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert asked == ["auto"]
    assert told.err == "on A card, 30.0 GiB free\n"
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert names == list(variants())
    assert len(lines) <= 4 * len(names)
    for part in (
        "v2-large      SongGeneration v2 large · sings zh, en, es, ja",
        "not here, 18.2 GB to fetch",
        "full weights, int8 cache, 11.7 GiB, up to 4:40",
        "licence: the publisher's own terms, which forbid commercial use",
        "built in",
    ):
        assert part in told.out


def test_as_objects_they_have_all_the_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, 2.0)
    assert main(["models", "list", "--json"]) == 0
    told = capsys.readouterr()
    found = {each["id"]: each for each in map(json.loads, told.out.splitlines())}
    assert told.err == ""
    assert list(found) == list(variants())
    large, demo = found["v2-large"], found["demo"]
    assert (large["state"], large["fits"], large["free"]) == ("not here", False, 2 * GIB)
    assert (large["usable"], large["best"]) == (False, None)
    assert large["fetch_bytes"] == sum(file["bytes"] for file in large["to_fetch"])
    assert all(file["repo"] for file in large["to_fetch"])
    assert [file["repo"] for file in large["by_hand"]] == [""]
    assert large["there_bytes"] == 0
    assert (large["parameters"], large["languages"]) == (5122332672, ["zh", "en", "es", "ja"])
    assert all(way["least"] > 2 * GIB for way in large["ways"])
    assert (demo["fits"], demo["best"]["seconds"], demo["usable"]) == (True, 120.0, True)


@pytest.mark.parametrize("options", [["--no-machine"], []])
def test_without_a_look_at_the_machine_what_fits_is_unknown(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(device: str) -> Machine:
        raise SongdeskError("torch does not start: no such library", hint="see `songdesk doctor`")

    monkeypatch.setattr(command, "look", look)
    assert main(["models", *options, "--json"]) == 0
    told = capsys.readouterr()
    why = "nobody looked at this machine" if options else "torch does not start: no such library"
    for each in map(json.loads, told.out.splitlines()):
        assert (each["free"], each["fits"], each["best"]) == (None, None, None)
        assert each["why_unknown"].startswith(why)
    assert ("what fits is unknown" in told.err) == (not options)
    assert main(["models", "list", *options]) == 0
    assert "needs " in capsys.readouterr().out


def test_memory_that_the_driver_does_not_tell_is_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, None)
    assert main(["models"]) == 0
    told = capsys.readouterr()
    assert told.err == "on A card, free memory unknown\n"
    assert "does not fit" not in told.out
