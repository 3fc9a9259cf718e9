"""The tree of takes, and finding and ordering them."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.takes.lineage import ORDERS, lineage, search, sort
from core.takes.recipe import Kin
from core.takes.take import Take

HOME = Path("/songs/boats")


def take(
    number: int,
    parent: int | None = None,
    *,
    home: Path = HOME,
    state: str = "done",
    seconds: float | None = 60.0,
    seed: int | None = 7,
    star: bool = False,
    note: str = "",
) -> Take:
    kin = Kin(ident(parent), "resing", 42.0) if parent is not None else None
    return Take(
        ident(number), home, "Paper Boats", state, seconds, seed, None, "demo", kin=kin, star=star, note=note
    )


def ident(number: int) -> str:
    return f"20261126-1806{number // 100:02d}-{number % 100}"


def drawn(*takes: Take) -> list[str]:
    return [
        f"{twig.lead}{int(twig.take.id[13:15]) * 100 + int(twig.take.id[16:])}" for twig in lineage(takes)
    ]


def test_children_stand_under_their_parents() -> None:
    takes = [take(1), take(2, 1), take(3, 2), take(4, 2), take(5, 1), take(6, 5), take(7)]
    assert drawn(*takes) == ["7", "1", "├ 2", "│ ├ 3", "│ └ 4", "└ 5", "  └ 6"]
    assert drawn(*reversed(takes)) == drawn(*takes)
    assert [twig.depth for twig in lineage(takes)] == [0, 0, 1, 2, 2, 1, 2]


def test_ten_takes_of_one_second_are_in_order_of_their_number() -> None:
    assert drawn(*(take(n) for n in (9, 10, 11))) == ["11", "10", "9"]
    assert drawn(take(1), take(10, 1), take(9, 1)) == ["1", "├ 9", "└ 10"]


def test_a_take_without_its_parent_stands_by_itself() -> None:
    assert drawn(take(3, 99), take(4, 3)) == ["3", "└ 4"]


def test_takes_of_other_songs_are_no_kin() -> None:
    other = Path("/songs/other")
    assert [twig.depth for twig in lineage([take(1), take(2, 1, home=other)])] == [0, 0]


def test_circles_are_opened_at_their_oldest() -> None:
    assert drawn(take(1, 1)) == ["1"]
    assert drawn(take(1, 3), take(2, 1), take(3, 2), take(4, 3)) == ["1", "└ 2", "  └ 3", "    └ 4"]
    assert drawn(take(1, 2), take(2, 3), take(3, 2)) == ["2", "├ 1", "└ 3"]


def test_a_line_of_a_thousand_is_no_deeper_than_the_stack() -> None:
    twigs = lineage([take(0), *(take(n, n - 1) for n in range(1, 2500))])
    assert [twig.depth for twig in twigs] == list(range(2500))


@given(st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 14)), max_size=14))
def test_every_take_is_in_the_tree_once_and_below_its_parent(pairs: list[tuple[int, int | None]]) -> None:
    takes = [take(number, parent) for number, parent in dict(pairs).items()]
    twigs = lineage(takes)
    assert sorted(twig.take.id for twig in twigs) == sorted(t.id for t in takes)
    above: list[str] = []
    for twig in twigs:
        del above[twig.depth :]
        if twig.depth:
            assert twig.take.kin is not None
            assert above[-1] == twig.take.kin.parent
        assert len(twig.lead) == 2 * twig.depth
        above.append(twig.take.id)


def test_all_words_must_be_found_whatever_their_case() -> None:
    one, two = take(1, seed=4711, note="der schönste Schluß"), take(2, 1, state="interrupted")
    both = (one, two)
    assert search(both, "") == both
    assert search(both, "paper boats") == both
    assert search(both, "SCHLUSS boats") == (one,)
    assert search(both, "scho\u0308nste") == (one,)
    assert search(both, "4711") == (one,)
    assert search(both, "re-sung 0:42") == (two,)
    assert search(both, "interrupted demo") == (two,)
    assert search(both, "boats jazz") == ()
    assert search((take(1, seed=None),), "none") == ()


def test_takes_are_put_in_order_and_those_alike_stay() -> None:
    takes = [
        take(2, star=True, seconds=None, seed=9, state="done"),
        take(3, seconds=10.0, seed=None, state="failed"),
        take(1, star=True, seconds=60.0, seed=1, state="queued"),
    ]
    found = {by: [int(t.id[-1]) for t in sort(takes, by)] for by in ORDERS}
    assert found == {
        "new": [3, 2, 1],
        "star": [2, 1, 3],
        "length": [1, 3, 2],
        "seed": [1, 2, 3],
        "state": [1, 3, 2],
    }


def test_states_of_a_later_version_come_last() -> None:
    takes = [take(1, state="dreaming"), take(2)]
    assert [t.state for t in sort(takes, "state")] == ["done", "dreaming"]
