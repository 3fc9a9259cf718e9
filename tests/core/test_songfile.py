"""Song files: nothing in a line can raise, and every problem says where it is and how to mend it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.song import BUILT_IN_STYLES, Reference, Song
from core.songfile import LONGEST_NAME, Problem, SongLine, read_songs, safe_name

_LYRIC = "[intro-short] ; [verse] Rain on the roof. I count to ten. ; [chorus] Stay a while. ; [outro-short]"
_EDITOR = (
    "[intro-short]\n\n[verse]\nRain on the roof\nI count to ten\n\n[chorus]\nStay a while\n\n[outro-short]"
)
_GOOD = {"idx": "rain", "gt_lyric": _LYRIC, "descriptions": "female, pop"}


def _file(folder: Path, *lines: object) -> Path:
    """A song file of objects (as JSON) and raw lines (as they are)."""
    path = folder / "songs.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def _read(folder: Path, *lines: object) -> tuple[tuple[SongLine, ...], tuple[Problem, ...]]:
    return read_songs(_file(folder, *lines))


def _only_problem(folder: Path, **changes: object) -> Problem:
    """The one problem of a good line with these fields changed; an error must give no song."""
    songs, (problem,) = _read(folder, {**_GOOD, **changes})
    assert len(songs) == (problem.severity != "error")
    return problem


def _only_song(folder: Path, line: object) -> Song:
    (song_line,), problems = _read(folder, line)
    assert problems == ()
    return song_line.song


def test_a_published_line_becomes_a_song_in_editor_form(tmp_path: Path) -> None:
    parameters = "temp:0.9, cfg_coef:1.5, record_window:50, top_p:0.9, top_k:500"
    line = {**_GOOD, "auto_prompt_audio_type": "Pop", "parameters": parameters}
    wanted = {"temp": "0.9", "cfg_coef": "1.5", "record_window": "50", "top_p": "0.9", "top_k": "500"}
    assert _only_song(tmp_path, line) == Song("rain", _EDITOR, "female, pop", Reference(style="Pop"), wanted)


def test_keys_are_read_in_any_case_and_by_the_older_name(tmp_path: Path) -> None:
    line = {"IDX": "rain", "Gt_Lyric": _LYRIC, "Description": "female, pop"}
    assert _only_song(tmp_path, line) == _only_song(tmp_path, _GOOD)


def test_a_number_is_a_name_too(tmp_path: Path) -> None:
    assert _only_song(tmp_path, {**_GOOD, "idx": 7}).title == "7"


def test_null_and_empty_fields_count_as_absent(tmp_path: Path) -> None:
    line = {**_GOOD, "prompt_audio_path": None, "auto_prompt_audio_type": "", "parameters": None}
    assert _only_song(tmp_path, line) == _only_song(tmp_path, _GOOD)


def test_songs_know_their_line_and_file(tmp_path: Path) -> None:
    path = _file(tmp_path, _GOOD, "", "   ", {**_GOOD, "idx": "second"})
    songs, problems = read_songs(path)
    assert [(song.line, song.file) for song in songs] == [(1, path), (4, path)]
    assert problems == ()


def test_a_byte_order_mark_windows_line_ends_and_line_separators_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "songs.jsonl"
    first = json.dumps({**_GOOD, "descriptions": "female,\u2028pop"}, ensure_ascii=False)
    second = json.dumps({**_GOOD, "idx": "b"})
    path.write_bytes(b"\xef\xbb\xbf" + f"{first}\r\n{second}\r\n".encode())
    songs, problems = read_songs(path)
    assert [song.line for song in songs] == [1, 2]
    assert problems == ()


def test_an_unknown_lyric_tag_stays_in_the_text(tmp_path: Path) -> None:
    song = _only_song(tmp_path, {**_GOOD, "gt_lyric": "[hook] Hey now. ; [verse] One line."})
    assert song.lyrics == "[hook]\nHey now\n\n[verse]\nOne line"


def test_a_prompt_file_is_found_from_the_song_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.wav").write_bytes(b"RIFF")
    monkeypatch.chdir(tmp_path.parent)
    song = _only_song(tmp_path, {**_GOOD, "prompt_audio_path": "clips/a.wav", "prompt_start": 3})
    assert song.reference == Reference(path=str(tmp_path / "clips" / "a.wav"), start=3.0)


# What is wrong, and where


def test_a_problem_reads_file_line_section_what_and_how_to_mend() -> None:
    problem = Problem("error", Path("songs.jsonl"), 3, None, "verse 2", "is empty", "write a line")
    assert str(problem) == "songs.jsonl:3: verse 2: is empty → write a line"
    assert str(Problem("hint", Path("a.jsonl"), 1, 4, None, "is odd", "")) == "a.jsonl:1: hint: is odd"


def test_broken_json_names_its_column_and_the_other_lines_are_read(tmp_path: Path) -> None:
    songs, (problem,) = _read(tmp_path, '{"idx": "a" "gt_lyric": 1}', _GOOD)
    assert (problem.severity, problem.line, problem.column, problem.section) == ("error", 1, 13, None)
    assert "column 13" in problem.what
    assert [song.line for song in songs] == [2]


@pytest.mark.parametrize(
    ("raw", "kind"), [("[1]", "a list"), ('"x"', "text"), ("3", "a number"), ("null", "null")]
)
def test_a_line_that_is_no_object_is_named_as_what_it_is(tmp_path: Path, raw: str, kind: str) -> None:
    _, (problem,) = _read(tmp_path, raw)
    assert kind in problem.what


@pytest.mark.parametrize("key", ["idx", "gt_lyric"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_every_song_needs_is_asked_for(tmp_path: Path, key: str, value: object) -> None:
    problem = _only_problem(tmp_path, **{key: value})
    assert (problem.severity, problem.section) == ("error", key)


@pytest.mark.parametrize(
    "key", ["idx", "gt_lyric", "descriptions", "prompt_audio_path", "auto_prompt_audio_type", "parameters"]
)
@pytest.mark.parametrize("value", [True, ["a"], {"a": 1}, 1.5])
def test_a_value_of_the_wrong_type_is_named_by_its_field(tmp_path: Path, key: str, value: object) -> None:
    problem = _only_problem(tmp_path, **{key: value})
    assert (problem.severity, problem.section) == ("error", key)
    assert "must be text" in problem.what


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("gt_lyrics", "gt_lyric"),
        ("parameter", "parameters"),
        ("desciptions", "descriptions"),
        ("zebra", "known: idx"),
    ],
)
def test_an_unknown_key_is_named_with_what_was_meant(tmp_path: Path, key: str, meant: str) -> None:
    problem = _only_problem(tmp_path, **{key: "x"})
    assert problem.severity == "warning"
    assert repr(key) in problem.what
    assert meant in problem.hint


def test_a_melody_file_is_refused_by_name(tmp_path: Path) -> None:
    assert "melody" in _only_problem(tmp_path, melody_audio_path="m.wav").hint


def test_a_key_given_twice_is_said_and_the_last_counts(tmp_path: Path) -> None:
    songs, (problem,) = _read(tmp_path, '{"idx": "a", "IDX": "b", "gt_lyric": "[verse] One."}')
    assert (problem.severity, problem.section) == ("warning", "idx")
    assert songs[0].song.title == "b"


def test_two_songs_of_one_name_are_told_apart_from_case_and_composition(tmp_path: Path) -> None:
    twice = [{**_GOOD, "idx": name} for name in ("Caf\u00e9", "cafe\u0301", "other", "Other")]
    songs, problems = _read(tmp_path, *twice)
    assert [song.line for song in songs] == [1, 3]
    assert [(problem.line, "already" in problem.what) for problem in problems] == [(2, True), (4, True)]
    assert "line 1" in problems[0].what


@pytest.mark.parametrize(
    "idx",
    [
        "a/b",
        "a\\b",
        "..",
        "a..b",
        ".hidden",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        " a",
        "a ",
        "x" * 121,
        "歌" * 67,
        " ",
    ],
)
def test_a_name_that_could_leave_its_folder_or_fool_a_reader_is_refused(tmp_path: Path, idx: str) -> None:
    assert safe_name(idx)
    problem = _only_problem(tmp_path, idx=idx)
    assert (problem.severity, problem.section) == ("error", "idx")
    assert "\x1b" not in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    "idx", ["a", "paper boats", "夜航", "v1.2-final_3", "x" * LONGEST_NAME, "👩\u200d🎤"]
)
def test_a_plain_name_is_accepted(idx: str) -> None:
    assert safe_name(idx) is None


@given(st.text(max_size=130))
def test_an_accepted_name_is_one_file_in_its_folder(idx: str) -> None:
    if safe_name(idx) is None:
        path = Path("/out") / idx
        assert (path.parent, path.name) == (Path("/out"), idx)
        path.name.encode()


def test_a_prompt_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    problem = _only_problem(tmp_path, prompt_audio_path="clips/none.wav")
    assert (problem.severity, problem.section) == ("error", "prompt_audio_path")
    assert "is not there" in problem.what


@pytest.mark.parametrize("path", [".", "a\x00b", "x" * 5000])
def test_a_prompt_that_is_no_file_is_an_error(tmp_path: Path, path: str) -> None:
    assert _only_problem(tmp_path, prompt_audio_path=path).section == "prompt_audio_path"


def test_a_song_has_one_reference(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    problem = _only_problem(tmp_path, prompt_audio_path="a.wav", auto_prompt_audio_type="Pop")
    assert problem.severity == "error"
    assert "one reference" in problem.hint


@pytest.mark.parametrize("style", BUILT_IN_STYLES)
def test_every_built_in_style_is_known_in_any_case(tmp_path: Path, style: str) -> None:
    song = _only_song(tmp_path, {**_GOOD, "auto_prompt_audio_type": style.upper()})
    assert song.reference == Reference(style=style)


def test_an_unknown_built_in_style_gets_the_nearest_or_the_list(tmp_path: Path) -> None:
    assert "did you mean Hip-Hop?" in _only_problem(tmp_path, auto_prompt_audio_type="hiphop").hint
    assert "Soundtrack" in _only_problem(tmp_path, auto_prompt_audio_type="zzz").hint


@pytest.mark.parametrize("parameters", ["temp=0.9", "temp", "temp:", ":1"])
def test_parameters_that_cannot_be_read_say_how_they_are_written(tmp_path: Path, parameters: str) -> None:
    problem = _only_problem(tmp_path, parameters=parameters)
    assert (problem.severity, problem.section) == ("error", "parameters")
    assert "name:value" in problem.hint


@pytest.mark.parametrize("start", [-1, "3", True, 10**400])
def test_a_window_must_start_at_a_number_of_seconds(tmp_path: Path, start: object) -> None:
    (tmp_path / "a.wav").touch()
    problem = _only_problem(tmp_path, prompt_audio_path="a.wav", prompt_start=start)
    assert (problem.severity, problem.section) == ("error", "prompt_start")


def test_a_window_without_a_file_has_no_effect(tmp_path: Path) -> None:
    assert _only_problem(tmp_path, prompt_start=2).severity == "warning"


def test_half_a_character_is_an_error_not_a_crash_later(tmp_path: Path) -> None:
    line = '{"idx": "a", "gt_lyric": "[verse] \\ud800.", "descriptions": "pop"}'
    songs, (problem,) = _read(tmp_path, line)
    assert (songs, problem.section) == ((), "gt_lyric")


@pytest.mark.parametrize(
    "raw", ["[" * 100_000, '{"idx": ' + "9" * 5000 + "}", '{"a":' * 50_000, "\x00", "{}"]
)
def test_hostile_lines_become_problems(tmp_path: Path, raw: str) -> None:
    songs, problems = _read(tmp_path, raw)
    assert songs == ()
    assert {problem.severity for problem in problems} == {"error"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    [
        "idx",
        "gt_lyric",
        "descriptions",
        "prompt_audio_path",
        "auto_prompt_audio_type",
        "parameters",
        "prompt_start",
        "x",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(st.dictionaries(_KEYS, _JSON) | st.text(max_size=30), min_size=1, max_size=3))
def test_no_content_raises_and_every_line_is_a_song_or_has_an_error(
    tmp_path: Path, lines: list[object]
) -> None:
    path = tmp_path / "songs.jsonl"
    texts = [json.dumps(line) if isinstance(line, dict) else str(line).replace("\n", " ") for line in lines]
    content = "\n".join(texts).encode("utf-8", "replace")
    if not content.decode("utf-8-sig").strip():
        return
    path.write_bytes(content)
    songs, problems = read_songs(path)
    read = {song.line for song in songs}
    failed = {problem.line for problem in problems if problem.severity == "error"}
    filled = {n for n, text in enumerate(content.decode("utf-8-sig").split("\n"), start=1) if text.strip()}
    assert read | failed == filled
    assert not read & failed
    assert all(str(problem).startswith(f"{path}:{problem.line}: ") for problem in problems)


# Files that cannot be read at all


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="no such file") as caught:
        read_songs(tmp_path / "none.jsonl")
    assert caught.value.where == str(tmp_path / "none.jsonl")


def test_a_folder_is_no_song_file(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="directory"):
        read_songs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_song(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "songs.jsonl").write_bytes(content)
    with pytest.raises(SongdeskError, match="no song"):
        read_songs(tmp_path / "songs.jsonl")


def test_a_line_in_another_encoding_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lines = json.dumps(_GOOD).encode(), b'{"idx": "caf\xe9"}', b'{"idx": "a"'
    (tmp_path / "songs.jsonl").write_bytes(b"\n".join(lines))
    songs, problems = read_songs(tmp_path / "songs.jsonl")
    assert [song.line for song in songs] == [1]
    assert [(problem.line, problem.severity) for problem in problems] == [(2, "error"), (3, "error")]
    assert "UTF-8" in problems[0].what


def test_reading_songs_needs_no_torch() -> None:
    code = "import sys, core.songfile, core.style; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
