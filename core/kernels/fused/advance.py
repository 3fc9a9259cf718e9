"""Triton: going one column on, in one launch of one small program."""

import triton
import triton.language as tl


@triton.jit
def next_column(
    columns, fed, tokens, marks, knobs, column_stride, width, count, longest, late, first, last, eos,
    LANES: tl.constexpr, POSITION: tl.constexpr, LENGTH: tl.constexpr, DONE: tl.constexpr,
    FRAMES: tl.constexpr, UNTIL: tl.constexpr, ENDED: tl.constexpr, TOLD: tl.constexpr, IDLE: tl.constexpr,
    GIVEN: tl.constexpr, DELAY: tl.constexpr, FINISH: tl.constexpr,
):  # fmt: skip
    """Write the next column of codebooks `first` to `last`, of columns [count, width], and go on to it.

    `longest` is the longest delay; `late` the frames that come later than their column when a person ends
    the song. All is read before anything is written.
    """
    books = tl.arange(0, LANES)
    real = books < count
    is_mine = (books >= first) & (books <= last)
    given = tl.load(marks + GIVEN + books, mask=real, other=0)
    delays = tl.load(marks + DELAY + books, mask=real, other=0)
    position, done = tl.load(marks + POSITION), tl.load(marks + DONE)
    frames, until = tl.load(marks + FRAMES), tl.load(marks + UNTIL)
    ended, told = tl.load(marks + ENDED), tl.load(marks + TOLD)
    is_finish = (tl.load(knobs + FINISH) > 0).to(tl.int32)

    is_open = _open(is_mine, given, done - delays, frames)
    goes = _goes(is_open, done, tl.minimum(frames, until) + longest)
    writes = is_open * goes
    # Behind the last column there is none; nothing is written there.
    place = columns + books * column_stride + tl.minimum(done + 1, width - 1)
    cells = tl.load(place, mask=real, other=0)
    cells = tl.where(writes > 0, tl.load(tokens + books, mask=real, other=0), cells)
    tl.store(place, cells, mask=writes > 0)
    tl.store(fed + books, cells, mask=real.to(tl.int32) * goes > 0)

    ends = tl.sum(tl.where((books == 0) & (cells == eos), writes, 0), 0)
    frames = tl.where(ends > 0, done, frames)
    ended = tl.maximum(ended, ends)
    done += goes
    stops = goes * is_finish * ((told == 0) & (done > late) & (done - late <= frames)).to(tl.int32)
    if first == 0:
        stops *= (ended == 0).to(tl.int32)
        writes_end = stops * (done < frames).to(tl.int32)
        end = tl.full([1], eos, tl.int64)
        tl.store(columns + tl.minimum(done + 1, width - 1) + tl.arange(0, 1), end, mask=writes_end > 0)
    frames = tl.where(stops > 0, done - late, frames)
    goes_on = _goes(_open(is_mine, given, done - delays, frames), done, tl.minimum(frames, until) + longest)
    tl.store(marks + POSITION, position + goes)
    tl.store(marks + LENGTH, position + goes + 1)
    tl.store(marks + DONE, done)
    tl.store(marks + FRAMES, frames)
    tl.store(marks + ENDED, tl.maximum(ended, stops))
    tl.store(marks + TOLD, tl.maximum(told, stops))
    tl.store(marks + IDLE, 1 - goes_on)


@triton.jit
def _open(is_mine, given, frame, frames):
    """1 where the cell of the next column is a frame of the song and not known beforehand."""
    return (is_mine & (given <= frame) & (frame < frames)).to(tl.int32)


@triton.jit
def _goes(is_open, done, last):
    """1 when there is something to write up to the last column."""
    return tl.minimum(tl.max(is_open, 0), (done < last).to(tl.int32))
