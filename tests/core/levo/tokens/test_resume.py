from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.engine import Verdict
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import TokenShapes
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.loop import steps
from core.levo.tokens.model import TokenModel
from core.levo.tokens.pattern import Sheet

Song = Callable[..., Any]
Tiny = Callable[[float], TokenModel]
BOTH = ("lockstep", "two-pass")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def endless(tiny: Tiny) -> TokenModel:
    return tiny(0.0)


@pytest.fixture(scope="module")
def ending(tiny: Tiny) -> TokenModel:
    return tiny(2.0)


def start_of(codes: list[list[int]], frames: int) -> Tokens:
    return Tokens(torch.tensor(codes)[:, :frames])


@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("frames", [0, 1, 4, 5, 6, 17, 29])
def test_going_on_from_a_prefix_gives_the_uninterrupted_song(
    endless: TokenModel, song: Song, schedule: str, frames: int
) -> None:
    whole = song(endless)[0]
    again, seen = song(endless, schedule=schedule, start=start_of(whole, frames))
    assert again == whole
    assert seen[0][0] == frames
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize("schedule", BOTH)
def test_a_prefix_is_followed_to_the_same_end(ending: TokenModel, song: Song, schedule: str) -> None:
    went_on = 0
    for seed in range(10):
        whole = song(ending, seed=seed, minimum_length=0.2)[0]
        if 7 < len(whole[0]) < 30:
            went_on += 1
            assert song(ending, schedule=schedule, seed=seed, start=start_of(whole, 7))[0] == whole
    assert went_on > 0


@pytest.mark.parametrize("schedule", BOTH)
def test_another_seed_goes_on_differently_and_keeps_the_start(
    endless: TokenModel, song: Song, schedule: str
) -> None:
    whole = song(endless)[0]
    other = song(endless, schedule=schedule, seed=2, start=start_of(whole, 12))[0]
    assert [row[:12] for row in other] == [row[:12] for row in whole]
    assert other[0][12:] != whole[0][12:]


def test_a_song_that_was_finished_early_can_go_on(endless: TokenModel, song: Song) -> None:
    kept = song(endless, at=lambda desk, done: Verdict.FINISH if done >= 11 else None)[0]
    again = song(endless, start=start_of(kept, 11))[0]
    assert [row[:11] for row in again] == kept
    assert len(again[0]) == 30
    assert again[0] == song(endless)[0][0], "main hears codebook 0 alone, which is the same"


@pytest.mark.parametrize("schedule", BOTH)
def test_finishing_while_the_start_is_taken_in_keeps_it_alone(
    endless: TokenModel, song: Song, schedule: str
) -> None:
    whole = song(endless)[0]
    start = start_of(whole, 12)
    kept = song(endless, schedule=schedule, start=start, at=lambda desk, done: Verdict.FINISH)[0]
    assert kept == start.codes.tolist()


@pytest.mark.parametrize(("kind", "tolerance"), [("fp32", 2e-5), ("fp16", 2e-3), ("int8", 0.05)])
@pytest.mark.parametrize("frames", [3, 12])
def test_a_prefilled_start_gives_the_logits_of_single_steps(
    endless: TokenModel, conditions: Conditions, shapes: TokenShapes, kind: str, tolerance: float, frames: int
) -> None:
    codes = torch.randint(0, shapes.codes, (3, frames), generator=torch.Generator().manual_seed(6))
    sheet = Sheet(shapes, 30, device=CPU, start=[*codes])
    sheet.skip((0, 1, 2))
    assert sheet.done == frames
    prefix = endless.prefix(conditions, 2)
    once, single = (Decoding(endless, rows=2, columns=sheet.total, cache=kind) for _ in range(2))
    once.prefill(prefix, sheet.columns(0, sheet.done + 1), chunk=7)
    single.prefill(prefix, sheet.columns(0, 1))
    for column in range(1, sheet.done + 1):
        single.feed(sheet.columns(column, column + 1))
    assert once.taken == single.taken == frames + 1
    wanted = single.logits((0, 1, 2))
    torch.testing.assert_close(once.logits((0, 1, 2)), wanted, atol=tolerance * float(wanted.std()), rtol=0)


def test_a_start_that_leaves_no_room_is_refused(endless: TokenModel, song: Song) -> None:
    whole = song(endless)[0]
    with pytest.raises(SongdeskError, match="30 frames") as caught:
        song(endless, start=start_of(whole, 30))
    assert "length" in caught.value.hint


@pytest.mark.parametrize("code", [-1, 50, 51])
def test_a_start_with_foreign_codes_is_refused(endless: TokenModel, song: Song, code: int) -> None:
    with pytest.raises(SongdeskError, match="codes that this model does not have"):
        song(endless, start=Tokens(torch.tensor([[1, 2], [3, code], [4, 5]])))


@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize(("key", "value"), [("temperature", 0.0), ("guidance", 5.0), ("top_k", 1)])
def test_a_knob_turned_at_a_step_leaves_the_tokens_before_it_alone(
    endless: TokenModel, song: Song, schedule: str, key: str, value: float
) -> None:
    plain = song(endless, schedule=schedule)[0]

    def turn(desk: Any, done: int) -> None:
        if done == 9:
            desk.values[key] = value

    turned = song(endless, schedule=schedule, at=turn)[0]
    assert turned[0][:9] == plain[0][:9]
    assert turned[0][9:] != plain[0][9:]


def test_the_loop_gives_each_column_as_it_is_written(
    endless: TokenModel, conditions: Conditions, shapes: TokenShapes, song: Song
) -> None:
    desks: list[Any] = []
    whole = song(endless, at=lambda desk, done: desks.append(desk))[0]
    sheet = Sheet(shapes, 30, device=CPU)
    network = Decoding(endless, rows=2, columns=sheet.total, cache="fp32")
    network.prefill(endless.prefix(conditions, 2), sheet.first)
    loop = steps(network, sheet, conditions.prompt_codes[0], desks[0])
    first = [int(next(loop)[0]) for _ in range(10)]
    assert first == whole[0][:10]
    assert sheet.done == 10, "nothing runs ahead of who listens"
    assert len(list(loop)) == 25
    assert sheet.codes().tolist() == whole
