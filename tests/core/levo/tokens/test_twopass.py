import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.engine import Verdict
from core.errors import Cancelled
from core.levo.shapes import TokenShapes
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.pattern import Sheet
from core.levo.weights import hollow

Song = Callable[..., Any]
Tiny = Callable[[float], TokenModel]
BOTH = ("lockstep", "two-pass")


@pytest.fixture(scope="module")
def endless(tiny: Tiny) -> TokenModel:
    return tiny(0.0)


@pytest.fixture(scope="module")
def ending(tiny: Tiny) -> TokenModel:
    return tiny(2.0)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_both_schedules_write_the_same_song(
    endless: TokenModel, song: Song, seed: int, temperature: float, guidance: float
) -> None:
    one, other = (
        song(endless, schedule=schedule, seed=seed, temperature=temperature, guidance=guidance)[0]
        for schedule in BOTH
    )
    assert one == other
    assert [len(row) for row in one] == [30] * 3


@pytest.mark.parametrize("stem_temperature", [0.0, 0.7])
def test_both_schedules_end_where_the_model_ends_the_song(
    ending: TokenModel, song: Song, stem_temperature: float
) -> None:
    lengths = set()
    for seed in range(8):
        changes = {"seed": seed, "minimum_length": 0.08, "stem_temperature": stem_temperature}
        one, other = (song(ending, schedule=schedule, **changes)[0] for schedule in BOTH)
        assert one == other
        lengths.add(len(one[0]))
    assert len(lengths & set(range(2, 5))) > 0, "no song was shorter than the delay"
    assert len(lengths & set(range(6, 30))) > 1, "no song ended in its middle"


@pytest.mark.parametrize(
    "after", [1, 17, *(pytest.param(after, marks=pytest.mark.slow) for after in (3, 5, 29))]
)
def test_finishing_while_main_runs_keeps_what_lockstep_keeps(
    endless: TokenModel, song: Song, after: int
) -> None:
    def stop(desk: object, done: int) -> Verdict | None:
        return Verdict.FINISH if done >= after else None

    kept = [song(endless, schedule=schedule, at=stop)[0] for schedule in BOTH]
    assert kept[0] == kept[1]
    assert [len(row) for row in kept[0]] == [after] * 3


@pytest.mark.parametrize("after", [40, *(pytest.param(after, marks=pytest.mark.slow) for after in (31, 60))])
def test_finishing_while_sub_runs_keeps_the_frames_that_have_all_their_codes(
    endless: TokenModel, song: Song, after: int
) -> None:
    whole = song(endless, schedule="two-pass")[0]

    def stop(desk: object, done: int) -> Verdict | None:
        return Verdict.FINISH if done >= after else None

    kept, _ = song(endless, schedule="two-pass", at=stop)
    assert kept == [row[: after - 30] for row in whole]


@pytest.mark.parametrize("schedule", BOTH)
def test_progress_never_goes_back_and_ends_full(ending: TokenModel, song: Song, schedule: str) -> None:
    for seed in range(4):
        _, seen = song(ending, schedule=schedule, seed=seed, minimum_length=0.2)
        shares = [done / total for done, total in seen]
        assert shares == sorted(shares)
        assert shares[-1] == 1


def test_a_song_in_two_passes_counts_each_frame_twice(endless: TokenModel, song: Song) -> None:
    _, seen = song(endless, schedule="two-pass")
    assert {total for _, total in seen} == {60}
    assert sorted({done for done, _ in seen}) == list(range(61))


def test_main_is_gone_before_sub_is_loaded(endless: TokenModel, shapes: TokenShapes, song: Song) -> None:
    state = endless.state_dict()
    loaded: list[tuple[Part, ...]] = []
    alive: list[weakref.ref[torch.Tensor]] = []

    def load(parts: tuple[Part, ...]) -> TokenModel:
        gc.collect()
        assert not any(tensor() is not None for tensor in alive), "an earlier part is still in memory"
        model = TokenModel(shapes, parts)
        model.load_state_dict({key: state[key].clone() for key in model.state_dict()})
        alive.extend(weakref.ref(tensor) for tensor in model.parameters())
        loaded.append(parts)
        return model.eval().requires_grad_(False)

    assert song(load, schedule="two-pass") == song(endless, schedule="two-pass")
    assert loaded == [("text",), ("main",), ("sub",)]
    loaded.clear()
    alive.clear()
    assert song(load)[0] == song(endless)[0]
    assert loaded == [("text",), ("main", "sub")]


def test_the_parts_share_no_tensor_and_leave_none_out(shapes: TokenShapes) -> None:
    with hollow():
        keys = [set(TokenModel(shapes, (part,)).state_dict()) for part in ("text", "main", "sub")]
        whole = set(TokenModel(shapes).state_dict())
    assert set().union(*keys) == whole
    assert sum(map(len, keys)) == len(whole)


def test_known_columns_are_fed_in_one_go(
    endless: TokenModel, song: Song, shapes: TokenShapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: dict[str, list[int]] = {"main": [], "sub": []}
    main, sub = TokenModel.main, TokenModel.sub

    def main_heard(self: TokenModel, x: torch.Tensor, *rest: Any) -> torch.Tensor:
        lengths["main"].append(x.shape[1])
        return main(self, x, *rest)

    def sub_heard(self: TokenModel, x: torch.Tensor, *rest: Any) -> torch.Tensor:
        lengths["sub"].append(x.shape[1])
        return sub(self, x, *rest)

    monkeypatch.setattr(TokenModel, "main", main_heard)
    monkeypatch.setattr(TokenModel, "sub", sub_heard)
    song(endless, schedule="two-pass")
    assert lengths["main"] == [shapes.prefix + 1, *[1] * 29, 5]
    assert lengths["sub"] == [shapes.prefix + 1, 5, *[1] * 29], "the prefix with the first column apart"


def test_each_pass_obeys_the_knobs_of_its_own_codebooks(endless: TokenModel, song: Song) -> None:
    plain = song(endless, schedule="two-pass")[0]

    def turn(key: str, when: int) -> Any:
        return lambda desk, done: desk.values.update({key: 0.0}) if done == when else None

    first = song(endless, schedule="two-pass", at=turn("temperature", 8))[0]
    assert first[0][:8] == plain[0][:8]
    assert first[0] != plain[0]
    late = song(endless, schedule="two-pass", at=turn("temperature", 38))[0]
    assert late == plain, "codebook 0 stands when sub runs"
    stems = song(endless, schedule="two-pass", at=turn("stem_temperature", 38))[0]
    assert stems[0] == plain[0]
    assert [row[:8] for row in stems] == [row[:8] for row in plain]
    assert stems != plain


@pytest.mark.parametrize("when", [12, 44, *(pytest.param(when, marks=pytest.mark.slow) for when in (0, 30))])
def test_giving_up_leaves_either_pass_at_once(endless: TokenModel, song: Song, when: int) -> None:
    last = []

    def leave(desk: object, done: int) -> None:
        last.append(done)
        if done == when:
            raise Cancelled

    with pytest.raises(Cancelled):
        song(endless, schedule="two-pass", at=leave)
    assert last[-1] == when


@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("every", [4, *(pytest.param(every, marks=pytest.mark.slow) for every in (2, 8))])
def test_looking_for_the_end_now_and_then_gives_the_same_song(
    ending: TokenModel, song: Song, schedule: str, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"schedule": schedule, "minimum_length": 0.08}
    at_once = [song(ending, seed=seed, **changes)[0] for seed in range(8)]
    init = Sheet.__init__

    def patient(self: Sheet, *args: Any, **options: Any) -> None:
        init(self, *args, **options, every=every)

    monkeypatch.setattr(Sheet, "__init__", patient)
    assert [song(ending, seed=seed, **changes)[0] for seed in range(8)] == at_once
    assert min(len(made[0]) for made in at_once) < 30
