"""Where the studio was left: it comes back as remembered, and damage is only forgetting."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.library.bookmark import Bookmark, Memory, recall, remember

MARK = Bookmark("/songs/Paper boats", "takes", 12, 3, 8, "20261126-120000-1", 12.5)


def test_it_comes_back_as_it_was_remembered(tmp_path: Path) -> None:
    memory = Memory((MARK, Bookmark("/songs/b")), "songdesk-light", "songdesk", welcomed=True)
    remember(tmp_path / "state" / "studio.json", memory)
    assert recall(tmp_path / "state" / "studio.json") == memory


def test_the_last_song_goes_first_and_old_ones_are_forgotten() -> None:
    memory = Memory()
    for number in range(60):
        memory = memory.with_mark(replace(MARK, home=f"/songs/{number}"))
    memory = memory.with_mark(replace(MARK, home="/songs/30", row=1))
    assert [mark.home for mark in memory.bookmarks[:2]] == ["/songs/30", "/songs/59"]
    assert len({mark.home for mark in memory.bookmarks}) == len(memory.bookmarks) == 50
    assert memory.of(Path("/songs/30")).row == 1
    assert memory.of(Path("/songs/nowhere")) == Bookmark("/songs/nowhere")


def test_a_theme_counts_until_another_is_configured() -> None:
    memory = Memory(theme="songdesk-light", over="songdesk")
    assert memory.theme_over("songdesk") == "songdesk-light"
    assert memory.theme_over("nord") == "nord"
    assert Memory().theme_over("nord") == "nord"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "\udcff",
        '{"bookmarks": [{"row": "3"}], "theme": "", "over": "", "welcomed": true}',
        '{"bookmarks": [{"rows": 3}], "theme": "", "over": "", "welcomed": true}',
        '{"bookmarks": [{"row": true}], "theme": "", "over": "", "welcomed": true}',
        '{"bookmarks": [3], "theme": "", "over": "", "welcomed": true}',
        '{"bookmarks": [], "theme": 3, "over": "", "welcomed": true}',
    ],
)
def test_damage_is_only_forgetting_and_stands_in_the_log(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "studio.json").write_bytes(content.encode(errors="surrogateescape"))
    assert recall(tmp_path / "studio.json") == Memory()
    assert "studio.json was not read" in caplog.text


def test_a_first_start_is_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert recall(tmp_path / "studio.json") == Memory()
    assert caplog.text == ""


def test_a_whole_number_is_a_position_too(tmp_path: Path) -> None:
    raw = {"bookmarks": [{"home": "/a", "position": 3}], "theme": "", "over": "", "welcomed": False}
    (tmp_path / "studio.json").write_text(json.dumps(raw))
    assert recall(tmp_path / "studio.json").bookmarks == (Bookmark("/a", position=3),)


def test_what_cannot_be_written_stands_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    remember(tmp_path / "file" / "studio.json", Memory((MARK,)))
    assert "was not written" in caplog.text
