"""How a song is cut into windows that the flow transformer solves one after the other; no torch."""

from dataclasses import dataclass, replace
from math import ceil

VAE_CHUNK = 64
"""Latents decoded at once; with their context they take about 0.25 GiB at 32 base channels on a CPU."""
_BEHIND = 1 << 16
"""Added to the indices of windows behind a beginning; no song has so many windows that it would meet them."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of frames, the first `carried` of which are known already."""

    index: int
    """Which noise is its own."""
    start: int
    length: int
    carried: int

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.start + self.length


def plan_windows(frames: int, *, positions: int, carried: int, prompt: int = 0) -> tuple[Window, ...]:
    """Windows of `positions` frames that make every one of `prompt + frames` once.

    The first carries the prompt, each later one the last `carried` frames of the one before; the last is as
    short as the song leaves it.
    """
    assert 0 < carried < positions, "a window makes frames of its own"
    assert 0 <= prompt < positions, "the prompt leaves room in the first window"
    total = prompt + frames
    windows: list[Window] = []
    start, known = 0, prompt
    while start + known < total:
        windows.append(Window(len(windows), start, min(positions, total - start), known))
        start, known = start + positions - carried, carried
    return tuple(windows)


def windows_behind(known: int, frames: int, *, positions: int, carried: int) -> tuple[Window, ...]:
    """Windows that make the `frames` behind those `known`, the first from the last `carried` of them.

    They are not where the windows of a song made from its beginning are, so their noise must be another one,
    or frames made anew would repeat that of known ones. An index is therefore `_BEHIND` and the first frame:
    the seed and the place of a window are all that its noise depends on.
    """
    back = min(known, carried)
    planned = plan_windows(frames, positions=positions, carried=carried, prompt=back)
    starts = [window.start + known - back for window in planned]
    return tuple(
        replace(window, index=_BEHIND + start, start=start)
        for window, start in zip(planned, starts, strict=True)
    )


def tiled_windows(frames: int, *, positions: int, carried: int, prompt: int = 0) -> tuple[Window, ...]:
    """Windows as the published programs cut them: all full, the last filled with a repetition of the song.

    `frames` includes the codes of the prompt, of which `prompt` are carried (levo-audio spec §6.3).
    """
    hop = positions - carried
    count = max(1, ceil((frames - carried) / hop))
    return tuple(Window(k, k * hop, positions, carried if k else prompt) for k in range(count))


def units(windows: tuple[Window, ...], frames: int, *, steps: int, chunk: int) -> int:
    """Progress units of a song of `frames`: Euler steps of every window, and decoded chunks."""
    return len(windows) * steps + ceil(frames / chunk)


def order(
    windows: tuple[Window, ...], frames: int, *, steps: int, chunk: int, stems: int, context: int
) -> tuple[tuple[str, int], ...]:
    """The same units of `stems` stems by kind, about as they are done: a window is solved, then decoded.

    The decoder waits for `context` frames behind those it decodes.
    """
    done: list[tuple[str, int]] = []
    decoded, last = 0, ceil(frames / chunk)
    for window in windows:
        ready = last if window is windows[-1] else max(0, window.end - context) // chunk
        done += [("step", stems * steps), ("chunk", stems * (min(ready, last) - decoded))]
        decoded = min(ready, last)
    return tuple((kind, count) for kind, count in done if count)
