"""`songdesk takes` and `songdesk library`: what they print, what they change, what they refuse."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.audio.files import info, read
from core.audio.writer import AudioWriter, Format
from core.cli import main
from core.cli.takes_options import ORDERS
from core.library.store import FILE, FOLDER
from core.meter import State
from core.takes.job import KnobChange
from core.takes.lineage import ORDERS as KNOWN_ORDERS
from core.takes.mark import Mark, load_mark
from core.takes.recipe import Kin, Seam
from tests import made

Told = Callable[[], list[str]]
ONE, TWO, THREE = "20261126-180601-1", "20261126-180602-1", "20261126-180603-1"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library; the present folder is another one."""
    root = tmp_path / "songs"
    root.mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("SONGDESK_LIBRARY", str(root))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return root


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """The lines on stdout since it was last asked for."""
    return lambda: capsys.readouterr().out.splitlines()


def family(library: Path) -> Path:
    """A song with a take, one that was re-sung of it, and one that was broken off; gives its folder."""
    home = library / "Boats"
    made.make(home, ONE, seconds=70.0)
    made.make(home, TWO, kin=Kin(ONE, "resing", 42.0, "abc"), settings={"seed": 8, "temperature": 0.5})
    made.make(home, THREE, State.PAUSED, kin=Kin(ONE, "ending", 50.0))
    return home


def test_takes_are_listed_under_their_songs_newest_first(library: Path, told: Told) -> None:
    family(library)
    made.make(library / "Ships", "20261126-180600-1")
    assert main(["takes", "list"]) == 0
    lines = told()
    assert [line.split()[0] for line in lines] == ["Boats", THREE, TWO, ONE, "Ships", "20261126-180600-1"]
    assert "paused" in lines[1]
    assert lines[3].split()[1:] == ["done", "1:10", "7", "demo"]
    assert all(len(line) <= 80 for line in lines if "re-sung" not in line and "ending" not in line)
    assert main(["takes"]) == 0
    assert told() == lines
    assert main(["takes", "list", "ships"]) == 2
    assert main(["takes", "list", "Ships"]) == 0
    assert len(told()) == 2


@pytest.mark.parametrize(("short", "full"), [("takes", "list"), ("library", "show"), ("queue", "list")])
def test_a_group_without_a_command_takes_json_as_well(
    library: Path, told: Told, short: str, full: str
) -> None:
    family(library)
    assert main([short, "--json"]) == 0
    lines = told()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert main([short, full, "--json"]) == 0
    assert told() == lines


def test_a_library_without_takes_has_nothing_to_list(library: Path, told: Told) -> None:
    assert main(["takes", "list"]) == 0
    assert main(["takes", "tree", "--json"]) == 0
    assert told() == []


def test_takes_can_be_searched_sorted_and_chosen_by_star(library: Path, told: Told) -> None:
    family(library)
    assert main(["takes", "star", ONE]) == 0
    told()
    assert main(["takes", "list", "--search", "boats re-sung", "--json"]) == 0
    assert [json.loads(line)["id"] for line in told()] == [TWO]
    assert main(["takes", "list", "--starred", "--json"]) == 0
    assert [json.loads(line)["id"] for line in told()] == [ONE]
    assert main(["takes", "list", "--sort", "length"]) == 0
    assert [line.split()[0] for line in told()] == [ONE, TWO, THREE]
    assert ORDERS == KNOWN_ORDERS


def test_the_tree_draws_children_under_their_parents(library: Path, told: Told) -> None:
    family(library)
    assert main(["takes", "tree", "Boats"]) == 0
    title, root, first, second = told()
    assert (title, root.split()[0]) == ("Boats", ONE)
    assert first.startswith(f"  ├ {TWO}")
    assert first.endswith("re-sung from 0:42")
    assert second.startswith(f"  └ {THREE}")
    assert main(["takes", "tree", "Boats", "--json"]) == 0
    assert [json.loads(line)["depth"] for line in told()] == [0, 1, 1]


def test_a_take_is_told_with_what_differs_from_its_parent(library: Path, told: Told) -> None:
    home = family(library)
    made.change(home / "takes" / ONE, settings={"seed": 7, "temperature": 0.9})
    knobs = (KnobChange("tokens", 50, "temperature", 0.7),)
    made.change(home / "takes" / TWO, knobs=knobs, seams=(Seam(30, True),), tokens="f00d")
    assert main(["takes", "note", TWO, "the quiet one"]) == 0
    told()
    assert main(["takes", "show", f"Boats/{TWO}"]) == 0
    lines = told()
    text = "\n".join(lines)
    for said in (
        f"came of    re-sung from 0:42 of {ONE}", "the quiet one", "f00d", "frame 30: leaves no trace",
        "temperature from 0.5 to 0.7", "half a line", "sound.wav", "recipe.json",
    ):  # fmt: skip
        assert said in text, said
    differs = lines.index(f"what differs from {ONE}:")
    assert lines[differs + 1 : differs + 4] == [
        "  the first 0:42 are the same", "  seed: 7 → 8", "  temperature: 0.9 → 0.5",
    ]  # fmt: skip
    assert main(["takes", "show", TWO, "--json"]) == 0
    (line,) = told()
    facts = json.loads(line)
    assert facts["recipe"]["tokens"] == "f00d"
    assert facts["difference"]["settings"] == [["seed", "7", "8"], ["temperature", "0.9", "0.5"]]
    assert facts["files"] == [str(home / "takes" / TWO / "sound.wav")]


def test_words_of_other_people_cannot_command_the_terminal(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = {"title": "a\x1b[31mb", "lyrics": "[verse]\nx\x9b2J", "style": "\x07"}
    made.make(library / "Boats", ONE, song=song)
    for command in (["list"], ["tree"], ["show", ONE], ["note", ONE, "\x1b]0;hi\x07"], ["list"]):
        assert main(["takes", *command]) == 0
        told = capsys.readouterr()
        assert not {"\x1b", "\x07", "\x9b"} & set(told.out + told.err)


def test_a_child_of_a_take_that_is_gone_says_so(library: Path, told: Told) -> None:
    made.make(library / "Boats", ONE, kin=Kin("../../secret", "resing", 2.0))
    assert main(["takes", "show", ONE]) == 0
    assert told()[-1] == "../../secret, which it came of, is not there any more"


def test_stars_and_notes_are_written_and_taken_off(library: Path, told: Told) -> None:
    folder = family(library) / "takes" / ONE
    assert main(["takes", "star", str(folder)]) == 0
    assert main(["takes", "note", str(folder / "sound.wav"), "schön — ★"]) == 0
    assert load_mark(folder) == Mark(star=True, note="schön — ★")
    assert all("★" in line for line in told())
    assert main(["takes", "star", ONE, "--off"]) == 0
    assert main(["takes", "note", ONE, ""]) == 0
    assert load_mark(folder) == Mark()


def test_the_trash_keeps_takes_until_it_is_emptied(
    library: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = family(library)
    assert main(["takes", "trash", ONE, TWO]) == 0
    assert not (home / "takes" / ONE).exists()
    told()
    assert main(["takes", "list", "--json"]) == 0
    assert [json.loads(line)["id"] for line in told()] == [THREE]
    assert main(["takes", "restore", ONE]) == 0
    assert (home / "takes" / ONE / "sound.wav").is_file()
    assert main(["takes", "restore", ONE]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["takes", "empty-trash"]) == 2, "nobody is there to be asked"
    assert (home / "trash" / TWO).is_dir()
    told()
    assert main(["takes", "empty-trash", "Boats", "--yes", "--json"]) == 0
    assert [json.loads(line) for line in told()] == [{"removed": 1}]
    assert not (home / "trash" / TWO).exists()
    assert (home / "takes" / ONE).is_dir()


class Terminal(io.StringIO):
    """A person at a keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "is_gone"), [("y\n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_emptying_the_trash_is_asked(
    library: Path, monkeypatch: pytest.MonkeyPatch, answer: str, is_gone: bool
) -> None:
    home = family(library)
    assert main(["takes", "trash", ONE]) == 0
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["takes", "empty-trash"]) == 0
    assert (home / "trash" / ONE).exists() is not is_gone


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["show", "nothing"], "there is no take called nothing"),
        (["show", ""], "there is no take called"),
        (["list", "../songs"], "there is no song called"),
        (["list", "Bots"], "did you mean Boats?"),
        (["list", "boa"], "did you mean Boats?"),
        (["list", "--sort", "loudness"], "argument --sort"),
        (["restore", ONE], "is not in the trash"),
        (["export", THREE, "out"], f"songdesk continue Boats/{THREE}"),
        (["export", ONE, "a.wav", "--format", "flac"], "call it a.flac"),
        (["replay", THREE], "has no sound to compare with"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    library: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    family(library)
    try:
        code = main(["takes", *command])
    except SystemExit as error:
        code = int(str(error.code))
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert said in told.err
    assert len(told.err.splitlines()) == 1


@pytest.fixture
def sounding(library: Path) -> Callable[[Format], Path]:
    """Gives a take a mix and a vocal of some kind, a little too loud for anything but a float wav."""

    def sounding(kind: Format) -> Path:
        folder = made.make(library / "Boats", ONE, State.CANCELLED)
        names = [f"Boats{stem}.{kind}" for stem in ("", "_vocal")]
        for index, name in enumerate(names):
            with AudioWriter(folder / name, format=kind) as writer:
                wave = np.sin(np.arange(4800) / 20) * (1.5 - index)
                writer.write(np.stack([wave, -wave]).astype(np.float32))
        made.change(folder, state="done", audio=names[0], files=dict.fromkeys(names, "0"), seconds=0.1)
        return folder

    return sounding


def test_a_take_is_copied_with_its_stems_and_nothing_is_overwritten(
    sounding: Callable[[Format], Path], told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sounding("wav")
    assert main(["takes", "export", ONE, "out"]) == 0
    assert told() == ["out/Boats.wav", "out/Boats_vocal.wav"]
    assert Path("out/Boats.wav").read_bytes() == (folder / "Boats.wav").read_bytes()
    Path("out/Boats_vocal.wav").write_bytes(b"mine")
    Path("out/Boats.wav").unlink()
    assert main(["takes", "export", ONE, "out"]) == 2
    assert "--force overwrites it" in capsys.readouterr().err
    assert not Path("out/Boats.wav").exists()
    assert Path("out/Boats_vocal.wav").read_bytes() == b"mine"
    assert main(["takes", "export", ONE, "out", "--force"]) == 0
    assert Path("out/Boats_vocal.wav").read_bytes() == (folder / "Boats_vocal.wav").read_bytes()


def test_another_format_is_made_of_the_wav_with_one_gain_for_all(
    sounding: Callable[[Format], Path], told: Told
) -> None:
    sounding("wav")
    assert main(["takes", "export", ONE, "loud.flac", "--json"]) == 0
    assert [json.loads(line)["file"] for line in told()] == ["loud.flac", "loud_vocal.flac"]
    mix, vocal = (read(Path(name))[0] for name in ("loud.flac", "loud_vocal.flac"))
    assert info(Path("loud.flac")).format == "flac"
    assert abs(mix).max() < 1
    assert abs(mix).max() / abs(vocal).max() == pytest.approx(3, rel=0.01)


def test_what_an_mp3_has_lost_is_not_given_back(
    sounding: Callable[[Format], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sounding("mp3")
    assert main(["takes", "export", ONE, "a.wav"]) == 2
    assert f"songdesk rerender Boats/{ONE} --set format=wav" in capsys.readouterr().err
    assert not Path("a.wav").exists()
    assert main(["takes", "export", ONE, "a.mp3"]) == 0


def test_the_library_is_told_and_read_anew(library: Path, told: Told) -> None:
    family(library)
    assert main(["takes", "trash", TWO]) == 0
    told()
    assert main(["library", "show", "--json"]) == 0
    (facts,) = map(json.loads, told())
    assert (facts["library"], facts["songs"], facts["takes"], facts["trashed"]) == (str(library), 1, 2, 1)
    shutil.rmtree(library / FOLDER)
    assert main(["library", "rebuild"]) == 0
    assert told()[1].startswith("  1 song, 2 takes, ")
    assert (library / FOLDER / FILE).is_file()
