"""`songdesk bench decode`: tables or one object, and no speed of what is wrong."""

import json
import re
from argparse import Namespace
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError

import pytest
import torch

from core.bench.decode import piecework
from core.bench.decode.bench import Scope
from core.bench.decode.machine import machine
from core.bench.decode.pieces import pieces
from core.cli import _parser, main

PIECES = [("append", "int8"), ("attention", "mulaw8"), ("products", "int4"), ("draw, advance", "")]
"""Of all that are timed."""


@pytest.fixture(autouse=True)
def quick(brief: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.bench.decode.bench.scope_of", lambda device, *, is_small: brief)
    monkeypatch.setattr(
        piecework, "pieces", lambda *given: [each for each in pieces(*given) if each[:2] in PIECES]
    )


def test_a_table_is_printed_after_a_word_on_quality(
    windowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "decode", "--model", windowed, "--form", "int8+mulaw8", "--device", "cpu"]) == 0
    shown, told = capsys.readouterr()
    assert_machine_and_quality_come_first(told.splitlines())
    _, kernels, table, last = shown.split("\n\n")
    assert kernels.startswith("kernels' twins in plain torch at position 140, of one layer or column, ")
    for row in ("append, int8 cache", "attention, mulaw8 cache", "products, int4 weights", "draw, advance"):
        line = rf"^  {row} +\S+ .s +\S+ .B +\S+ +\d+% +\S+ .s +\d+\.\d\d +\S+$"
        assert re.search(line, kernels, re.MULTILINE), row
    assert table.startswith("int8 weights, mulaw8 cache\n")
    for row in ("A straightforward", "B ours, plain", "C ours, static"):
        (near, rates) = re.findall(rf"^  {row} +(.*)$", table, re.MULTILINE)
        assert re.match(r"logits within \S+ of \S+, divergence \S+, at most \S+, same first ", near)
        assert re.match(r"(\d+\.\d+ +){2}\d+ s +\S+ MB$", rates)
    assert re.search(r"^  A / C( +\d+\.\d\d){4}$", table, re.MULTILINE)
    assert re.search(r"^  plan: \S+ MB, \S+% (above|below) ", table, re.MULTILINE)
    assert re.search(r"^machine: reads \S+ GB/s, copies ", shown, re.MULTILINE)
    assert last.startswith("delays: first step done ")
    assert re.search(r"^first sound: \S+ s after the start", last, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 110


def assert_machine_and_quality_come_first(told: list[str]) -> None:
    """Whoever is timed has been compared by then, and the machine was measured before anybody."""
    words = [line.partition(": ")[2] for line in told]
    compared = [index for index, word in enumerate(words) if ", quality, " in word]
    timed = [index for index, word in enumerate(words) if ", position " in word]
    assert len(compared) == 3
    assert len(timed) == 2 * 2 * 3
    assert words.index("machine") < min(compared)
    assert max(compared) < min(timed)


def test_a_form_without_room_is_left_out_and_told(
    windowed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.bench.decode.bench.free_memory", lambda kind: 1000)
    assert main(["bench", "decode", "--model", windowed, "--form", "full+fp32", "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert "\n\nfull weights, fp32 cache\n  not measured: it needs " in shown
    assert "steps a second" not in shown
    assert "first sound" not in shown


def test_json_is_one_object_with_everything(windowed: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "decode", "--model", windowed, "--form", "full+fp32", "--device", "cpu", "--json"]
    assert main(command) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["bench"] == "decode"
    (report,) = told["reports"]
    assert report["weights"] == "made by rule"
    assert report["machine"]["read"] > 0
    assert [(piece["name"], piece["form"]) for piece in report["pieces"]] == PIECES
    assert all(piece["of_read"] > 0 and piece["ratio"] > 0 for piece in report["pieces"])
    (form,) = report["forms"]
    for way in form["ways"]:
        assert len(way["rates"]) == len(way["of_read"]) == len(way["ratios"]) == 2
        assert way["nearness"]["mean"] < 1e-6
        assert way["song"] > 0
        assert way["memory"] > 0
    assert form["ways"][0]["ratios"] == [1.0] * 2
    assert report["delays"]["knob_steps"] >= 1
    assert form["room"]["planned"] > 0
    assert report["sound"]["rendered"] > 0


def test_what_is_wrong_has_no_speed(
    windowed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.bench.decode.bench.FAR", -1.0)
    assert main(["bench", "decode", "--model", windowed, "--device", "cpu"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "differs from the reference path" in shown.err.splitlines()[-1]


@pytest.mark.parametrize("form", ["full", "full+fp8", "int3+int8", "+"])
def test_an_unknown_form_is_refused(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "decode", "--model", "demo", "--device", "cpu", "--form", form]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown form" in line


def test_options_may_stand_on_either_side_of_the_stage() -> None:
    for words in (["--small", "decode", "--json"], ["decode", "--small", "--json"]):
        args = _parser().parse_args(["bench", *words])
        assert (args.stage, args.small, args.json, args.device, args.model) == (
            "decode",
            True,
            True,
            "auto",
            None,
        )
    args = _parser().parse_args(["bench", "--model", "demo"])
    assert (args.stage, args.model, args.small) == (None, ["demo"], False)


def test_without_a_stage_decoding_and_sound_are_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage(name: str) -> Callable[[Namespace], Iterator[tuple[dict[str, object], Iterator[str]]]]:
        return lambda args: iter([({"of": name, "small": args.small}, iter([f"{name} table"]))])

    monkeypatch.setattr("core.cli.bench._STAGES", {name: stage(name) for name in ("decode", "audio")})
    assert main(["bench", "--small", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "bench": "all",
        "decode": [{"of": "decode", "small": True}],
        "audio": [{"of": "audio", "small": True}],
    }
    assert main(["bench", "all"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "decode table\n\naudio table\n"
    assert "not measured: what the demo sings" in shown.err


def test_the_machine_is_measured() -> None:
    about = machine(torch.device("cpu"), "CPU", amount=1 << 20, size=32)
    assert about.read > 0
    assert about.copied > 0
    assert about.issued > 0
    assert set(about.products) == {"fp32"}
    assert (about.gap, about.specified) == (None, None)


def test_triton_is_told_whatever_its_build_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package != "pytorch-triton-rocm":
            raise PackageNotFoundError(package)
        return "3.6.0+rocm7.2"

    monkeypatch.setattr("core.kernels.live.version", version)
    assert machine(torch.device("cpu"), "CPU", amount=1 << 20, size=32).triton == "3.6.0+rocm7.2"


def test_the_gap_inside_a_graph_is_measured_where_graphs_can_be_made() -> None:
    replayed: list[int] = []

    def record(work: Callable[[], object], put_back: Callable[[], object]) -> Callable[[], object]:
        work()
        return lambda: replayed.append(1)

    def refuses(work: Callable[[], object], put_back: Callable[[], object]) -> Callable[[], object]:
        raise RuntimeError("operation not permitted when stream is capturing")

    made, refused = (
        machine(torch.device("cpu"), "CPU", amount=1 << 20, size=32, record=each)
        for each in (record, refuses)
    )
    assert made.gap is not None
    assert made.gap > 0
    assert len(replayed) > 1
    assert refused.gap is None
