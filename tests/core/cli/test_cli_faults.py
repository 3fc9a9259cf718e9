"""The command as a process of its own: signals in every phase, a full disk, a closed pipe, no terminal."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from core.checkpoints import model_folder
from core.levo.demo import demo_weights
from core.levo.shapes import shapes_of
from core.registry import variant

BOATS = {"idx": "boats", "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line.", "descriptions": "pop"}
COMMAND = [sys.executable, "-c", "import sys; from core.cli import main; sys.exit(main())"]


@pytest.fixture
def songs(toy: str, tmp_path: Path) -> Path:
    path = tmp_path / "songs.jsonl"
    path.write_text(json.dumps(BOATS))
    return path


@pytest.fixture
def warm(toy: str) -> None:
    """Make the model's weights beforehand, so that no command has to write them."""
    demo_weights(shapes_of(variant(toy).shapes), model_folder(variant(toy)))


def start(
    *arguments: str,
    prepare: Callable[[], object] | None = None,
    stdout: IO[str] | int = subprocess.PIPE,
    **environment: str,
) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **environment},
        preexec_fn=prepare,
    )


def wait_for_line(process: subprocess.Popen[str], mark: str) -> None:
    """Read the process's talk until a line holds `mark`; a process that ends first fails the test."""
    assert process.stderr is not None
    guard = threading.Timer(90, process.kill)
    guard.start()
    try:
        for line in process.stderr:
            if mark in line:
                return
    finally:
        guard.cancel()
    pytest.fail(f"it never said {mark!r}")


@pytest.mark.parametrize(
    ("mark", "number", "code", "kept"),
    [
        pytest.param("loading", signal.SIGTERM, 143, set(), marks=pytest.mark.slow),
        ("2/3", signal.SIGINT, 130, {"conditions.safetensors"}),
        pytest.param(
            "3/3",
            signal.SIGHUP,
            129,
            {"conditions.safetensors", "tokens.safetensors"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_signal_in_any_phase_keeps_finished_stages_and_half_writes_nothing(
    songs: Path, tmp_path: Path, mark: str, number: signal.Signals, code: int, kept: set[str]
) -> None:
    out = tmp_path / "out"
    slow = ("--set", "length=15", "--set", "flow_steps=100", "--seed", "1", "--model", "toy")
    process = start("render", str(songs), "--out", str(out), *slow)
    wait_for_line(process, mark)
    process.send_signal(number)
    told, talk = process.communicate(timeout=60)
    assert process.returncode == code, talk
    assert told == ""
    assert "Traceback" not in talk
    assert "stopped" in talk
    assert " made in " not in talk
    left = {path.name for path in out.rglob("*") if path.is_file()}
    assert (
        kept
        <= left
        <= kept | {"recipe.json", "conditions.safetensors", "tokens.safetensors", "tokens.journal"}
    )
    recipe = json.loads((out / "boats" / "recipe.json").read_text())
    assert recipe["state"] == "paused"
    assert {f"{stage}.safetensors" for stage in recipe["stages"]} >= kept


@pytest.mark.usefixtures("warm")
def test_a_full_disk_is_one_line_and_leaves_no_half_written_file(songs: Path, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    out = tmp_path / "out"
    process = start("render", str(songs), "--model", "toy", "--out", str(out), prepare=small_files)
    told, talk = process.communicate(timeout=90)
    assert process.returncode == 2, talk
    assert told == ""
    assert sum("cannot write" in line and "→" in line for line in talk.splitlines()) == 1, talk
    assert "Traceback" not in talk
    assert {path.name for path in out.iterdir()} == {"boats"}
    assert not [path for path in (out / "boats").iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("warm")
def test_a_disk_full_from_the_first_artifact_on_is_named(songs: Path, tmp_path: Path) -> None:
    def tiny_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_500, 2_500))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    out = tmp_path / "out"
    process = start("render", str(songs), "--model", "toy", "--out", str(out), prepare=tiny_files)
    told, talk = process.communicate(timeout=90)
    assert (process.returncode, told) == (2, "")
    assert "cannot write" in talk
    assert "broke" not in talk
    assert not list(out.rglob(".*"))
    assert not list(out.rglob("*.safetensors"))


def test_a_render_begun_under_nohup_outlives_its_terminal(songs: Path, tmp_path: Path) -> None:
    process = start(
        "render", str(songs), "--model", "toy", "--out", str(tmp_path / "out"),
        prepare=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    wait_for_line(process, "loading")
    process.send_signal(signal.SIGHUP)
    told, talk = process.communicate(timeout=90)
    assert process.returncode == 0, talk
    assert Path(told.strip()).is_file()


def test_a_killed_render_goes_on_and_leaves_nothing_behind(songs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    slow = (
        "--set",
        "length=12",
        "--set",
        "flow_steps=100",
        "--seed",
        "1",
        "--model",
        "toy",
        "--out",
        str(out),
    )
    process = start("render", str(songs), *slow)
    wait_for_line(process, "3/3")
    process.kill()
    process.communicate()
    assert (out / "boats" / "tokens.safetensors").is_file()
    again = start("render", str(songs), *slow)
    told, talk = again.communicate(timeout=90)
    assert again.returncode == 0, talk
    assert "2/3" not in talk, "the tokens were there"
    assert Path(told.strip()).is_file()
    assert not list(out.rglob(".*"))


def test_a_terminal_without_our_letters_is_spoken_to_all_the_same(songs: Path) -> None:
    songs.write_text(json.dumps({**BOATS, "gt_lyric": "[vers] 风"}))
    process = start("check", str(songs), PYTHONIOENCODING="latin-1")
    told, talk = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "unknown tag" in told
    assert "Traceback" not in talk


def test_a_full_output_is_one_line(songs: Path) -> None:
    songs.write_text(json.dumps({**BOATS, "gt_lyric": "[vers] La."}))
    with Path("/dev/full").open("w") as full:
        process = start("check", str(songs), stdout=full)
        _, talk = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "no space left" in talk.lower()
    assert "Traceback" not in talk


def test_an_unwritable_folder_is_refused_before_anything_runs(songs: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    process = start("render", str(songs), "--model", "toy", "--out", str(blocked / "deeper"))
    told, talk = process.communicate(timeout=60)
    assert (process.returncode, told) == (2, "")
    assert str(blocked) in talk


def test_the_studio_without_a_terminal_renders_the_song_it_is_given(songs: Path, tmp_path: Path) -> None:
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "songdesk" / "songdesk.yaml"
    config.write_text("model: toy\n")
    process = start("studio", str(songs), prepare=lambda: os.chdir(tmp_path))
    told, talk = process.communicate(timeout=90)
    assert process.returncode == 0, talk
    assert (tmp_path / told.strip()).is_file()
    assert "no terminal" in talk


def test_the_studio_without_a_terminal_or_a_song_says_what_to_do(toy: str) -> None:
    process = start()
    told, talk = process.communicate(timeout=60)
    assert (process.returncode, told) == (2, "")
    assert "songdesk render" in talk


def test_a_reader_that_leaves_early_is_no_crash(songs: Path, tmp_path: Path) -> None:
    songs.write_text("\n".join(json.dumps({**BOATS, "idx": f"b{n}", "mood": 1}) for n in range(2000)))
    process = start("check", str(songs))
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    talk = process.stderr.read()
    process.wait(60)
    assert "Traceback" not in talk
    assert "Exception" not in talk
