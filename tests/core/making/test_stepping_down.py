"""Memory that runs out on the way: what was made stays, a leaner way is taken, and the recipe tells of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import core.levo.family
import core.making.ways
from core.device import Device
from core.engine import Plan, Rung, Stage, StagePlan, Verdict
from core.errors import Cancelled, Paused, SongdeskError
from core.family import family_of
from core.levo.artifacts import Tokens
from core.making.governor import Choice
from core.making.render import render
from core.registry import Variant
from core.settings import Value, Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.branch import job_of
from core.takes.job import Job, Outcome
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.recipe import Recipe
from core.takes.replay import replay
from core.takes.take import Take, take_of
from tests.core.making.test_render import Watching
from tests.core.takes.test_going_on import begun, breaks

GIB = 1 << 30
Way = tuple[str, int, dict[str, Value]]
TOKENS: tuple[Way, ...] = (
    ("everything", 8, {"schedule": "lockstep", "kv_cache": "fp32"}),
    ("two passes", 6, {"schedule": "two-pass", "kv_cache": "fp32"}),
    ("a small cache", 4, {"schedule": "two-pass", "kv_cache": "int8"}),
    ("1 s of song", 2, {"schedule": "two-pass", "kv_cache": "int8", "length": 1.0}),
)
AUDIO: tuple[Way, ...] = (
    ("large chunks", 5, {"decode_chunk": 64}),
    ("small chunks", 2, {"decode_chunk": 16}),
)
HEARING: tuple[Way, ...] = (("on the device", 1, {}), ("on the processor", 1, {}))


def rungs(song: Song, chosen: Variant, values: Values, stage: str, device: Device) -> tuple[Rung, ...]:
    """A ladder of three or four ways; what is set otherwise than by default is the same in all of them."""
    units = next(
        load for load in core.levo.family.FAMILY.plan(song, chosen, values).stages if load.stage == stage
    )
    ways = {"conditions": HEARING, "tokens": TOKENS, "audio": AUDIO}[stage]
    free = {"schedule": "auto", "kv_cache": "fp32", "decode_chunk": 0, "length": 2.0}
    made: list[Rung] = []
    for name, size, settings in ways:
        fixed = {key: value for key, value in settings.items() if values[key] != free[key]}
        if any(settings[key] != values[key] for key in fixed):
            continue
        plan = StagePlan(stage, units.units, size * GIB, 0, 0, units.order)
        costs = "slower" if made else ""
        device_name = "cpu" if name == "on the processor" else ""
        made.append(Rung(plan, settings, name, costs, device_name))
    return tuple(made)


class Free:
    """How much memory is free (GiB) by turns, the last of them for good."""

    def __init__(self) -> None:
        self.turns: list[float | None] = [100.0]

    def __call__(self, device: Device) -> int | None:
        now = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        return None if now is None else int(now * GIB)


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """A ladder for the toy, and memory as a test says."""
    free = Free()
    monkeypatch.setattr(core.levo.family, "ladder", rungs)
    monkeypatch.setattr(core.making.ways, "free_memory", free)
    monkeypatch.setattr(core.making.ways, "total_memory", lambda device: None)
    monkeypatch.setattr(core.making.ways, "overhead_of", lambda *about: GIB // 2)
    return free


class Choosy(Watching):
    """Remembers the ways as well."""

    def __init__(self, job: Job, at: Callable[[str, int], Verdict] | None = None) -> None:
        super().__init__(job, at)
        self.choices: list[Choice] = []

    def begin(self, stage: Stage, plan: Plan, device: Device, choice: Choice) -> None:
        super().begin(stage, plan, device, choice)
        self.choices.append(choice)

    @property
    def ways(self) -> list[str]:
        return [choice.way for choice in self.choices]


Fail = Callable[[], object]


def cuda() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def hip() -> None:
    raise RuntimeError("HIP error: out of memory")


def host() -> None:
    torch.empty(1 << 60, dtype=torch.uint8)


def python() -> None:
    raise MemoryError


def short(*places: tuple[str, int, Fail]) -> Callable[[str, int], Verdict]:
    """Memory runs out once at each of these steps, in turn."""
    left = list(places)

    def at(stage: str, done: int) -> Verdict:
        if left and (stage, True) == (left[0][0], done >= left[0][1]):
            left.pop(0)[2]()
        return Verdict.GO

    return at


def made(job: Job, at: Callable[[str, int], Verdict] | None = None) -> tuple[Recipe, Choosy]:
    watch = Choosy(job, at)
    with torch.inference_mode():
        render(job, watch)
    return recipe_of(job), watch


def recipe_of(job: Job) -> Recipe:
    recipe = recipes.load(job.folder)
    assert recipe is not None
    return recipe


def said(recipe: Recipe) -> tuple[str, ...]:
    """The notes but for those on how loud it is."""
    return tuple(note for note in recipe.notes if not note.startswith("peaks"))


def codes(job: Job) -> torch.Tensor:
    return Tokens.load(job.folder / "tokens.safetensors").codes


def kept_in(job: Job) -> int:
    written = read_journal(job.folder / JOURNAL)
    return len(written.books[0]) if written and written.books else 0


def test_with_room_for_all_the_best_ways_are_taken_and_nothing_is_noted(toy: str, tmp_path: Path) -> None:
    recipe, watch = made(begun(toy, tmp_path))
    assert watch.ways == ["on the device", "everything", "large chunks"]
    assert recipe.chosen == {"schedule": "lockstep", "kv_cache": "fp32", "decode_chunk": 64}
    assert said(recipe) == ()
    assert recipe.stages == recipe.wanted


def test_what_does_not_fit_is_passed_over_and_the_recipe_says_why(
    toy: str, tmp_path: Path, free: Free
) -> None:
    free.turns = [5.0]
    recipe, watch = made(begun(toy, tmp_path))
    assert [choice.rung.name for choice in watch.choices] == [
        "on the device",
        "a small cache",
        "small chunks",
    ]
    assert said(recipe) == (
        "composing with a small cache (slower): with everything it needs 8.5 GiB, and 5.0 are free",
        "rendering with small chunks (slower): with large chunks it needs 5.5 GiB, and 5.0 are free",
    )
    assert recipe.chosen == {"schedule": "two-pass", "kv_cache": "int8", "decode_chunk": 16}
    assert recipe.schedule == "two-pass"
    assert recipe.stages["tokens"] == (
        recipe.wanted["tokens"] + "+memory:kv_cache=int8+memory:schedule=two-pass"
    )


def test_unknown_memory_takes_the_best_way_and_says_so(toy: str, tmp_path: Path, free: Free) -> None:
    free.turns = [None]
    recipe, watch = made(begun(toy, tmp_path))
    assert watch.choices[1].rung.name == "everything"
    assert "free memory is unknown: composing with everything" in recipe.notes
    assert {choice.run_on for choice in watch.choices} == {"cpu"}


def test_unknown_memory_is_no_more_than_there_is_in_all(
    toy: str, tmp_path: Path, free: Free, monkeypatch: pytest.MonkeyPatch
) -> None:
    free.turns = [None]
    monkeypatch.setattr(core.making.ways, "total_memory", lambda device: 7 * GIB)
    recipe, _ = made(begun(toy, tmp_path))
    assert "free memory is unknown, 7.0 GiB in all: composing with two passes (slower)" in recipe.notes


@pytest.mark.parametrize(
    "fail", [cuda, host, *(pytest.param(fail, marks=pytest.mark.slow) for fail in (hip, python))]
)
def test_at_the_prefill_nothing_is_lost_and_no_seam_is_left(toy: str, tmp_path: Path, fail: Fail) -> None:
    recipe, watch = made(begun(toy, tmp_path), short(("tokens", 0, fail)))
    assert watch.stages == ["conditions", "tokens", "tokens", "audio"]
    assert watch.ways[2] == "memory ran out: starts again with two passes"
    assert said(recipe) == (
        "memory ran out while composing with everything: it was begun again with two passes (slower)",
    )
    assert (recipe.state, recipe.seams, recipe.schedule) == ("done", (), "two-pass")


def test_in_the_middle_of_composing_what_was_made_is_kept(toy: str, tmp_path: Path) -> None:
    whole, _ = made(plain := begun(toy, tmp_path / "whole"))
    job = begun(toy, tmp_path / "a")
    recipe, watch = made(job, short(("tokens", 30, host)))
    assert watch.ways[2] == "memory ran out: goes on with two passes"
    assert said(recipe) == (
        "memory ran out while composing with everything: it went on with two passes (slower)",
    )
    (seam,) = recipe.seams
    assert 25 <= seam.frame <= 30
    assert not seam.is_exact
    assert (codes(job)[0, : seam.frame] == codes(plain)[0, : seam.frame]).all()
    assert codes(job).shape == codes(plain).shape
    assert recipe.seconds == whole.seconds == 2
    again = [done for stage, done, _ in watch.steps if stage == "tokens"]
    resumed = again[again.index(30) + 1 :]
    assert min(resumed) >= seam.frame, "what was there has been made anew"


def test_twice_in_a_row_it_goes_two_ways_down(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    recipe, watch = made(job, short(("tokens", 30, cuda), ("tokens", 40, hip)))
    assert [choice.rung.name for choice in watch.choices[1:-1]] == [
        "everything",
        "two passes",
        "a small cache",
    ]
    assert recipe.state == "done"
    assert recipe.chosen["kv_cache"] == "int8"
    assert said(recipe) == (
        "memory ran out while composing with everything: it went on with two passes (slower)",
        "memory ran out while composing with everything and two passes: "
        "it went on with a small cache (slower)",
    )


def test_a_way_that_is_shorter_than_what_is_there_is_passed_over(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    again: list[tuple[str, int, Fail]] = [("tokens", 30, cuda), ("tokens", 30, cuda), ("tokens", 30, cuda)]
    with pytest.raises(SongdeskError) as refused:
        made(job, short(*again))
    assert str(refused.value).startswith(
        "not enough memory for this song: composing needs 4.5 GiB at the least"
    )
    assert "it ran out where 100.0 GiB are free" in str(refused.value)
    assert kept_in(job) >= 25
    fresh = begun(toy, tmp_path / "fresh")
    recipe, _ = made(fresh, short(("tokens", 0, cuda), ("tokens", 0, cuda), ("tokens", 0, cuda)))
    assert recipe.seconds == 1, "nothing was there, so that a shorter song is better than none"
    assert recipe.chosen["length"] == 1


def test_when_no_way_is_left_the_take_goes_on_later_as_it_was_begun(toy: str, tmp_path: Path) -> None:
    whole, _ = made(begun(toy, tmp_path / "whole"))
    job = begun(toy, tmp_path / "a")
    with pytest.raises(SongdeskError, match="not enough memory"):
        made(job, breaks("tokens", 30, MemoryError))
    broken = recipe_of(job)
    assert broken.state == "failed"
    assert broken.chosen["kv_cache"] == "fp32"
    assert said(broken) == ()
    recipe, watch = made(job_of(job.folder))
    assert [choice.rung.name for choice in watch.choices] == ["everything", "large chunks"]
    assert (recipe.tokens, recipe.samples) == (whole.tokens, whole.samples)
    assert all(seam.is_exact for seam in recipe.seams)


def test_sound_is_begun_anew_with_nothing_left_of_what_broke(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path, stems="mix+vocal")
    recipe, watch = made(job, short(("audio", 5, cuda)))
    assert watch.ways[-1] == "memory ran out: starts again with small chunks"
    small, _ = made(begun(toy, tmp_path / "b", stems="mix+vocal", decode_chunk=16))
    assert (recipe.tokens, recipe.samples) == (small.tokens, small.samples)
    assert sorted(path.name for path in job.folder.iterdir()) == sorted(
        ["boats.wav", "boats_vocal.wav", "conditions.safetensors", "latents.safetensors", "recipe.json",
         "tokens.safetensors"]
    )  # fmt: skip


def test_the_first_stage_goes_to_the_processor(toy: str, tmp_path: Path) -> None:
    recipe, watch = made(begun(toy, tmp_path), short(("conditions", 0, cuda)))
    assert watch.stages[:3] == ["conditions", "conditions", "tokens"]
    assert recipe.chosen["device of conditions"] == "cpu"
    assert recipe.stages["conditions"].endswith("+memory:device=cpu")


def test_an_error_of_another_kind_is_no_shortage(toy: str, tmp_path: Path) -> None:
    def wrong() -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        made(begun(toy, tmp_path), short(("tokens", 9, wrong)))


def test_a_stop_between_two_ways_is_heeded(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)

    class Leaving(Choosy):
        def begin(self, stage: Stage, plan: Plan, device: Device, choice: Choice) -> None:
            if choice.broke:
                raise Cancelled
            super().begin(stage, plan, device, choice)

    with pytest.raises(Cancelled), torch.inference_mode():
        render(job, Leaving(job, short(("tokens", 30, cuda))))
    assert recipe_of(job).state == "cancelled"
    assert kept_in(job) >= 25


def test_a_take_goes_on_as_it_was_made_though_there_is_more_room_now(
    toy: str, tmp_path: Path, free: Free
) -> None:
    job = begun(toy, tmp_path)
    free.turns = [5.0]
    with pytest.raises(Paused):
        made(job, breaks("tokens", 30))
    free.turns = [100.0]
    recipe, watch = made(job_of(job.folder))
    assert watch.choices[0].rung.settings["kv_cache"] == "int8"
    assert recipe.chosen["kv_cache"] == "int8"
    assert len([note for note in recipe.notes if "a small cache" in note]) == 1
    assert len(recipe.seams) == 1


def test_a_take_goes_on_in_less_room_than_it_was_begun_in(toy: str, tmp_path: Path, free: Free) -> None:
    job = begun(toy, tmp_path)
    with pytest.raises(Paused):
        made(job, breaks("tokens", 30))
    free.turns = [5.0]
    recipe, _ = made(job_of(job.folder))
    assert recipe.chosen["kv_cache"] == "int8"
    assert recipe.state == "done"
    assert [seam.is_exact for seam in recipe.seams] == [False]


def test_a_take_is_made_again_by_what_memory_decided_then(toy: str, tmp_path: Path, free: Free) -> None:
    job = begun(toy, tmp_path)
    free.turns = [5.0]
    made(job)
    free.turns = [100.0]
    take = take_of(job.folder)
    assert isinstance(take, Take)

    def run(again: Job) -> Outcome:
        with torch.inference_mode():
            return render(again, Choosy(again))

    assert replay(take, run).kind == "bit-identical"
    free.turns = [3.0]
    found = replay(take, run)
    assert found.kind == "different"
    assert "length was 2, now 1" in found.reasons


def test_choices_of_another_model_or_hand_are_passed_over(toy: str, tmp_path: Path) -> None:
    job = begun(toy, tmp_path)
    recipe = recipe_of(job)
    odd: dict[str, Value] = {"schedule": "sideways", "kv_cache": "fp32", "nonsense": 3}
    recipes.save(replace(recipe, chosen=odd), job.folder)
    after, _ = made(job_of(job.folder))
    assert after.chosen["schedule"] == "lockstep"
    assert family_of(toy)[1].id == after.model
