"""Going on from a take: where from, what is said before, and what is asked for then."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from textual.widgets import Input

from core.errors import SongdeskError
from core.library.store import Store, open_store
from core.sections import SectionStart
from core.takes.take import Take, take_of
from core.takes.tokenhash import token_hash
from tests.made import make
from tests.tui.test_take_shelf import FIRST, Shelf
from tui.screens.chooser import Chooser
from tui.screens.confirm import Confirm, Prompt
from tui.take_points import Points, changed_before, kept_of, points_of, rows_of, terms, time_typed

LYRICS = "[verse]\nWe folded the morning.\n\n[chorus]\nSail on.\n\n[verse]\nThe gutter was wide.\n"
CODES = np.arange(3 * 1500, dtype=np.int32).reshape(3, 1500) % 1000
"""60 s."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


def sung(home: Path) -> Take:
    """A take of one minute with its tokens."""
    song = {"title": "Boats", "lyrics": LYRICS, "style": "pop"}
    folder = make(home, FIRST, song=song, seconds=60.0, settings={"seed": 7, "temperature": 0.9})
    save_file({"codes": CODES}, folder / "tokens.safetensors")
    take = take_of(folder)
    assert take is not None
    return take


def points(home: Path) -> Points:
    begin = (None, SectionStart("chorus", 20.0, "estimated"), SectionStart("verse", 41.0, "estimated"))
    return replace(points_of(sung(home)), starts=begin)


def test_a_take_can_be_sung_anew_from_its_sections_and_from_where_one_hears_it(tmp_path: Path) -> None:
    found = points(tmp_path / "boats")
    assert found.seconds == 60.0
    assert [words for _, words, _ in rows_of(found, 33.4, with_end=True)] == [
        "0:20 [chorus]",
        "0:41 [verse]",
        "0:33 where the player stands",
        "1:00 behind the end",
        "another time …",
    ]
    assert len(rows_of(found, None, with_end=False)) == 3


def test_a_take_without_tokens_has_nothing_to_keep(tmp_path: Path) -> None:
    take = take_of(make(tmp_path / "boats", FIRST))
    assert take is not None
    with pytest.raises(SongdeskError, match="nothing to keep"):
        points_of(take)


def test_what_is_kept_falls_on_a_frame_and_has_the_hash_of_its_tokens(tmp_path: Path) -> None:
    kept = kept_of(points(tmp_path / "boats"), 33.41)
    assert kept.seconds == pytest.approx(33.4)
    assert kept.tokens == token_hash(CODES[:, :835])


@pytest.mark.parametrize(("typed", "seconds"), [("0:33", 33.0), ("12.5", 12.5), ("59.9 s", 59.9)])
def test_a_time_can_be_typed(tmp_path: Path, typed: str, seconds: float) -> None:
    assert time_typed(typed, points(tmp_path / "boats")) == seconds


@pytest.mark.parametrize("typed", ["chorus", "0", "1:00", "2:10", "-3"])
def test_a_time_that_is_none_or_not_in_the_take_is_refused(tmp_path: Path, typed: str) -> None:
    with pytest.raises(SongdeskError, match=f"^{typed}"):
        time_typed(typed, points(tmp_path / "boats"))


@pytest.mark.parametrize(
    ("seconds", "lyrics", "changed"),
    [
        (20.0, LYRICS, ""),
        (20.0, LYRICS.replace("Sail on", "Sail off"), ""),
        (20.0, LYRICS.replace("morning", "evening"), "[verse]"),
        (33.0, LYRICS.replace("Sail on", "Sail off"), ""),
        (41.0, LYRICS.replace("Sail on", "Sail off"), "[chorus]"),
        (60.0, LYRICS.replace("gutter", "river"), "[verse]"),
        (41.0, LYRICS.replace("[chorus]", "[bridge]"), "[chorus]"),
        (41.0, "[verse]\n", "[verse], [chorus]"),
    ],
)
def test_lyrics_changed_before_the_place_are_warned_of(
    store: Store, seconds: float, lyrics: str, changed: str
) -> None:
    app = Shelf(store)
    song = replace(app.session.song, lyrics=lyrics)
    found = changed_before(points(store.root / "boats"), seconds, song)
    assert found == (f"the lyrics before that place were changed, in {changed}" if changed else "")


def test_the_terms_name_what_changed_and_warn_where_nothing_did(store: Store) -> None:
    app, found = Shelf(store), points(store.root / "boats")
    kept = kept_of(found, 20.0)
    song = replace(app.session.song, lyrics=LYRICS, style="pop, piano")
    lines = terms(found, kept, song, app.session.values.replace(temperature=1.1))
    assert (
        lines[0] == f"Kept as it is: the first 0:20, up to [chorus], estimated (tokens {kept.tokens[:8]}…)."
    )
    assert "17280 samples" in lines[1]
    assert lines[3] == "Changed since the take: style, temperature 0.9 → 1.1."
    same = replace(song, style="pop")
    values = app.session.values.replace(temperature=0.9)
    assert terms(found, kept, same, values)[3] == "Nothing was changed but the seed, which is drawn."
    assert terms(found, kept, same, values.replace(seed=7))[3].startswith("! Nothing was changed")


async def test_a_take_is_sung_anew_from_a_chosen_section(store: Store, until: Any) -> None:
    sung(store.root / "boats")
    app = Shelf(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 1)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        assert "[chorus]" in app.text()
        assert "estimated" in app.text() or "expected" in app.text()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "Kept as it is: the first" in app.text()
        assert "stays as it was" in app.text()
        await pilot.press("y")
        await until(pilot, lambda: app.wished)
        wish = app.wished[0]
        assert (wish.verb, wish.take) == ("resing", FIRST)
        assert 10 < wish.seconds < 50


async def test_a_take_is_extended_behind_its_end_or_nothing_is_done(store: Store, until: Any) -> None:
    sung(store.root / "boats")
    app = Shelf(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 1)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await pilot.press(*"behind", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n", "r")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        assert app.wished == []
        await pilot.press(*"behind", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: app.wished)
        assert (app.wished[0].verb, app.wished[0].seconds) == ("extend", 60.0)


async def test_other_endings_are_as_many_as_one_says(store: Store, until: Any) -> None:
    sung(store.root / "boats")
    app = Shelf(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.cells()) == 1)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        assert "behind the end" not in app.text()
        await pilot.press(*"another", "enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = "0:33"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt) and "How many" in app.text())
        assert app.screen.query_one(Input).value == "3"
        await pilot.press("enter")
        await until(pilot, lambda: app.wished)
        assert (app.wished[0].verb, app.wished[0].seconds, app.wished[0].count) == ("endings", 33.0, 3)
