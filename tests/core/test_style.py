"""The vocabulary is whole, the string round trips, search finds, and advice points at the right tag."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import style
from core.style import StyleNote, bpm_of, bpm_tag, check_style, find, join, search, split, vocabulary

_DIMENSIONS = {
    # dimension: (tags, first 16 digits of the SHA-256 of the sorted names, one per line)
    "gender": (3, "52d1e3557dd61c71"),
    "genre": (299, "a71e9e0bdbb6ea9e"),
    "emotion": (296, "bd97a1afbc932260"),
    "instrument": (132, "31e771aca9955bac"),
}

_WORDS = st.text(alphabet=st.characters(exclude_characters=",()", exclude_categories=["Cs"]), max_size=12)
_FREE_TAGS = _WORDS.map(str.strip).filter(bool)
_TAGS = st.one_of(st.sampled_from([tag.name for tag in vocabulary()]), _FREE_TAGS)


def _names(query: str, *, limit: int = 20) -> list[str]:
    return [hit.tag.name for hit in search(query, limit=limit)]


def _only(description: str, **options: bool) -> StyleNote:
    (note,) = check_style(description, **options)
    return note


@pytest.mark.parametrize("dimension", _DIMENSIONS)
def test_every_published_tag_stands_once_in_its_dimension(dimension: str) -> None:
    names = [tag.name for tag in vocabulary() if tag.dimension == dimension]
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
    assert (len(names), digest) == _DIMENSIONS[dimension]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_vocabulary_has_no_other_dimension_and_every_tag_a_group() -> None:
    assert list(dict.fromkeys(tag.dimension for tag in vocabulary())) == list(_DIMENSIONS)
    assert all(tag.group for tag in vocabulary())
    assert vocabulary() is vocabulary()


def test_groups_are_small_enough_to_read() -> None:
    sizes = Counter((tag.dimension, tag.group) for tag in vocabulary())
    assert max(sizes.values()) <= 45


@given(st.lists(_TAGS, max_size=8))
def test_tags_survive_the_way_into_the_description_and_back(tags: list[str]) -> None:
    assert split(join(tags)) == tuple(tags)


@given(st.text())
def test_splitting_any_text_never_raises_and_settles(text: str) -> None:
    assert split(join(split(text))) == split(text)


def test_a_tag_with_a_comma_of_its_own_stays_whole() -> None:
    assert split("sad,strings (violin, cello) ,, piano,") == ("sad", "strings (violin, cello)", "piano")


def test_an_open_bracket_protects_no_comma() -> None:
    assert split("pop (live, jazz") == ("pop (live", "jazz")


@given(st.integers(min_value=1, max_value=999))
def test_a_tempo_round_trips_as_text(bpm: int) -> None:
    assert bpm_of(split(join(["pop", bpm_tag(bpm), "sad"]))) == bpm


def test_a_description_without_tempo_has_none() -> None:
    assert bpm_of(("pop", "120", "the bpm is fast")) is None


def test_the_tempo_is_read_before_a_closing_full_stop() -> None:
    assert bpm_of(split("male, piano, The BPM is 125.")) == 125


def test_find_ignores_case_and_the_closing_full_stop() -> None:
    tag = find(" Piano. ")
    assert tag is not None
    assert (tag.name, tag.dimension, tag.group) == ("piano", "instrument", "keys")
    assert find("pian") is None


def test_search_ranks_whole_name_then_beginning_then_a_words_beginning() -> None:
    names = _names("rock", limit=200)
    whole, beginning, word = (names.index(name) for name in ("rock", "rockabilly", "hard rock"))
    assert 0 == whole < beginning < word


def test_a_words_beginning_comes_before_the_middle_of_a_shorter_name() -> None:
    names = _names("rap")
    assert names.index("jazz rap") < names.index("trap")


def test_letters_side_by_side_come_before_scattered_ones() -> None:
    names = _names("ance", limit=1000)
    together = [name for name in names if "ance" in name]
    assert names[: len(together)] == together
    assert len(together) < len(names)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("forro", "forró"),
        ("GUIRO", "güiro"),
        ("lo fi", "lo-fi"),
        ("baglama", "bağlama"),
        ("acgtr", "acoustic guitar"),
    ],
)
def test_accents_case_hyphens_and_missing_letters_do_not_hide_a_tag(query: str, name: str) -> None:
    assert name in _names(query)


@pytest.mark.parametrize("query", ["808", "guitar", "gtr", "ko", "r&b", "sad"])
def test_positions_point_at_the_letters_asked_for(query: str) -> None:
    hits = search(query)
    assert hits
    for hit in hits:
        assert list(hit.positions) == sorted(set(hit.positions))
        matched = "".join(hit.tag.name[place] for place in hit.positions)
        assert style._fold(matched) == query


def test_search_can_stay_inside_a_dimension() -> None:
    hits = search("a", dimension="gender", limit=100)
    assert {hit.tag.name for hit in hits} == {"female", "male"}


def test_a_tag_of_two_dimensions_is_found_in_both() -> None:
    assert [hit.tag.dimension for hit in search("cinematic")][:2] == ["genre", "emotion"]


def test_an_empty_query_gives_the_first_tags_in_order() -> None:
    assert [hit.tag for hit in search("  ", limit=7)] == list(vocabulary()[:7])
    assert len(search("", limit=10_000)) == len(vocabulary())


def test_nothing_is_found_for_letters_no_tag_has_in_order() -> None:
    assert search("zzzq") == ()


@given(st.text(max_size=20))
def test_search_takes_any_text_and_answers_the_same_twice(query: str) -> None:
    assert search(query) == search(query)


@pytest.mark.parametrize(
    "description",
    [
        "",
        "female, folk pop, hopeful, acoustic guitar, piano, the bpm is 96",
        "Male, Rock & Roll, strings (violin, cello), THE BPM IS 120.",
        "mixed, female, male, ballad",
    ],
)
def test_a_good_description_gets_no_remark(description: str) -> None:
    assert check_style(description) == ()


def test_every_tag_of_the_vocabulary_is_free_of_remarks() -> None:
    assert [tag.name for tag in vocabulary() if check_style(tag.name)] == []


@pytest.mark.parametrize(
    "text",
    [
        "A slow song about rain",
        "I want something that feels like summer by the sea",
        "make it sound bigger",
        "Sad piano. Then drums",
        "一首关于夏天和海边的悲伤慢歌曲子",
    ],
)
def test_a_sentence_gets_the_advice_to_use_tags(text: str) -> None:
    note = _only(text)
    assert (note.severity, note.tag) == ("warning", text)
    assert "short tags" in note.hint


def test_female_and_male_without_mixed_contradict() -> None:
    assert _only("female, male, pop").severity == "warning"


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("synth pop", "synth-pop"),
        ("forro", "forró"),
        ("pianno", "piano"),
        ("piano and drums", "piano, drums"),
    ],
)
def test_a_tag_outside_the_vocabulary_gets_the_nearest_one_as_a_hint(tag: str, hint: str) -> None:
    note = _only(f"female, {tag}")
    assert (note.severity, note.tag) == ("hint", tag)
    assert hint in note.hint


def test_a_tag_far_from_all_others_is_allowed_with_a_hint() -> None:
    note = _only("hurdy-gurdy xylorimba")
    assert note.severity == "hint"
    assert "did you mean" not in note.hint


def test_a_tempo_in_other_words_is_put_right() -> None:
    assert _only("pop, 128 bpm").hint == "write the bpm is 128"


def test_two_tempos_are_one_too_many() -> None:
    assert _only("the bpm is 90, the bpm is 120").severity == "warning"


def test_a_doubled_tag_is_named_once() -> None:
    note = _only("sad, pop, Sad, sad")
    assert (note.severity, note.tag) == ("hint", "sad")


def test_a_reference_beside_tags_is_said_and_alone_is_fine() -> None:
    assert "reference" in _only("pop", has_reference=True).message
    assert check_style("", has_reference=True) == ()


@pytest.mark.parametrize("comma", ["，", "、", "；"])
def test_a_full_width_comma_is_named_and_the_tags_are_still_judged(comma: str) -> None:
    note = _only(f"female{comma}pop")
    assert note.severity == "warning"
    assert comma in note.message


@pytest.mark.parametrize("token", ["<|im_start|>", "<|endoftext|>", "<s>", "</s>"])
def test_a_control_token_is_an_error(token: str) -> None:
    note = _only(f"pop, {token}")
    assert note.severity == "error"
    assert token in note.message


def test_the_engines_own_quality_tag_has_no_effect_when_typed() -> None:
    assert "engine adds" in _only("[Musicality-very-high], pop").hint


@given(st.text())
def test_any_text_can_be_checked(text: str) -> None:
    for note in check_style(text, has_reference=True):
        assert note.severity in {"error", "warning", "hint"}
        assert note.message
        assert note.hint
