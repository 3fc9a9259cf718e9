"""The trash: what is in it can come back, and nothing else is ever removed."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.library import queue, trash
from core.library.store import Store, open_store
from core.meter import State
from core.takes import recipe as recipes
from core.takes.claim import claimed
from core.takes.mark import Mark, save_mark
from tests.made import SOUND, make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


@pytest.fixture
def boats(store: Store) -> Path:
    return store.root / "boats"


def test_a_take_goes_into_the_trash_and_comes_back_as_it_was(store: Store, boats: Path) -> None:
    folder = make(boats)
    save_mark(folder, Mark(True, "warm"))
    store.sync()
    (take,) = store.takes()
    thrown = trash.trash(store, take)
    assert (store.takes(), store.takes(trashed=True)) == ((), (thrown,))
    assert thrown == replace(take, is_trashed=True, audio=boats / "trash" / take.id / SOUND)
    assert not folder.exists()
    assert trash.trash(store, thrown) == thrown
    assert trash.restore(store, thrown) == take
    assert (store.takes(), store.takes(trashed=True)) == ((take,), ())
    assert (folder / SOUND).read_bytes() == b"RIFF"


def test_a_take_that_is_being_made_is_not_thrown_away(store: Store, boats: Path) -> None:
    folder = make(boats, state=State.RUNNING)
    store.sync()
    (take,) = store.takes()
    with claimed(folder), pytest.raises(SongdeskError, match="being made → stop or pause it first"):
        trash.trash(store, take)
    assert trash.trash(store, take).state == "interrupted"


def test_a_thrown_item_is_not_made_and_does_not_queue_itself_again(store: Store, boats: Path) -> None:
    folder = make(boats, state=State.QUEUED)
    store.sync()
    thrown = trash.trash(store, queue.items(store)[0].take)
    store.sync()
    assert queue.items(store) == ()
    assert thrown.state == "queued"
    assert trash.restore(store, thrown).can_go_on
    store.sync()
    assert queue.items(store) == ()
    queue.add(store, folder)
    assert [item.take.folder for item in queue.items(store)] == [folder]


@pytest.mark.parametrize("there", [True, False])
def test_another_take_of_the_name_is_never_written_over(store: Store, boats: Path, there: bool) -> None:
    folder = make(boats)
    other = boats / "trash" / folder.name
    other.mkdir(parents=True)
    if there:
        (other / "note").write_text("mine")
    store.sync()
    with pytest.raises(SongdeskError, match="another take of that name"):
        trash.trash(store, store.takes()[0])
    assert (folder / SOUND).is_file()
    assert other.is_dir()


def test_the_trash_of_one_song_or_of_all_is_emptied(store: Store, boats: Path) -> None:
    for home in (boats, store.root / "ships"):
        for number in range(3):
            make(home, f"20261126-120000-{number}")
    store.sync()
    for take in store.takes():
        if not take.id.endswith("2"):
            trash.trash(store, take)
    (boats / "trash" / "left by a kill").mkdir()
    assert trash.empty(store, boats) == 2
    assert not (boats / "trash").exists()
    assert len(store.takes(trashed=True)) == 2
    assert trash.empty(store) == 2
    assert trash.empty(store) == 0
    assert [take.id[-1] for take in store.takes()] == ["2", "2"]
    assert store.takes(trashed=True) == ()


def test_what_lies_elsewhere_is_never_removed(store: Store, boats: Path, tmp_path: Path) -> None:
    precious = make(tmp_path / "out")
    folder = make(boats)
    store.sync()
    thrown = trash.trash(store, store.takes()[0])
    bin_ = boats / "trash"
    (bin_ / "link").symlink_to(precious)
    (bin_ / "file").write_text("x")
    (thrown.folder / "inside").symlink_to(precious)
    (store.root / "ships").mkdir()
    (store.root / "ships" / "trash").symlink_to(precious.parent)
    hidden = make(store.root / ".hidden")
    shutil.copytree(hidden, store.root / ".hidden" / "trash" / "one")
    assert trash.empty(store) == 1
    assert not folder.exists()
    assert sorted(path.name for path in bin_.iterdir()) == ["file", "link"]
    assert (precious / SOUND).is_file()
    assert (store.root / ".hidden" / "trash" / "one").is_dir()
    for home in (tmp_path / "out", store.root, boats / "trash", store.root / "..", store.root / ".hidden"):
        with pytest.raises(SongdeskError, match="no song of the library"):
            trash.empty(store, home)


@pytest.mark.parametrize("name", ["", ".", "..", "../../out", "a/b", "\0", ".new-1"])
def test_a_name_that_leads_elsewhere_is_refused(store: Store, boats: Path, name: str) -> None:
    make(boats)
    store.sync()
    with pytest.raises(SongdeskError, match="no name of a take"):
        trash.trash(store, replace(store.takes()[0], id=name))
    assert len(store.takes()) == 1


def test_a_trash_that_is_a_link_takes_nothing_in(store: Store, boats: Path, tmp_path: Path) -> None:
    folder = make(boats)
    (tmp_path / "elsewhere").mkdir()
    (boats / "trash").symlink_to(tmp_path / "elsewhere")
    store.sync()
    with pytest.raises(SongdeskError, match="cannot write here"):
        trash.trash(store, store.takes()[0])
    assert folder.is_dir()


def test_what_is_gone_or_in_use_is_said(store: Store, boats: Path) -> None:
    folder = make(boats)
    make(boats, "20261126-120000-2")
    store.sync()
    other, take = store.takes()
    shutil.rmtree(folder)
    with pytest.raises(SongdeskError, match="is gone"):
        trash.trash(store, take)
    assert not folder.exists()
    thrown = trash.trash(store, other)
    with claimed(thrown.folder), pytest.raises(SongdeskError, match="in use"):
        trash.empty(store)
    assert store.takes(trashed=True) == (thrown,)
    assert trash.empty(store) == 1


def test_a_folder_that_cannot_be_removed_is_said_and_the_others_are_removed(
    store: Store, boats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        make(boats, f"20261126-120000-{number}")
    store.sync()
    stuck = [trash.trash(store, take) for take in store.takes()][1]
    rmtree = shutil.rmtree

    def refusing(folder: Path) -> None:
        if folder == stuck.folder:
            raise PermissionError(13, "Permission denied", str(folder))
        rmtree(folder)

    monkeypatch.setattr(shutil, "rmtree", refusing)
    with pytest.raises(
        SongdeskError, match="boats/trash/20261126-120000-1: cannot be removed: permission denied"
    ):
        trash.empty(store)
    assert store.takes(trashed=True) == (stuck,)


def test_a_take_whose_recipe_is_damaged_can_be_thrown_away(store: Store, boats: Path) -> None:
    (make(boats) / recipes.FILE).write_text("{")
    store.sync()
    thrown = trash.trash(store, store.takes()[0])
    assert thrown.is_trashed
    assert trash.restore(store, thrown).state == "failed"
