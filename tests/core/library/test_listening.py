"""The library as a shelf to hear: ids that lead to no path, and files that belong to takes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.spool import growing
from core.audio.stems import sounds_of
from core.library import listening
from core.library.listening import LibraryShelf
from core.library.store import Store, open_store
from core.meter import State
from core.takes.claim import claimed
from core.takes.job import AHEAD, PREVIEW
from tests.made import change, make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "songs")
    yield store
    store.close()


@pytest.fixture
def shelf(store: Store) -> LibraryShelf:
    return LibraryShelf(store)


def test_takes_of_one_name_in_two_songs_have_ids_of_their_own(store: Store, shelf: LibraryShelf) -> None:
    for song in ("boats", "rain"):
        make(store.root / song)
    store.sync()
    cards = shelf.cards()
    assert len({card.id for card in cards}) == 2
    assert all(len(card.id) == 16 and card.id.isalnum() for card in cards)
    assert {card.title for card in cards} == {"Boats", "Rain"}


def test_an_id_is_the_same_next_time(store: Store, shelf: LibraryShelf) -> None:
    make(store.root / "boats")
    store.sync()
    (card,) = shelf.cards()
    assert LibraryShelf(store).card(card.id) == card


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("sound.wav", "mix"),
        ("sound_vocal.flac", "vocal"),
        ("a_bgm.mp3", "backing"),
        (PREVIEW, "mix"),
        (AHEAD, "mix"),
    ],
)
def test_a_file_is_known_by_its_place_before_it_is_there(
    store: Store, shelf: LibraryShelf, name: str, stem: str
) -> None:
    folder = make(store.root / "boats")
    store.sync()
    (card,) = shelf.cards()
    assert shelf.place_of(folder / name) == (card.id, stem)
    begun = folder.with_name("20261201-000000-1") / name
    found = shelf.place_of(begun)
    assert found is not None
    assert found[0] != card.id


def test_only_takes_that_changed_are_looked_up_again(
    monkeypatch: pytest.MonkeyPatch, store: Store, shelf: LibraryShelf
) -> None:
    folders = [make(store.root / song, f"20261126-120000-{n}") for song in ("boats", "rain") for n in (1, 2)]
    store.sync()
    looked_up: list[Path] = []

    def sounds(audio: Path) -> dict[str, Path]:
        looked_up.append(audio.parent)
        return sounds_of(audio)

    monkeypatch.setattr(listening, "sounds_of", sounds)
    first = shelf.cards()
    assert sorted(looked_up) == sorted(folders)
    looked_up.clear()
    assert shelf.cards() == first
    assert looked_up == []
    (folders[0] / "sound_vocal.wav").write_bytes(b"RIFF")  # without a word to the index
    change(folders[1], seconds=9.0)
    store.note(folders[1], make(store.root / "boats", "20261127-120000-1"))
    cards = {card.name: card for card in shelf.cards() if card.song == "boats"}
    assert looked_up.count(folders[0]) == looked_up.count(folders[1]) == 1
    assert not set(looked_up) & set(folders[2:])
    assert cards[folders[0].name].stems == ("mix", "vocal")
    assert shelf.card(cards[folders[0].name].id) == cards[folders[0].name]
    (folders[0] / "sound.wav").unlink()
    (folders[0] / "sound_vocal.wav").unlink()
    assert folders[0].name not in {card.name for card in shelf.cards() if card.song == "boats"}


def test_files_elsewhere_have_no_place(store: Store, shelf: LibraryShelf, tmp_path: Path) -> None:
    folder = make(store.root / "boats")
    outside = (tmp_path / "a.wav", store.root / "a.wav", folder / "deeper" / "a.wav", folder / "recipe.json")
    assert [shelf.place_of(file) for file in outside] == [None] * 4
    assert shelf.place_of(store.root / "boats" / "trash" / folder.name / "sound.wav") is None


def test_of_what_grows_whatever_holds_more_is_heard(store: Store, shelf: LibraryShelf) -> None:
    folder = make(store.root / "boats", state=State.RUNNING)
    frames = np.zeros((4800, 2), dtype=np.float32)
    frames[::7] = 0.5
    with claimed(folder), growing(folder / AHEAD, 48_000) as ahead:
        ahead.append(frames)
        store.note(folder)
        (card,) = shelf.cards()
        assert (card.grows, card.seconds, card.stems) == (True, 0.1, ("mix",))
        assert shelf.growing(card.id, "mix") == folder / AHEAD
        with growing(folder / PREVIEW, 48_000) as later:
            later.append(frames[:100])
            assert shelf.growing(card.id, "mix") == folder / AHEAD
            later.append(frames)
            assert shelf.growing(card.id, "mix") == folder / PREVIEW
            outline = shelf.peaks(card.id, "mix")
            assert outline is not None
            assert outline.seconds == pytest.approx(4900 / 48_000)
        assert shelf.sound(card.id, "mix") is None
    store.note(folder)
    assert shelf.growing(card.id, "mix") is None


def test_what_is_begun_anew_is_measured_anew(store: Store, shelf: LibraryShelf) -> None:
    folder = make(store.root / "boats", state=State.RUNNING)
    with claimed(folder):
        for level, seconds in ((0.5, 0.4), (0.25, 0.2)):
            with growing(folder / PREVIEW, 48_000) as spool:
                spool.append(np.full((round(48_000 * seconds), 2), level, dtype=np.float32))
                store.note(folder)
                (card,) = shelf.cards()
                outline = shelf.peaks(card.id, "mix")
                assert outline is not None
                assert (min(outline.values), max(outline.values)) == pytest.approx((level, level), abs=0.01)
                assert outline.seconds == pytest.approx(seconds)


def test_a_take_that_was_broken_off_knows_no_times(store: Store, shelf: LibraryShelf) -> None:
    for n, state in enumerate((State.DONE, State.STOPPED), 1):
        folder = make(store.root / "boats", f"20261126-120000-{n}", state)
        soundfile.write(folder / "sound.wav", np.zeros((4800, 2), dtype=np.float32), 48_000)
    store.sync()
    stopped, done = shelf.cards()
    assert [part.how for part in shelf.parts(done.id)] == ["expected"]
    (part,) = shelf.parts(stopped.id)
    assert (part.tag, part.seconds, part.how) == ("verse", None, None)
    assert [line.text for line in part.lines] == ["half a line"]


def test_a_song_of_an_unknown_model_still_has_its_words(store: Store, shelf: LibraryShelf) -> None:
    make(store.root / "boats", model="nobody-knows")
    store.sync()
    (part,) = shelf.parts(shelf.cards()[0].id)
    assert (part.tag, part.seconds) == ("verse", None)
