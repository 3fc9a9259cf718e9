"""Static steps write what plain ones write, also where their host runs ahead of them."""

import gc
import weakref
from collections.abc import Callable

import pytest
import torch

from core.engine import Known, Verdict
from core.errors import Cancelled, SongdeskError
from core.levo.artifacts import Tokens
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.model import Part, TokenModel
from core.settings import Value
from tests.core.levo.tokens.conftest import SHAPES, Desk
from tests.core.levo.tokens.static.conftest import WAYS, Composed, Queue

Written = Callable[..., Composed]
BOTH = ("lockstep", "two-pass")
SLOW = pytest.mark.slow
OFTEN_LATE = (pytest.param("at-once", marks=SLOW), "late")
FRAMES = 20


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_the_song_is_that_of_plain_steps(
    endless: TokenModel, written: Written, way: str, schedule: str, guidance: float
) -> None:
    knobs = {"guidance": guidance}
    plain, told = written(endless, "plain", schedule=schedule, knobs=knobs)
    static, desk = written(endless, way, schedule=schedule, knobs=knobs)
    assert static == plain
    assert desk.books == told.books == plain, "all of it is written down"
    assert desk.seen == told.seen, "progress is the same"


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=SLOW) for seed in range(3, 7))])
def test_the_model_ends_the_song_where_it_ends_by_plain_steps(
    ending: TokenModel, written: Written, way: str, schedule: str, seed: int
) -> None:
    plain, told = written(ending, "plain", schedule=schedule, seed=seed)
    static, desk = written(ending, way, schedule=schedule, seed=seed)
    assert static == plain
    assert desk.books == told.books
    assert desk.frames == told.frames
    assert desk.seen[-1][0] == desk.seen[-1][1]
    assert len(plain[0]) <= FRAMES


def test_some_songs_are_shorter_than_the_delay(ending: TokenModel, written: Written) -> None:
    lengths = {}
    for seed in (3, 4):
        plain = written(ending, "plain", seed=seed, knobs={"temperature": 1.8})[0]
        if len(plain[0]) < 5:
            lengths[seed] = plain
    assert lengths
    for seed, plain in lengths.items():
        for schedule in BOTH:
            static, _ = written(ending, "late", schedule=schedule, seed=seed, knobs={"temperature": 1.8})
            assert static == plain


def test_a_song_of_no_frames_is_refused(tiny: Callable[[float], TokenModel], written: Written) -> None:
    knobs = {"minimum_length": 0.0, "temperature": 0.0}

    def is_refused(model: TokenModel, way: str) -> bool:
        try:
            written(model, way, knobs=knobs)
        except SongdeskError as error:
            return "first frame" in error.what
        return False

    hasty = next(model for model in map(tiny, (60.0, -60.0)) if is_refused(model, "plain"))
    assert all(is_refused(hasty, way) for way in WAYS)


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("kind", ["int8", "mulaw8", pytest.param("fp16", marks=SLOW)])
def test_every_cache_is_read_as_it_was_written(
    endless: TokenModel, written: Written, way: str, kind: str
) -> None:
    """Codes may differ by rounding, which seldom turns a token in so few steps."""
    knobs = {"kv_cache": kind, "temperature": 0.5}
    plain, static = (written(endless, each, knobs=knobs)[0] for each in ("plain", way))
    assert [row[:10] for row in static] == [row[:10] for row in plain]


@pytest.mark.parametrize("rounds", [to_int8, to_int4], ids=["int8", "int4"])
def test_rounded_weights_are_read_as_they_are_in_memory(
    rounds: Callable[[TokenModel], None], tiny: Callable[[float], TokenModel], written: Written
) -> None:
    model = tiny(0.0)
    rounds(model)
    plain, static = (written(model, way, knobs={"temperature": 0.5})[0] for way in ("plain", "late"))
    assert [row[:10] for row in static] == [row[:10] for row in plain]


def test_main_is_gone_before_sub_is_loaded(endless: TokenModel, written: Written) -> None:
    state, alive = endless.state_dict(), list[weakref.ref[torch.Tensor]]()

    def load(parts: tuple[Part, ...]) -> TokenModel:
        assert not any(tensor() is not None for tensor in alive), "an earlier part is still in memory"
        model = TokenModel(SHAPES, parts)
        model.load_state_dict({key: state[key].clone() for key in model.state_dict()})
        alive.extend(weakref.ref(tensor) for tensor in model.parameters())
        return model.eval().requires_grad_(False)

    gc.disable()
    try:
        written(load, "at-once", schedule="two-pass")
    finally:
        gc.enable()


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("frames", [5, *(pytest.param(some, marks=SLOW) for some in (1, 4, 6, 17, 19))])
def test_a_song_goes_on_from_a_line(
    endless: TokenModel, written: Written, way: str, schedule: str, frames: int
) -> None:
    whole, _ = written(endless, "plain", schedule=schedule)
    again, desk = written(endless, way, schedule=schedule, start=Tokens(torch.tensor(whole)[:, :frames]))
    assert again == whole
    assert desk.seen[0][0] == frames


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("stop", [11, *(pytest.param(stop, marks=SLOW) for stop in (1, 2, 5, 6, 17, 28, 35))])
def test_what_a_cut_off_run_wrote_down_is_gone_on_with(
    ending: TokenModel, written: Written, way: str, schedule: str, stop: int
) -> None:
    def leave(desk: Desk, done: int) -> None:
        if len(desk.seen) > stop:
            raise Cancelled

    whole, _ = written(ending, "plain", schedule=schedule)
    _, broken = written(ending, way, schedule=schedule, at=leave)
    _, plainly = written(ending, "plain", schedule=schedule, at=leave)
    assert broken.books == plainly.books, "all that was set off is kept"
    assert written(ending, way, schedule=schedule, known=broken.left())[0] == whole


@pytest.mark.parametrize("first", BOTH)
def test_the_other_schedule_goes_on_with_what_is_unevenly_known(
    ending: TokenModel, written: Written, first: str
) -> None:
    """Two passes leave a first codebook without the others, between which and the end nothing is open."""

    def leave(desk: Desk, done: int) -> None:
        if len(desk.seen) > 23:
            raise Cancelled

    then = BOTH[1 - BOTH.index(first)]
    whole, _ = written(ending, "plain")
    _, broken = written(ending, "late", schedule=first, at=leave)
    assert written(ending, "late", schedule=then, known=broken.left())[0] == whole


@pytest.mark.parametrize("way", OFTEN_LATE)
def test_known_cells_in_the_middle_are_taken_in_together(
    endless: TokenModel, written: Written, way: str
) -> None:
    whole, _ = written(endless, "plain")
    known = Known(tuple(tuple(row[:count]) for row, count in zip(whole, (2, 19, 18), strict=True)))
    assert written(endless, way, known=known)[0] == whole


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("schedule", BOTH)
def test_a_draft_is_the_beginning(endless: TokenModel, written: Written, way: str, schedule: str) -> None:
    whole, _ = written(endless, "plain")
    short, desk = written(endless, way, schedule=schedule, until=0.4)
    assert short == [row[:10] for row in whole]
    assert written(endless, way, schedule=schedule, known=desk.left())[0] == whole


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 0.0), ("guidance", 5.0),
        *(
            pytest.param(*each, marks=SLOW)
            for each in (("top_k", 3), ("top_p", 0.5), ("repetition_window", 20), ("penalty_mode", "count"),
                         ("penalty_sign", "aware"), ("stem_temperature", 1.5), ("stem_top_k", 2),
                         ("stem_top_p", 0.3), ("repetition_penalty", 1.9))
        ),
    ],
)  # fmt: skip
def test_a_turned_knob_counts_from_the_step_it_is_told_at(
    endless: TokenModel, written: Written, way: str, key: str, value: Value
) -> None:
    def turn(desk: Desk, done: int) -> None:
        if done == 9:
            desk.values[key] = value

    for schedule in BOTH:
        plain, static = (written(endless, each, schedule=schedule, at=turn)[0] for each in ("plain", way))
        assert static == plain


@pytest.mark.parametrize("way", OFTEN_LATE)
@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize(
    "after", [1, 28, *(pytest.param(after, marks=SLOW) for after in (3, 5, 12, 19, 21, 40))]
)
def test_a_song_that_is_told_to_end_keeps_what_is_whole(
    endless: TokenModel, written: Written, way: str, schedule: str, after: int
) -> None:
    def stop(desk: Desk, done: int) -> Verdict | None:
        return Verdict.FINISH if done >= after else None

    plain, told = written(endless, "plain", schedule=schedule, at=stop)
    static, desk = written(endless, way, schedule=schedule, at=stop)
    assert static == plain
    assert desk.books == told.books
    assert desk.frames == told.frames


def test_told_to_end_while_what_is_known_is_taken_in(endless: TokenModel, written: Written) -> None:
    start = Tokens(torch.tensor(written(endless, "plain")[0])[:, :12])
    for schedule in BOTH:
        kept, _ = written(
            endless, "late", schedule=schedule, start=start, at=lambda desk, done: Verdict.FINISH
        )
        assert kept == start.codes.tolist()


def test_the_host_runs_ahead_as_far_as_the_shortest_delay_and_no_further(
    endless: TokenModel, written: Written, queue: Queue
) -> None:
    _, desk = written(endless, "late")
    assert queue.most == 5
    assert queue.opened <= len(desk.seen) / 2 + 1, "it waits for a few steps at a time"
