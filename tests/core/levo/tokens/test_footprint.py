from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from core.bench.measure import memory_changes, peak_of
from core.engine import FreshRun, Verdict
from core.levo.artifacts import Conditions
from core.levo.plan_tokens import lockstep_plan, two_pass_plan
from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes, frames_in, shapes_of
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.compose import compose
from core.levo.tokens.decoding import Decoding, MainPass, Room, SubPass
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.loop import steps
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.pattern import Sheet
from core.levo.weights import hollow
from core.random import Stream
from core.registry import variant
from core.settings import Value, Values

SLOW = pytest.mark.slow

DEMO = shapes_of(variant("demo").shapes).tokens
CPU = torch.device("cpu")
WIDE = replace(
    DEMO, width=128, ffn=688, main_layers=3, sub_layers=2, codes=2000, lyric_rows=50, style_rows=50,
    lyric_length=400, delays=(0, 5, 5),
)  # fmt: skip
"""As wide in the feed-forward as the published model is for its width."""
PLANS: Mapping[str, Callable[..., Any]] = {"lockstep": lockstep_plan, "two-pass": two_pass_plan}


class Listener(FreshRun):
    """A run that lets everything pass."""

    device = CPU

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = values

    def step(self, done: int, total: int) -> Verdict:
        return Verdict.GO

    def live(self, key: str) -> Value:
        return self.values[key]

    def stream(self, name: str) -> Stream:
        return Stream(1, name)


def demo_load(parts: tuple[Part, ...]) -> TokenModel:
    """Parts of the demo with weights that mean nothing and take all their room."""
    model = TokenModel(DEMO, parts)
    for tensor in model.parameters():
        tensor.data.normal_(std=0.05)
    return model.eval().requires_grad_(False)


def words(shapes: TokenShapes) -> Conditions:
    def row(length: int) -> Tensor:
        return torch.zeros(2, length, dtype=torch.int64)

    length = shapes.lyric_length
    none = torch.empty(3, 0, dtype=torch.int64)
    return Conditions(row(length), row(length), row(shapes.style_length), none, torch.empty(0, 64))


def changes_of_memory(work: Callable[[], object]) -> list[int]:
    """Bytes asked for (above 0) and given back (below), in order."""
    with memory_changes() as changes:
        work()
    return changes()


@pytest.mark.parametrize(
    ("kind", "schedule"),
    [
        ("int8", "lockstep"),
        *(
            pytest.param(*each, marks=SLOW)
            for each in (("int8", "two-pass"), ("fp32", "lockstep"), ("fp32", "two-pass"))
        ),
    ],
)
def test_the_demo_takes_the_memory_that_was_planned(schedule: str, kind: str) -> None:
    table = {setting.key: setting.default for setting in settings_of(variant("demo"))}
    values = {**table, "length": 0.4, "kv_cache": kind, "minimum_length": 0.4}

    def work() -> None:
        run: Any = Listener(values)
        compose(demo_load, DEMO, words(DEMO), Values(values), run, schedule=schedule)

    plan = PLANS[schedule](DEMO, Values(values), frames=frames_in(0.4), bytes_each=4)
    # The demo's weights are so few that what a chunk of the prefill takes shows, which is planned with room.
    assert peak_of(changes_of_memory(work)) == pytest.approx(plan.peak, rel=0.03, abs=2_000_000)


def made(shapes: TokenShapes, parts: tuple[Part, ...], weights: str, dtype: torch.dtype) -> TokenModel:
    """Parts of a model with weights that mean nothing, none of which were ever anything else."""
    with hollow():
        model = TokenModel(shapes, parts)
        if weights != "full":
            {"int8": to_int8, "int4": to_int4}[weights](model)
    state = {
        key: torch.ones(like.shape, dtype=like.dtype) if like.dtype in (torch.int8, torch.uint8)
        else torch.full(like.shape, 0.01, dtype=like.dtype if key.endswith("_scale") else dtype)
        for key, like in model.state_dict().items()
    }  # fmt: skip
    model.load_state_dict(state, assign=True)
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("schedule", ["lockstep", "two-pass"])
@pytest.mark.parametrize(
    ("kind", "weights", "dtype", "room"),
    [
        ("fp32", "int8", torch.float32, 72 << 20),
        ("int8", "int8", torch.float32, 1 << 20),
        ("mulaw8", "full", torch.float32, 1 << 20),
        pytest.param("int8", "int4", torch.float32, 1 << 20, marks=SLOW),
        pytest.param("mulaw8", "full", torch.float16, 1 << 20, marks=SLOW),
        pytest.param("int8", "full", torch.float16, 1 << 20, marks=SLOW),
    ],
)
def test_every_saving_is_made_as_it_was_planned(
    schedule: str, kind: str, weights: str, dtype: torch.dtype, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With little room, so that heads, codes and matrices are unpacked part by part."""
    monkeypatch.setattr("core.levo.portions.UNPACKED_BYTES", room)
    monkeypatch.setattr("core.levo.portions.LOOKED_UP_BYTES", room // 4)
    monkeypatch.setattr("core.levo.portions.WEIGHT_BYTES", 1 << 17)
    table = {setting.key: setting.default for setting in settings_of(variant("demo"))}
    chosen = {"kv_cache": kind, "weights": weights}
    values = {**table, "length": 12.0, "minimum_length": 0.4, **chosen}

    def work() -> None:
        run: Any = Listener(values)
        run.step = lambda done, total: Verdict.FINISH if done > 8 else Verdict.GO
        compose(
            lambda parts: made(WIDE, parts, weights, dtype), WIDE, words(WIDE), Values(values), run,
            schedule=schedule,
        )  # fmt: skip

    plan = PLANS[schedule](WIDE, Values(values), frames=300, bytes_each=dtype.itemsize)
    with torch.inference_mode():
        peak = peak_of(changes_of_memory(work))
    host = 2 * 2 * WIDE.prefix * WIDE.width * 2 if dtype == torch.float16 else 0
    is_spared = (kind, dtype, schedule) == ("mulaw8", torch.float16, "two-pass")  # planned a little too wide
    assert peak - host == pytest.approx(plan.peak, rel=0.08 if is_spared else 0.05)


@pytest.mark.parametrize(
    "kind", ["fp32", "int8", *(pytest.param(kind, marks=SLOW) for kind in ("fp16", "mulaw8"))]
)
def test_steps_late_in_a_song_ask_for_no_more_than_early_ones(
    tiny: Callable[[float], TokenModel], conditions: Conditions, shapes: TokenShapes, kind: str
) -> None:
    """A chunk of 16 steps is compared with the next, as noise is made for 16 at a time."""
    model = tiny(0.0)
    sheet = Sheet(shapes, 90, device=CPU)
    song = Decoding(model, rows=2, columns=sheet.total, cache=kind)
    song.prefill(model.prefix(conditions, 2), sheet.first)
    table = {setting.key: setting.default for setting in settings_of(variant("demo"))}
    run: Any = Listener({**table, "minimum_length": 4.0, "repetition_window": 4, "top_k": 0})
    loop = steps(song, sheet, conditions.prompt_codes[0], run)

    def advance() -> None:
        for _ in range(16):
            next(loop)

    advance()
    asked = [changes_of_memory(advance) for _ in range(4)]
    totals = [sum(change for change in changes if change > 0) for changes in asked]
    assert max(totals) - min(totals) <= 0.02 * min(totals)
    assert [sum(changes) for changes in asked[1:]] == [0, 0, 0], "something is kept from step to step"


def test_what_a_song_keeps_stays_where_it_is(
    tiny: Callable[[float], TokenModel], conditions: Conditions, shapes: TokenShapes
) -> None:
    model, room = tiny(0.0), Room(rows=2, columns=12, cache="int8")
    prefix = model.prefix(conditions, 2)
    main = MainPass(model, room)
    sub = SubPass(model, room, main.states)
    places = []
    for column in range(8):
        cells = torch.randint(0, 50, (3, 1))
        for song, stream in ((main, prefix[:1]), (sub, prefix[1:])):
            if column:
                song.feed(cells)
            else:
                song.prefill(stream, cells)
        places.append(_places(main) | _places(sub))
    first, second, *others = places
    assert len(second) > 6
    assert first.items() <= second.items(), "int8's scratch is there once there is a history to unpack"
    assert all(later == second for later in others)


def _places(song: MainPass | SubPass) -> dict[tuple[str, str], int]:
    """Addresses of all tensors in the cache, the rope table and the states."""
    (one,) = song.transformers
    cache: Any = one.cache
    owners: dict[str, Any] = {"cache": cache, "scratch": cache._scratch, "rope": one.rope}
    places = {}
    for name, owner in owners.items():
        slots = getattr(owner, "_rooms", None) or {
            key: getattr(owner, key) for key in getattr(owner, "__slots__", None) or vars(owner)
        }
        for key, value in slots.items():
            if isinstance(value, Tensor):
                places[type(song).__name__ + name, key] = value.data_ptr()
    return places
