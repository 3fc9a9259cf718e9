"""The window plan: every frame is made once, overlaps are as asked, the last window is exactly as long."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from core.levo.synthesis.windows import plan_windows, units, windows_behind

FRAMES = some.integers(0, 8000)
PROMPTS = some.sampled_from((0, 1, 100, 250))


@given(FRAMES, PROMPTS)
def test_every_frame_is_made_once_and_in_order(frames: int, prompt: int) -> None:
    windows = plan_windows(frames, positions=1000, carried=250, prompt=prompt)
    made = [frame for window in windows for frame in range(window.start + window.carried, window.end)]
    assert made == list(range(prompt, prompt + frames))


@given(FRAMES, PROMPTS)
def test_windows_carry_250_frames_of_the_one_before(frames: int, prompt: int) -> None:
    windows = plan_windows(frames, positions=1000, carried=250, prompt=prompt)
    assert [window.carried for window in windows] == ([prompt] + [250] * len(windows))[: len(windows)]
    for before, after in pairwise(windows):
        assert after.start + after.carried == before.end


@given(FRAMES, PROMPTS)
def test_all_but_the_last_window_are_full_and_the_last_is_exact(frames: int, prompt: int) -> None:
    windows = plan_windows(frames, positions=1000, carried=250, prompt=prompt)
    assert all(window.length == 1000 for window in windows[:-1])
    if windows:
        assert windows[-1].end == prompt + frames
        assert windows[-1].carried < windows[-1].length <= 1000


@given(some.integers(1, 7000), some.integers(0, 3000))
def test_windows_behind_known_frames_make_only_the_rest_and_carry_the_last_of_them(
    known: int, frames: int
) -> None:
    windows = windows_behind(known, frames, positions=1000, carried=250)
    made = [frame for window in windows for frame in range(window.start + window.carried, window.end)]
    assert made == list(range(known, known + frames))
    assert all(window.carried == (250 if index else min(known, 250)) for index, window in enumerate(windows))
    usual = plan_windows(known + frames, positions=1000, carried=250)
    assert not {window.index for window in windows} & {window.index for window in usual}


def test_the_number_of_windows_is_the_smallest_possible() -> None:
    counts = {f: len(plan_windows(f, positions=1000, carried=250)) for f in (0, 1, 1000, 1001, 1750, 1751)}
    assert counts == {0: 0, 1: 1, 1000: 1, 1001: 2, 1750: 2, 1751: 3}


def test_units_are_euler_steps_and_chunks() -> None:
    windows = plan_windows(1500, positions=1000, carried=250)
    assert units(windows, 1500, steps=10, chunk=64) == 2 * 10 + 24
