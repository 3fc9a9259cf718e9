from collections.abc import Callable
from typing import Any

import pytest

from core.levo.plan import choose_schedule, lockstep_plan, main_parameters, sub_parameters, two_pass_plan
from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.registry import variant
from core.settings import Value, Values

GB = 1e9
HALF = 2


def shapes(name: str) -> TokenShapes:
    return shapes_of(variant(name).shapes).tokens


def values(**changes: Value) -> Values:
    table = {setting.key: setting.default for setting in settings_of(variant("v2-large"))}
    return Values({**table, **changes})


@pytest.mark.parametrize("name", ["demo", "v2-large", "v2-medium"])
def test_parameters_are_those_the_parts_of_the_model_have(name: str) -> None:
    with hollow():
        counts = {
            part: sum(tensor.numel() for tensor in TokenModel(shapes(name), (part,)).parameters())
            for part in ("main", "sub")
        }
    assert counts == {"main": main_parameters(shapes(name)), "sub": sub_parameters(shapes(name))}


@pytest.mark.parametrize(("name", "weights"), [("v2-large", 8.532), ("v2-medium", 4.37)])
def test_what_a_step_reads_is_all_that_is_resident(name: str, weights: float) -> None:
    plan = lockstep_plan(shapes(name), values(), frames=7000, bytes_each=HALF)
    assert plan.weights / GB == pytest.approx(weights, rel=0.02)
    assert plan.work < 0.4 * GB


@pytest.mark.parametrize(
    ("name", "kind", "cache"),
    [
        ("v2-large", "fp16", 6.457), ("v2-large", "int8", 3.228 + 0.202),
        ("v2-large", "mulaw8", 3.228 + 0.0032),
        ("v2-medium", "fp16", 4.03), ("v2-medium", "int8", 2.02 * (1 + 1 / 16)),
    ],
)  # fmt: skip
def test_caches_take_what_the_specification_counts(name: str, kind: str, cache: float) -> None:
    """The specification counts 8210 positions."""
    frames = 8210 - shapes(name).prefix - max(shapes(name).delays)
    plan = lockstep_plan(shapes(name), values(kv_cache=kind), frames=frames, bytes_each=HALF)
    assert plan.cache / GB == pytest.approx(cache, rel=0.02)


@pytest.mark.parametrize(("kind", "together", "in_turn"), [("fp16", 13.95, 10.35), ("mulaw8", 10.96, 8.11)])
def test_taking_turns_saves_what_was_reckoned_for_280_seconds(
    kind: str, together: float, in_turn: float
) -> None:
    """GiB of weights, caches and main's states; scratch is counted apart."""
    sizes: dict[str, Any] = {"frames": 7000, "bytes_each": HALF}
    lockstep = lockstep_plan(shapes("v2-large"), values(kv_cache=kind), **sizes)
    turns = two_pass_plan(shapes("v2-large"), values(kv_cache=kind), **sizes)
    states = 2 * 8202 * 2048 * HALF
    assert (lockstep.weights + lockstep.cache) / 2**30 == pytest.approx(together, rel=0.02)
    assert (turns.weights + turns.cache + states) / 2**30 == pytest.approx(in_turn, rel=0.02)
    scratch = 0.6 if kind == "mulaw8" else 0.4  # µ-law prefills its 953 positions in one go
    assert turns.peak < turns.weights + turns.cache + states + scratch * GB


@pytest.mark.parametrize("plan", [lockstep_plan, two_pass_plan])
@pytest.mark.parametrize("name", ["v2-large", "v2-medium"])
@pytest.mark.parametrize("kind", ["fp16", "int8"])
def test_a_longer_song_and_a_second_row_take_more(plan: Callable[..., Any], name: str, kind: str) -> None:
    def peak(frames: int, guidance: float) -> int:
        made = plan(shapes(name), values(kv_cache=kind, guidance=guidance), frames=frames, bytes_each=HALF)
        return int(made.peak)

    assert peak(750, 1.5) < peak(3750, 1.5) < peak(7000, 1.5)
    assert peak(7000, 1.0) < peak(7000, 1.5)


def test_auto_takes_turns_only_where_both_do_not_fit() -> None:
    large, asked = shapes("v2-large"), values(length=280.0)
    peak = lockstep_plan(large, asked, frames=7000, bytes_each=HALF).peak
    assert choose_schedule(large, asked, bytes_each=HALF, free=peak) == ("lockstep", "")
    assert choose_schedule(large, asked, bytes_each=HALF, free=peak - 1)[0] == "two-pass"
    assert "took turns" in choose_schedule(large, asked, bytes_each=HALF, free=peak - 1)[1]
    for schedule in ("lockstep", "two-pass"):
        forced = values(length=280.0, schedule=schedule)
        assert choose_schedule(large, forced, bytes_each=HALF, free=peak) == (schedule, "")
        assert choose_schedule(large, forced, bytes_each=HALF, free=0) == (schedule, "")
