"""Presets on the command line: the list, and `--preset` between configuration and song."""

import argparse
import json
from pathlib import Path

import pytest

from core.cli import main
from core.cli.ask import understand
from core.cli.studio import with_presets
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of
from core.settings import resolve
from core.song import Song
from core.songfile import SongLine


def keep(name: str, text: str, tmp_path: Path) -> Path:
    path = tmp_path / "songdesk" / "presets" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"settings: {text}\n")
    return path


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def asked(config: Config, *presets: str, song: dict[str, str], assign: str = "") -> dict[str, object]:
    """The settings that a song would be rendered with."""
    args = argparse.Namespace(
        model=None, assignments=[assign], presets=list(presets), stems=None, seed=None, format=None,
        start=None, until=None, out=Path("out"), again=False, force=False,
    )  # fmt: skip
    ask = understand(args, config)
    line = SongLine(Song("x", "[verse]\nLa.", "", settings=song), 1, Path("songs.jsonl"))
    return dict(ask.wish(line).values)


def test_a_preset_stands_between_the_configuration_and_the_song(tmp_path: Path) -> None:
    keep("hot", "{temperature: 1.1, top_k: 60, top_p: 0.5, guidance: 3}", tmp_path)
    config = Config(settings={"temperature": 0.5, "flow_steps": 7})
    values = asked(config, "hot", song={"top_k": "70", "top_p": "0.6"}, assign="top_p=0.7")
    assert (values["flow_steps"], values["temperature"]) == (7, 1.1)
    assert (values["guidance"], values["top_k"], values["top_p"]) == (3.0, 70, 0.7)


def test_of_several_presets_the_later_counts_and_what_it_leaves_stays(tmp_path: Path) -> None:
    keep("one", "{temperature: 1.1, top_k: 60}", tmp_path)
    keep("two", "{temp: 1.2}", tmp_path)
    values = asked(Config(), "one", "two", song={})
    assert (values["temperature"], values["top_k"]) == (1.2, 60)


def test_the_studio_takes_a_preset_for_its_configuration(tmp_path: Path) -> None:
    kind, chosen = family_of("demo")
    usual = resolve(kind.settings(chosen))["temperature"]
    keep("back", f"{{temp: {usual}, flow_steps: 3}}", tmp_path)
    config = Config(settings={"temperature": 0.5, "top_k": 9})
    assert with_presets(config, ["back"]).settings == {"top_k": 9, "flow_steps": 3}
    assert with_presets(config, []) is config
    with pytest.raises(SongdeskError, match="unknown preset"):
        with_presets(config, ["bock"])


@pytest.mark.parametrize("command", [["render", "songs.jsonl"], ["studio", "songs.jsonl"]])
def test_an_unknown_preset_is_bad_input_with_the_nearest_names(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("songs.jsonl").write_text('{"idx": "a", "gt_lyric": "[verse] La.", "descriptions": "pop"}\n')
    assert main([*command, "--preset", "drft"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "--preset: unknown preset 'drft' → did you mean draft?" in told.err
    assert not Path("out").exists()


def test_a_preset_that_does_not_fit_is_named_with_file_and_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep("hot", "{temperature: 11}", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["render", "none.jsonl", "--preset", "hot"]) == 2
    assert f"{path}: temperature cannot be 11 → use 0 to 2" in capsys.readouterr().err


def test_a_render_records_what_the_preset_set(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("songs.jsonl").write_text('{"idx": "a", "gt_lyric": "[verse] La.", "descriptions": "pop"}\n')
    more = ["--until", "conditions", "--preset", "greedy", "--preset", "draft"]
    assert main(["render", "songs.jsonl", "--model", toy, *more]) == 0
    settings = json.loads(Path("out/a/recipe.json").read_text())["settings"]
    assert (settings["temperature"], settings["length"], settings["flow_steps"]) == (0, 20, 4)


def test_the_list_has_a_line_for_each_and_names_the_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep("hot", "{temp: 1.1}", tmp_path)
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("hot") and "yours" in line and "temperature 1.1" in line for line in lines)
    assert any(line.startswith("draft") and "shipped" in line and "flow_steps 4" in line for line in lines)
    path = keep("cold", "{temprature: 1}", tmp_path)
    assert main(["presets", "--json"]) == 2
    told = capsys.readouterr()
    listed = {entry["name"]: entry["settings"] for entry in map(json.loads, told.out.splitlines())}
    assert listed["hot"] == {"temperature": 1.1}
    assert "cold" not in listed
    assert f"{path}: unknown setting 'temprature'" in told.err
