"""Guidance, temperature and references: what does as it is told, and what does not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.files import read
from core.bench.demo import guidance, reference, temperature
from core.bench.demo.figures import Cell, Row
from core.bench.demo.learned import Learned
from core.bench.demo.made import Made
from core.bench.demo.prompts import Asks, Prompt
from core.bench.demo.rendering import Maker, played
from core.registry import variant
from core.settings import Value
from core.song import Song
from corpus.heard.timbre import fingerprint
from corpus.song import compose
from corpus.types import RATE, wave


@dataclass(frozen=True, slots=True)
class Feigned(Maker):
    """Gives what a test has ready."""

    answer: Callable[[Song, int, dict[str, Value]], Made]

    def make(self, song: Song, *, seed: int, most: float, stems: str = "mix+vocal", **changes: Value) -> Made:
        return self.answer(song, seed, changes)


def feigned(answer: Callable[[Song, int, dict[str, Value]], Made]) -> Maker:
    return Feigned("trained", Path(), variant("demo"), "cpu", lambda _: None, answer)


def value(cells: dict[str, Cell], name: str) -> float:
    found = cells[name].value
    assert found is not None
    return found


def test_guidance_rises_only_where_its_songs_come_nearer(
    sung: Prompt, sung_made: Made, judges: Learned
) -> None:
    noise = wave(0.1 * np.random.default_rng(2).standard_normal((2, 4 * RATE)))
    bad = Made(noise, noise, has_ended=False)
    easy = replace(sung, asks=Asks(bpm=None, gender="female", mode=None, family=None))
    for good in (2.0, 1.0):

        def answer(_song: Song, _seed: int, changes: dict[str, Value], good: float = good) -> Made:
            return sung_made if changes["guidance"] == good else bad

        cells = guidance.guidance_cells(feigned(answer), [easy], judges, 1.3)
        assert value(cells, "guidance_rise") == (100 if good == 2 else -100)
    same = guidance.guidance_cells(feigned(lambda *_: sung_made), [easy], judges, 1.3)
    assert value(same, "guidance_rise") == 0
    assert Row(guidance.FIGURES[-1], {"trained": same["guidance_rise"]}).verdict == "not met"


def test_guidance_is_tried_only_where_all_of_the_style_is_asked_for(
    sung: Prompt, instrumental: Prompt
) -> None:
    assert guidance.fit_for_guidance([sung, instrumental]) == [sung]
    assert len(guidance.fit_for_guidance([sung] * 24)) == guidance.PROMPTS


@pytest.fixture(scope="module")
def takes(instrumental: Prompt) -> list[Made]:
    """Of one prompt by several seeds."""
    plans = (
        compose(seed, lyrics=instrumental.wire, description=instrumental.song.style) for seed in range(3)
    )
    return [played(plan, None, "") for plan in plans]


def test_temperature_that_does_nothing_at_a_step_does_not_rise(
    instrumental: Prompt, takes: list[Made]
) -> None:
    maker = feigned(
        lambda _song, seed, changes: takes[seed % 3] if changes["temperature"] == 0.8 else takes[0]
    )
    cells = temperature.temperature_cells(maker, [instrumental], 1.3)
    assert value(cells, "diversity_rise") < 0
    for one in (0.4, 0.8, 1.2):
        assert (value(cells, f"diversity_{one}") > 0.05) == (one == 0.8)


def test_temperature_rises_where_takes_move_apart(instrumental: Prompt, takes: list[Made]) -> None:
    def blend(_song: Song, seed: int, changes: dict[str, Value]) -> Made:
        share = (float(changes["temperature"]) - 0.4) / 0.8
        count = min(take.mix.shape[1] for take in takes)
        own, common = takes[seed % 3].mix[:, :count], takes[0].mix[:, :count]
        return Made(wave(share * own + (1 - share) * common), None, has_ended=True)

    cells = temperature.temperature_cells(feigned(blend), [instrumental], 1.3)
    assert value(cells, "diversity_rise") > 0


def test_takes_that_cannot_be_heard_are_unknown(instrumental: Prompt, takes: list[Made]) -> None:
    silent = replace(takes[0], mix=np.zeros_like(takes[0].mix))
    cells = temperature.temperature_cells(feigned(lambda *_: silent), [instrumental], 1.3)
    assert cells["diversity_rise"].value is None
    assert cells["diversity_0.4"].unknown == {"the song is silent": 3}


@pytest.fixture(scope="module")
def couple(
    sung: Prompt, sung_made: Made, takes: list[Made], tmp_path_factory: pytest.TempPathFactory
) -> reference.Couple:
    """Two recordings of different families."""
    folder, heard = tmp_path_factory.mktemp("references"), []
    for name, made in (("pop", sung_made), ("techno", takes[0])):
        soundfile.write(folder / f"{name}.wav", made.mix.T, RATE, subtype="FLOAT")
        print_ = fingerprint(made.mix)
        heard.append(reference.Heard(folder / f"{name}.wav", print_, print_))
    return reference.Couple(sung, (heard[0], heard[1]))


@pytest.mark.parametrize("is_led", [True, False])
def test_a_reference_leads_or_does_not(couple: reference.Couple, judges: Learned, is_led: bool) -> None:
    def echo(song: Song, _seed: int, _changes: dict[str, Value]) -> Made:
        assert song.reference is not None
        path = Path(song.reference.path)
        heard = path if is_led else next(one.path for one in couple.heard if one.path != path)
        return Made(wave(read(heard)[0]), None, has_ended=True)

    cells = reference.reference_cells(feigned(echo), [couple], judges, 1.3)
    assert value(cells, "reference") == is_led


def test_who_does_not_listen_is_right_half_of_the_time(couple: reference.Couple, judges: Learned) -> None:
    sound = Made(wave(read(couple.heard[0].path)[0]), None, has_ended=True)
    cells = reference.reference_cells(feigned(lambda *_: sound), [couple], judges, 1.3)
    assert value(cells, "reference") == 0.5
