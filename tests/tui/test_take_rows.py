"""Takes made into rows: their words, their tree, their numbers, and what is left of them by a search."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.meter import Meter, State
from core.takes.recipe import Kin
from core.takes.take import Take
from tui.widgets.take_rows import Arranger, Learned, View, going, kin_words, numbers_of, row_of
from tui.widgets.takes_list import TakeRow

HOME = Path("/songs/boats")


def take(number: int, parent: int | None = None, **more: object) -> Take:
    kin = Kin(ident(parent), "resing", 42.0) if parent is not None else None
    plain = Take(ident(number), HOME, "Paper Boats", "done", 60.0, 7, None, "demo", kin=kin)
    return replace(plain, **more)  # type: ignore[arg-type]


def ident(number: int) -> str:
    return f"20261126-1806{number:02d}"


def drawn(rows: tuple[TakeRow, ...]) -> list[str]:
    return [f"{row.lead}{row.number}" for row in rows]


def arranged(takes: tuple[Take, ...], rows: tuple[TakeRow, ...], **how: Any) -> tuple[TakeRow, ...]:
    return Arranger()(View(takes, **how), rows)


TAKES = (take(5, 1), take(4), take(3, 2, note="warm ending"), take(2, 1), take(1, star=True))
ROWS = tuple(map(row_of, TAKES))


def test_children_stand_under_their_parents_with_numbers_by_age() -> None:
    rows = arranged(TAKES, ROWS)
    assert drawn(rows) == ["4", "1", "├ 2", "│ └ 3", "└ 5"]
    assert rows[2].detail == "re-sung from 0:42; made 2026-11-26"
    assert rows[1].star
    assert rows[3].note == "warm ending"


def test_a_search_keeps_the_parents_of_what_it_finds() -> None:
    assert drawn(arranged(TAKES, ROWS, words="WARM")) == ["1", "└ 2", "  └ 3"]
    assert drawn(arranged(TAKES, ROWS, words="re-sung")) == ["1", "├ 2", "│ └ 3", "└ 5"]
    assert drawn(arranged(TAKES, ROWS, words="ready warm")) == ["1", "└ 2", "  └ 3"]
    assert arranged(TAKES, ROWS, words="bagpipe") == ()


def test_another_order_has_no_tree() -> None:
    assert drawn(arranged(TAKES, ROWS, by="star")) == ["1", "5", "4", "3", "2"]
    (found,) = arranged(TAKES, ROWS, by="star", words="warm")
    assert found.detail == "re-sung from 0:42 of take 2; made 2026-11-26"


def test_one_in_the_trash_leaves_the_numbers_alone() -> None:
    rows = arranged((TAKES[1], TAKES[4]), (ROWS[1], ROWS[4]), counted=(TAKES[0], TAKES[2], TAKES[3]))
    assert drawn(rows) == ["4", "1"]


def test_a_child_whose_parent_is_gone_for_good_says_so() -> None:
    assert kin_words(TAKES[0], numbers_of([TAKES[0]])) == "re-sung from 0:42 of a take that is gone"


def test_a_row_that_changed_is_told_anew_at_its_place() -> None:
    arrange = Arranger()
    before = arrange(View(TAKES), ROWS)
    moved = tuple(replace(row, state_text="composing 1 %") if row.id == ident(2) else row for row in ROWS)
    after = arrange(View(TAKES), moved)
    assert [row.state_text for row in after] == ["ready", "ready", "composing 1 %", "ready", "ready"]
    assert after == Arranger()(View(TAKES), moved)
    assert arrange(View(TAKES), ROWS) == before
    assert arrange(View(TAKES[1:]), ROWS[1:]) == Arranger()(View(TAKES[1:]), ROWS[1:])


def test_what_was_learned_stands_in_the_rows() -> None:
    broken = take(6, 1, state="interrupted", seconds=None)
    learned = Learned({broken.id: 72.0}, {broken.id: "lyrics +1 -1"})
    row = arranged((broken, *TAKES), (row_of(broken), *ROWS), learned=learned)[-1]
    assert row.state_text == "interrupted 1:12"
    assert row.detail == "re-sung from 0:42; lyrics +1 -1; begun 2026-11-26"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("done", "ready"),
        ("queued", "queued"),
        ("paused", "paused 1:00"),
        ("draft", "draft 1:00"),
        ("interrupted", "interrupted 1:00"),
        ("stopped", "stopped"),
        ("running", "being made"),
    ],
)
def test_a_state_is_told_in_words(state: str, words: str) -> None:
    assert row_of(take(1, state=state)).state_text == words


def test_why_a_take_failed_stands_in_its_row() -> None:
    assert row_of(take(1, state="failed", trouble="the disk is full")).detail == "the disk is full"


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        (Meter(state=State.RUNNING, phase=1), "preparing"),
        (Meter(state=State.RUNNING, phase=2, done=439, total=1000), "composing 43 %"),
        (Meter(state=State.RUNNING, phase=3, done=1, total=2), "rendering 50 %"),
        (Meter(state=State.FINISHING, phase=2, done=1, total=2), "stopping, keeping"),
        (Meter(state=State.PAUSING, phase=2, done=1, total=2), "pausing"),
    ],
)
def test_what_is_being_made_says_how_far_it_came(meter: Meter, words: str) -> None:
    assert going(meter) == words
