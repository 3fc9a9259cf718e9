"""Sets are kept whole, read as they were written by hand, and never lost with a damaged file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import style_sets
from core.errors import SongdeskError
from core.paths import favourite_styles, recent_styles
from core.style import join, split
from core.style_sets import MOST_RECENT, favourites, forget, keep, known_tags, note_use, recent


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_files_there_are_none() -> None:
    assert favourites() == {}
    assert recent() == ()
    forget("nothing")
    assert not favourite_styles().exists()


def test_sets_are_kept_replaced_and_forgotten_in_order() -> None:
    assert keep("night drive", "female, synthwave, strings (violin, cello)") == ""
    assert keep("808", "trap, 808") == ""
    assert keep(" night   drive ", "male, synthwave") == ""
    assert list(favourites().items()) == [("night drive", "male, synthwave"), ("808", "trap, 808")]
    forget("night drive")
    assert favourites() == {"808": "trap, 808"}


@settings(max_examples=25)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
        lambda name: bool("".join(name.split()))
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30),
)
def test_any_name_and_tag_come_back_as_they_were(name: str, tag: str) -> None:
    description = join(split(f"female, {tag}"))
    keep(name, description)
    assert favourites()[style_sets._name(name)] == description


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("yes: 808\n1: no\n", {"yes": "808", "1": "no"}),
        ("a: [female, 'strings (violin, cello)']\n", {"a": "female, strings (violin, cello)"}),
        ("a: female,,  pop ,\n", {"a": "female, pop"}),
        ("a:\n", {"a": ""}),
        ("# nothing yet\n", {}),
        ("day: 2024-13-77\n", {"day": "2024-13-77"}),
    ],
)
def test_what_was_written_by_hand_is_read_as_it_stands(text: str, kept: dict[str, str]) -> None:
    write(favourite_styles(), text)
    assert favourites() == kept


@pytest.mark.parametrize(
    "text",
    [
        "a: [b\n",
        "- female\n",
        "just words\n",
        "a: {b: c}\n",
        "a: [[b]]\n",
        "a: \x00\n",
        pytest.param("[" * 400, id="deep"),
    ],
)
def test_a_damaged_file_gets_one_line_and_is_put_aside_when_something_is_kept(text: str) -> None:
    path = write(favourite_styles(), text)
    with pytest.raises(SongdeskError) as caught:
        favourites()
    assert caught.value.where == str(path)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    with pytest.raises(SongdeskError):
        forget("a")
    assert path.read_text() == text, "nothing is lost by looking"
    said = keep("new", "female")
    aside = path.with_name("styles.damaged-1.yaml")
    assert aside.name in said
    assert aside.read_text() == text
    assert favourites() == {"new": "female"}
    write(path, text)
    assert "damaged-2" in keep("newer", "male")
    assert aside.read_text() == text


def test_bytes_that_are_no_text_are_damage_too() -> None:
    path = write(recent_styles(), "")
    path.write_bytes(b"- \xff\xfe\x00pop\n")
    with pytest.raises(SongdeskError, match="recent-styles"):
        recent()
    assert "damaged-1" in note_use("pop")
    assert recent() == ("pop",)


def test_a_folder_in_the_way_is_said_and_nothing_put_aside() -> None:
    favourite_styles().mkdir(parents=True)
    with pytest.raises(SongdeskError, match="cannot read"):
        favourites()
    with pytest.raises(SongdeskError, match="cannot read"):
        keep("a", "pop")
    assert favourite_styles().is_dir()


@pytest.mark.parametrize(("name", "description"), [("", "pop"), (" \n ", "pop"), ("a", ""), ("a", " , ,")])
def test_a_set_needs_a_name_and_tags(name: str, description: str) -> None:
    with pytest.raises(SongdeskError):
        keep(name, description)
    assert favourites() == {}


def test_what_takes_were_made_with_is_remembered_newest_first_and_once() -> None:
    for description in ("pop", "rock, sad", "pop", "", " , "):
        assert note_use(description) == ""
    assert recent() == ("pop", "rock, sad")
    for number in range(MOST_RECENT + 5):
        note_use(f"the bpm is {60 + number}")
    assert len(recent()) == MOST_RECENT
    assert recent()[0] == f"the bpm is {60 + MOST_RECENT + 4}"


def test_using_the_same_again_writes_nothing() -> None:
    note_use("pop")
    before = recent_styles().stat().st_mtime_ns, recent_styles().stat().st_ino
    note_use("pop")
    assert (recent_styles().stat().st_mtime_ns, recent_styles().stat().st_ino) == before


def test_known_tags_are_those_of_all() -> None:
    assert known_tags(("pop, sad", "sad, piano")) == {"pop", "sad", "piano"}
