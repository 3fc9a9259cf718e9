"""Headless takes: none is overwritten, none is taken for another, none is made twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli import main
from core.levo import family as levo
from core.takes.claim import claimed

BOATS = {"idx": "boats", "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line.", "descriptions": "pop"}
Render = Callable[..., int]


def songs(*entries: dict[str, str]) -> Path:
    path = Path("songs.jsonl")
    path.write_text("\n".join(map(json.dumps, entries)))
    return path


@pytest.fixture
def render(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """Render a song, or those given, with the toy model in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def render(*more: str, **changes: str) -> int:
        return main(["render", str(songs({**BOATS, **changes})), "--model", toy, "--set", "length=2", *more])

    return render


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.split()


def test_asking_for_the_tokens_of_a_finished_take_changes_nothing(
    render: Render, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render("--seed", "1") == 0
    recipe, sound = Path("out/boats/recipe.json").read_text(), Path("out/boats.wav").read_bytes()
    assert render("--seed", "1", "--until", "tokens") == 0
    assert told(capsys)[-1] == "out/boats/tokens.safetensors"
    assert Path("out/boats/recipe.json").read_text() == recipe
    assert render("--seed", "1", "--from", "tokens", "--set", "flow_steps=3") == 0
    assert told(capsys) == ["out/boats.take2.wav"]
    assert Path("out/boats.wav").read_bytes() == sound


def test_sound_from_other_lyrics_tokens_is_not_the_songs_own(
    render: Render, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render("--seed", "1", "--until", "tokens") == 0
    assert render("--seed", "1", "--from", "tokens", gt_lyric="[verse] Other words.") == 0
    stranger = Path("out/boats.wav").read_bytes()
    assert "other lyrics" in Path("out/boats/recipe.json").read_text()
    capsys.readouterr()
    assert render("--seed", "1", gt_lyric="[verse] Other words.") == 0
    assert told(capsys) == ["out/boats.take2.wav"]
    assert Path("out/boats.take2.wav").read_bytes() != stranger


def test_going_on_from_the_same_tokens_twice_is_one_take(
    render: Render, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render("--seed", "1") == 0
    for _ in range(2):
        assert render("--seed", "1", "--from", "tokens", "--set", "flow_steps=3") == 0
    assert told(capsys)[1:] == ["out/boats.take2.wav"] * 2
    assert not Path("out/boats.take3").exists()


def test_a_take_that_another_process_is_making_is_left_to_it(
    render: Render, capsys: pytest.CaptureFixture[str]
) -> None:
    with claimed(Path("out/boats")) as mine:
        assert mine
        assert render("--seed", "1") == 0
    assert told(capsys) == ["out/boats.take2.wav"]


def test_other_weights_make_another_take(
    render: Render, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert render("--seed", "1", "--until", "tokens") == 0
    before = Path("out/boats/tokens.safetensors").read_bytes()
    kind = levo.FAMILY
    other = type(kind)(
        **{name: getattr(kind, name) for name in kind.__slots__} | {"identity": lambda *_: "2"}
    )
    monkeypatch.setattr("core.family.family", lambda _: other)
    assert render("--seed", "1") == 0
    assert told(capsys)[-1] == "out/boats.take2.wav"
    assert Path("out/boats/tokens.safetensors").read_bytes() == before


def test_a_song_without_artifacts_does_not_hold_up_the_others(
    toy: str, render: Render, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render("--seed", "1", "--until", "tokens", idx="second") == 0
    capsys.readouterr()
    both = songs({**BOATS, "idx": "first"}, {**BOATS, "idx": "second"})
    options = ["--model", toy, "--set", "length=2", "--from", "tokens", "--json", "--seed", "1"]
    assert main(["render", str(both), *options]) == 2
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["state"], second["state"]) == ("failed", "done")
    assert "--until tokens" in first["error"]


@pytest.mark.parametrize("recipe", ["", "[]", '{"seed": 1}', "settings"])
def test_a_damaged_recipe_costs_neither_its_take_nor_the_run(
    render: Render, capsys: pytest.CaptureFixture[str], recipe: str
) -> None:
    assert render("--seed", "1") == 0
    sound = Path("out/boats.wav").read_bytes()
    path = Path("out/boats/recipe.json")
    if recipe == "settings":
        whole = json.loads(path.read_text())
        whole["settings"].pop("seed")
        recipe = json.dumps(whole)
    path.write_text(recipe)
    assert render() == 0
    assert told(capsys)[-1] == "out/boats.take2.wav"
    assert Path("out/boats.wav").read_bytes() == sound


def test_another_format_is_another_file(render: Render, capsys: pytest.CaptureFixture[str]) -> None:
    assert render("--seed", "1") == 0
    assert render("--seed", "1", "--format", "flac") == 0
    first, second = told(capsys)
    assert (first, Path(second).suffix) == ("out/boats.wav", ".flac")
    assert Path(first).is_file()
    assert Path(second).is_file()
