"""A static step asks nothing of its host, recorded or not; what was recorded is tried first."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from core.kernels.live import live
from core.kernels.page import Mark
from core.levo.graphs import Answer, Work
from core.levo.plan_tokens import page_bytes
from core.levo.tokens import compose as composing
from core.levo.tokens.decoding import Decoding, MainPass, Pass, Room, SubPass
from core.levo.tokens.model import TokenModel
from core.levo.tokens.pattern import Sheet
from core.levo.tokens.static import agreement, choice, selftest, sketch
from core.levo.tokens.static import step as stepping
from core.levo.tokens.static.capture import launch_of
from core.levo.tokens.static.choice import best_drive, complaint, is_static
from core.levo.tokens.static.drive import Drive, drive_of, static_steps
from core.levo.tokens.static.readback import post_of
from core.levo.tokens.static.state import page_of
from core.levo.tokens.static.step import StaticStep, step_of
from core.levo.weights import hollow
from core.random import Stream
from tests.core.levo.tokens.conftest import SHAPES, VALUES, Desk
from tests.core.levo.tokens.static.conftest import Composed, Queue
from tests.core.levo.tokens.static.narrow import narrow_trials

CPU, META = torch.device("cpu"), torch.device("meta")
YES, NO = Answer(True, "tried"), Answer(False, "it failed before")
NOTHING = torch.empty(0, dtype=torch.int64)


def networks(model: TokenModel, cache: str, rows: int = 2) -> Iterator[Pass]:
    room = Room(rows, 35, cache)
    main = MainPass(model, room)
    yield from (
        Decoding(model, rows=rows, columns=35, cache=cache), main, SubPass(model, room, main.states),
    )  # fmt: skip


def stands(network: Pass, *, given: int = 0) -> StaticStep:
    """The step of a network that has taken in nothing yet."""
    start = [torch.zeros(count, dtype=torch.int64) for count in (30 if given else 0, given, given)]
    sheet = Sheet(network.shapes, 30, device=CPU, start=start)
    return step_of(network, page_of(network, sheet, torch.tensor([3, 4]), Stream(1, "tokens")))


@pytest.mark.parametrize(
    "kind", ["int8", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("fp32", "fp16", "mulaw8"))]
)
def test_a_step_reads_no_value_of_the_device(kind: str) -> None:
    """On the meta device there are none: whoever asks for one, or for a shape that depends on one, fails."""
    with hollow():
        model = TokenModel(SHAPES, ("main", "sub")).requires_grad_(False)
    for rows in (1, 2):
        for network in networks(model, kind, rows):
            step = stands(network)
            assert step.page.marks.device == META
            step()


class Asked(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how often a value of a tensor is asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.times = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.times += func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        return func(*args, **(kwargs or {}))


def test_the_host_asks_for_no_value_between_its_steps(
    endless: TokenModel, queue: Queue, conditions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the fake device does itself does not count: on a real one it is kernels."""
    asked = Asked()

    @contextmanager
    def unheard() -> Iterator[None]:
        before = asked.times
        yield
        asked.times = before

    pop = queue.work_until

    def works(is_done: Callable[[], bool]) -> None:
        with unheard():
            pop(is_done)

    monkeypatch.setattr(queue, "work_until", works)
    sheet = Sheet(SHAPES, 30, device=CPU)
    network = Decoding(endless, rows=2, columns=sheet.total, cache="int8")
    network.prefill(endless.prefix(conditions, 2), sheet.first)
    desk = Desk({**VALUES, "minimum_length": 1.2}, 1, lambda desk, done: desk.values.update(top_k=30 + done))
    steps = static_steps(queue.drive(), network, sheet, NOTHING, desk)
    next(steps)
    with asked:
        for _ in range(25):
            next(steps)
    assert asked.times == 0
    with unheard():
        assert len([*steps]) == 35 - 26


def tries(work: Work, put_back: Work) -> Work:
    """A recorder that only tries: what it gives is the work itself."""
    for _ in range(3):
        work()
        put_back()
    return work


def refuses(work: Work, put_back: Work) -> Work:
    work()
    raise RuntimeError("operation not permitted\nwhen stream is capturing")


def test_a_trial_leaves_the_page_as_it_stands(endless: TokenModel, conditions: Any) -> None:
    for record, kind in ((tries, "graph"), (refuses, "eager")):
        network = next(networks(endless, "int8"))
        network.prefill(endless.prefix(conditions, 2), torch.full((3, 1), SHAPES.special))
        step = stands(network)
        before = [part.clone() for part in (step.page.marks, step.page.columns, step.page.fed)]
        launch = launch_of(step, YES, record=record)
        assert launch.kind == kind
        after = (step.page.marks, step.page.columns, step.page.fed)
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
        launch.run()
        assert int(step.page.marks[Mark.DONE]) == 1


def test_why_steps_are_not_recorded_is_told(endless: TokenModel) -> None:
    step = stands(next(networks(endless, "int8")))
    assert "not permitted" in launch_of(step, YES, record=refuses).why
    assert launch_of(step, NO, record=tries).why == "it failed before"
    assert "it failed before" in drive_of(torch.device("cuda"), NO).complaint
    assert not drive_of(torch.device("cuda"), YES).complaint
    assert not best_drive(CPU).complaint, "nobody expects graphs of a processor"


def test_recording_that_fails_in_a_song_changes_no_token(
    endless: TokenModel, written: Callable[..., Composed], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = written(endless, "plain")
    for record in (tries, refuses):
        drive = Drive(partial(launch_of, answer=YES, record=record), post_of(CPU), 1)
        monkeypatch.setattr(composing, "best_drive", lambda *_, drive=drive, **__: drive)
        assert written(endless, "at-once")[0] == plain


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter trials."""
    narrow_trials(monkeypatch, prompt_length=4)
    monkeypatch.setattr(sketch, "CACHES", ("int8",))


@pytest.mark.usefixtures("small")
def test_the_trial_of_kernels_passes_those_that_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = "matvec"
    right = getattr(stepping, kernel)
    monkeypatch.setattr(stepping, kernel, lambda *given, **how: right(*given, **how) * (1 + 1e-5))
    assert agreement.check(CPU) == ""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kernel", ["matvec", "decode_attention", "append", "draw", "advance"])
def test_the_trial_of_kernels_finds_one_that_is_wrong(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong wherever plain torch was not asked for by name."""
    right = getattr(stepping, kernel)

    def wrong(*given: Any, **how: Any) -> Any:
        made = right(*given, **how)
        if live(CPU).why == "as a measure":
            return made
        if kernel == "advance":
            given[0].marks[Mark.DONE] += 1
        elif kernel == "draw":
            given[1].tokens[-1] = 7
        else:
            made = made.flip(-1)
        return made

    monkeypatch.setattr(stepping, kernel, wrong)
    said = agreement.check(CPU)
    assert ("tokens" if kernel in ("draw", "advance") else "logits") in said
    assert "step 1" in said


@pytest.mark.usefixtures("small")
def test_the_self_test_passes_what_repeats_itself() -> None:
    assert selftest.check(CPU, record=tries) == ""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fault", ["stale", "idle", "refused"])
def test_the_self_test_finds_a_recorder_that_does_not(fault: str) -> None:
    def stale(work: Work, put_back: Work) -> Work:
        """Its last replay changes a bit of what the steps have left."""
        step: Any = work
        done = iter(range(selftest.STEPS - 1))

        def replay() -> None:
            step()
            if next(done, None) is None:
                step.logits.view(torch.int32)[0, 0, 0] ^= 1

        return replay

    faults = {"stale": stale, "idle": lambda work, put_back: lambda: None, "refused": refuses}
    said = selftest.check(CPU, record=faults[fault])
    assert {"stale": "logits", "idle": "marks", "refused": "not permitted"}[fault] in said
    assert "Decoding" in said


def test_static_steps_are_for_devices_whose_kernels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_static(CPU, "auto")
    assert not complaint(CPU, "auto")
    assert is_static(CPU, "static")
    there = torch.device("cuda")
    monkeypatch.setattr(choice, "is_triton", lambda device: device.type == "cuda")
    monkeypatch.setattr(choice, "proved", lambda *_, **__: YES)
    assert is_static(there, "auto")
    assert not is_static(there, "plain")
    monkeypatch.setattr(choice, "proved", lambda *_, **__: NO)
    assert not is_static(there, "auto")
    assert "it failed before" in complaint(there, "auto")
    assert not complaint(there, "plain"), "it was asked for"


def test_a_take_tells_which_arithmetic_made_it(
    endless: TokenModel, written: Callable[..., Composed], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Desk, "decided", lambda desk, schedule, rows, made_on: told.append(made_on))
    for way in ("plain", "at-once"):
        written(endless, way, until=0.04)
    plain, static = told
    assert static == plain.replace("cpu/", "cpu/static-torch/")


def test_a_page_takes_what_is_planned(endless: TokenModel) -> None:
    step = stands(next(networks(endless, "int8")))
    noise = {"noise", "noised"}  # plain torch's own, which the plan of a draw counts
    kept = [getattr(step.page, name) for name in step.page.__dataclass_fields__ if name not in noise]
    taken = sum(part.nbytes for part in kept if isinstance(part, torch.Tensor)) + step.logits.nbytes
    assert taken == pytest.approx(page_bytes(SHAPES, rows=2, positions=SHAPES.prefix + 35), abs=32)
