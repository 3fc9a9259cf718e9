"""A job from words to a sound file on a toy model: stages, reuse, determinism, faults."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.audio.files import info, read
from core.device import Device, silicon
from core.digest import sha256_of
from core.engine import Plan, Stage, Verdict
from core.errors import Cancelled, SongdeskError
from core.family import family_of, resolve_for
from core.levo.artifacts import Tokens
from core.levo.vae import VaeDecoder
from core.making.governor import Choice
from core.making.render import render
from core.meter import State
from core.settings import Override, Value
from core.song import Reference, Song
from core.takes import recipe as recipes
from core.takes.job import PREVIEW, Job

SONG = Song("boats", "[verse]\nPaper boats\n\n[chorus]\nHold the line", "female, pop")


class Watching:
    """A watch that notes what it is told, and does at a step what a test asks for."""

    def __init__(self, job: Job, at: Callable[[str, int], Verdict] | None = None) -> None:
        self.knobs: dict[str, Value] = dict(job.values)
        self.stages: list[str] = []
        self.steps: list[tuple[str, int, int]] = []
        self.previews: list[tuple[float, float]] = []
        """What is said to be heard (s), and what the file says of itself."""
        self._at = at

    def begin(self, stage: Stage, plan: Plan, device: Device, choice: Choice) -> None:
        self.stages.append(stage.id)

    def remarks(self) -> tuple[str, ...]:
        return ()

    def step(self, done: int, total: int) -> Verdict:
        stage = self.stages[-1]
        self.steps.append((stage, done, total))
        return self._at(stage, done) if self._at else Verdict.GO

    def live(self, key: str) -> Value:
        return self.knobs[key]

    def turn(self, key: str, value: Value) -> None:
        self.knobs[key] = value

    def heard(self, preview: Path, seconds: float) -> None:
        self.previews.append((seconds, info(preview).seconds))


def job(toy: str, folder: Path, name: str = "a", **settings: object) -> Job:
    kind, chosen = family_of(toy)
    values = resolve_for(kind, chosen, [Override({"seed": 3, **settings})])
    return Job(
        name, SONG, toy, values, folder / name, folder / f"{name}.{values.text('format')}", device="cpu"
    )


def made(asked: Job) -> bytes:
    with torch.inference_mode():
        outcome = render(asked, Watching(asked))
    assert outcome.file is not None
    return read(outcome.file)[0].tobytes()


def test_a_song_becomes_48_khz_stereo_of_the_length_asked_for(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path, length=3)
    outcome = render(asked, Watching(asked))
    sound = info(asked.audio)
    assert (sound.sample_rate, sound.channels, sound.frames) == (48_000, 2, 3 * 48_000)
    assert outcome.state is State.DONE
    assert outcome.seconds == 3


def test_a_take_tells_the_processor_it_was_made_with(toy: str, tmp_path: Path) -> None:
    made = job(toy, tmp_path)
    render(made, Watching(made))
    recipe = recipes.load(made.folder)
    assert recipe is not None
    assert f", {silicon(torch.device('cpu'))}, torch {torch.__version__}" in recipe.made_with


def test_the_song_can_be_heard_while_it_is_rendered(windowed: str, tmp_path: Path) -> None:
    asked = job(windowed, tmp_path, decode_chunk=16, length=4, ahead="off")
    watch = Watching(asked)
    render(asked, watch)
    assert len(watch.previews) > 3
    assert all(said == written for said, written in watch.previews)
    assert [said for said, _ in watch.previews] == sorted({said for said, _ in watch.previews})
    assert watch.previews[-1][0] == 4
    assert not (asked.folder / PREVIEW).exists(), "it has become the song"


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_render_that_fails_leaves_neither_sound_nor_preview(toy: str, tmp_path: Path, kind: str) -> None:
    asked = job(toy, tmp_path, format=kind, decode_chunk=16, stems="mix+vocal")

    def abandon(stage: str, done: int) -> Verdict:
        if stage == "audio" and done > 8:
            raise Cancelled
        return Verdict.GO

    with pytest.raises(Cancelled):
        render(asked, Watching(asked, abandon))
    assert list(tmp_path.iterdir()) == [asked.folder]
    assert {path.name for path in asked.folder.iterdir()} == {
        "recipe.json", "conditions.safetensors", "tokens.safetensors",
    }  # fmt: skip


def test_stems_are_files_of_one_length_and_one_gain(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path, format="flac", stems="mix+vocal+backing")
    outcome = render(asked, Watching(asked))
    assert [file.name for file in outcome.files] == ["a.flac", "a_vocal.flac", "a_bgm.flac"]
    assert {info(file).frames for file in outcome.files} == {2 * 48_000}
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert recipe.sounds == ("a.flac", "a_vocal.flac", "a_bgm.flac")
    assert all(recipe.files[file.name] == sha256_of(file) for file in outcome.files)


def test_one_stem_alone_is_the_sound_of_its_take(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path, stems="backing")
    outcome = render(asked, Watching(asked))
    assert outcome.file == tmp_path / "a_bgm.wav"
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert recipe.finished
    assert recipe.audio == "a_bgm.wav"


def test_a_format_that_cannot_hold_its_peaks_is_turned_down_and_says_so(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"wav": "a float wav keeps them", "flac": "turned down by 6."}
    decode = VaeDecoder.forward

    def loud(self: VaeDecoder, latents: torch.Tensor, end: int | None = None) -> torch.Tensor:
        sound = decode(self, latents, end)
        return sound / sound.abs().max() * 1.8

    monkeypatch.setattr(VaeDecoder, "forward", loud)
    for kind, told in kinds.items():
        asked = job(toy, tmp_path, kind, format=kind)
        outcome = render(asked, Watching(asked))
        assert any(told in note for note in outcome.notes), outcome.notes
    half = 2**-24  # of a step of 24 bits, to which samples are rounded
    assert abs(read(tmp_path / "flac.flac")[0]).max() <= 10 ** (-1 / 20) + half
    assert abs(read(tmp_path / "wav.wav")[0]).max() == pytest.approx(1.8)


def test_one_seed_gives_the_same_bytes_and_another_seed_does_not(windowed: str, tmp_path: Path) -> None:
    first = made(job(windowed, tmp_path, "a", length=4))
    torch.manual_seed(99)
    assert made(job(windowed, tmp_path, "b", length=4)) == first
    assert made(job(windowed, tmp_path, "c", length=4, seed=4)) != first


def test_every_stage_reports_progress_that_never_goes_back(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)
    watch = Watching(asked)
    render(asked, watch)
    assert watch.stages == ["conditions", "tokens", "audio"]
    for stage in watch.stages:
        fractions = [done / total for name, done, total in watch.steps if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1


def test_finished_stages_are_not_made_again(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)

    def abandon(stage: str, done: int) -> Verdict:
        if stage == "audio":
            raise Cancelled
        return Verdict.GO

    with pytest.raises(Cancelled):
        render(asked, Watching(asked, abandon))
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert recipe.state == State.CANCELLED.value
    assert not asked.audio.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]
    again = Watching(asked)
    render(asked, again)
    assert again.stages == ["audio"]
    assert read(asked.audio)[0].tobytes() == made(job(toy, tmp_path, "whole"))


@pytest.mark.parametrize(
    ("changed", "made_again"),
    [
        ({"flow_steps": 3}, ["audio"]),
        ({"temperature": 1.5}, ["tokens", "audio"]),
        ({"musicality": "off"}, ["conditions", "tokens", "audio"]),
    ],
)
def test_a_setting_invalidates_its_stage_and_those_after_it(
    toy: str, tmp_path: Path, changed: dict[str, object], made_again: list[str]
) -> None:
    made(job(toy, tmp_path))
    asked = job(toy, tmp_path, "a", **changed)
    watch = Watching(asked)
    render(asked, watch)
    assert watch.stages == made_again


def test_stop_and_keep_ends_the_song_early_with_all_three_phases(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)

    def enough(stage: str, done: int) -> Verdict:
        return Verdict.FINISH if stage == "tokens" and done == 40 else Verdict.GO

    watch = Watching(asked, enough)
    outcome = render(asked, watch)
    assert outcome.state is State.STOPPED
    assert watch.stages[-1] == "audio"
    frames = Tokens.load(asked.folder / "tokens.safetensors").codes.shape[1]
    assert 30 <= frames <= 40
    assert info(asked.audio).frames == frames * 1920


def test_a_turned_knob_is_recorded_where_it_was_heard(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)
    watch = Watching(asked)

    def turn(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done == 10:
            watch.knobs["temperature"] = 1.5
        return Verdict.GO

    watch._at = turn
    render(asked, watch)
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert [(k.stage, k.key, k.value, k.at) for k in recipe.knobs] == [("tokens", "temperature", 1.5, 10)]
    plain = Watching(asked)
    render(asked, plain)
    assert "tokens" in plain.stages, "tokens made with a turned knob are not those of the plain settings"


def test_a_phase_setting_turned_in_time_is_heard_and_recorded(toy: str, tmp_path: Path) -> None:
    plain = made(job(toy, tmp_path, "plain"))
    asked = job(toy, tmp_path)
    watch = Watching(asked)

    def turn(stage: str, done: int) -> Verdict:
        watch.knobs["flow_steps"] = 5
        return Verdict.GO

    watch._at = turn
    render(asked, watch)
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert [(k.stage, k.key, k.value) for k in recipe.knobs] == [("audio", "flow_steps", 5)]
    assert read(asked.audio)[0].tobytes() != plain
    assert recipe.stages["audio"] != recipe.wanted["audio"]


def test_a_run_that_ends_early_remembers_what_it_finished(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)

    def abandon(stage: str, done: int) -> Verdict:
        if stage == "tokens" and done > 3:
            raise Cancelled
        return Verdict.GO

    with pytest.raises(Cancelled):
        render(asked, Watching(asked, abandon))
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert set(recipe.stages) == {"conditions"}
    assert set(recipe.files) == {"conditions.safetensors"}


def test_the_recipe_names_every_file_by_its_hash(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)
    made(asked)
    recipe = recipes.load(asked.folder)
    assert recipe is not None
    assert recipe.finished
    assert recipe.files["a.wav"] == sha256_of(asked.audio)
    assert recipe.settings["seed"] == 3
    for kind in ("conditions", "tokens"):
        path = asked.folder / f"{kind}.safetensors"
        assert recipe.files[path.name] == sha256_of(path)


def test_a_built_in_reference_leads_the_song_and_is_named(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)
    with_reference = Job(
        "r", Song("r", SONG.lyrics, SONG.style, Reference(style="Pop")), toy, asked.values, tmp_path / "r",
        tmp_path / "r.wav", device="cpu",
    )  # fmt: skip
    outcome = render(with_reference, Watching(with_reference))
    assert any("led by the built-in reference Pop/en/" in note for note in outcome.notes)


def test_missing_weights_are_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "none"))
    kind, chosen = family_of("v2-medium")
    values = resolve_for(kind, chosen, [Override({"seed": 1})])
    asked = Job("a", SONG, "v2-medium", values, tmp_path / "a", tmp_path / "a.wav", device="cpu")
    with pytest.raises(SongdeskError, match="not here"):
        render(asked, Watching(asked))


def test_a_damaged_artifact_is_made_again(toy: str, tmp_path: Path) -> None:
    asked = job(toy, tmp_path)
    whole = made(asked)
    tokens = asked.folder / "tokens.safetensors"
    tokens.write_bytes(tokens.read_bytes()[:40])
    assert made(asked) == whole
