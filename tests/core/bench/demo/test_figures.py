"""Readings become cells, and cells are held against bars."""

import math

from core.bench.demo.figures import Bar, Cell, Figure, Readings, Row, cell_of, gathered, known, right, unknown

SHARE = Figure("hit", "style", "hits", bar=Bar(0.8, "≥ 80 %"))


def test_what_is_no_number_is_unknown_and_counted_by_its_reason() -> None:
    cell = cell_of([known(2.0), known(math.nan), unknown("silent"), unknown("silent"), known(4.0)], "mean")
    assert (cell.value, cell.count, cell.missing) == (3.0, 2, 3)
    assert cell.unknown == {"silent": 2, "the measure gave no number": 1}


def test_a_median_is_not_moved_by_one_song() -> None:
    assert cell_of(map(known, (1.0, 2.0, 900.0)), "median").value == 2.0


def test_nothing_measured_is_unknown_and_not_met() -> None:
    row = Row(SHARE, {"trained": cell_of([unknown("silent")], "share")})
    assert row.verdict == "unknown"


def test_a_share_must_reach_its_bar_with_the_unknown_counted_as_wrong() -> None:
    nine = [right(True)] * 9
    assert Row(SHARE, {"trained": cell_of(nine, "share")}).verdict == "met"
    assert Row(SHARE, {"trained": cell_of([*nine, *[unknown("silent")] * 3], "share")}).verdict == "not met"


def test_a_bar_that_must_be_passed_is_not_met_by_as_much() -> None:
    figure = Figure("rise", "guidance", "rise", "", "mean", Bar(0.0, "> 0", is_strict=True))
    assert Row(figure, {"trained": Cell(0.0, 1)}).verdict == "not met"
    assert Row(figure, {"trained": Cell(0.01, 1)}).verdict == "met"


def test_without_a_bar_or_trained_songs_there_is_no_verdict() -> None:
    assert Row(SHARE, {"corpus": Cell(1.0, 1)}).verdict == ""
    assert Row(Figure("free", "style", "free"), {"trained": Cell(1.0, 1)}).verdict == ""


def test_a_row_gathers_every_song_of_every_way() -> None:
    songs: dict[str, list[Readings]] = {
        "trained": [{"hit": [right(True), right(False)]}, {}, {"hit": [right(True)]}],
        "corpus": [{}],
    }
    row = gathered(SHARE, songs)
    assert row.cells["trained"].count == 3
    assert row.cells["trained"].value == 2 / 3
    assert row.cells["corpus"].value is None
