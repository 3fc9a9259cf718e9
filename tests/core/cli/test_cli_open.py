"""`songdesk open`: what is in a sound file, and into the library and the studio with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.audio.tags import tags_of
from core.audio.writer import AudioWriter
from core.cli import main
from core.config import Config
from core.library.bookmark import recall
from core.paths import bookmark_file, library
from core.takes.recipe import Recipe
from core.takes.take import home_of, takes_of
from tests.core.audio.tones import noise

LYRICS = "[verse]\nPaper boats"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def song(path: Path, model: str = "demo") -> Path:
    recipe = Recipe(
        song={"title": "Boats – 雨", "lyrics": LYRICS, "style": "pop", "reference": None, "settings": {}},
        model=model,
        settings={"seed": 3},
        state="done",
        songdesk="0.1.0",
        tokens="abc",
    )
    with AudioWriter(path, format="flac", tags=tags_of(recipe)) as writer:
        writer.write(noise(500))
    return path


def test_json_prints_the_recipe_and_leaves_the_library_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["open", str(song(tmp_path / "a.flac")), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert out.count("\n") == 1
    assert (found["file"], found["tokens"]) == (str(tmp_path / "a.flac"), False)
    assert found["recipe"]["song"]["lyrics"] == LYRICS
    assert found["recipe"]["settings"] == {"seed": 3}
    assert err == ""
    assert not library().exists()


def test_import_prints_where_the_sound_lies_and_what_to_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["open", str(song(tmp_path / "a.flac")), "--import"]) == 0
    out, err = capsys.readouterr()
    (take,) = takes_of(home_of("Boats – 雨"))
    assert out == f"{take.audio}\n"
    assert err == "songdesk: its tokens are not in it, so no other take can begin with them\n"


def test_import_with_json_tells_what_became_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["open", str(song(tmp_path / "a.flac")), "--import", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (take,) = takes_of(home_of("Boats – 雨"))
    assert found["title"] == "Boats – 雨"
    assert (found["song"], found["take"], found["file"]) == (str(take.home), take.id, str(take.audio))
    assert len(found["notes"]) == 1


def test_without_a_terminal_it_is_brought_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["open", str(song(tmp_path / "a.flac"))]) == 0
    assert Path(capsys.readouterr().out.strip()).is_relative_to(library())


@pytest.mark.parametrize(("model", "opened"), [("demo", "demo"), ("v9-huge", "demo"), ("v2-large", "demo")])
def test_on_a_terminal_the_studio_opens_at_the_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, opened: str
) -> None:
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "none"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    seen: list[tuple[Path | None, Config]] = []

    def studio(path: Path | None, config: Config) -> int:
        seen.append((path, config))
        return 7

    monkeypatch.setattr("tui.terminal.run_studio", studio)
    assert main(["open", str(song(tmp_path / "a.flac", model))]) == 7
    ((path, config),) = seen
    assert (path, config.model) == (None, opened)
    mark = recall(bookmark_file()).bookmarks[0]
    (take,) = takes_of(home_of("Boats – 雨"))
    assert (mark.home, mark.take, mark.area) == (str(take.home), take.id, "takes")


def test_the_studio_opens_with_the_model_of_the_take(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    models: list[str] = []

    def studio(_: Path | None, config: Config) -> int:
        models.append(config.model)
        return 0

    monkeypatch.setattr("tui.terminal.run_studio", studio)
    assert main(["open", str(song(tmp_path / "a.flac", toy))]) == 0
    assert models == [toy]


@pytest.mark.parametrize("options", [[], ["--json"], ["--import"]])
def test_a_file_that_tells_nothing_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    with AudioWriter(tmp_path / "a.wav", format="wav") as writer:
        writer.write(noise(500))
    for name in ("a.wav", "missing.flac"):
        assert main(["open", str(tmp_path / name), *options]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("songdesk: ")
        assert name in err
        assert err.count("\n") == 1
    assert not library().exists()


def test_a_recipe_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mutagen.flac import FLAC

    path = song(tmp_path / "a.flac")
    for text in ("{", "[" * 100_000):
        tags = FLAC(path)
        tags["SONGDESK_RECIPE"] = text
        tags.save()
        for options in ([], ["--json"]):
            assert main(["open", str(path), *options]) == 2
            assert "cannot be read" in capsys.readouterr().err


def test_looking_into_a_file_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from core.cli import main; "
        "code = main(sys.argv[1:]); sys.exit(code or 9 * ('torch' in sys.modules))"
    )
    for options in (["--json"], ["--import"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "open", str(song(tmp_path / "a.flac")), *options],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert done.returncode == 0, done.stderr
