"""The songs that the demo is measured with."""

import json
from pathlib import Path

import pytest

from core.bench.demo.prompts import read_prompts
from core.cli.check import file_problems
from core.errors import SongdeskError
from core.family import family_of
from core.paths import kept_out_prompts
from corpus.lyrics_text import _EN_CHORUS, _EN_VERSE


def test_they_are_many_sound_and_of_every_kind() -> None:
    prompts, problems = read_prompts(kept_out_prompts())
    assert problems == ()
    assert file_problems(kept_out_prompts(), *family_of("demo"))[1] == ()
    assert len(prompts) == 24
    assert {one.asks.family for one in prompts} == {
        "pop", "rock", "electronic", "jazz", "ballad", "hip hop", "folk", "latin",
    }  # fmt: skip
    assert all(one.asks.bpm and one.asks.mode for one in prompts)
    for kind in ({"female": 8, "male": 8, None: 3}, {"major": 9, "minor": 9}):
        for name, least in kind.items():
            assert sum(name in (one.asks.gender, one.asks.mode) for one in prompts) >= least, name
    assert sum(any(ord(char) > 0x3400 for char in one.wire) for one in prompts) >= 8
    assert len({tuple(section.tag for section in one.plan.sections) for one in prompts}) >= 10
    assert all(20 <= one.plan.seconds <= 40 for one in prompts)


def test_no_line_could_be_one_of_the_corpus() -> None:
    prompts, _ = read_prompts(kept_out_prompts())
    said = {line.text.lower() for one in prompts for section in one.plan.sections for line in section.lines}
    begun = {template.split("{")[0].strip() for template in (*_EN_VERSE, *_EN_CHORUS)}
    long = [words for words in begun if len(words.split()) > 2]
    assert long
    assert not any(line.startswith(words) for line in said for words in long)


def test_fewer_can_be_taken_and_they_stay_the_same() -> None:
    every, _ = read_prompts(kept_out_prompts())
    few, _ = read_prompts(kept_out_prompts(), 3)
    assert few == every[:3]


def test_what_a_description_leaves_open_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_text(json.dumps({"idx": "a", "gt_lyric": "[verse] One two.", "descriptions": "piano"}))
    ((prompt,), _) = read_prompts(path)
    assert (prompt.asks.bpm, prompt.asks.gender, prompt.asks.mode, prompt.asks.family) == (None,) * 4


def test_an_unsound_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_text('{"idx": "a"}\n')
    with pytest.raises(SongdeskError, match="line 1: is missing"):
        read_prompts(path)
