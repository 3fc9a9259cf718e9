"""A setting that does not fit keeps the song from being made, and what is on hold says why."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.errors import SongdeskError
from core.library import queue
from core.library.store import open_store
from core.machine import Machine
from core.meter import State
from core.paths import library
from core.registry import variants
from tests.made import make
from tests.toy import toys
from tests.tui.opened import opened, said
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.screens.queue_page import row_of
from tui.unfinished import why_it_waits
from tui.widgets.plan_line import PlanLine
from tui.widgets.setting_row import SettingRow
from tui.widgets.settings_panel import SettingsPanel

GIB = 1 << 30


@pytest.fixture
def short(toy: str) -> str:
    """A model of short songs with no length of its own."""
    entries = toys()
    entries["toy"]["defaults"] = {"kv_cache": "fp32"}
    path = Path(str(library().parent)) / "config" / "songdesk" / "models.yaml"
    path.write_text(json.dumps(entries))
    variants.cache_clear()
    return toy


def look(device: str) -> Machine:
    return Machine("cuda", "A card", "", "", "", 14 * GIB, 16 * GIB, 9 * GIB, 32 * GIB, 8)


def rows(app: Studio) -> list[SettingRow]:
    return [row for row in app.studio.query(SettingRow) if row.setting.key == "length"]


def length(app: Studio) -> SettingRow:
    (row,) = rows(app)
    return row


async def test_a_model_of_shorter_songs_has_a_length_that_it_takes(short: str, until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        await app.studio._use(short)
        # The rows are made anew: for a moment there is none.
        await until(pilot, lambda: any(row.setting.hi == 60 for row in rows(app) if row.is_mounted))
        assert app.studio.session.values["length"] == 60
        await pilot.pause(0.2)
        assert not length(app).trouble
        assert "length 30 → 60" in " ".join(app.studio.told)


async def test_nothing_is_composed_while_a_setting_does_not_fit(
    until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    engine = Rehearsal()
    async with opened(engine) as (app, pilot):
        app.studio.look_with = look
        app.studio.look_at_machine()
        line = app.studio.query_one(PlanLine)
        await until(pilot, lambda: line.said.startswith("fits: "))
        length(app).field.value = "500"  # type: ignore[attr-defined]
        await until(pilot, lambda: line.said == "! plan: length: use 1 to 120 s; it stays 30")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: said(app) == "✗ not composed: length: use 1 to 120 s; it stays 30")
        await until(pilot, lambda: length(app).has_focus_within)
        assert engine.jobs == []
        assert not app.studio.composing
        app.studio.query_one(SettingsPanel).action_reset_all()
        await until(pilot, lambda: line.said.startswith("fits: "))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: engine.jobs)


def test_what_is_on_hold_says_why_with_the_message_before_the_place(tmp_path: Path) -> None:
    with closing(open_store(tmp_path / "songs")) as store:
        folder = make(store.root / "boats", "20261126-120000-1", State.QUEUED)
        queue.add(store, folder)
        assert why_it_waits(store, folder) == "waits"
        queue.pause(store, True)
        assert why_it_waits(store, folder) == "waits: the queue is paused"
        queue.pause(store, False)
        claim = queue.claim_next(store)
        assert claim is not None
        error = SongdeskError("length cannot be 120", where=str(folder), hint="use 1 to 60 s\nor so")
        queue.refuse(store, claim, error)
        claim.release()
        assert why_it_waits(store, folder) == "is on hold: length cannot be 120 → use 1 to 60 s"
        (item,) = queue.items(store)
        assert row_of(item).why.startswith("on hold · length cannot be 120 → use 1 to 60 s")
        assert row_of(item).why.endswith(f" · {folder}")
