"""A run that was cut off at any step is gone on with to the song of one that was not."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from core.engine import Known
from core.errors import Cancelled
from core.levo.artifacts import Conditions
from core.levo.tokens.compose import compose
from core.levo.tokens.model import TokenModel
from core.settings import Value, Values
from tests.core.levo.tokens.conftest import SHAPES, VALUES, Desk

BOTH = ("lockstep", "two-pass")
Composed = tuple[list[list[int]], Desk]


@pytest.fixture(scope="module", params=[0.0, 2.0], ids=["endless", "ending"])
def model(request: pytest.FixtureRequest, tiny: Callable[[float], TokenModel]) -> TokenModel:
    return tiny(request.param)


@pytest.fixture
def run(model: TokenModel, conditions: Conditions) -> Callable[..., Composed]:
    def make(
        *, schedule: str = "lockstep", known: Known | None = None, stop: int | None = None,
        knobs: Mapping[str, Value] | None = None, until: float = 0.0, keep: Any = None,
    ) -> Composed:  # fmt: skip
        def at(desk: Desk, done: int) -> None:
            if stop is not None and len(desk.seen) > stop:
                raise Cancelled

        desk = Desk({**VALUES, **(knobs or {})}, 4, at)
        desk.before, desk.until = known or Known(), until
        if keep:
            desk.keep = keep  # type: ignore[method-assign]
        for book, codes in enumerate(desk.before.books):
            desk.books[book].extend(codes)
        try:
            made = compose(lambda parts: model, SHAPES, conditions, Values(VALUES), desk, schedule=schedule)
        except Cancelled:
            return [], desk
        return made.codes.tolist(), desk

    return make


@pytest.mark.parametrize("schedule", BOTH)
@pytest.mark.parametrize("stop", [0, 1, 2, 4, 5, 6, 11, 27, 31, 38, 52])
def test_what_was_written_down_is_gone_on_with(
    run: Callable[..., Composed], schedule: str, stop: int
) -> None:
    whole, first = run(schedule=schedule)
    assert [list(codes[: len(whole[0])]) for codes in first.books] == whole, "all of it is written down"
    _, broken = run(schedule=schedule, stop=stop)
    for kept, made in zip(broken.books, whole, strict=True):
        assert kept == made[: len(kept)]
    again, desk = run(schedule=schedule, known=broken.left())
    assert again == whole
    assert desk.books == first.books, "nothing is written down twice"


def test_the_step_that_was_cut_off_is_the_last_to_be_kept(run: Callable[..., Composed]) -> None:
    whole, _ = run()
    _, broken = run(stop=3)
    assert [len(codes) for codes in broken.books] == [min(3, len(whole[0])), 0, 0]


@pytest.mark.parametrize(("first", "then"), [BOTH, BOTH[::-1]])
@pytest.mark.parametrize("stop", [3, 12, 36])
def test_the_other_schedule_goes_on_as_well(
    run: Callable[..., Composed], first: str, then: str, stop: int
) -> None:
    whole, _ = run()
    _, broken = run(schedule=first, stop=stop)
    assert run(schedule=then, known=broken.left())[0] == whole


def test_a_run_that_was_cut_off_again_and_again(run: Callable[..., Composed]) -> None:
    whole, _ = run()
    known = Known()
    for _ in range(60):
        codes, desk = run(known=known, stop=4)
        known = desk.left()
        if codes:
            break
    assert codes == whole


@pytest.mark.parametrize("schedule", BOTH)
def test_a_draft_is_the_beginning_and_is_gone_on_with(run: Callable[..., Composed], schedule: str) -> None:
    whole, _ = run()
    short, desk = run(schedule=schedule, until=0.4)
    frames = min(10, len(whole[0]))
    assert short == [row[:frames] for row in whole]
    assert desk.seen[-1][0] == desk.seen[-1][1]
    assert run(schedule=schedule, known=desk.left())[0] == whole


def test_nothing_is_asked_of_the_network_where_all_is_known(
    run: Callable[..., Composed], conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, desk = run()
    known = Known(desk.left().books, len(whole[0]))
    monkeypatch.setattr(TokenModel, "main", lambda *_: pytest.fail("main runs"))
    assert run(known=known)[0] == whole


def test_a_disk_that_refuses_ends_the_song_with_what_is_there(run: Callable[..., Composed]) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space"):
        run(keep=full)
