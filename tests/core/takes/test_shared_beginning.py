"""A child's sound files are its parent's to the bit, up to the edge of what the decoder hears."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file

from core.audio.files import read
from core.family import family_of, resolve_for
from core.levo.shapes import EDGE_SAMPLES, FRAME_RATE, SAMPLES_PER_FRAME
from core.making.render import render
from core.settings import Override, Value, Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.branch import extend, prepare, resing
from core.takes.job import Job, artifact_file, stem_file
from core.takes.take import Take, take_of
from tests.core.making.test_render import Watching

SONG = Song("boats", "[verse]\nPaper boats\n\n[chorus]\nHold the line", "female, pop")
CHANGED = replace(SONG, lyrics="[verse]\nPaper boats\n\n[chorus]\nLet it go")
Samples = npt.NDArray[np.float32]


def values_of(model: str, **settings: Value) -> Values:
    kind, chosen = family_of(model)
    return resolve_for(kind, chosen, [Override({"seed": 3, "kv_cache": "fp32", **settings})])


def made(job: Job) -> tuple[Take, Watching]:
    watch = Watching(job)
    with torch.inference_mode():
        render(job, watch)
    take = take_of(job.folder)
    assert take is not None
    return take, watch


def sound(job: Job, stem: str = "mix") -> Samples:
    return read(stem_file(job.audio, stem))[0]


def same_samples(one: Samples, other: Samples) -> int:
    length = min(one.shape[1], other.shape[1])
    differ = (one[:, :length] != other[:, :length]).any(axis=0).nonzero()[0]
    return int(differ[0]) if len(differ) else length


def latents_of(job: Job) -> dict[str, torch.Tensor]:
    return load_file(artifact_file(job.folder, "latents"))


def notes_of(job: Job) -> str:
    recipe = recipes.load(job.folder)
    assert recipe is not None
    return "; ".join(recipe.notes)


@pytest.mark.parametrize("model", ["toy", "windowed"])
@pytest.mark.parametrize("seconds", [0.4, 1.48])
def test_a_resung_take_sounds_like_its_parent_up_to_the_edge(
    toy: str, tmp_path: Path, model: str, seconds: float
) -> None:
    parent = prepare(SONG, model, values_of(model, stems="mix+vocal", length=3), home=tmp_path)
    take, _ = made(parent)
    child = resing(take, CHANGED, values_of(model, stems="mix+vocal", seed=4, length=3), seconds)
    _, watch = made(child)
    frames = round(seconds * FRAME_RATE)
    place = frames * SAMPLES_PER_FRAME
    for stem in ("mix", "vocal"):
        same = same_samples(sound(parent, stem), sound(child, stem))
        assert place - EDGE_SAMPLES <= same < place
        before, after = (latents_of(job)[f"latents.{stem}"] for job in (parent, child))
        assert before.shape == after.shape == (75, 8)
        assert torch.equal(before[:frames], after[:frames])
    steps = [(done, total) for stage, done, total in watch.steps if stage == "audio"]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1]
    assert "anew" not in notes_of(child)


def test_a_song_extended_sounds_as_it_did_up_to_the_edge_of_its_end(windowed: str, tmp_path: Path) -> None:
    parent = prepare(SONG, windowed, values_of(windowed), home=tmp_path)
    take, _ = made(parent)
    child = extend(take, SONG, values_of(windowed, length=4))
    made(child)
    end = 2 * 48_000
    assert sound(child).shape == (2, 4 * 48_000)
    assert end - EDGE_SAMPLES <= same_samples(sound(parent), sound(child)) < end


def test_without_latents_the_beginning_is_made_anew_and_the_recipe_says_so(
    windowed: str, tmp_path: Path
) -> None:
    """So it is behind a take that an earlier songdesk made, and one rendered as the published programs do."""
    parent = prepare(SONG, windowed, values_of(windowed), home=tmp_path)
    take, _ = made(parent)
    artifact_file(parent.folder, "latents").unlink()
    child = resing(take, CHANGED, values_of(windowed, seed=4), 1.0)
    made(child)
    assert "the audio before the start was made anew" in notes_of(child)
    assert same_samples(sound(parent), sound(child)) == 0
    faded = prepare(SONG, windowed, values_of(windowed, compatibility="upstream"), home=tmp_path)
    made(faded)
    assert not artifact_file(faded.folder, "latents").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_sings_the_same_beginning(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path_factory.mktemp("ckpt")))
    parent = prepare(SONG, "demo", values_of("demo", length=6, flow_steps=3), home=tmp_path)
    take, _ = made(parent)
    child = resing(take, CHANGED, values_of("demo", length=5, flow_steps=4, seed=4), 3.4)
    made(child)
    place = int(3.4 * 48_000)
    assert place - EDGE_SAMPLES <= same_samples(sound(parent), sound(child)) < place
    longer = extend(take, SONG, values_of("demo", length=8, flow_steps=3))
    made(longer)
    end = 6 * 48_000
    assert end - EDGE_SAMPLES <= same_samples(sound(parent), sound(longer)) < end
