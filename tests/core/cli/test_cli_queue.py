"""`songdesk queue`: filled, put in order, and made; by itself or not at all."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.cli import main
from core.library import queue
from core.library.draft import load_draft, save_draft
from core.library.store import open_store
from core.song import Song
from core.takes import recipe as recipes
from core.takes.take import home_of
from tests import made

Told = Callable[[], list[str]]
BOATS = {"idx": "boats", "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line.", "descriptions": "pop"}
SHIPS = {**BOATS, "idx": "ships"}


@pytest.fixture(autouse=True)
def _here(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """The lines on stdout since it was last asked for."""
    return lambda: capsys.readouterr().out.splitlines()


def songs(*entries: dict[str, str]) -> str:
    path = Path("songs.jsonl")
    path.write_text("\n".join(map(json.dumps, entries)))
    return str(path)


def add(*entries: dict[str, str], more: tuple[str, ...] = ()) -> int:
    return main(["queue", "add", songs(*entries), "--model", "toy", *more])


def listed(told: Told) -> list[tuple[str, bool]]:
    """The titles in the queue, and whether each is on hold."""
    told()
    assert main(["queue", "list", "--json"]) == 0
    return [(item["title"], item["held"]) for item in map(json.loads, told())]


def test_the_songs_of_a_file_wait_in_its_order_and_are_songs_of_the_library(told: Told) -> None:
    assert add(BOATS, SHIPS, more=("--set", "length=3", "--seed", "5")) == 0
    first, second = told()
    assert (first.split()[0], first.split()[-1], second.split()[-1]) == ("1", "boats", "ships")
    assert all(len(line) <= 80 for line in (first, second))
    assert listed(told) == [("boats", False), ("ships", False)]
    song = load_draft(home_of("boats"))
    assert song is not None
    assert song.lyrics.splitlines()[:2] == ["[verse]", "Paper boats"]
    (folder,) = (home_of("boats") / "takes").iterdir()
    recipe = recipes.load(folder)
    assert recipe is not None
    assert (recipe.settings["length"], recipe.seed, recipe.model) == (3.0, 5, "toy")


def test_a_song_of_the_library_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Song("boats", "[verse]\nmy own words", "jazz")
    save_draft(home_of("boats"), mine)
    assert add(BOATS) == 0
    assert "the library's song of that title stays as it is" in capsys.readouterr().err
    assert load_draft(home_of("boats")) == mine
    assert main(["queue", "add", "boats", "--model", "toy"]) == 0
    with closing(open_store()) as store:
        lyrics = [recipes.load(item.take.folder) for item in queue.items(store)]
    assert [str(recipe.song["lyrics"]).split("\n")[1] for recipe in lyrics if recipe] == [
        "Paper boats", "my own words",
    ]  # fmt: skip


def test_a_file_with_an_error_is_told_in_full_and_nothing_of_it_is_queued(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert add(BOATS, {**SHIPS, "gt_lyric": ""}, {"idx": "x"}) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "songs.jsonl:2: gt_lyric: is empty" in told.err
    assert "songs.jsonl:3: gt_lyric: is missing" in told.err
    assert "nothing was begun" in told.err
    assert not home_of("boats").exists()
    assert add(BOATS, more=("--set", "temprature=1")) == 2
    assert not home_of("boats").exists()


def test_items_are_moved_held_and_removed_by_number_or_name(told: Told) -> None:
    assert add(BOATS, SHIPS, {**BOATS, "idx": "rafts"}) == 0
    assert main(["queue", "move", "3", "1"]) == 0
    assert listed(told) == [("rafts", False), ("boats", False), ("ships", False)]
    (ships,) = (home_of("ships") / "takes").iterdir()
    assert main(["queue", "hold", str(ships), "1"]) == 0
    assert listed(told) == [("rafts", True), ("boats", False), ("ships", True)]
    assert main(["queue", "hold", "1", "--off"]) == 0
    assert main(["queue", "remove", "2", "3"]) == 0
    assert listed(told) == [("rafts", False)]
    assert ships.is_dir()
    assert main(["queue", "move", str(ships), "1"]) == 2, "it is not there any more"
    assert main(["queue", "add", str(ships)]) == 0
    assert listed(told) == [("rafts", False), ("ships", False)]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["move", "2", "1"], "there is no take called 2"),
        (["add", "nothing"], "there is no take called nothing"),
        (["add", "none.jsonl"], "no such file"),
        (["add", "1/20261126-120000-1", "--model", "toy"], "has its model and its settings"),
        (["add", "1/20261126-120000-1"], "has its sound already"),
        (["remove", "1/20261126-120000-1"], "is not in the queue"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    made.make(home_of("1"))
    assert main(["queue", *command]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert len(told.err.splitlines()) == 1


def test_the_queue_is_made_in_order_and_what_cannot_be_made_is_kept(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(BOATS, SHIPS, {**BOATS, "idx": "rafts"}, {**BOATS, "idx": "kites"}) == 0
    folder = {title: next((home_of(title) / "takes").iterdir()) for title in ("boats", "ships", "rafts")}
    made.change(folder["boats"], model="gone")
    assert main(["queue", "hold", "4"]) == 0
    told()
    assert main(["queue", "run"]) == 2
    end = capsys.readouterr()
    sounds = [folder[title] / f"{title}.wav" for title in ("ships", "rafts")]
    assert end.out.splitlines() == list(map(str, sounds))
    assert all(sound.is_file() for sound in sounds)
    assert "boats: not made: unknown model 'gone'" in end.err
    assert listed(told) == [("boats", True), ("kites", True)]


def test_a_queue_that_stands_still_is_not_made(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(BOATS) == 0
    assert main(["queue", "pause"]) == 0
    capsys.readouterr()
    assert main(["queue", "run"]) == 0
    assert "songdesk queue resume" in capsys.readouterr().err
    assert main(["queue", "resume"]) == 0
    told()
    assert main(["queue", "run", "--json"]) == 0
    (facts,) = map(json.loads, told())
    assert (facts["state"], facts["seconds"], facts["error"]) == ("done", 2.0, None)
    assert Path(facts["files"][0]).is_file()
    assert listed(told) == []
