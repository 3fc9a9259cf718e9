"""One forge for all crashes, workplaces to begin from, and what is made there when nothing goes wrong."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.crash.judge import Trial, Truth
from tests.crash.workplace import Forge, Ran, Workplace

SONG = {"idx": "boats", "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line.", "descriptions": "pop"}
Known = Callable[..., tuple[Workplace, Truth]]


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """The process that forks songdesks."""
    if sys.platform != "linux":
        pytest.skip("what a process does to files is looked up in /proc")
    with Forge() as forge:
        yield forge


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory, forge: Forge) -> Workplace:
    """A workplace with a song file and nothing else."""
    home = tmp_path_factory.mktemp("crash")
    place = Workplace.make(home / "empty", forge, home / "ckpt")
    (place.root / "songs.jsonl").write_text(json.dumps(SONG) + "\n")
    return place


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory, empty: Workplace) -> Known:
    """By model and settings a workplace where one take waits in the queue, and what becomes of it."""

    @cache
    def known(*asked: str) -> tuple[Workplace, Truth]:
        home = tmp_path_factory.mktemp("crash")
        queued = empty.copy(home / "queued")
        _sound(queued.run(*queued.adding(*asked)))
        return queued, _made_of(queued, home / "made")

    return known


@pytest.fixture(scope="session")
def kin(tmp_path_factory: pytest.TempPathFactory, known: Known) -> tuple[Workplace, Truth]:
    """A take that is made, one that begins with half of it, one of another sound, and what comes of them."""
    home = tmp_path_factory.mktemp("crash")
    place = known("toy")[0].copy(home / "kin")
    _sound(place.run("queue", "run"))
    (parent,) = place.takes()
    _sound(place.run("resing", parent.name, "--from", "2", "--seed", "8", "--queue"))
    _sound(place.run("rerender", parent.name, "--set", "flow_steps=3", "--queue"))
    return place, _made_of(place, home / "made")


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory, empty: Workplace) -> tuple[Workplace, Truth]:
    """A draft that is to be gone on with, and what becomes of it."""
    home = tmp_path_factory.mktemp("crash")
    place = empty.copy(home / "drafted")
    how = ("--model", "toy", "--set", "length=4", "--count", "1", "--seconds", "2")
    _sound(place.run("drafts", str(place.root / "songs.jsonl"), *how))
    (draft,) = place.takes()
    _sound(place.run("continue", draft.name, "--queue"))
    return place, _made_of(place, home / "made")


@pytest.fixture
def trials(known: Known, tmp_path: Path) -> Callable[..., Trial]:
    """Begins a trial of a model with settings: one take that waits in the queue."""

    def trials(*asked: str) -> Trial:
        queued, truth = known(*asked)
        return Trial(queued.copy(tmp_path / "place"), truth, tmp_path / "scratch")

    return trials


@pytest.fixture
def trial(trials: Callable[..., Trial]) -> Trial:
    """One take of the toy model that waits in the queue."""
    return trials("toy")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory, empty: Workplace) -> Truth:
    """What becomes of the song when it is rendered into a folder."""
    place = empty.copy(tmp_path_factory.mktemp("crash") / "rendered")
    _sound(place.run(*place.rendering()))
    return Truth.of(place)


@pytest.fixture
def rendering(empty: Workplace, rendered: Truth, tmp_path: Path) -> Trial:
    """A song to be rendered into a folder."""
    return Trial(empty.copy(tmp_path / "place"), rendered, tmp_path / "scratch")


def _made_of(place: Workplace, root: Path) -> Truth:
    made = place.copy(root)
    _sound(made.run("queue", "run"))
    return Truth.of(made)


def _sound(ran: Ran) -> None:
    assert ran.status == 0, ran.said
