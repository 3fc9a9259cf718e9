"""The feed: an engine that is kept at work on the queue, whoever else changes it meanwhile."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.library import queue
from core.library.feed import Feed
from core.library.store import Store, open_store
from core.making.runner import Runner
from core.meter import Meter, State
from core.settings import Override
from core.song import Song
from core.takes import recipe as recipes
from core.takes.branch import prepare
from core.takes.claim import is_held
from core.takes.job import Job, Outcome
from core.takes.take import Take
from tests.made import change, finish, job_of, make

SONG = Song("boats", "[verse]\nPaper boats", "pop")


@dataclass
class Engine:
    """Makes nothing until it is told to end."""

    jobs: list[Job] = field(default_factory=list)
    pauses: int = 0
    finished: Callable[[Outcome], None] | None = None

    @property
    def meter(self) -> Meter:
        return Meter(job=self.jobs[-1].id, state=State.RUNNING) if self.finished else Meter()

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        assert self.finished is None
        assert is_held(job.folder)
        self.jobs.append(job)
        self.finished = finished
        change(job.folder, state="running")

    def pause(self) -> None:
        self.pauses += 1

    def end(self, state: State, error: SongdeskError | None = None) -> None:
        finished, self.finished, job = self.finished, None, self.jobs[-1]
        assert finished is not None
        files: tuple[Path, ...] = ()
        if state is State.DONE:
            files = (finish(job.folder),)
        else:
            change(job.folder, state=state.value)
        finished(Outcome(job, state, files=files, error=error))


class Desk:
    """A library with a queue, an engine, and all that was told of it in order."""

    def __init__(self, root: Path, count: int) -> None:
        self.store = open_store(root)
        folders = [make(root / "boats", f"20261126-120000-{n}", State.QUEUED) for n in range(count)]
        queue.add_all(self.store, folders)
        self.takes = [item.take for item in queue.items(self.store)]
        self.engine = Engine()
        self.told: list[str] = []
        self.feed = self.another()

    def another(
        self, engine: Engine | None = None, *, only: list[Path] | None = None, auto: bool = False
    ) -> Feed:
        return Feed(
            engine or self.engine, self.store, begun=self.begun, ended=self.ended, refused=self.refused,
            only=only, auto=auto, job_of=job_of,
        )  # fmt: skip

    def begun(self, job: Job) -> None:
        self.told.append(f"begun {job.id[-1]}")

    def ended(self, outcome: Outcome) -> None:
        self.told.append(f"{outcome.state.value} {outcome.job.id[-1]}")

    def refused(self, take: Take, error: SongdeskError) -> None:
        self.told.append(f"{take.id[-1]}: {error}")

    @property
    def order(self) -> str:
        return " ".join(item.take.id[-1] + "!" * item.held for item in queue.items(self.store))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "songs", 3)
    yield desk
    desk.store.close()


def test_one_item_follows_the_other_until_none_is_left(desk: Desk) -> None:
    assert desk.feed.go()
    assert not desk.feed.go()
    assert (desk.feed.busy, desk.feed.waiting) == (True, 2)
    for _ in range(3):
        desk.engine.end(State.DONE)
    assert desk.told == ["begun 0", "done 0", "begun 1", "done 1", "begun 2", "done 2"]
    assert (desk.feed.busy, desk.feed.go(), desk.order) == (False, False, "")
    assert not any(is_held(take.folder) for take in desk.takes)
    assert [take.state for take in desk.store.takes()] == ["done"] * 3


def test_what_fails_is_on_hold_with_the_reason_and_the_next_is_made(desk: Desk) -> None:
    desk.feed.go()
    desk.engine.end(State.FAILED, SongdeskError("no memory"))
    assert (desk.order, queue.items(desk.store)[0].error) == ("0! 1 2", "no memory")
    desk.engine.end(State.CANCELLED)
    assert (desk.told[-1], desk.order) == ("begun 2", "0! 2")


def test_an_item_without_a_job_is_on_hold_and_the_next_is_made(desk: Desk) -> None:
    def refusing(folder: Path, *, device: str) -> Job:
        if folder == desk.takes[0].folder:
            raise SongdeskError("no model called x", hint="songdesk models names them")
        return job_of(folder, device=device)

    feed = Feed(
        desk.engine, desk.store, device="cpu", begun=desk.begun, refused=desk.refused, job_of=refusing
    )
    assert feed.go()
    words = "no model called x → songdesk models names them"
    assert desk.told == [f"0: {words}", "begun 1"]
    assert (desk.order, queue.items(desk.store)[0].error) == ("0! 1 2", words)
    assert not is_held(desk.takes[0].folder)


def test_a_mistake_on_the_way_lets_the_item_go(desk: Desk) -> None:
    def broken(folder: Path, *, device: str) -> Job:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Feed(desk.engine, desk.store, job_of=broken).go()
    assert not is_held(desk.takes[0].folder)

    def mistaken(job: Job) -> None:
        raise ZeroDivisionError

    feed = Feed(desk.engine, desk.store, begun=mistaken, job_of=job_of)
    with pytest.raises(ZeroDivisionError):
        feed.go()
    assert not feed.busy
    assert not is_held(desk.takes[0].folder)
    assert desk.feed.go()


def test_after_a_pause_by_hand_nothing_begins_until_somebody_says_so(desk: Desk) -> None:
    desk.feed.auto = True
    desk.feed.go()
    desk.engine.end(State.PAUSED)
    desk.feed.watch()
    assert (desk.feed.busy, desk.order) == (False, "0! 1 2")
    assert desk.feed.go()
    assert desk.told[-1] == "begun 1"


def test_a_feed_that_rests_ends_what_it_has_and_begins_nothing(desk: Desk) -> None:
    desk.feed.go()
    desk.feed.rest()
    desk.engine.end(State.DONE)
    assert (desk.feed.busy, desk.order) == (False, "1 2")
    assert desk.feed.go()


def test_a_listener_may_say_go_on_at_once(desk: Desk) -> None:
    answers: list[bool] = []
    feed = Feed(desk.engine, desk.store, ended=lambda _: answers.append(feed.go()), job_of=job_of)
    feed.go()
    desk.engine.end(State.PAUSED)
    assert (answers, feed.busy, desk.engine.jobs[-1].id) == ([False], True, desk.takes[1].id)


def test_a_queue_that_somebody_pauses_pauses_the_run_and_goes_on_with_it(desk: Desk) -> None:
    desk.feed.auto = True
    desk.feed.go()
    desk.feed.watch()
    assert desk.engine.pauses == 0
    with_others = open_store(desk.store.root)
    queue.pause(with_others, True)
    desk.feed.watch()
    assert desk.engine.pauses == 1
    desk.engine.end(State.PAUSED)
    desk.feed.watch()
    assert (desk.feed.busy, desk.feed.go(), desk.order) == (False, False, "0 1 2")
    queue.pause(with_others, False)
    with_others.close()
    desk.feed.watch()
    assert [job.id[-1] for job in desk.engine.jobs] == ["0", "0"]


@pytest.mark.parametrize(("act", "left"), [
    (lambda store, take: queue.hold(store, take, True), "0! 1 2"), (queue.remove, "1 2"),
])  # fmt: skip
def test_an_item_that_somebody_takes_out_or_holds_pauses_and_the_next_is_made(
    desk: Desk, act: Callable[[Store, Take], None], left: str
) -> None:
    desk.feed.go()
    act(desk.store, desk.takes[0])
    desk.feed.watch()
    assert desk.engine.pauses == 1
    desk.engine.end(State.PAUSED)
    assert (desk.told[-1], desk.order) == ("begun 1", left)
    recipe = recipes.load(desk.takes[0].folder)
    assert recipe is not None
    assert recipe.state == "paused"


def test_a_hold_that_is_taken_off_before_the_run_has_paused_is_off(desk: Desk) -> None:
    desk.feed.go()
    queue.hold(desk.store, desk.takes[0], True)
    desk.feed.watch()
    queue.hold(desk.store, desk.takes[0], False)
    desk.engine.end(State.PAUSED)
    assert (desk.told[-1], desk.order) == ("begun 0", "0 1 2")


def test_watching_begins_what_waits_only_where_that_is_wanted(desk: Desk) -> None:
    desk.feed.watch()
    assert not desk.feed.busy
    desk.feed.auto = True
    desk.feed.watch()
    assert desk.feed.busy


def test_others_see_that_a_take_is_being_made(desk: Desk) -> None:
    desk.feed.go()
    desk.feed.watch()
    version = desk.store.version()
    desk.feed.watch()
    assert desk.store.version() == version
    assert desk.store.find(desk.takes[0].id).state == "running"


def test_only_the_takes_named_are_made_each_once_and_also_while_the_queue_stands(desk: Desk) -> None:
    queue.pause(desk.store, True)
    home = desk.store.root / ".." / desk.store.root.name
    feed = desk.another(only=[home / take.folder.relative_to(desk.store.root) for take in desk.takes[1:]])
    assert feed.go()
    feed.watch()
    assert desk.engine.pauses == 0
    desk.engine.end(State.FAILED, SongdeskError("no memory"))
    desk.engine.end(State.DONE)
    assert desk.told == ["begun 1", "failed 1", "begun 2", "done 2"]
    assert (feed.go(), desk.order) == (False, "0 1!")


def test_two_feeds_share_the_queue(desk: Desk) -> None:
    other = Engine()
    feed = desk.another(other)
    assert desk.feed.go()
    assert feed.go()
    desk.store.sync()
    assert (desk.feed.waiting, feed.waiting) == (1, 1)
    other.end(State.DONE)
    desk.engine.end(State.DONE)
    other.end(State.DONE)
    assert [job.id[-1] for job in desk.engine.jobs + other.jobs] == ["0", "1", "2"]
    assert desk.order == ""


def test_many_threads_that_say_go_begin_one(desk: Desk) -> None:
    begun: list[bool] = []
    threads = [threading.Thread(target=lambda: begun.append(desk.feed.go())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [False] * 7 + [True]
    assert desk.told == ["begun 0"]


def test_a_closed_feed_leaves_its_take_the_next_to_be_gone_on_with(desk: Desk) -> None:
    desk.feed.go()
    assert not desk.feed.close(patience=0.01)
    assert desk.engine.pauses > 0
    desk.engine.end(State.PAUSED)
    assert desk.feed.close()
    assert (desk.feed.busy, desk.feed.go(), desk.order) == (False, False, "0 1 2")
    assert desk.told == ["begun 0", "paused 0"]


def test_an_index_that_cannot_be_written_is_told_and_the_take_is_let_go(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise SongdeskError("cannot use the library's index: disk full")

    desk.feed.go()
    with monkeypatch.context() as full:
        full.setattr(queue, "settle", refusing)
        full.setattr(queue, "claim_next", refusing)
        desk.engine.end(State.DONE)
    assert desk.feed.trouble == "cannot use the library's index: disk full"
    assert (desk.told[-1], desk.feed.busy, is_held(desk.takes[0].folder)) == ("done 0", False, False)
    assert desk.feed.go()
    assert (desk.told[-1], desk.order) == ("begun 1", "1 2")


def test_a_runner_makes_a_queue_that_was_left_in_its_middle(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.library.feed._LOOK", 0.001)  # it is to pause before so short a song is whole
    kind, chosen = family_of(toy)
    store = open_store(tmp_path)
    for seed in (1, 2):
        values = resolve_for(kind, chosen, [Override({"seed": seed})])
        queue.add(store, prepare(SONG, toy, values, home=tmp_path / "boats").folder)
    told: list[State] = []
    has_begun = threading.Event()
    for leaves in (True, False):
        runner = Runner()
        done = threading.Event()

        def ended(outcome: Outcome, done: threading.Event = done) -> None:
            told.append(outcome.state)
            if len(queue.items(store)) == 0:
                done.set()

        feed = Feed(runner, store, device="cpu", begun=lambda _: has_begun.set(), ended=ended)
        assert feed.go()
        assert has_begun.wait(20)
        assert leaves or done.wait(60)
        assert feed.close(60)
        assert runner.close(60)
        assert len(queue.items(store)) == (2 if leaves else 0)
    assert told == [State.PAUSED, State.DONE, State.DONE]
    store.sync()
    assert [take.state for take in store.takes()] == ["done", "done"]
    assert all(take.audio is not None and not is_held(take.folder) for take in store.takes())
    store.close()
