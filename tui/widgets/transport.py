"""Two rows at the foot: how far the run is, what it holds in memory, and what the player does."""

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.meter import Memory, Meter, State
from tui.widgets.bars import bar, clip, clock, gib, one_line, spark

GAP = "  "
_NO_BAR_UNDER = 60
_ROOM_BESIDE_BAR = 72
_WIDE = 120
_ROOM_FOR_MORE = 30
"""What the history and the queue take, where there is room for them; the bar must not move for them."""
_PLAYER_ROOM = 26
_AS_SHOWN = ("time", "heard", "rate", "history", "eta", "section", "waiting", "way", "title")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as its two runs."""

    strong: str
    plain: str

    @property
    def text(self) -> str:
        """The whole row."""
        return self.strong + self.plain


@dataclass(frozen=True, slots=True)
class PlayerLine:
    """What the player says of itself; times in seconds."""

    text: str = ""
    position: float | None = None
    duration: float | None = None


class Transport(Widget):
    """Shows the newest reading; an equal reading, or one that changes nothing visible, costs nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"transport--strong", "transport--plain"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._meter = Meter()
        self._player = PlayerLine()
        self._reached = 0.0
        self._plan = ""
        self._rows = (Row("", ""), Row("", ""))

    def show(self, meter: Meter) -> None:
        """Show a reading of the run; within one phase of one job the progress never goes back."""
        if meter == self._meter:
            return
        same = (meter.job, meter.phase) == (self._meter.job, self._meter.phase)
        self._reached = max(self._reached, meter.fraction) if same else meter.fraction
        self._meter = meter
        self._redraw()

    def show_plan(self, seconds: float, peak: int) -> None:
        """Show, while nothing was made yet, what the song will take: its length (s) and memory (bytes)."""
        self._plan = f"to make: {clock(seconds)} at most, {gib(peak)} GiB of memory for the model at its peak"
        self._redraw()

    def show_player(self, text: str, position: float | None, duration: float | None) -> None:
        """Show what the player does, or why it cannot; times in seconds, None when unknown."""
        line = PlayerLine(one_line(text), position, duration)
        if line != self._player:
            self._player = line
            self._redraw()

    @property
    def lines(self) -> tuple[str, str]:
        """The two rows as text."""
        return self._rows[0].text, self._rows[1].text

    def on_resize(self) -> None:
        """Fit the rows to the new width."""
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """One row in at most two colour runs."""
        row = self._rows[y] if y < 2 else Row("", "")
        strong, plain = (self.get_component_rich_style(f"transport--{n}") for n in ("strong", "plain"))
        strip = Strip([Segment(row.strong, strong), Segment(row.plain, plain)])
        return strip.adjust_cell_length(self.size.width, plain)

    def _redraw(self) -> None:
        width = self.size.width
        if not width:
            return
        first = run_row(self._meter, self._reached, width)
        if self._meter.state is State.IDLE and self._plan:
            first = Row(first.strong, clip(GAP + self._plan, width - cell_len(first.strong)))
        rows = (first, memory_row(self._meter, self._player, width))
        for y, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
            if old != new:
                self.refresh(Region(0, y, _last_change(old, new), 1))
        self._rows = rows


def run_row(meter: Meter, reached: float, width: int) -> Row:
    """Phase, bar, time, rate, end, section and queue, as many as fit, the dearest kept longest."""
    label = _label(meter)
    if meter.state is State.IDLE:
        return Row(clip(label, width), "")
    busy = meter.state.busy
    # Kept longest first; the order on screen is that of `shown`.
    fields = {
        "time": _song_time(meter, reached),
        "eta": _eta(meter) if busy else "",
        "heard": _heard(meter) if busy else "",
        "rate": _rate(meter) if busy else "",
        "section": one_line(meter.section) if busy else "",
        "history": spark(meter.rates) if busy else "",
        "waiting": f"+{meter.waiting} waiting" if meter.waiting else "",
        "way": one_line(meter.way) if busy else "",
        "title": one_line(meter.title),
    }
    beside = _ROOM_BESIDE_BAR + (_ROOM_FOR_MORE if width >= _WIDE else 0)
    cells = max(8, min(60, width - beside)) if busy and width >= _NO_BAR_UNDER else 0
    done, rest = bar(reached, cells)
    room = width - cell_len(label) - (cells + 1 if cells else 0)
    kept: dict[str, str] = {}
    for name, text in fields.items():
        if not text:
            continue
        if cell_len(text) + len(GAP) > room:
            if name == "way":  # it is said elsewhere too
                continue
            break
        kept[name] = text
        room -= cell_len(text) + len(GAP)
    shown = [kept[name] for name in _AS_SHOWN if name in kept]
    strong = clip(label, width) + (" " + done if cells else "")
    return Row(strong, rest + "".join(GAP + text for text in shown))


def memory_row(meter: Meter, player: PlayerLine, width: int) -> Row:
    """Memory as ours, in use and planned, and the player's line; the memory shortens first.

    What is wrong with the run goes before the memory, with a sign, and in the player's place.
    """
    if meter.warning and meter.state.busy:
        beside = len(_memory_forms(meter.memory)[-1]) + len(GAP) if width >= _NO_BAR_UNDER else 0
        wrong = clip(f"! {one_line(meter.warning)}", width - beside)
        rest = memory_row(replace(meter, warning=""), PlayerLine(), width - cell_len(wrong) - len(GAP))
        return Row(wrong, GAP + rest.text if beside else "")
    times = ""
    if player.position is not None or player.duration is not None:
        times = f"{clock(player.position)} / {clock(player.duration)}"
    elif meter.state is State.IDLE and meter.memory is None:
        return Row("", clip(player.text, width))
    spoken = " ".join(part for part in (player.text, times) if part)
    wanted = min(cell_len(spoken), _PLAYER_ROOM) + len(GAP) if spoken else 0
    forms = _memory_forms(meter.memory)
    memory = next((form for form in forms if len(form) + wanted <= width), forms[-1])
    if not spoken:
        return Row("", clip(memory, width))
    room = width - len(memory) - len(GAP)
    lead = memory + GAP
    if room < min(cell_len(spoken), _PLAYER_ROOM):
        lead, room = "", width
    text = clip(player.text, room - len(times) - 1) if times else clip(player.text, room)
    spoken = clip(" ".join(part for part in (text, times) if part), room)
    return Row("", lead + spoken)


def _label(meter: Meter) -> str:
    match meter.state:
        case State.RUNNING:
            return f"{meter.phase}/{meter.phases} {one_line(meter.stage)}"
        case State.FINISHING:
            return f"{meter.phase}/{meter.phases} stopping, keeping what is made"
        case State.STOPPING:
            return f"{meter.phase}/{meter.phases} stopping"
        case State.PAUSING:
            return f"{meter.phase}/{meter.phases} pausing"
        case _:
            return str(meter.state.value)


def _song_time(meter: Meter, reached: float) -> str:
    if meter.seconds > 0:
        return f"{clock(reached * meter.seconds)} / {clock(meter.seconds)}"
    return f"{reached * 100:.0f} %" if meter.total else ""


def _heard(meter: Meter) -> str:
    """How far the song can be heard while it is composed; while it is rendered its time says so."""
    is_ahead = meter.preview is not None and meter.phase < meter.phases
    return f"heard to {clock(meter.preview_seconds)}" if is_ahead else ""


def _rate(meter: Meter) -> str:
    unit = one_line(meter.unit) or "steps"
    if meter.rate is None:
        return f"? {unit}/s"
    return f"{meter.rate:.0f} {unit}/s" if meter.rate >= 10 else f"{meter.rate:.1f} {unit}/s"


def _eta(meter: Meter) -> str:
    """When the song is ready; where that cannot be known yet, when this phase is done."""
    if meter.ready is not None:
        return f"ETA {_between(meter.ready)}"
    return f"phase ETA {_between(meter.eta)}" if meter.eta is not None else "ETA unknown"


def _between(seconds: tuple[float, float]) -> str:
    low, high = (max(0, round(value)) for value in seconds)
    if high >= 100:
        return f"{clock(low)}–{clock(high)}" if low != high else clock(high)
    return f"{low}–{high} s" if low != high else f"{high} s"


def _memory_forms(memory: Memory | None) -> tuple[str, ...]:
    if memory is None:
        return "memory unknown", "mem ?"
    ours, used, total, plan = (
        gib(count) for count in (memory.ours, memory.in_use, memory.total, memory.planned)
    )
    where = one_line(memory.where)
    in_use = f"used {used} of {total}" if memory.in_use is not None else f"unknown of {total} used"
    if memory.total is None:
        in_use = f"used {used}" if memory.in_use is not None else "use unknown"
    return (
        f"{where} ours {ours if memory.ours is not None else 'unknown'} / {in_use} / plan {plan} GiB",
        f"{where} {ours} / {used} / plan {plan} GiB",
        f"{where} {ours} GiB",
    )


def _last_change(old: Row, new: Row) -> int:
    """Cells from the left up to where the rows begin to be the same again."""
    before, after = old.text, new.text
    if cell_len(before) != cell_len(after) or len(before) != len(after):
        return max(cell_len(before), cell_len(after))
    same = 0
    while same < len(after) and before[-1 - same] == after[-1 - same]:
        same += 1
    end = max(len(after) - same, len(old.strong), len(new.strong))
    return cell_len(after[:end])
