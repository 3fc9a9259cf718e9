"""`songdesk resing`, `extend`, `rerender`, `drafts` and `continue`: takes that grow out of others."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.audio.files import read
from core.cli import main
from core.engine import Verdict
from core.making.watch import Watch
from core.meter import State
from core.paths import library
from core.takes import recipe as recipes
from core.takes.claim import claimed
from core.takes.lineage import lineage
from core.takes.recipe import Recipe
from core.takes.take import Take, take_of, takes_of
from core.takes.tokenhash import codes_in, token_hash
from tests import made

Say = Callable[..., list[dict[str, object]]]
SONG = {
    "idx": "boats",
    "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line. ; [verse] Other words. ; [chorus] Gone.",
    "descriptions": "pop",
    "parameters": "length:3, minimum_length:3, seed:5",
}
_MADE: list[Path] = []
"""The library with one finished take, made once for all tests of a process."""


@pytest.fixture(autouse=True)
def _here(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("songs.jsonl").write_text(json.dumps(SONG))


@pytest.fixture
def home() -> Path:
    """The folder of a song without takes."""
    return library() / "boats"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command with `--json` and give what it printed; it must end well."""

    def say(*command: str) -> list[dict[str, object]]:
        capsys.readouterr()
        assert main([*command, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return say


@pytest.fixture
def parent(home: Path, say: Say, tmp_path_factory: pytest.TempPathFactory) -> Take:
    """A finished take of 3 s."""
    if not _MADE:
        say("queue", "add", "songs.jsonl", "--model", "toy")
        say("queue", "run")
        _MADE.append(tmp_path_factory.mktemp("made") / "songs")
        shutil.copytree(library(), _MADE[0])
    elif not home.exists():
        shutil.copytree(_MADE[0], library())
    (take,) = takes_of(home)
    return take


def recipe_in(folder: Path) -> Recipe:
    recipe = recipes.load(folder)
    assert recipe is not None
    return recipe


def folder_of(facts: dict[str, object]) -> Path:
    return Path(str(facts["folder"]))


def interrupt_at(monkeypatch: pytest.MonkeyPatch, frame: int) -> None:
    """Have Ctrl-C pressed once when so many frames are composed."""
    step = Watch.step
    pressed: list[int] = []

    def heed(self: Watch, done: int, total: int) -> Verdict:
        if self.meter.phase == 2 and done >= frame and not pressed:
            pressed.append(done)
            os.kill(os.getpid(), signal.SIGINT)
            patience = time.monotonic() + 30
            while self.reading.state is not State.PAUSING and time.monotonic() < patience:
                time.sleep(0.005)
        return step(self, done, total)

    monkeypatch.setattr(Watch, "step", heed)


def test_a_take_is_sung_anew_from_a_second_and_what_stays_is_the_same(
    parent: Take, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("new.txt").write_text("[verse]\nPaper boats\n\n[chorus]\nHold another line\n")
    command = ["resing", parent.id, "--from", "1.2s", "--lyrics", "new.txt", "--set", "temperature=0.5"]
    (facts,) = say(*command, "--style", "jazz", "--seed", "9")
    old, new = (codes_in(folder / "tokens.safetensors") for folder in (parent.folder, folder_of(facts)))
    kept = old[:, :30]
    assert (new[:, :30] == kept).all()
    assert (facts["parent"], facts["why"], facts["kept_seconds"]) == (parent.id, "resing", 1.2)
    assert facts["kept"] == token_hash(kept)
    recipe = recipe_in(folder_of(facts))
    assert (recipe.song["style"], recipe.settings["temperature"], recipe.seed) == ("jazz", 0.5, 9)
    assert str(recipe.song["lyrics"]).endswith("Hold another line")
    assert main(["takes", "show", str(facts["id"])]) == 0
    told = capsys.readouterr().out
    assert "+ Hold another line" in told
    sounds = [read(folder / "boats.wav")[0] for folder in (parent.folder, folder_of(facts))]
    same = int((sounds[0] != sounds[1]).any(axis=0).argmax())
    assert 30 * 1920 - 17_280 <= same < 2 * 48_000
    assert f"the same sound for 0:0{same // 48_000}: {same} samples" in told


def test_a_section_can_be_named_and_its_place_is_called_an_estimate(
    parent: Take, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resing", parent.id, "--from", "verse 2", "--queue"]) == 0
    told = capsys.readouterr()
    folder = Path(told.out.strip())
    recipe = recipe_in(folder)
    assert recipe.kin is not None
    assert 0 < recipe.kin.seconds < 3
    assert f"verse 2 is estimated to begin at 0:0{int(recipe.kin.seconds)}" in told.err
    assert f"tokens {recipe.kin.kept}" in told.err
    assert recipe.state == "queued"
    assert recipe.seed != parent.seed


def test_several_endings_wait_in_the_queue_each_with_a_seed_of_its_own(parent: Take, say: Say) -> None:
    endings = say("resing", parent.id, "--from", "0:02", "--endings", "3", "--queue")
    assert len({facts["seed"] for facts in endings}) == 3
    assert {facts["kept"] for facts in endings} == {endings[0]["kept"]}
    assert [item["id"] for item in say("queue", "list")] == [facts["id"] for facts in endings]
    assert [twig.depth for twig in lineage(takes_of(parent.home))] == [0, 1, 1, 1]


def test_a_take_is_sung_on_behind_its_end(parent: Take, say: Say) -> None:
    (facts,) = say("extend", f"boats/{parent.id}", "--by", "1")
    assert facts["seconds"] == 4.0
    assert facts["kept_seconds"] == 3.0
    assert facts["kept"] == recipe_in(parent.folder).tokens


def test_other_settings_of_the_sound_leave_the_tokens(parent: Take, say: Say) -> None:
    (facts,) = say("rerender", parent.id, "--set", "flow_steps=3,format=flac")
    assert recipe_in(folder_of(facts)).tokens == recipe_in(parent.folder).tokens
    assert str(facts["audio"]).endswith("boats.flac")
    assert facts["seed"] == parent.seed
    (found,) = say("takes", "show", str(facts["id"]))
    assert isinstance(found["difference"], dict)
    assert found["difference"]["settings"] == [["flow_steps", "2", "3"], ["format", "wav", "flac"]]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["resing", "TAKE", "--from", "bridge"], "it has verse 1, chorus 1, verse 2, chorus 2"),
        (["resing", "TAKE", "--from", "verse 3"], "there is no section 'verse 3'"),
        (["resing", "TAKE", "--from", "verse"], "nothing of the take would stay"),
        (["resing", "TAKE", "--from", "0:03"], "the take ends at 0:03"),
        (["resing", "TAKE", "--from", "1", "--lyrics", "none.txt"], "none.txt: cannot be read"),
        (["resing", "TAKE", "--from", "1", "--set", "temperature=9"], "temperature cannot be '9'"),
        (["resing", "TAKE", "--from", "1", "--endings", "0"], "give a number from 1 to 64"),
        (["resing", "TAKE", "--from", "1", "--endings", "2", "--seed", "3"], "every ending has a seed"),
        (["resing", "TAKE"], "--from"),
        (["extend", "TAKE", "--by", "58"], "the model ends at 60 s"),
        (["extend", "TAKE", "--by", "soon"], "give seconds"),
        (["rerender", "TAKE", "--set", "temperature=0.1"], "temperature changes the tokens"),
        (["continue", "TAKE"], "is done: there is nothing left of it to make"),
        (["drafts", "boats", "--seconds", "0"], "give seconds"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_take(
    parent: Take, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    try:
        code = main([parent.id if word == "TAKE" else word for word in command])
    except SystemExit as error:
        code = int(str(error.code))
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert said in told.err
    assert len(told.err.splitlines()) <= 1 + ("estimated" in told.err)
    assert takes_of(parent.home) == (parent,)


def test_lyrics_with_an_error_are_refused_with_what_is_wrong(
    parent: Take, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("new.txt").write_text("[verse]\n")
    assert main(["resing", parent.id, "--from", "1", "--lyrics", "new.txt"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("boats: error: section 1 [verse]")
    assert "nothing was begun" in told[-1]
    assert takes_of(parent.home) == (parent,)


def test_a_take_made_again_is_the_same_to_the_bit_and_leaves_nothing(
    parent: Take, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["takes", "replay", parent.id]) == 0
    told = capsys.readouterr()
    assert told.out == f"{parent.id}: bit-identical\n"
    assert "can be heard" not in told.err
    made.change(parent.folder, tokens="0", samples={"mix": "0"})
    codes = parent.folder / "tokens.safetensors"
    codes.unlink()
    assert main(["takes", "replay", parent.id, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "different"
    assert takes_of(parent.home) == (parent,)


def test_of_two_drafts_the_chosen_one_is_made_to_its_end(home: Path, say: Say) -> None:
    drafts = say("drafts", "songs.jsonl", "--model", "toy", "--count", "2", "--seconds", "1")
    assert [facts["state"] for facts in drafts] == ["draft"] * 2
    assert len({facts["seed"] for facts in drafts}) == 2
    assert [read(Path(str(facts["audio"])))[0].shape[1] for facts in drafts] == [48_000] * 2
    assert say("continue") == [], "nobody has chosen one yet"
    assert main(["extend", str(drafts[0]["id"]), "--by", "1"]) == 2, "not all of it is composed"
    (whole,) = say("continue", str(drafts[0]["id"]))
    assert (whole["id"], whole["state"], whole["seconds"]) == (drafts[0]["id"], "done", 3.0)
    assert take_of(folder_of(drafts[1])) is not None


def test_ctrl_c_pauses_and_continue_makes_what_an_uninterrupted_run_makes(
    parent: Take, say: Say, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["queue", "add", "songs.jsonl", "--model", "toy"]) == 0
    interrupt_at(monkeypatch, 40)
    capsys.readouterr()
    assert main(["queue", "run"]) == 130
    told = capsys.readouterr()
    assert told.out == ""
    latest = takes_of(parent.home)[0]
    assert latest.state == "paused"
    assert f"paused; songdesk continue boats/{latest.id} goes on with it" in told.err
    (item,) = say("queue", "list")
    assert (item["id"], item["held"]) == (latest.id, False)
    (facts,) = say("continue")
    assert (facts["id"], facts["state"]) == (latest.id, "done")
    recipe = recipe_in(latest.folder)
    assert [seam.is_exact for seam in recipe.seams] == [True]
    assert recipe.tokens == recipe_in(parent.folder).tokens
    assert recipe.samples == recipe_in(parent.folder).samples
    assert say("queue", "list") == []


def test_a_take_may_go_on_with_memory_trusted_and_with_nothing_else_set(
    home: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [made.make(home, f"20261126-120000-{number}", State.PAUSED) for number in (1, 2)]
    assert main(["continue", "--all", "--queue", "--set", "temperature=0.2"]) == 2
    assert "only ahead, memory can be set" in capsys.readouterr().err
    before = [recipe_in(folder) for folder in folders]
    assert len(say("continue", "--all", "--queue", "--set", "memory=trusted")) == 2
    for folder, recipe in zip(folders, before, strict=True):
        assert recipe_in(folder).settings == {**recipe.settings, "memory": "trusted"}
        assert recipe_in(folder).wanted == recipe.wanted


def test_all_that_was_broken_off_goes_on_and_what_was_left_on_purpose_does_not(
    home: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    states = {1: State.RUNNING, 2: State.CANCELLED, 3: State.FAILED, 4: State.DONE}
    for number, state in states.items():
        made.make(home, f"20261126-120000-{number}", state)
    assert main(["continue", "--all", "--queue"]) == 0
    told = capsys.readouterr()
    assert [Path(line).name[-1] for line in told.out.splitlines()] == ["1", "3"]
    assert "also:" in told.err
    assert "20261126-120000-2" in told.err
    assert [item["state"] for item in say("queue", "list")] == ["queued"] * 2


def test_without_anything_to_go_on_with_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["continue"]) == 0
    assert "no take was broken off" in capsys.readouterr().err


def test_a_take_that_another_songdesk_makes_is_left_to_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made.make(home, state=State.RUNNING)
    with claimed(folder):
        assert main(["continue", folder.name]) == 2
    assert "is being made by another songdesk" in capsys.readouterr().err
