"""The queue: an order of takes that survives, and that no two runners make one of."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.library import queue
from core.library.store import Store, open_store
from core.meter import State
from core.takes import recipe as recipes
from core.takes.claim import claimed, is_held
from core.takes.job import Outcome
from core.takes.take import Take
from tests.made import SOUND, change, finish, job_of, make

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


def queued(store: Store, count: int, home: str = "boats") -> list[Take]:
    folders = [make(store.root / home, f"20261126-120000-{n}", State.QUEUED) for n in range(count)]
    queue.add_all(store, folders)
    return [item.take for item in queue.items(store)]


def order(store: Store) -> str:
    """The last letters of the items' ids, each that is held with a mark."""
    return " ".join(item.take.id[-1] + "!" * item.held for item in queue.items(store))


def state(take: Take) -> str:
    recipe = recipes.load(take.folder)
    assert recipe is not None
    return recipe.state


def ended(claim: queue.Claim, state: State, error: SongdeskError | None = None) -> Outcome:
    files = (claim.take.folder / SOUND,) if state in (State.DONE, State.STOPPED) else ()
    return Outcome(job_of(claim.take.folder), state, files=files, error=error)


def test_items_are_made_in_the_order_that_people_give_them(store: Store) -> None:
    takes = queued(store, 4)
    assert order(store) == "0 1 2 3"
    queue.move(store, takes[3], 0)
    queue.move(store, takes[0], 99)
    assert order(store) == "3 1 2 0"
    queue.move(store, takes[2], 1)
    queue.hold(store, takes[3], True)
    assert order(store) == "3! 2 1 0"
    with closing(open_store(store.root)) as later:
        assert order(later) == "3! 2 1 0"
        first = queue.claim_next(later)
        assert first is not None
        assert first.take == takes[2]


def test_what_is_added_twice_keeps_its_place(store: Store) -> None:
    takes = queued(store, 3)
    queue.add(store, takes[0].folder)
    assert order(store) == "0 1 2"
    queue.hold(store, takes[0], True)
    queue.add(store, takes[0].folder)
    assert order(store) == "0 1 2"


def test_a_batch_is_added_whole_or_not_at_all(store: Store) -> None:
    fine = make(store.root / "boats", "20261126-120000-1", State.PAUSED)
    made = make(store.root / "boats", "20261126-120000-2")
    with pytest.raises(SongdeskError, match="has its sound already"):
        queue.add_all(store, [fine, made])
    store.sync()
    assert (order(store), [take.state for take in store.takes()]) == ("", ["done", "paused"])
    queue.add_all(store, [fine])
    assert (order(store), store.find(fine.name).state) == ("1", "queued")


@pytest.mark.parametrize("state_before", [State.PAUSED, State.CANCELLED, State.FAILED, State.RUNNING])
def test_a_take_that_was_broken_off_can_be_queued_and_a_lost_database_loses_its_place_only(
    store: Store, state_before: State
) -> None:
    folder = make(store.root / "boats", state=state_before, error="no memory", until=20.0)
    queue.add(store, folder)
    store.close()
    shutil.rmtree(store.root / ".songdesk")
    with closing(open_store(store.root)) as again:
        assert [(item.held, item.error) for item in queue.items(again)] == [(False, "")]
    recipe = recipes.load(folder)
    assert recipe is not None
    assert (recipe.error, recipe.until) == ("", 20.0)


def test_a_draft_is_queued_to_be_made_to_its_end(store: Store) -> None:
    folder = make(store.root / "boats", state=State.DRAFT, until=20.0)
    queue.add(store, folder)
    recipe = recipes.load(folder)
    assert recipe is not None
    assert (recipe.state, recipe.until) == ("queued", 0.0)


def test_what_cannot_be_made_is_not_queued(store: Store, tmp_path: Path) -> None:
    running = make(store.root / "boats", "20261126-120000-1", State.RUNNING)
    with claimed(running), pytest.raises(SongdeskError, match="is being made → stop or pause it first"):
        queue.add(store, running)
    with pytest.raises(SongdeskError, match="not in the library"):
        queue.add(store, make(tmp_path / "out", state=State.QUEUED))
    with pytest.raises(SongdeskError, match="that can be read"):
        queue.add(store, store.root / "boats" / "takes" / "none")
    thrown = store.root / "boats" / "trash" / "one"
    shutil.copytree(running, thrown)
    with pytest.raises(SongdeskError, match="thrown away → restore it first"):
        queue.add(store, thrown)
    assert order(store) == ""


def test_the_queue_is_what_the_folders_say_where_nobody_said_otherwise(store: Store) -> None:
    late = make(store.root / "boats", "20261126-130000-2", State.QUEUED)
    make(store.root / "ships", "20261126-120000-9", State.QUEUED)
    make(store.root / "ships", "20261126-120000-10", State.QUEUED)
    store.sync()
    assert [item.take.id[-4:] for item in queue.items(store)] == ["00-9", "0-10", "00-2"]
    shutil.rmtree(late)
    store.sync()
    assert len(queue.items(store)) == 2


def test_an_item_is_held_by_whoever_makes_it(store: Store) -> None:
    takes = queued(store, 2)
    first, second = queue.claim_next(store), queue.claim_next(store)
    assert first is not None
    assert second is not None
    assert [first.take, second.take] == takes
    assert queue.claim_next(store) is None
    with pytest.raises(SongdeskError, match="is being made"):
        queue.claim(takes[0])
    first.release()
    assert (is_held(takes[0].folder), is_held(takes[1].folder)) == (False, True)
    with queue.claim(takes[0]):
        assert queue.claim_next(store) is None
    first.release()
    again = queue.claim_next(store)
    assert again is not None
    assert again.take == takes[0]


def test_a_standing_queue_gives_nothing_until_it_goes_on(store: Store) -> None:
    queued(store, 1)
    queue.pause(store, True)
    queue.pause(store, True)
    with closing(open_store(store.root)) as other:
        assert queue.is_paused(other)
        assert queue.claim_next(other) is None
    assert store.rebuild() == 1
    assert queue.is_paused(store)
    queue.pause(store, False)
    assert queue.claim_next(store) is not None


@pytest.mark.parametrize(("end", "left"), [
    (State.DONE, ""), (State.STOPPED, ""), (State.CANCELLED, ""), (State.FAILED, "0!"), (State.PAUSED, "0!"),
])  # fmt: skip
def test_how_an_item_ends_decides_whether_it_leaves(store: Store, end: State, left: str) -> None:
    queued(store, 1)
    claim = queue.claim_next(store)
    assert claim is not None
    if end in (State.DONE, State.STOPPED):
        finish(claim.take.folder, end)
    else:
        change(claim.take.folder, state=end.value)
    error = SongdeskError("no memory left", hint="choose int8") if end is State.FAILED else None
    queue.settle(store, claim, ended(claim, end, error))
    claim.release()
    assert order(store) == left
    assert [item.error for item in queue.items(store)] == (
        ["no memory left → choose int8"] if error else [""] * bool(left)
    )
    assert store.find(claim.take.id).state == end.value
    store.sync()
    assert order(store) == left


def test_an_item_whose_files_are_not_on_disk_stays(store: Store) -> None:
    (take,) = queued(store, 1)
    claim = queue.claim_next(store)
    assert claim is not None
    finish(take.folder).unlink()
    queue.settle(store, claim, ended(claim, State.DONE))
    store.sync()
    assert [(item.held, item.error) for item in queue.items(store)] == [(True, "its files are not there")]
    claim.release()
    queue.hold(store, take, False)
    assert (state(take), order(store)) == ("queued", "0")


def test_a_draft_leaves_when_its_beginning_is_on_disk(store: Store) -> None:
    (take,) = queued(store, 1)
    claim = queue.claim_next(store)
    assert claim is not None
    sound = finish(take.folder, State.DRAFT)
    queue.settle(store, claim, Outcome(job_of(take.folder), State.DRAFT, files=(sound,)))
    assert order(store) == ""


def test_what_paused_with_the_whole_queue_is_the_next_to_be_made(store: Store) -> None:
    (take,) = queued(store, 1)
    claim = queue.claim_next(store)
    assert claim is not None
    change(take.folder, state="paused")
    queue.settle(store, claim, ended(claim, State.PAUSED), stays_ready=True)
    claim.release()
    assert order(store) == "0"
    assert queue.claim_next(store) is not None


def test_a_failed_item_is_made_again_when_a_person_says_so(store: Store) -> None:
    takes = queued(store, 2)
    claim = queue.claim_next(store)
    assert claim is not None
    change(takes[0].folder, state="failed", error="no memory")
    queue.settle(store, claim, ended(claim, State.FAILED, SongdeskError("no memory")))
    claim.release()
    assert queue.items(store)[0].take.trouble == "no memory"
    queue.hold(store, takes[0], False)
    assert (order(store), state(takes[0]), queue.items(store)[0].error) == ("0 1", "queued", "")


def test_what_was_taken_out_stays_a_take_and_out(store: Store) -> None:
    takes = queued(store, 2)
    queue.remove(store, takes[0])
    store.sync()
    assert order(store) == "1"
    assert store.find(takes[0].id).can_go_on
    store.rebuild()
    assert order(store) == "1"
    for act in (queue.remove, lambda store, take: queue.move(store, take, 0)):
        with pytest.raises(SongdeskError, match="boats/20261126-120000-0 is not in the queue"):
            act(store, takes[0])
    with pytest.raises(SongdeskError, match="is not in the queue"):
        queue.hold(store, takes[0], True)


def test_whoever_makes_an_item_can_ask_whether_it_is_still_to_be_made(store: Store) -> None:
    takes = queued(store, 2)
    claim = queue.claim_next(store)
    assert claim is not None
    assert queue.is_on_hold(store, claim.take) is False
    queue.hold(store, takes[0], True)
    assert queue.is_on_hold(store, claim.take) is True
    queue.remove(store, takes[0])
    assert queue.is_on_hold(store, claim.take) is None
    assert state(takes[0]) == "queued"  # it is left to whoever has it


def test_takes_that_were_asked_for_by_name_are_made_and_no_others(store: Store) -> None:
    takes = queued(store, 4)
    queue.pause(store, True)
    queue.hold(store, takes[1], True)
    only = {takes[1].folder, takes[2].folder, store.root / "none"}
    first, second = queue.claim_next(store, only), queue.claim_next(store, only)
    assert first is not None
    assert second is not None
    assert [first.take.id, second.take.id] == [takes[1].id, takes[2].id]
    assert queue.claim_next(store, only) is None


@pytest.mark.parametrize(("end", "left"), [
    (State.DONE, "1"), (State.STOPPED, "1"), (State.CANCELLED, "1"), (State.FAILED, "0! 1"),
    (State.RUNNING, "0 1"), (State.PAUSED, "0 1"),
])  # fmt: skip
def test_an_end_that_nobody_told_is_seen_by_the_next_runner(store: Store, end: State, left: str) -> None:
    takes = queued(store, 2)
    if end in (State.DONE, State.STOPPED):
        finish(takes[0].folder, end)
    else:
        change(takes[0].folder, state=end.value, error="no memory" if end is State.FAILED else "")
    claim = queue.claim_next(store)
    assert claim is not None
    assert order(store) == left
    goes_on = end in (State.RUNNING, State.PAUSED)
    assert claim.take.id == takes[0 if goes_on else 1].id


def test_a_runner_goes_past_a_recipe_that_cannot_be_read(store: Store) -> None:
    takes = queued(store, 2)
    (takes[0].folder / recipes.FILE).write_text("{")
    claim = queue.claim_next(store)
    assert claim is not None
    assert claim.take == takes[1]
    item = queue.items(store)[0]
    assert (item.held, item.error) == (True, "recipe.json cannot be read")
    assert not is_held(takes[0].folder)


def test_a_runner_goes_past_an_item_that_is_gone_and_makes_no_folder_for_it(store: Store) -> None:
    takes = queued(store, 2)
    shutil.rmtree(takes[0].folder)
    claim = queue.claim_next(store)
    assert claim is not None
    assert claim.take == takes[1]
    assert not takes[0].folder.exists()


_RUNNER = """
import sys
from pathlib import Path
from core.library import queue
from core.takes.job import Outcome
from core.meter import State
from core.library.store import open_store
from tests.made import change, finish, job_of

store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
while (claim := queue.claim_next(store)) is not None:
    folder = claim.take.folder
    change(folder, state="running")
    with (folder / "made.txt").open("a") as made:
        made.write(sys.argv[2])
    sound = finish(folder)
    if folder.name.endswith("3"):
        claim.release()  # as if it had been killed before it could tell
        continue
    queue.settle(store, claim, Outcome(job_of(folder), State.DONE, files=(sound,)))
    claim.release()
"""


def test_two_runners_never_make_one_item(store: Store) -> None:
    takes = queued(store, 30)
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", _RUNNER, str(store.root), name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in "ab"
    ]
    for runner in runners:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"ready\n"
    for runner in runners:
        assert runner.stdin is not None
        runner.stdin.write(b"go\n")
        runner.stdin.close()
    for runner in runners:
        with runner:
            runner.wait()
    assert [runner.returncode for runner in runners] == [0, 0]
    made = [(take.folder / "made.txt").read_text() for take in takes]
    assert all(len(by) == 1 for by in made)
    store.sync()
    assert queue.items(store) == ()
    assert all(take.state == "done" for take in store.takes())
