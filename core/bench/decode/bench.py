"""Decoding measured: the machine, then of each form of weights and cache quality, speed, memory, delays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from core.bench.decode.laps import Effort, paces, peak, song_seconds
from core.bench.decode.machine import machine
from core.bench.decode.piecework import PieceTime, Record, piece_times
from core.bench.decode.quality import Lesson, Nearness, lesson, nearness
from core.bench.decode.report import Compared, Measured, Report
from core.bench.decode.sound import FirstSound, first_sound
from core.bench.decode.subject import Subject, subject
from core.bench.decode.traffic import Form, step_bytes, weight_bytes
from core.bench.decode.ways import SPARE, Way, ours, straightforward
from core.bench.decode.whole import Delays, delays, room
from core.device import free_memory, processor_threads, tf32_products
from core.errors import SongdeskError
from core.kernels.live import is_triton, live
from core.levo.graphs import recorded
from core.levo.settings import settings_of
from core.levo.shapes import FRAME_RATE, frames_in
from core.levo.tokens.static.capture import Launch
from core.levo.tokens.static.choice import best_drive, complaint, is_static
from core.levo.tokens.static.drive import Drive
from core.levo.tokens.static.step import StaticStep
from core.registry import Variant
from core.settings import Values, resolve
from core.threads import rule, threads_for

POSITIONS = (953, 2000, 4578, 8203)
"""The first step of a published model's song, one early on, the middle and the end of 280 s."""
SONG = 280.0
"""Seconds."""
_HALF_FORMS = (Form("full", "int8"), Form("int8", "int8"), Form("full", "mulaw8"))
_FORMS = (Form("full", "fp32"), Form("full", "int8"), Form("int8", "int8"))
FAR = 0.1
"""Nats of divergence from which a way is taken for wrong: an 8-bit format has less than a hundredth."""
_FAR_OF = {"int4": 1.0}
"""The same for coarser weights: 0.12 was measured with random ones; other logits altogether are nats away."""
NEAR, _ALIKE = 1e-3, 10
"""Nats that are allowed to ways of one form in any case, and how many times the baseline's divergence."""
_BESIDE = 1.5
"""Of a cache's size, with the layer of it that the baseline decodes and what a prefill takes."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of everything is measured."""

    amount: int
    """Bytes that the machine reads and copies."""
    size: int
    """Of the machine's square products."""
    effort: Effort
    columns: int
    """That a composed song is followed for."""
    draft: float
    """Seconds of song until the first sound."""
    positions: tuple[int, ...] = POSITIONS
    """At which steps are timed."""
    lap: float = 0.2
    """Seconds of a lap with one piece of a step."""

    @property
    def middle(self) -> int:
        """The position at which pieces of a step are timed."""
        return self.positions[len(self.positions) // 2]


def bench_decode(
    chosen: Variant,
    device: torch.device,
    device_name: str,
    *,
    forms: Sequence[Form] = (),
    is_small: bool = False,
    scope: Scope | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Measure a model, or small shapes of the published form, in some forms of weights and cache.

    Raises SongdeskError when weights do not fit, and when a way's logits are not numbers or far from the
    reference path's: how fast a wrong result comes is nothing to know.
    """
    scope = scope or scope_of(device, is_small=is_small)
    tell("what the device can do")
    # Both try what was not tried yet on this device, which has to have room for it: so before the weights.
    static, best, said = is_static(device, "auto"), best_drive(device), complaint(device, "auto")
    set_off: list[str] = []

    def start(step: StaticStep) -> Launch:
        launch = best.start(step)
        set_off.append(f"{launch.kind}: {launch.why}")
        return launch

    drive = replace(best, start=start)
    # Graphs were tried by now; those of a device that is not to be trusted with them are left alone.
    record = recorded if device.type == "cuda" and not best.complaint else None
    with torch.inference_mode(), tf32_products(False):
        tell("weights")
        found = subject(chosen, device, is_small=is_small)
        with processor_threads(_threads(device, found.shapes.width)):
            tell("machine")
            about = machine(device, device_name, amount=scope.amount, size=scope.size, record=record)
            timed = () if said else _pieces(found, scope, record, tell)
            tell("reference path")
            bench = _Bench(
                found, endless(resolve(settings_of(chosen))), lesson(found), scope,
                drives=(drive,) if static else (None,) if is_triton(device) else (None, drive),
                seconds=SONG if is_small else min(SONG, chosen.limits.seconds), tell=tell,
            )  # fmt: skip
            compared = tuple(bench.compare(form) for form in forms or forms_of(found))
            form = next((each.form for each in compared if not each.left_out), None)
            late = bench.delays(form) if form else None
            sound = bench.first_sound(form, chosen, is_small=is_small) if form else None
    return Report(
        model=found.name,
        weights=found.weights,
        shapes=found.shapes,
        machine=about,
        kernels="{0.name} ({0.why})".format(live(device)),
        steps_are="static" if static else "plain",
        complaint=said or best.complaint,
        set_off=tuple(dict.fromkeys(set_off)),
        song=bench.seconds,
        steps=bench.last - bench.first,
        position=scope.middle,
        pieces=timed,
        forms=compared,
        delays=late,
        sound=sound,
    )


def scope_of(device: torch.device, *, is_small: bool) -> Scope:
    """As much as ten minutes allow, or a minute when small."""
    is_ahead = device.type == "cuda"
    together, warm = (8, 16) if is_ahead else (1, 1)
    if is_small:
        effort = Effort(seconds=0.2, least=2 * together, most=200, warm=warm, together=together)
        return Scope(amount=1 << 28, size=1024, effort=effort, columns=24, draft=1.0)
    effort = Effort(seconds=1.5, least=2 * together, most=256, warm=warm, together=together)
    if is_ahead:
        return Scope(amount=1 << 30, size=4096, effort=effort, columns=128, draft=10.0)
    return Scope(amount=1 << 30, size=2048, effort=effort, columns=8, draft=1.0)


def _pieces(
    found: Subject, scope: Scope, record: Record | None, tell: Callable[[str], None]
) -> tuple[PieceTime, ...]:  # fmt: skip
    """What a step is made of, replayed where the device's graphs are trusted."""
    return tuple(piece_times(found, scope.middle, seconds=scope.lap, record=record, tell=tell))


def _threads(device: torch.device, width: int) -> int:
    """As many as the product takes for its steps."""
    return threads_for("steps", width).count if device.type == "cpu" else rule("steps", width)


def endless(values: Values) -> Values:
    """Settings under which no song ends before the last position that is measured."""
    return values.replace(minimum_length=(POSITIONS[-1] + SPARE) / FRAME_RATE)


def forms_of(found: Subject) -> tuple[Form, ...]:
    """What is measured when nothing is asked for: on a processor also the cache as it computes."""
    return _HALF_FORMS if found.dtype == torch.float16 else _FORMS


@dataclass(frozen=True, slots=True)
class _Bench:
    """What every form is measured with."""

    found: Subject
    values: Values
    taught: Lesson
    scope: Scope
    drives: tuple[Drive | None, ...]
    """How the product's steps are set off, in each way that is measured; None takes plain steps."""
    seconds: float
    """Of the song."""
    tell: Callable[[str], None]

    @property
    def first(self) -> int:
        """The position of a song's first step."""
        return self.found.shapes.prefix + 1

    @property
    def last(self) -> int:
        """The position behind its last step."""
        return self.first + frames_in(self.seconds) + max(self.found.shapes.delays)

    def compare(self, form: Form) -> Compared:
        """Measure the baseline and ours in one form, where there is room for it."""
        positions = self.scope.positions[-1] + SPARE
        if missing := self._lacking(form, positions):
            return Compared(form, left_out=missing)
        try:
            return self._compared(form, positions)
        except torch.OutOfMemoryError as error:
            return Compared(form, left_out=str(error).splitlines()[0])

    def delays(self, form: Form) -> Delays:
        """How soon the product's songs begin and obey."""
        self.tell(f"{form}, delays")
        return delays(self.found, form, self.values, seconds=self.seconds, columns=self.scope.columns)

    def first_sound(self, form: Form, chosen: Variant, *, is_small: bool) -> FirstSound:
        """How long a person waits for it."""
        self.tell(f"{form}, first sound")
        draft = self.scope.draft
        return first_sound(chosen, self.found, form, self.values, draft=draft, is_small=is_small)

    def _compared(self, form: Form, positions: int) -> Compared:
        ways = [straightforward(self.found, form, self.values, positions)]
        ways += [ours(self.found, form, self.values, positions, drive=drive) for drive in self.drives]
        near = self._near(ways)
        timed = paces(ways, self.scope.positions, self.scope.effort, self.tell)
        self.tell(f"{form}, memory")
        measured = tuple(
            Measured(
                name=way.name,
                form=way.form,
                nearness=nearness_,
                paces=pace,
                song=song_seconds([(one.at, one.seconds) for one in pace], self.first, self.last),
                song_processor=song_seconds([(one.at, one.processor) for one in pace], self.first, self.last),
                reads=tuple(self._reads(way.form, position) for position in self.scope.positions),
                memory=peak(way, self.scope.positions[-1], self.found.device),
            )
            for way, nearness_, pace in zip(ways, near, timed, strict=True)
        )
        taken = room(self.found, form, self.values, seconds=self.seconds)
        return Compared(form, ways=measured, room=taken)

    def _near(self, ways: Sequence[Way]) -> list[Nearness]:
        """How near each way is; with the weights of the first, all have to be about as near as that."""
        found: list[Nearness] = []
        for way in ways:
            self.tell(f"{way.form}, quality, {way.name}")
            near = nearness(way.listen(self.taught), self.taught.logits)
            is_like_first = bool(found) and way.form == ways[0].form
            far = _FAR_OF.get(way.form.weights, FAR)
            allowed = max(NEAR, _ALIKE * found[0].mean) if is_like_first else far
            if not near.is_sound or near.mean > allowed:
                raise SongdeskError(
                    f"{way.name} with {way.form} differs from the reference path: logits by "
                    f"{near.error:.3g}, divergence {near.mean:.3g}, allowed {allowed:.3g}",
                    hint="no speed is given: see what `songdesk parity` says of this machine",
                )
            found.append(near)
        return found

    def _reads(self, form: Form, position: int) -> int:
        each = self.found.dtype.itemsize
        return step_bytes(self.found.shapes, form, position=position, bytes_each=each)

    def _lacking(self, form: Form, positions: int) -> str:
        """Why there is no room for a form beside the weights as they are; empty when there is."""
        device, each = self.found.device, self.found.dtype.itemsize
        packed = weight_bytes(self.found.shapes, form.weights, bytes_each=each)
        cache = self._reads(form, positions) - packed
        need = int(cache * _BESIDE) + (packed if form.weights != "full" else 0)
        free = free_memory("cpu" if device.type == "cpu" else "cuda")
        if free is None or free >= need:
            return ""
        return f"it needs {need / 1e9:.1f} GB beside the full weights, and {free / 1e9:.1f} GB are free"
