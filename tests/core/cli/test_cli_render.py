"""`songdesk render`: what stands on stdout and stderr, exit codes, skipping, stages, bad input."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.audio.files import read
from core.cli import main
from core.levo.artifacts import Tokens

Write = Callable[..., Path]
BOATS = {"idx": "boats", "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line.", "descriptions": "pop"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write songs, or raw lines, to a JSONL file."""

    def write(*songs: dict[str, object] | str) -> Path:
        path = tmp_path / "songs.jsonl"
        lines = [song if isinstance(song, str) else json.dumps(song) for song in songs]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def render(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command in a folder of its own with the toy model."""
    monkeypatch.chdir(tmp_path)

    def render(path: Path, *more: str) -> int:
        return main(["render", str(path), "--model", toy, *more])

    return render


def test_stdout_is_the_path_of_each_song_and_nothing_else(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    songs = write(BOATS, {**BOATS, "IDX": "two", "idx": "two", "Descriptions": "rock"})
    assert render(songs, "--seed", "1", "--out", "here") == 0
    told = capsys.readouterr()
    assert told.out.split() == ["here/boats.wav", "here/two.wav"]
    assert "composing" in told.err
    assert all(Path(line).is_file() for line in told.out.split())


def test_finished_songs_are_skipped_until_asked_again(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    songs = write(BOATS)
    assert render(songs) == 0
    first = Path("out/boats.wav").read_bytes()
    seed = json.loads(Path("out/boats/recipe.json").read_text())["settings"]["seed"]
    capsys.readouterr()
    assert render(songs) == 0
    told = capsys.readouterr()
    assert told.out.split() == ["out/boats.wav"]
    assert "already there" in told.err
    assert render(songs, "--again", "--seed", str(seed)) == 0
    assert capsys.readouterr().out.split() == ["out/boats.take2.wav"]
    assert Path("out/boats.take2.wav").read_bytes() == first
    assert Path("out/boats.wav").read_bytes() == first


def test_a_changed_song_is_a_new_take_beside_the_old_one(write: Write, render: Callable[..., int]) -> None:
    assert render(write(BOATS), "--seed", "1") == 0
    before = Path("out/boats.wav").read_bytes()
    assert render(write({**BOATS, "descriptions": "jazz"}), "--seed", "1") == 0
    assert Path("out/boats.wav").read_bytes() == before
    assert Path("out/boats.take2.wav").read_bytes() != before


def test_stages_can_be_run_apart_and_give_the_same_song(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    songs = write(BOATS)
    assert render(songs, "--seed", "1", "--out", "whole") == 0
    assert render(songs, "--seed", "1", "--until", "tokens") == 0
    assert capsys.readouterr().out.split()[-1] == "out/boats/tokens.safetensors"
    assert not Path("out/boats.wav").exists()
    assert Tokens.load(Path("out/boats/tokens.safetensors")).codes.shape[0] == 3
    assert render(songs, "--seed", "1", "--from", "tokens") == 0
    apart, whole = (read(Path(out) / "boats.wav")[0] for out in ("out", "whole"))
    assert (apart == whole).all()


def test_going_on_from_tokens_keeps_the_sound_that_was_there(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    songs = write(BOATS)
    assert render(songs, "--seed", "1") == 0
    before = Path("out/boats.wav").read_bytes()
    assert render(songs, "--seed", "1", "--from", "tokens", "--set", "flow_steps=5") == 0
    assert Path("out/boats.wav").read_bytes() == before
    assert capsys.readouterr().out.split()[-1] == "out/boats.take2.wav"
    assert Path("out/boats.take2.wav").read_bytes() != before
    old, new = (json.loads(Path(f"out/{name}/recipe.json").read_text()) for name in ("boats", "boats.take2"))
    told = ("schedule", "tokens", "chosen", "weights")
    assert [new[key] for key in told] == [old[key] for key in told]
    assert new["schedule"] == "lockstep"


def test_going_on_from_nothing_says_what_to_make_first(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(write(BOATS), "--from", "tokens") == 2
    assert "--until tokens" in capsys.readouterr().err


def test_json_gives_one_object_a_song(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(write(BOATS), "--json", "--format", "flac") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["idx"] == "boats"
    assert facts["state"] == "done"
    assert facts["file"].endswith("boats.flac")
    assert isinstance(facts["seed"], int)


def test_settings_come_from_the_song_and_the_command_line_wins(
    write: Write, render: Callable[..., int]
) -> None:
    songs = write({**BOATS, "parameters": "temp:0.9, top_k:50"})
    assert render(songs, "--set", "temperature=0.4", "--set", "length=2") == 0
    settings = json.loads(Path("out/boats/recipe.json").read_text())["settings"]
    assert (settings["temperature"], settings["top_k"], settings["length"]) == (0.4, 50, 2)


@pytest.mark.parametrize(
    ("song", "said"),
    [
        ({**BOATS, "gt_lyric": "[vers] Hello."}, "unknown tag"),
        ({**BOATS, "gt_lyric": "[intro-short] Hello. ; [verse] La."}, "intro-short"),
        ({**BOATS, "gt_lyric": "[verse] ; [chorus] La."}, "verse"),
        ('{"idx": "a", "gt_lyric": ', "JSON"),
        ({**BOATS, "prompt_audio_path": "gone.wav"}, "gone.wav"),
        ({**BOATS, "idx": "a/b"}, "slash"),
        ({**BOATS, "idx": ".."}, "dots"),
        ({**BOATS, "parameters": "temp:9"}, "0 to 2"),
        ({**BOATS, "parameters": "tempo:9"}, "unknown setting"),
    ],
)
def test_bad_songs_are_refused_whole_with_a_line_that_says_where(
    write: Write,
    render: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    song: dict[str, object] | str,
    said: str,
) -> None:
    songs = write({**BOATS, "idx": "fine"}, song)
    assert render(songs) == 2
    told = capsys.readouterr()
    assert told.out == ""
    named = [
        line for line in told.err.splitlines() if line.startswith(f"{songs}:2: ") or f"{songs}:2:" in line
    ]
    assert any(said in line and "→" in line for line in named), told.err
    assert "Traceback" not in told.err
    assert not Path("out").exists() or not list(Path("out").iterdir())


@pytest.mark.parametrize(
    "more",
    [
        ("--seed", "soon"),
        ("--set", "heat=1"),
        ("--set", "temperature"),
        ("--from", "tokens", "--until", "conditions"),
        ("--model", "v9"),
        ("--out", "/proc/nowhere"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    assert render(write(BOATS), *more) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert "→" in told.err


def test_text_that_is_too_long_is_refused_unless_forced_and_then_said(
    write: Write, render: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    songs = write({**BOATS, "gt_lyric": "[verse] " + "paper boats are drifting. " * 30})
    assert render(songs, "--set", "length=1") == 2
    assert "cut off" not in capsys.readouterr().err
    assert render(songs, "--set", "length=1", "--force") == 0
    assert "cut off: " in capsys.readouterr().err


def test_a_missing_song_file_is_named(render: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert render(Path("none.jsonl")) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_models_are_listed(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    listed = {entry["id"]: entry["state"] for entry in map(json.loads, capsys.readouterr().out.splitlines())}
    assert listed["demo"] == "built in"
    assert listed["v2-large"] == "not here"
