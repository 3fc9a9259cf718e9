"""Songs of the bench are made once, by whom they were asked of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.bench.demo.made import Made
from core.bench.demo.rendering import Maker, placed, played, trained_maker, untrained_maker
from core.levo.demo import demo_weights
from core.levo.shapes import shapes_of
from core.registry import variant
from core.song import Song
from core.tensors import load_tensors, save_tensors
from corpus.song import compose

SONG = Song("boats", "[verse]\nPaper boats", "female, pop")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def maker(toy: str, tmp_path: Path, told: list[str]) -> Maker:
    return trained_maker(variant(toy), tmp_path, "cpu", told.append)


def made(maker: Maker) -> Made:
    return maker.make(SONG, seed=1, most=1.0)


def test_a_song_is_made_once_with_its_voice(maker: Maker, told: list[str]) -> None:
    first, second = made(maker), made(maker)
    assert told == ["trained: boats"]
    assert first.vocal is not None
    assert first.seconds == 1.0
    assert not first.has_ended, "a model that learned nothing goes on until it is cut off"
    assert np.array_equal(first.mix, second.mix)
    assert first.fault == "the song is shorter than 3 s"


def test_another_seed_is_another_song_and_one_without_a_voice_has_none(maker: Maker, told: list[str]) -> None:
    first = made(maker)
    other = maker.make(SONG, seed=2, most=1.0, stems="mix")
    assert not np.array_equal(other.mix, first.mix)
    assert other.vocal is None
    assert len(told) == 2


def test_one_that_was_broken_off_is_made_again(maker: Maker, told: list[str], tmp_path: Path) -> None:
    first = made(maker)
    (facts,) = (tmp_path / "trained").glob("*.json")
    facts.unlink()
    assert np.array_equal(made(maker).mix, first.mix)
    assert len(told) == 2
    (sound,) = (path for path in (tmp_path / "trained").glob("*.flac") if "_vocal" not in path.name)
    sound.write_bytes(sound.read_bytes()[:100])
    made(maker)
    assert len(told) == 3


def test_the_floor_has_weights_of_its_own(toy: str, tmp_path: Path, toy_weights: Path) -> None:
    chosen, out = variant(toy), tmp_path / "out"
    floor = untrained_maker(chosen, out, "cpu", lambda _: None)
    path = out / "untrained-weights" / "vae.safetensors"
    before = made(floor).mix
    assert floor.chosen.weights == "rule"
    demo_weights(shapes_of(chosen.shapes), toy_weights / toy)
    assert np.array_equal(before, made(trained_maker(chosen, out, "cpu", lambda _: None)).mix)
    assert load_tensors(path).keys() == load_tensors(toy_weights / toy / "vae.safetensors").keys()


def test_other_weights_make_another_song(toy: str, tmp_path: Path) -> None:
    chosen, folder = variant(toy), tmp_path / "weights"
    demo_weights(shapes_of(chosen.shapes), folder)
    shipped = replace(placed(chosen, folder), weights="shipped")
    first = made(trained_maker(shipped, tmp_path, "cpu", lambda _: None)).mix
    state = load_tensors(folder / "vae.safetensors")
    save_tensors(folder / "vae.safetensors", {name: 0.5 * each for name, each in state.items()}, {})
    second = made(trained_maker(shipped, tmp_path, "cpu", lambda _: None)).mix
    assert not np.array_equal(first, second)


def test_the_corpus_is_kept_where_that_is_wanted(tmp_path: Path) -> None:
    plan = compose(5, lyrics="[inst-short]", description="pop, the bpm is 120")
    first = played(plan, tmp_path, "tune")
    assert len(list((tmp_path / "corpus").glob("tune-*"))) == 3
    again = played(plan, tmp_path, "tune")
    assert np.abs(first.mix - again.mix).max() < 1e-4 + 0.02 * np.abs(first.mix).max()
    assert again.has_ended
