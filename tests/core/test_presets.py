"""Presets: what is kept, found, compared and refused."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core import presets
from core.errors import SongdeskError
from core.family import family_of
from core.presets import (
    check_name,
    compare,
    delete_preset,
    differences,
    find_preset,
    folder,
    is_taken,
    save_preset,
)
from core.registry import variants
from core.settings import Values, resolve

KIND, CHOSEN = family_of("v2-large")
TABLE = KIND.settings(CHOSEN)
PLAIN = resolve(TABLE)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def write(name: str, text: str) -> Path:
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def told(name: str) -> SongdeskError:
    with pytest.raises(SongdeskError) as caught:
        find_preset(name).values(TABLE)
    return caught.value


def test_the_shipped_ones_fit_every_shipped_model() -> None:
    names = [preset.name for preset in presets.presets()]
    assert {"draft", "low-memory"} <= set(names)
    for model in variants():
        kind, chosen = family_of(model)
        for preset in presets.presets():
            assert preset.values(kind.settings(chosen))
            assert preset.about


def test_what_differs_is_saved_and_comes_back_but_not_what_is_the_songs_own() -> None:
    values = PLAIN.replace(temperature=0.7, musicality="off", ban_prompt=False, seed=9, length=33.0)
    saved = save_preset("Mellow one", TABLE, values)
    raw = yaml.safe_load(saved.where.read_text(encoding="utf-8"))
    assert raw == {"settings": {"temperature": 0.7, "musicality": "off", "ban_prompt": False}}
    assert saved.where.parent == folder()
    found = find_preset("Mellow one")
    assert found.is_own
    assert found.values(TABLE) == {"temperature": 0.7, "musicality": "off", "ban_prompt": False}
    assert is_taken("Mellow one")


def test_every_setting_survives_being_saved() -> None:
    other = Values({s.key: s.nudge(s.default, 1) for s in TABLE})
    save_preset("all", TABLE, other)
    found = find_preset("all").values(TABLE)
    assert found == {key: value for key, value in other.items() if key not in presets.OF_THE_SONG}


def test_nothing_changed_is_nothing_to_save() -> None:
    with pytest.raises(SongdeskError, match="nothing to save"):
        save_preset("same", TABLE, PLAIN.replace(seed=4))
    assert not folder().exists()


def test_saving_again_replaces_and_deleting_brings_the_shipped_one_back() -> None:
    save_preset("draft", TABLE, PLAIN.replace(temperature=0.1))
    save_preset("draft", TABLE, PLAIN.replace(temperature=0.2))
    assert find_preset("draft").values(TABLE) == {"temperature": 0.2}
    delete_preset("draft")
    assert not find_preset("draft").is_own
    with pytest.raises(SongdeskError, match="shipped"):
        delete_preset("draft")


def test_a_comparison_says_what_would_change_and_how() -> None:
    save_preset("warm", TABLE, PLAIN.replace(temperature=0.7, ban_prompt=False))
    found = differences(find_preset("warm"), TABLE, PLAIN.replace(temperature=0.9))
    assert [str(difference) for difference in found] == ["temperature 0.9 → 0.7", "ban_prompt on → off"]
    assert differences(find_preset("warm"), TABLE, PLAIN.replace(temperature=0.7, ban_prompt=False)) == ()


def test_one_broken_file_does_not_hide_the_others() -> None:
    write("broken", "settings: {temperature: 9}\n")
    write("odd", "settings: [\n")
    by_name = {one.preset.name: one for one in compare(TABLE, PLAIN)}
    assert "0 to 2" in by_name["broken"].trouble
    assert by_name["odd"].trouble
    assert by_name["draft"].differences
    assert not by_name["draft"].trouble


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("settings: {temperature: 9}", "temperature cannot be 9"),
        ("settings: {temprature: 0.9}", "temprature"),
        ("settings: {seed: 4}", "seed has no place"),
        ("settings: {temperature: [1, 2]}", "temperature"),
        ("settings: {temperature: }", "temperature"),
        ("temperature: 0.9", "unknown entry 'temperature'"),
        ("", "no preset"),
        ("- 1", "no preset"),
        ("settings: 3", "no preset"),
        ("settings: {temperature: 1, temperature: 2}", "duplicate"),
        ("settings: {temperature: '${oc.env:HOME}'}", "temperature"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line_with_file_and_reason(text: str, what: str) -> None:
    path = write("mine", text + "\n")
    error = told("mine")
    assert error.where.startswith(str(path))
    assert error.hint
    assert "\n" not in str(error)
    with pytest.raises(SongdeskError, match=what):
        raise error


def test_yaml_that_breaks_off_is_told_with_its_line() -> None:
    path = write("mine", "about: x\nsettings: {temperature: 1\n")
    assert told("mine").where.startswith(f"{path}:")


def test_bytes_that_are_no_text_are_told() -> None:
    path = write("mine", "")
    path.write_bytes(b"\xff\xfe\x00settings")
    assert str(path) in told("mine").where


def test_other_names_of_a_setting_and_an_unquoted_off_are_understood() -> None:
    write("mine", "settings: {temp: 0.5, musicality: off, compatibility: off, ban_prompt: off}\n")
    assert find_preset("mine").values(TABLE) == {
        "temperature": 0.5,
        "musicality": "off",
        "compatibility": "off",
        "ban_prompt": False,
    }


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(SongdeskError, match="did you mean low-memory"):
        find_preset("low_memory")
    with pytest.raises(SongdeskError, match=r"known: .*draft"):
        find_preset("zzz")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a/b",
        "..",
        "../x",
        "a\\b",
        ".hidden",
        "x" * 41,
        "a\nb",
        "-a",
        "a:b",
        "con.yaml",
        "[b]",
        "a\0",
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(SongdeskError, match="cannot be called"):
        check_name(name)


@given(st.text(max_size=60))
def test_a_name_is_refused_or_a_file_in_the_folder(name: str) -> None:
    try:
        plain = check_name(name)
    except SongdeskError:
        return
    path = folder() / f"{plain}.yaml"
    assert path.parent == folder()
    assert path.name == f"{plain}.yaml"
    assert len(path.name.encode()) < 255


def test_two_names_that_are_one_file_on_some_disks_are_not_both_taken() -> None:
    save_preset("Warm", TABLE, PLAIN.replace(temperature=0.7))
    with pytest.raises(SongdeskError, match="Warm"):
        save_preset("warm", TABLE, PLAIN.replace(temperature=0.6))


def test_a_file_with_a_name_of_its_own_kind_is_told_not_taken(tmp_path: Path) -> None:
    write("a.b", "settings: {temperature: 0.5}\n")
    with pytest.raises(SongdeskError, match="cannot be called"):
        find_preset("a.b").values(TABLE)


@pytest.mark.parametrize("text", ["settings: &a {b: *a}", "[" * 5000])
def test_a_file_that_holds_itself_is_one_preset_in_trouble(text: str) -> None:
    write("round", text)
    assert told("round").hint
