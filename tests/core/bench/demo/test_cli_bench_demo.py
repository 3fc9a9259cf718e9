"""`songdesk bench demo`: a table or one object, of what was asked for."""

import json
from functools import partial
from pathlib import Path

import pytest

from core.audio.files import info
from core.bench.demo import learned as learning
from core.cli import main
from core.paths import kept_out_prompts

SONGS = (
    {"idx": "one", "gt_lyric": "[verse] Go on.", "descriptions": "female, pop, happy, the bpm is 150"},
    {"idx": "two", "gt_lyric": "[inst-short]", "descriptions": "techno, tense, the bpm is 180"},
)


@pytest.fixture
def asked(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The command for two short songs by the toy, with judges of few songs that tests share."""
    monkeypatch.setattr(learning, "learned", partial(learning.learned, songs=6, lengths=(6.0,)))
    path = tmp_path / "songs.jsonl"
    path.write_text("".join(json.dumps(song) + "\n" for song in SONGS), encoding="utf-8")
    return ["bench", "demo", "--model", toy, "--prompts", str(path), "--out", str(tmp_path / "out"),
            "--device", "cpu"]  # fmt: skip


def test_the_table_has_a_row_for_each_figure_and_says_what_is_unknown(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    only = ["--only", "sound", "--only", "structure", "--limit", "1"]
    assert main([*asked, *only]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith("1 song kept out of training")
    assert [line.split()[0] for line in lines if " bar " in line] == ["sound", "structure"]
    (ends,) = (line for line in lines if "ends by itself" in line)
    assert ends.split("≥ 90 %")[1].split() == ["0", "%", "100", "%", "0", "%", "not", "met"]
    (nearer,) = (line for line in lines if "Fréchet distance of the untrained by this" in line)
    assert nearer.endswith("not met"), "equal weights are not nearer than each other"
    assert "unknown: voice under the mix in songs without words: no song asks for it" in lines
    assert lines[-1].endswith(" bars met")
    assert "nan" not in shown.out.lower()
    assert max(map(len, lines)) <= 120
    assert "trained: one" in shown.err
    assert main([*asked, "--only", "structure", "--limit", "1"]) == 0
    again = capsys.readouterr()
    assert ends in again.out
    assert "trained: one" not in again.err, "what is made is not made again"


def test_json_tells_all_of_what_was_asked_for(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, "--weights", "corpus", "--only", "lyrics", "--limit", "1", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["songs"] == ["one"]
    figures = {figure["id"]: figure for figure in told["figures"]}
    assert set(figures) == {"syllables", "syllable_ratio", "vowels", "vowel_chance", "over_chance"}
    assert figures["syllables"]["ceiling"]["count"] == 1
    assert figures["syllables"]["reached"] is None
    assert figures["syllables"]["verdict"] == ""
    assert figures["over_chance"]["ceiling"]["unknown"], "one line has no others to be judged by"
    assert set(told["readings"]) == {"corpus"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "0"], "leaves no song"),
        (["--prompts", "nowhere.jsonl"], "cannot read this song file"),
        (["--weights-from", "nowhere"], "no such folder"),
        (["--model", "nobody"], "unknown model"),
        (["--only", "taste"], "invalid choice"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    asked: list[str], arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main([*asked, *arguments])
    except SystemExit as left:  # argparse leaves by itself
        code = int(str(left.code))
    assert code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1


def test_without_a_checkout_it_says_so(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.bench.demo.home.demo_home", lambda: tmp_path / "none")
    assert main(asked) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "corpus that the demo is measured against is not here" in line
    assert "checkout" in line


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_group_can_be_measured_of_the_toy(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len({figure["group"] for figure in told["figures"]}) == 7
    assert all(figure["reached"] is not None for figure in told["figures"])


@pytest.mark.slow
def test_references_are_cut_from_other_songs_and_the_prompt_says_nothing_of_their_colour(
    tmp_path: Path,
) -> None:
    from core.bench.demo.prompts import read_prompts
    from core.bench.demo.reference import couples

    prompts, _ = read_prompts(kept_out_prompts(), 2)
    made = couples(prompts, tmp_path, 4)
    assert [couple.prompt.song.style for couple in made] == ["female, the bpm is 112", "male, the bpm is 96"]
    paths = {one.path for couple in made for one in couple.heard}
    assert len(paths) == 4
    assert all(info(path).seconds == 10 for path in paths)
