"""The library's index: as the folders are, seen by everybody, and never missed when it is gone."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.library import queue, schema
from core.library.opening import NewerLibrary, open_index
from core.library.rows import take_in
from core.library.scan import Key
from core.library.store import Store, open_store
from core.meter import State
from core.takes import recipe as recipes
from core.takes.claim import claimed
from core.takes.mark import Mark, save_mark
from core.takes.recipe import Kin
from core.takes.take import Take, takes_of
from tests.made import SOUND, change, finish, make

ROOT = Path(__file__).parents[2]
STRANGE = os.fsdecode(b"caf\xe9 \n'; %")
"""A name that is no UTF-8, and has a line break and what SQL knows."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


@pytest.fixture
def boats(store: Store) -> Path:
    return store.root / "boats"


def index(store: Store) -> Path:
    return store.root / ".songdesk" / "library.db"


def everything(store: Store) -> tuple[Take, ...]:
    return store.takes() + store.takes(trashed=True)


def elsewhere(root: Path, code: str) -> None:
    """Run some lines with a `store` in another process."""
    head = "import sys; from pathlib import Path; from core.library import queue\n"
    head += "from core.library.store import open_store\n"
    head += "store = open_store(Path(sys.argv[1]))\n"
    subprocess.run([sys.executable, "-c", head + code, str(root)], check=True, cwd=ROOT)


def test_the_index_tells_of_every_take_what_its_folder_tells(store: Store, boats: Path) -> None:
    first = make(boats)
    save_mark(first, Mark(True, "warm"))
    kin = Kin("20261126-120000-1", "resing", 2.0, "abc")
    make(boats, "20261126-120000-10", State.FAILED, kin=kin, error="out of memory", seconds=1.5)
    make(boats, "20261126-120000-9", State.RUNNING, model="windowed")
    make(store.root / STRANGE, STRANGE)
    store.sync()
    assert store.takes(boats) == takes_of(boats)
    assert [take.id[-2:] for take in store.takes(boats)] == ["10", "-9", "-1"]
    assert store.takes(store.root / STRANGE) == takes_of(store.root / STRANGE)
    assert len(store.takes()) == 4
    assert store.takes(trashed=True) == ()


def test_only_what_changed_is_read_again_and_nothing_is_written_otherwise(
    store: Store, boats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(boats)
    make(boats, "20261126-120000-2")
    store.sync()
    version, load = store.version(), recipes.load
    loads: list[Path] = []

    def counted(folder: Path) -> recipes.Recipe | None:
        loads.append(folder)
        return load(folder)

    monkeypatch.setattr(recipes, "load", counted)
    store.sync()
    assert (store.version(), loads) == (version, [])
    save_mark(folder, Mark(note="again"))
    store.sync()
    assert set(loads) == {folder}
    assert store.version() > version
    assert store.takes(boats)[1].note == "again"


@pytest.mark.parametrize("change_it", [
    lambda folder: change(folder, state="stopped"),
    lambda folder: save_mark(folder, Mark(star=True)),
    lambda folder: (folder / SOUND).unlink(),
    lambda folder: shutil.rmtree(folder),
    lambda folder: (folder / recipes.FILE).unlink(),
    lambda folder: (folder / recipes.FILE).write_text("torn"),
    lambda folder: folder.rename(folder.with_name("another")),
])  # fmt: skip
def test_whatever_happens_to_a_folder_is_taken_in(store: Store, boats: Path, change_it: object) -> None:
    folder = make(boats)
    store.sync()
    before = everything(store)
    assert callable(change_it)
    change_it(folder)
    store.sync()
    after = everything(store)
    assert after != before
    store.rebuild()
    assert everything(store) == after


def test_what_the_file_system_does_not_tell_is_not_taken_for_gone(
    store: Store, boats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 1):
        make(boats, f"20261126-120000-{number}", State.QUEUED)
        store.sync()
    ships = make(store.root / "ships")
    (store.root / "loop").symlink_to(store.root / "loop")
    order = [item.take.id for item in queue.items(store)]
    scandir = os.scandir

    broken_at = "boats/takes"

    def failing(path: str) -> object:
        if path.endswith(broken_at):
            raise OSError(errno.EIO, "Input/output error", path)
        return scandir(path)

    with monkeypatch.context() as broken:
        broken.setattr(os, "scandir", failing)
        store.sync()
        broken_at = "songs"
        with pytest.raises(SongdeskError, match="the library cannot be read: input/output error"):
            store.sync()
    assert [item.take.id for item in queue.items(store)] == order
    assert store.takes(ships.parent.parent) == takes_of(ships.parent.parent)
    stat = os.stat

    def refusing(path: str, **given: bool) -> os.stat_result:
        if str(path).endswith("1/recipe.json"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, **given)

    with monkeypatch.context() as broken:
        broken.setattr(os, "stat", refusing)
        store.sync()
    store.sync()
    assert [item.take.id for item in queue.items(store)] == order


def test_a_sound_that_comes_back_is_seen(store: Store, boats: Path) -> None:
    folder = make(boats)
    (folder / SOUND).unlink()
    store.sync()
    assert store.takes(boats)[0].audio is None
    (folder / SOUND).write_bytes(b"RIFF")
    store.sync()
    assert store.takes(boats)[0].audio == folder / SOUND


def test_a_take_whose_recipe_cannot_be_read_is_listed_and_says_so(store: Store, boats: Path) -> None:
    (make(boats) / recipes.FILE).write_text("{")
    (boats / "takes" / "begun").mkdir()
    store.sync()
    (take,) = store.takes()
    assert (take.state, take.trouble) == ("failed", "recipe.json cannot be read")


def test_a_run_that_was_broken_off_is_seen_though_no_file_changed(store: Store, boats: Path) -> None:
    folder = make(boats, state=State.RUNNING)
    with claimed(folder):
        store.sync()
        version = store.version()
        assert store.takes(boats)[0].state == "running"
        assert store.version() == version
    assert store.version() > version
    assert store.takes(boats)[0].state == "interrupted"


def test_without_its_database_the_library_is_the_same(store: Store, boats: Path) -> None:
    make(boats)
    make(boats, "20261126-120000-2", State.QUEUED)
    make(store.root / STRANGE, "20261126-110000-1", State.QUEUED)
    shutil.copytree(boats / "takes", boats / "trash")
    store.sync()
    before, queued = everything(store), queue.items(store)
    assert len(before) == 5
    store.close()
    shutil.rmtree(index(store).parent)
    with closing(open_store(store.root)) as again:
        assert everything(again) == before
        assert queue.items(again) == queued
        assert again.rebuild() == 5
        assert (everything(again), queue.items(again)) == (before, queued)
        assert again.notes == ()


def test_a_database_that_is_taken_away_from_a_running_studio_is_made_anew(store: Store, boats: Path) -> None:
    make(boats)
    store.sync()
    version = store.version()
    index(store).unlink()
    with closing(open_store(store.root)) as other:
        assert other.takes() == store.takes() == takes_of(boats)
        make(boats, "20261126-120000-2")
        other.sync()
        assert store.version() > version
        assert len(store.takes()) == 2


def test_a_rebuilt_index_keeps_the_queue_as_people_ordered_it(store: Store, boats: Path) -> None:
    for number in range(4):
        make(boats, f"20261126-120000-{number}", State.QUEUED)
    store.sync()
    takes = [item.take for item in queue.items(store)]
    queue.move(store, takes[3], 0)
    queue.hold(store, takes[1], True)
    shutil.rmtree(takes[2].folder)
    before = [item for item in queue.items(store) if item.take != takes[2]]
    assert store.rebuild() == 3
    assert list(queue.items(store)) == before
    assert [item.take.id[-1] for item in before] == ["3", "0", "1"]


def test_the_library_can_be_moved(store: Store, boats: Path, tmp_path: Path) -> None:
    make(boats)
    for number in (3, 2):
        make(boats, f"20261126-120000-{number}", State.QUEUED)
        store.sync()
    ids = [item.take.id for item in queue.items(store)]
    store.close()
    moved = tmp_path / "elsewhere" / "music"
    moved.parent.mkdir()
    shutil.move(store.root, moved)
    with closing(open_store(moved)) as there:
        assert there.takes() == takes_of(moved / "boats")
        assert [item.take.id for item in queue.items(there)] == ids
        assert all(take.folder.is_dir() for take in there.takes())
    with pytest.raises(SongdeskError, match="library is gone"):
        store.sync()
    assert not store.root.exists()


def test_a_song_of_another_name_keeps_its_places_in_the_queue(store: Store, boats: Path) -> None:
    for home, number in ((boats, 3), (store.root / "ships", 2), (boats, 1)):
        make(home, f"20261126-120000-{number}", State.QUEUED)
        store.sync()
    boats.rename(store.root / "kites")
    store.renamed(boats, store.root / "kites")
    queued = [(item.take.home.name, item.take.id[-1]) for item in queue.items(store)]
    assert queued == [("kites", "3"), ("ships", "2"), ("kites", "1")]
    assert store.takes(boats) == ()


def test_an_older_library_is_brought_up_to_date_with_a_copy_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "boats", state=State.QUEUED)
    with monkeypatch.context() as then:
        then.setattr("core.library.opening.STEPS", schema.STEPS[:1])
        then.setattr("core.library.opening.VERSION", 1)
        then.setattr("core.library.opening.TABLES", ("takes",))
        connection, _ = open_index(tmp_path / ".songdesk" / "library.db")
        take_in(connection, tmp_path, [Key(b"boats", "takes", b"20261126-120000-1")])
        connection.close()
    with closing(open_store(tmp_path)) as store:
        assert [item.take.title for item in queue.items(store)] == ["Boats"]
        (copy,) = index(store).parent.glob("library-v1-*.db")
        assert store.notes == (f"the library's index was brought up to date; the old one is {copy.name}",)
        with closing(sqlite3.connect(copy)) as kept, closing(sqlite3.connect(index(store))) as now:
            assert [db.execute("PRAGMA user_version").fetchone() for db in (kept, now)] == [(1,), (2,)]
            assert kept.execute("SELECT count(*) FROM takes").fetchone() == (1,)
    with closing(open_store(tmp_path)) as again:
        assert (again.notes, len(list(index(again).parent.glob("*-v1-*")))) == ((), 1)


def test_a_migration_that_fails_leaves_the_library_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(tmp_path)) as store:
        store.version()
    monkeypatch.setattr(
        "core.library.opening.STEPS", (*schema.STEPS, ("CREATE TABLE more (a)", "CREATE TABLE takes (a)"))
    )
    monkeypatch.setattr("core.library.opening.VERSION", 3)
    with pytest.raises(SongdeskError, match="cannot use the library's index: table takes already exists"):
        open_store(tmp_path)
    with closing(sqlite3.connect(index(store))) as left:
        assert left.execute("PRAGMA user_version").fetchone() == (2,)
        assert left.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)


def test_a_newer_library_is_refused_and_left_alone(store: Store) -> None:
    store.close()
    with closing(sqlite3.connect(index(store))) as newer:
        newer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        newer.execute("CREATE TABLE unheard_of (a)")
    before = {path.name: path.read_bytes() for path in index(store).parent.iterdir()}
    with pytest.raises(NewerLibrary, match="used by a newer songdesk → update songdesk"):
        open_store(store.root)
    assert {path.name: path.read_bytes() for path in index(store).parent.iterdir()} == before


@pytest.mark.parametrize("damage", [b"no database at all" * 99, b"SQLite format 3\0" + bytes(2000)])
def test_a_damaged_database_is_put_aside_and_made_anew(store: Store, boats: Path, damage: bytes) -> None:
    make(boats, state=State.QUEUED)
    store.close()
    index(store).write_bytes(damage)
    with closing(open_store(store.root)) as again:
        assert [item.take.id for item in queue.items(again)] == ["20261126-120000-1"]
        (aside,) = index(store).parent.glob("library-damaged-*.db")
        assert aside.read_bytes() == damage
        assert again.notes == (
            f"the library's index was damaged; it was kept as {aside.name} and read anew from the folders",
        )


def test_damage_that_is_met_while_the_studio_runs_is_mended_by_the_next_look(
    store: Store, boats: Path
) -> None:
    make(boats)
    store.sync()
    with closing(sqlite3.connect(index(store))) as vandal:
        vandal.execute("DROP TABLE queue")
        vandal.commit()
    with pytest.raises(SongdeskError, match="index is damaged"):
        queue.items(store)
    assert queue.items(store) == ()
    assert store.takes() == takes_of(boats)
    assert len(store.notes) == 1


def test_a_library_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "songs").write_text("")
    with pytest.raises(SongdeskError, match="cannot write here"):
        open_store(tmp_path / "songs")


def test_two_studios_see_each_others_changes(store: Store, boats: Path) -> None:
    version = store.version()
    assert store.version() == version
    make(boats)
    elsewhere(store.root, "pass")
    assert store.version() > version
    assert store.takes() == takes_of(boats)
    version = store.version()
    elsewhere(store.root, "queue.pause(store, True)")
    assert store.version() > version
    assert queue.is_paused(store)
    version = store.version()
    elsewhere(store.root, "store.sync(); store.takes(); queue.items(store); store.rebuild")
    assert store.version() == version


def test_every_thread_may_ask(store: Store, boats: Path) -> None:
    folders = [make(boats, f"20261126-120000-{number}") for number in range(8)]
    failures: list[BaseException] = []

    def work(folder: Path) -> None:
        try:
            for _ in range(5):
                store.note(folder)
                store.version()
                assert folder.name in {take.id for take in store.takes()}
        except (SongdeskError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.takes()) == 8


def test_two_thousand_takes_are_listed_by_one_question(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (b"song %d" % (number % 9), b"20261126-120000-%d" % number, '{"title": "", "seconds": 1, "seed": 1, '
         '"model": "demo", "star": false, "note": "", "trouble": "", "kin": null}')
        for number in range(2000)
    ]  # fmt: skip
    with store.writing() as connection:
        connection.executemany(
            "INSERT INTO takes (song, place, id, seen, state, audio, facts)"
            " VALUES (?, 'takes', ?, '1+', 'done', 'a.wav', ?)",
            rows,
        )
        questions: list[str] = []
        connection.set_trace_callback(questions.append)
        looks: list[Path] = []
        monkeypatch.setattr("core.library.rows.is_held", lambda folder: looks.append(folder))
        takes = store.takes()
        connection.set_trace_callback(None)
    assert len(takes) == 2000
    assert (len(questions), looks) == (1, [])
    assert takes[0].audio == store.root / "song 1" / "takes" / "20261126-120000-1999" / "a.wav"


def test_a_take_is_found_by_what_people_call_it(store: Store, boats: Path) -> None:
    folder = make(boats)
    other = make(store.root / "ships", "20261126-120000-2")
    make(store.root / "ships", "20261126-120000-1")
    store.sync()
    assert store.find("20261126-120000-2").folder == other
    for name in (
        "boats/20261126-120000-1",
        "Boats/20261126-120000-1",
        str(folder),
        f"{folder}/",
        str(folder / SOUND),
    ):
        assert store.find(name).folder == folder
    with pytest.raises(SongdeskError, match="2 takes are called 20261126-120000-1 → name the song too: "):
        store.find("20261126-120000-1")
    for name in ("", "no such", "boats/", "kites/20261126-120000-1", "../boats", "\0", "\udcff\ud800"):
        with pytest.raises(SongdeskError, match="no take called"):
            store.find(name)


def test_a_take_outside_the_library_is_found_by_its_folder(store: Store, tmp_path: Path) -> None:
    folder = make(tmp_path / "out")
    assert store.find(str(folder)).folder == folder
    store.note(folder)
    assert store.takes() == ()
    lone = folder.rename(tmp_path / "lone")
    with pytest.raises(SongdeskError, match="not in the library → songdesk open brings its sound in"):
        store.find(str(lone))


def test_a_take_of_a_library_behind_a_link_is_in_it(store: Store, boats: Path, tmp_path: Path) -> None:
    folder = make(boats)
    link = tmp_path / "link"
    link.symlink_to(store.root)
    store.note(link / folder.relative_to(store.root))
    assert store.takes(link / "boats") == takes_of(boats)
    assert store.find(str(link / folder.relative_to(store.root))).folder == folder


def test_what_came_to_its_end_elsewhere_leaves_the_queue(store: Store, boats: Path) -> None:
    folder = make(boats, state=State.QUEUED)
    store.sync()
    assert len(queue.items(store)) == 1
    finish(folder)
    store.sync()
    assert queue.items(store) == ()
