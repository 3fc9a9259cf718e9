"""The corpus passes its measures, and what is no music, or other music, fails each of them."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench.demo.figures import Readings, cell_of
from core.bench.demo.learned import Learned
from core.bench.demo.made import Made
from core.bench.demo.measures import readings
from core.bench.demo.prompts import Asks, Prompt
from core.bench.demo.rendering import played
from corpus.heard.mode import chroma
from corpus.heard.timbre import fingerprint
from corpus.types import RATE, wave

GROUPS = ("sound", "structure", "style", "lyrics")


def mean(told: Readings, figure: str) -> float:
    value = cell_of(told[figure], "mean").value
    assert value is not None
    return value


@pytest.fixture(scope="module")
def heard(sung: Prompt, sung_made: Made, judges: Learned) -> Readings:
    return readings(sung_made, sung, judges, GROUPS)


@pytest.fixture(scope="module")
def noise(sung: Prompt, judges: Learned) -> Readings:
    """What is heard in white noise that does not come to an end."""
    draw, size = np.random.default_rng(1), (2, round(1.3 * sung.plan.seconds * RATE))
    mix, vocal = (wave(0.1 * draw.standard_normal(size)) for _ in range(2))
    made = Made(mix, vocal, has_ended=False)
    return readings(made, sung, judges, GROUPS)


def test_the_corpus_is_heard_as_it_was_asked_for(heard: Readings) -> None:
    assert mean(heard, "flatness") < 0.1
    assert mean(heard, "gap") > 12
    assert mean(heard, "gap_planned") > 12
    for figure in ("length", "ends", "bpm", "gender"):
        assert mean(heard, figure) == 1, figure
    assert mean(heard, "syllable_ratio") == pytest.approx(1.0, abs=0.3)
    assert mean(heard, "vowels") > 1.5 * mean(heard, "vowel_chance")


def test_noise_is_heard_as_noise(noise: Readings) -> None:
    assert mean(noise, "flatness") > 0.5
    assert mean(noise, "gap") < 3
    for figure in ("length", "ends", "bpm", "gender", "syllables"):
        assert mean(noise, figure) == 0, figure
    assert mean(noise, "vowels") < 0.5


def test_what_was_asked_otherwise_is_wrong(sung: Prompt, sung_made: Made, judges: Learned) -> None:
    said = judges.family(fingerprint(sung_made.mix)), judges.mode(chroma(sung_made.mix))
    other = next(name for name in judges.families.classes if name != said[0])
    otherwise = "major" if said[1] == "minor" else "minor"
    for family, mode, is_right in ((*said, True), (other, otherwise, False)):
        gender = sung.asks.gender if is_right else "male"
        asks = Asks(bpm=None, gender=gender, mode=mode, family=family)
        told = readings(sung_made, replace(sung, asks=asks), judges, ("style",))
        assert [mean(told, figure) for figure in ("gender", "mode", "family")] == [is_right] * 3
    asks = Asks(bpm=95, gender=None, mode=None, family=None)
    assert mean(readings(sung_made, replace(sung, asks=asks), judges, ("style",)), "bpm") == 0


def test_what_is_not_asked_for_is_not_judged(sung: Prompt, sung_made: Made, judges: Learned) -> None:
    asks = replace(sung.asks, bpm=None, gender=None, mode=None)
    assert set(readings(sung_made, replace(sung, asks=asks), judges, ("style",))) == {"family"}


def test_a_song_without_words_is_asked_for_no_voice(instrumental: Prompt, judges: Learned) -> None:
    made = played(instrumental.plan, None, "")
    told = readings(made, instrumental, judges, GROUPS)
    assert mean(told, "idle_voice") == -60
    assert not {"gap", "gender", "syllables", "vowels"} & set(told)
    loud = replace(made, vocal=made.mix)
    assert mean(readings(loud, instrumental, judges, ("structure",)), "idle_voice") == 0


def test_a_voice_that_never_sings_fails_and_is_not_passed_over(
    sung: Prompt, sung_made: Made, judges: Learned
) -> None:
    told = readings(replace(sung_made, vocal=np.zeros_like(sung_made.mix)), sung, judges, GROUPS)
    assert mean(told, "gap") == mean(told, "gender") == mean(told, "syllables") == 0
    assert told["vowels"][0].value is None
    assert told["vowels"][0].why == "no line is heard"


@pytest.mark.parametrize(("seconds", "why"), [(1.0, "shorter than 3 s"), (8.0, "silent")])
def test_what_cannot_be_measured_is_unknown_with_its_reason(
    sung: Prompt, judges: Learned, seconds: float, why: str
) -> None:
    nothing = np.zeros((2, round(seconds * RATE)), dtype=np.float32)
    told = readings(Made(nothing, nothing, has_ended=True), sung, judges, GROUPS)
    assert all(why in told[figure][0].why for figure in ("flatness", "gap", "bpm", "mode", "vowels"))
    assert mean(told, "ends") == 1


def test_sound_that_is_no_number_is_told_so(sung: Prompt, sung_made: Made, judges: Learned) -> None:
    broken = sung_made.mix.copy()
    broken[0, 100] = np.nan
    told = readings(replace(sung_made, mix=broken), sung, judges, ("sound", "style"))
    assert "not numbers" in told["flatness"][0].why
    assert told["bpm"][0].value is None
