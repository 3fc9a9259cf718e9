"""The journal: what was flushed is there whatever happens to the tail, and never more than was written."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.takes.job import STOP, KnobChange
from core.takes.journal import FILE, Journal, Written, read_journal
from core.takes.recipe import Seam

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
KNOB = KnobChange("tokens", 7, "temperature", 1.25)
SEAM = Seam(3, is_exact=False)

Step = Callable[[Journal], None]
STEPS: tuple[Step, ...] = (
    lambda journal: journal.schedule("lockstep"),
    lambda journal: journal.add([[1, 2, 3], [4, 5], [6]]),
    lambda journal: journal.knob(KNOB),
    lambda journal: journal.add([[], [7], [8, -1]], frames=3),
    lambda journal: journal.seam(SEAM),
    lambda journal: journal.add([[2**31 - 1], [0], [-(2**31)]]),
)
WHOLE = Written(
    "of this",
    ((1, 2, 3, 2**31 - 1), (4, 5, 7, 0), (6, 8, -1, -(2**31))),
    knobs=(KNOB,),
    frames=3,
    seams=(SEAM,),
    schedule="lockstep",
)


def read(path: Path) -> Written:
    written = read_journal(path)
    assert written is not None
    return written


def said(written: Written) -> Written:
    """What a journal says, however many bytes that takes."""
    return replace(written, size=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "take" / FILE


@pytest.fixture
def sound(path: Path) -> list[Written]:
    """All that a journal has been, from nothing but its head to the whole, which is what `path` holds."""
    states = []
    with Journal(path, "of this") as journal:
        states.append(read(path))
        for step in STEPS:
            step(journal)
            journal.flush()
            states.append(read(path))
    return states


def prefix(sound: list[Written], size: int) -> Written:
    """The last state that the first bytes hold; a step may write two records."""
    return [state for state in sound if state.size <= size][-1]


def is_prefix(part: Written, whole: Written) -> bool:
    books = part.books or ((),) * len(whole.books)
    return (
        all(long[: len(short)] == short for short, long in zip(books, whole.books, strict=True))
        and whole.knobs[: len(part.knobs + part.tail)] == part.knobs + part.tail
        and whole.seams[: len(part.seams)] == part.seams
        and part.frames in (None, whole.frames)
        and part.schedule in ("", whole.schedule)
        and part.made_from == whole.made_from
    )


def test_what_was_flushed_is_read_again(path: Path, sound: list[Written]) -> None:
    assert said(sound[-1]) == WHOLE
    assert sound[-1].size == path.stat().st_size
    assert path.read_bytes().startswith(b"songdesk journal 1\n")
    assert [entry.name for entry in path.parent.iterdir()] == [FILE]


def test_what_is_only_collected_is_not_there_yet(path: Path) -> None:
    with Journal(path, "x") as journal:
        for frame in range(30):
            journal.add([[frame], [frame], [frame]])
        assert read(path).books == ()
        journal.flush()
        once = path.stat().st_size
        journal.flush()
        assert path.stat().st_size == once < 30 * 3 * 4 + 200, "thirty frames are one record"
    assert read(path).books == (tuple(range(30)),) * 3


def test_closing_flushes_also_when_the_run_ends_with_an_error(path: Path) -> None:
    with contextlib.suppress(MemoryError), Journal(path, "x") as journal:
        journal.add([[1]])
        raise MemoryError
    assert read(path).books == ((1,),)
    journal.close()


def test_another_run_goes_on_where_the_last_one_ended(path: Path, sound: list[Written]) -> None:
    with Journal(path, "of this") as journal:
        assert journal.written == sound[-1]
        journal.add([[9], [9], [9, 9]], frames=5)
    assert read(path).books == tuple((*a, *b) for a, b in zip(WHOLE.books, ((9,), (9,), (9, 9)), strict=True))
    assert read(path).frames == 5


def test_a_journal_of_something_else_begins_anew(path: Path, sound: list[Written]) -> None:
    with Journal(path, "of that") as journal:
        assert said(journal.written) == Written("of that")
    assert said(read(path)) == Written("of that")


def test_another_number_of_codebooks_is_a_mistake(path: Path, sound: list[Written]) -> None:
    with Journal(path, "of this") as journal, pytest.raises(ValueError, match="zip"):
        journal.add([[1]])
    assert read(path) == sound[-1]


def test_there_is_no_journal_where_there_is_no_file_or_no_head(path: Path) -> None:
    assert read_journal(path) is None
    path.parent.mkdir()
    for data in (b"", b"songdesk journal 1\n", b"songdesk journal 1\nH\x02\0\0\0{}\0\0\0\0", b"\0" * 99):
        path.write_bytes(data)
        assert read_journal(path) is None
    path.unlink()
    path.mkdir()
    assert read_journal(path) is None


def test_a_later_version_is_left_alone_and_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"songdesk journal 12\nwhat is this")
    assert read_journal(path) is None
    with pytest.raises(SongdeskError, match="a journal of version 12, and this songdesk reads version 1"):
        Journal(path, "x")
    assert path.read_bytes() == b"songdesk journal 12\nwhat is this"


def test_a_journal_that_cannot_be_read_is_left_alone(
    path: Path, sound: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = path.read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(SongdeskError, match="cannot read the journal"):
            Journal(path, "of this")
        assert read_journal(path) is None
    assert path.read_bytes() == whole


def test_what_a_killed_process_left_of_beginning_is_swept(path: Path) -> None:
    path.parent.mkdir()
    (path.parent / ".tokens.0123456789ab.journal").write_text("half")
    (path.parent / ".other").write_text("not ours")
    Journal(path, "x").close()
    assert sorted(entry.name for entry in path.parent.iterdir()) == [".other", FILE]


def test_a_knob_is_heard_once_codes_follow_it(path: Path) -> None:
    with Journal(path, "x") as journal:
        journal.add([[1], [], []])
        journal.knob(KNOB)
        journal.flush()
        assert (read(path).knobs, read(path).tail) == ((), (KNOB,))
        journal.add([[2], [], []])
        journal.flush()
        assert (read(path).knobs, read(path).tail) == ((KNOB,), ())


def test_going_on_takes_back_what_nothing_kept_has_heard(path: Path) -> None:
    later = KnobChange("audio", 0, "flow_steps", 3)
    with Journal(path, "x") as journal:
        journal.add([[1], [], []])
        journal.knob(KNOB)
        journal.knob(later)
    with Journal(path, "x") as journal:
        assert journal.written.tail == (KNOB, later)
        journal.resume("tokens")
        journal.add([[2], [], []])
    assert read(path).knobs == (later,), "a later stage has not heard it yet"


def test_a_wish_to_stop_counts_with_the_end_it_came_to(path: Path) -> None:
    stop = KnobChange("tokens", 2, STOP, True)
    with Journal(path, "x") as journal:
        journal.add([[1], [], []])
        journal.knob(stop)
        journal.add([[2], [], []])
    with Journal(path, "x") as journal:
        journal.resume("tokens")
        journal.add([[3], [], []])
        journal.flush()
        assert read(path).knobs == (), "nobody knows where it ended"
        journal.knob(stop)
        journal.add([[], [], []], frames=3)
    assert (read(path).knobs, read(path).frames) == ((stop,), 3)


# --- damage ---------------------------------------------------------------------------------------------


def goes_on(path: Path, before: Written) -> None:
    """Check that a journal whose sound part is `before` is cut there, and can be written and read on."""
    with Journal(path, "of this") as journal:
        assert journal.written == before
        assert path.stat().st_size == before.size
        journal.add([[11, 12]] * len(before.books or WHOLE.books))
    books = before.books or ((),) * len(WHOLE.books)
    after = read(path)
    assert after.books == tuple((*book, 11, 12) for book in books)
    assert after.size == path.stat().st_size
    heard = replace(said(before), knobs=before.knobs + before.tail, tail=())
    assert replace(said(after), books=before.books) == heard


def test_a_tail_cut_at_every_byte_of_the_last_record(path: Path, sound: list[Written]) -> None:
    whole = path.read_bytes()
    for size in range(sound[-2].size, sound[-1].size):
        path.write_bytes(whole[:size])
        assert read(path) == sound[-2]
        goes_on(path, sound[-2])


def test_a_tail_cut_at_every_byte_of_the_file(path: Path, sound: list[Written]) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found = read_journal(path)
        if size < sound[0].size:
            assert found is None
        else:
            assert found is not None
            assert prefix(sound, size).size <= found.size <= size
            assert is_prefix(found, WHOLE)


def test_every_bit_flipped_in_the_last_record_and_every_byte_of_zeros(
    path: Path, sound: list[Written]
) -> None:
    whole = path.read_bytes()
    for at in range(sound[-2].size, len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            path.write_bytes(data)
            assert read(path) == sound[-2]
        # as some file systems leave it when the power goes
        path.write_bytes(whole[:at] + bytes(len(whole) - at))
        assert read(path).size in (sound[-2].size, len(whole))


@quick
@given(data=st.data())
def test_damage_anywhere_leaves_the_part_before_it(
    path: Path, sound: list[Written], data: st.DataObject
) -> None:
    path.parent.mkdir(exist_ok=True)
    with_damage, first = data.draw(damaged(original(path, sound), sound[0].size))
    path.write_bytes(with_damage)
    found = read(path)
    assert prefix(sound, first).size <= found.size <= max(first, prefix(sound, first).size)
    assert is_prefix(found, WHOLE)
    goes_on(path, found)


@quick
@given(tail=st.binary(min_size=1, max_size=200))
def test_what_is_behind_the_end_is_not_taken_in(path: Path, sound: list[Written], tail: bytes) -> None:
    path.write_bytes(original(path, sound) + tail)
    goes_on(path, sound[-1])


@quick
@given(data=st.data())
def test_a_tail_that_is_there_twice_is_taken_once(
    path: Path, sound: list[Written], data: st.DataObject
) -> None:
    whole = original(path, sound)
    sizes = [state.size for state in sound]
    first = data.draw(st.sampled_from([0, *sizes[:-1]]) | st.integers(0, len(whole) - 1))
    last = data.draw(st.sampled_from([size for size in sizes if size > first]))
    path.write_bytes(whole + whole[first:last] * data.draw(st.integers(1, 3)))
    assert read(path) == sound[-1]
    goes_on(path, sound[-1])


@quick
@given(
    cuts=st.lists(st.integers(0, 60), min_size=1, max_size=8),
    adds=st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4), min_size=8, max_size=8),
)
def test_breaking_off_again_and_again_loses_tails_and_nothing_else(
    tmp_path: Path, cuts: list[int], adds: list[list[int]]
) -> None:
    path = tmp_path / FILE
    path.unlink(missing_ok=True)
    Journal(path, "x").close()
    head = path.stat().st_size
    kept: list[int] = []
    for cut, codes in zip(cuts, adds, strict=False):
        with Journal(path, "x") as journal:
            assert journal.written.books in ((tuple(kept),), () if not kept else None)
            journal.add([codes])
            if cut % 3:
                journal.flush()
            journal.add([codes[::-1]])
        kept += codes + codes[::-1]
        size = max(head, path.stat().st_size - cut)
        os.truncate(path, size)
        left = read(path)
        assert left.size <= size
        books = left.books[0] if left.books else ()
        assert tuple(kept[: len(books)]) == books
        kept = list(books)


def original(path: Path, sound: list[Written]) -> bytes:
    """The bytes of the whole journal, however an example before this one left the file."""
    kept = path.with_name("whole")
    if not kept.exists():
        kept.write_bytes(path.read_bytes())
    return kept.read_bytes()


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, head: int) -> tuple[bytes, int]:
    """The journal with something wrong behind its head, and how many bytes are as they were."""
    at = draw(st.integers(head, len(whole) - 1))
    match draw(st.sampled_from(["cut", "flip", "zeros", "garbage", "hole", "insert"])):
        case "cut":
            bad = whole[:at]
        case "flip":
            bad = whole[:at] + bytes([whole[at] ^ draw(st.integers(1, 255))]) + whole[at + 1 :]
        case "zeros":
            bad = whole[:at] + bytes(len(whole) - at)
        case "garbage":
            bad = whole[:at] + draw(st.binary(max_size=99))
        case "hole":
            bad = whole[:at] + whole[at + draw(st.integers(1, 40)) :]
        case _:
            bad = whole[:at] + draw(st.binary(min_size=1, max_size=40)) + whole[at:]
    return bad, next(
        (n for n, (a, b) in enumerate(zip(whole, bad, strict=False)) if a != b), min(len(whole), len(bad))
    )


# --- a disk that refuses --------------------------------------------------------------------------------


def test_a_disk_that_fills_takes_nothing_and_a_later_flush_writes_all(
    path: Path, sound: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    room = 10

    def cramped(handle: int, data: bytes) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(handle, bytes(data)[:room])
        room -= written
        return written

    with Journal(path, "of this") as journal:
        journal.add([[1, 2], [3], [4]])
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", cramped)
            for _ in range(2):
                with pytest.raises(SongdeskError, match="no space left on device") as caught:
                    journal.flush()
                assert path.stat().st_size == sound[-1].size
            journal.add([[], [5], [6]])
        assert caught.value.where == str(path)
        journal.flush()
        assert [book[4:] for book in read(path).books] == [(1, 2), (3, 5), (4, 6)]


@pytest.mark.parametrize("refused", ["write", "fdatasync", "ftruncate"])
def test_a_write_that_is_broken_off_is_not_written_twice(
    path: Path, sound: list[Written], monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    write = os.write

    def half(handle: int, data: bytes) -> int:
        write(handle, bytes(data)[:9])
        raise KeyboardInterrupt

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Journal(path, "of this") as journal:
        journal.add([[1], [2], [3]])
        with monkeypatch.context() as patch:
            if refused != "write":
                patch.setattr(os, refused, fail)
            if refused != "fdatasync":
                patch.setattr(os, "write", half)
            with pytest.raises((KeyboardInterrupt, SongdeskError)):
                journal.flush()
        assert is_prefix(read(path), said(sound[-1])) or refused == "fdatasync"
    assert read(path).size == path.stat().st_size
    assert [book[4:] for book in read(path).books] == [(1,), (2,), (3,)]


def test_a_full_disk_does_not_hide_what_went_wrong_before(
    path: Path, sound: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", fail)
    journal = Journal(path, "of this")
    journal.add([[1], [2], [3]])
    with pytest.raises(MemoryError), journal:
        raise MemoryError
    assert read(path) == sound[-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "songdesk-test", str(disk)]
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def is_flushed(journal: Journal) -> bool:
    try:
        journal.flush()
    except SongdeskError:
        return False
    return True


def test_a_journal_on_a_disk_that_fills_up_and_is_freed(small_disk: Path) -> None:
    ballast, path = small_disk / "ballast", small_disk / "take" / FILE
    ballast.write_bytes(b"x" * 48 * 1024)
    with Journal(path, "x") as journal:
        written = 0
        while is_flushed(journal):
            written += 1
            journal.add([[written] * 500])
        written -= 1
        assert len(read(path).books[0]) == written * 500
        assert read(path).size == path.stat().st_size
        ballast.unlink()
        journal.flush()
    assert list(read(path).books[0][::500]) == list(range(1, written + 2))
    ballast.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    with pytest.raises(SongdeskError, match="no space left"):
        Journal(path, "another")
    assert len(read(path).books[0]) == (written + 1) * 500, "what could not be replaced is as it was"
