"""The first stage with a recording: what it leaves, remembers, and leaves behind when it breaks off."""

import json
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from core.checkpoints import model_folder
from core.device import Device
from core.engine import Plan, Run, Stage, Verdict
from core.errors import Cancelled, SongdeskError
from core.family import family_of, resolve_for
from core.levo import engine
from core.levo.artifacts import Conditions
from core.levo.conditions import listen
from core.levo.conditions.listen import Listener
from core.levo.conditions.prompt import Prompt
from core.levo.shapes import shapes_of
from core.making.governor import Choice
from core.making.render import render
from core.meter import State
from core.paths import reference_cache
from core.registry import variant
from core.settings import Override, Value
from core.song import Reference, Song
from core.takes import recipe as recipes
from core.takes.job import Job, Outcome
from tests.core.levo.conditions.encoders import vae_encoder
from tests.core.levo.conditions.led import be_brisk
from tests.core.levo.conditions.music import as_heard, music, save, save_with_stems

pytestmark = pytest.mark.usefixtures("short_windows", "_nothing_heard_yet")

SONG = Song("boats", "[verse]\nPaper boats\n\n[chorus]\nHold the line", "female, pop")


@pytest.fixture
def _nothing_heard_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def stemmed(tmp_path: Path) -> Path:
    """A second and a half of music with its stems beside it."""
    (tmp_path / "music").mkdir()
    return save_with_stems(tmp_path / "music" / "x.wav", music(1.5, seed=2), music(1.5, seed=3))


class Watch:
    """Notes the steps; `at` is asked what to do at each."""

    def __init__(self, at: Callable[[int], Verdict] = lambda done: Verdict.GO) -> None:
        self.steps: list[tuple[int, int]] = []
        self._at = at

    def begin(self, stage: Stage, plan: Plan, device: Device, choice: Choice) -> None:
        assert stage.id == "conditions"

    def remarks(self) -> tuple[str, ...]:
        return ()

    def step(self, done: int, total: int) -> Verdict:
        self.steps.append((done, total))
        return self._at(done)

    def live(self, key: str) -> Value:
        raise AssertionError(key)

    def turn(self, key: str, value: Value) -> None:
        raise AssertionError(key)

    def heard(self, preview: Path, seconds: float) -> None:
        raise AssertionError(preview)


Read = Callable[..., Outcome]


@pytest.fixture
def model(toy: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a model that a recording can lead."""
    be_brisk(monkeypatch)
    return toy


@pytest.fixture
def read(model: str, tmp_path: Path) -> Read:
    """Runs the first stage of a song led by a reference."""

    def read(
        reference: Reference | Path, name: str = "a", watch: Watch | None = None, **settings: object
    ) -> Outcome:
        kind, chosen = family_of(model)
        values = resolve_for(kind, chosen, [Override({"seed": 3, **settings})])
        led = reference if isinstance(reference, Reference) else Reference(path=str(reference))
        folder = tmp_path / "out" / name
        audio = folder.with_suffix(".wav")
        job = Job(
            name, replace(SONG, reference=led), model, values, folder, audio, last="conditions", device="cpu"
        )
        with torch.inference_mode():
            return render(job, watch or Watch())

    return read


def conditions(outcome: Outcome) -> Conditions:
    assert outcome.file is not None
    return Conditions.load(outcome.file)


def kept() -> list[Path]:
    """The files of the cache that come of references."""
    return [path for path in reference_cache().rglob("*") if path.is_file()]


def test_the_conditions_hold_codes_and_latents_of_mix_vocal_and_backing(
    model: str, read: Read, stemmed: Path
) -> None:
    made = conditions(read(stemmed))
    shapes, chosen = shapes_of(variant(model).shapes), variant(model)
    assert made.prompt_codes.shape == (3, 37)
    assert made.prompt_codes.dtype == torch.int64
    assert 0 <= int(made.prompt_codes.min()) <= int(made.prompt_codes.max()) < shapes.quantizer.codes
    vocal, backing = as_heard(music(1.5, seed=2)), as_heard(music(1.5, seed=3))
    encoder = vae_encoder(shapes, model_folder(chosen))
    with torch.inference_mode():
        latents = [encoder(sound[None])[0][0].T for sound in (vocal + backing, vocal, backing)]
    torch.testing.assert_close(made.prompt_latents, torch.stack(latents))


@pytest.mark.parametrize(("compatibility", "codes"), [("off", 37), ("upstream", 38), ("fork", 38)])
def test_the_setting_brings_the_published_programs_surplus_code_back(
    read: Read, stemmed: Path, compatibility: str, codes: int
) -> None:
    made = conditions(read(stemmed, compatibility=compatibility))
    assert made.prompt_codes.shape == (3, codes)
    assert made.prompt_latents.shape == (3, 37, 8)


def test_a_built_in_style_leads_by_codes_alone(read: Read) -> None:
    made = conditions(read(Reference(style="Pop")))
    assert made.prompt_codes.shape == (3, 250)
    assert made.prompt_latents.shape == (3, 0, 8)


def test_a_recording_alone_goes_the_whole_way_and_touches_no_shared_generator(
    model: str, read: Read, tmp_path: Path
) -> None:
    path, watch = save(tmp_path / "alone.wav", music(1, seed=4)), Watch()
    read(Reference(style="Pop"), "first")  # whose making of the demo's weights is not what is asked here
    before, torch_before = random.getstate(), torch.get_rng_state()
    outcome = read(path, watch=watch)
    assert random.getstate() == before
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert watch.steps == sorted(watch.steps)
    kind, chosen = family_of(model)
    units = kind.plan(outcome.job.song, chosen, outcome.job.values).stages[0].units
    assert {total for _, total in watch.steps} == {units}
    assert watch.steps[-1] == (units, units)
    assert conditions(outcome).prompt_codes.shape == (3, 25)


def test_a_recording_that_was_heard_costs_nothing_under_any_name(
    read: Read, stemmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(stemmed)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for end in (".wav", "_vocal.wav", "_bgm.wav"):
        shutil.move(stemmed.with_name(f"x{end}"), elsewhere / f"song{end}")

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("it was heard again")

    for name in ("record", "load_module", "load_separator"):
        monkeypatch.setattr(listen, name, refuse)
    watch = Watch()
    again = read(elsewhere / "song.wav", "b", watch)
    assert conditions(again).tensors().keys() == conditions(first).tensors().keys()
    for key, tensor in conditions(first).tensors().items():
        assert torch.equal(conditions(again).tensors()[key], tensor)
    assert again.notes == first.notes
    assert not any("x" in note.split() or "x.wav" in note for note in again.notes)
    assert watch.steps[-1][0] == watch.steps[-1][1]


@pytest.fixture
def hearings(monkeypatch: pytest.MonkeyPatch) -> list[Reference]:
    """What a listener was given that answers without listening, and so without weights."""
    given: list[Reference] = []
    monkeypatch.setattr(engine, "demo_weights", lambda shapes, folder: None)

    def answer(self: Listener, reference: Reference) -> Prompt:
        given.append(reference)
        return Prompt(torch.full((3, 9), len(given)), torch.zeros(3, 9, 8), ("a note", "another"))

    monkeypatch.setattr(Listener, "listen", answer)
    return given


def test_a_recording_is_heard_in_fp32_whatever_torch_is_set_to(
    read: Read, stemmed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NVIDIA's convolutions are TF32 unless they are told otherwise, as `torch.backends` has it here."""
    places = torch.backends.cuda.matmul, torch.backends.cudnn
    for place in places:
        monkeypatch.setattr(place, "allow_tf32", True)
    allowed: list[bool] = []

    def answer(self: Listener, reference: Reference) -> Prompt:
        allowed.extend(place.allow_tf32 for place in places)
        return Prompt(torch.zeros(3, 9, dtype=torch.int64), torch.zeros(3, 9, 8))

    monkeypatch.setattr(Listener, "listen", answer)
    read(stemmed)
    assert allowed == [False, False]
    assert all(place.allow_tf32 for place in places)


def test_other_separator_weights_are_no_reason_to_hear_stems_again(
    read: Read, stemmed: Path, hearings: list[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def identity(chosen: object, roles: Iterable[str]) -> str:
        asked.append(tuple(roles))
        return "the same"

    monkeypatch.setattr(engine, "identity", identity)
    read(stemmed)
    stemmed.with_name("x_vocal.wav").unlink()
    stemmed.with_name("x_bgm.wav").unlink()
    read(stemmed, "b")
    with_stems, alone = (set(roles) for roles in asked)
    assert alone - with_stems == {"separator"}
    assert len(hearings) == 2


def test_what_was_heard_is_kept_whole(read: Read, stemmed: Path, hearings: list[Reference]) -> None:
    first, second = read(stemmed), read(stemmed, "b")
    assert len(hearings) == 1
    assert torch.equal(conditions(second).prompt_codes, conditions(first).prompt_codes)
    assert second.notes == first.notes == ("a note", "another")


@pytest.mark.parametrize("name", ["x.wav", "x_vocal.wav", "x_bgm.wav"])
def test_a_changed_file_is_heard_anew(
    read: Read, stemmed: Path, hearings: list[Reference], name: str
) -> None:
    read(stemmed)
    save(stemmed.with_name(name), music(1.5, seed=8))
    read(stemmed, "b")
    assert len(hearings) == 2


def test_another_start_is_heard_anew(read: Read, stemmed: Path, hearings: list[Reference]) -> None:
    for start in (0.0, 0.25, 0.0, 0.25):
        read(Reference(path=str(stemmed), start=start), f"at {start}")
    assert [reference.start for reference in hearings] == [0.0, 0.25]


@pytest.mark.parametrize(
    "settings", [{"compatibility": "upstream"}, {"compatibility": "fork"}, {"front_end": "exact"}]
)
def test_another_way_of_hearing_is_heard_anew(
    read: Read, stemmed: Path, hearings: list[Reference], settings: dict[str, object]
) -> None:
    read(stemmed)
    read(stemmed, "b", **settings)
    assert len(hearings) == 2
    read(stemmed, "c")
    read(stemmed, "d", **settings)
    assert len(hearings) == 2, "each is kept"


@pytest.mark.parametrize("settings", [{"seed": 4}, {"musicality": "off"}, {"stems": "vocal"}, {"length": 9}])
def test_settings_that_hearing_does_not_read_are_no_reason_to_hear_again(
    read: Read, stemmed: Path, hearings: list[Reference], settings: dict[str, object]
) -> None:
    read(stemmed)
    read(stemmed, "b", **settings)
    assert len(hearings) == 1


def test_what_one_kind_of_device_has_heard_another_hears_anew(
    model: str, stemmed: Path, hearings: list[Reference]
) -> None:
    kind, chosen = family_of(model)
    led = replace(SONG, reference=Reference(path=str(stemmed)))

    def hear(device: str, **settings: object) -> None:
        values = resolve_for(kind, chosen, [Override({"seed": 3, **settings})])
        run = SimpleNamespace(device=torch.device(device), weights=None)
        engine.LevoEngine(chosen)._prompt(led, "", values, cast("Run", run))

    for device in ("cpu", "cuda", "cpu", "cuda"):
        hear(device)
    assert len(hearings) == 2
    hear("cuda", listen_on="cpu")
    assert len(hearings) == 2, "it was heard on the processor before"


def test_other_weights_hear_anew(
    read: Read, stemmed: Path, hearings: list[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    read(stemmed)
    monkeypatch.setattr("core.levo.identity.RULE", "another")
    read(stemmed, "b")
    assert len(hearings) == 2


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-9], lambda whole: b"\xff" * 99])
def test_a_damaged_memory_is_heard_anew_and_mended(
    read: Read, stemmed: Path, hearings: list[Reference], damage: Callable[[bytes], bytes]
) -> None:
    read(stemmed)
    (memory,) = kept()
    whole = memory.read_bytes()
    memory.write_bytes(damage(whole))
    read(stemmed, "b")
    assert len(hearings) == 2
    assert len(memory.read_bytes()) == len(whole)
    read(stemmed, "c")
    assert len(hearings) == 2


@pytest.mark.parametrize("last", [1, 3, 6, 8])
def test_a_listening_that_is_abandoned_leaves_nothing_and_can_be_done_again(
    read: Read, stemmed: Path, last: int
) -> None:
    def enough(done: int) -> Verdict:
        if done == last:
            raise Cancelled
        return Verdict.GO

    watch = Watch(enough)
    with pytest.raises(Cancelled):
        read(stemmed, watch=watch)
    assert watch.steps[-1][0] == last
    assert kept() == []
    folder = stemmed.parents[1] / "out" / "a"
    assert [path.name for path in folder.rglob("*")] == ["recipe.json"]
    recipe = recipes.load(folder)
    assert recipe is not None
    assert recipe.state == State.CANCELLED.value
    if last == 1:
        assert conditions(read(stemmed)).prompt_codes.shape == (3, 37)
        assert len(kept()) == 1


@pytest.mark.parametrize("what", ["recording", "stem", "gone"])
def test_a_broken_reference_is_named_and_leaves_nothing_half_written(
    read: Read, stemmed: Path, what: str
) -> None:
    broken = stemmed.with_name("x_bgm.wav") if what == "stem" else stemmed
    if what == "gone":
        for path in stemmed.parent.iterdir():
            path.unlink()
    else:
        broken.write_bytes(b"no sound")
    with pytest.raises(SongdeskError) as caught:
        read(stemmed)
    assert caught.value.where == str(broken)
    assert len(str(caught.value).splitlines()) == 1
    assert kept() == []
    out = stemmed.parents[1] / "out"
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["recipe.json"]
    assert json.loads((out / "a" / "recipe.json").read_text())["state"] == State.FAILED.value


def test_a_memory_that_cannot_be_written_costs_the_song_nothing(
    read: Read, stemmed: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where a folder belongs")
    outcome = read(stemmed)
    assert any("heard anew next time" in note for note in outcome.notes)
    assert conditions(outcome).prompt_codes.shape[1] > 0
