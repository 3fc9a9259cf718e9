from collections.abc import Callable
from typing import Any

import pytest

from core.levo.plan import plan
from core.levo.plan_tokens import lockstep_plan, main_parameters, sub_parameters, two_pass_plan
from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.registry import variant
from core.settings import Value, Values
from core.song import Song

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
        ("v2-large", "fp16", 6.457), ("v2-large", "int8", 3.228 + 0.101),
        ("v2-large", "mulaw8", 3.228 + 0.0032),
        ("v2-medium", "fp16", 4.03), ("v2-medium", "int8", 2.02 * (1 + 1 / 32)),
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
    assert turns.peak < turns.weights + turns.cache + states + 0.25 * GB


@pytest.mark.parametrize("plan", [lockstep_plan, two_pass_plan])
@pytest.mark.parametrize("name", ["v2-large", "v2-medium"])
@pytest.mark.parametrize("kind", ["fp16", "int8"])
def test_a_longer_song_and_a_second_row_take_more(plan: Callable[..., Any], name: str, kind: str) -> None:
    def peak(frames: int, guidance: float) -> int:
        made = plan(shapes(name), values(kv_cache=kind, guidance=guidance), frames=frames, bytes_each=HALF)
        return int(made.peak)

    assert peak(750, 1.5) < peak(3750, 1.5) < peak(7000, 1.5)
    assert peak(7000, 1.0) < peak(7000, 1.5)


@pytest.mark.parametrize("name", ["demo", "v2-large"])
@pytest.mark.parametrize("schedule", [lockstep_plan, two_pass_plan])
@pytest.mark.parametrize(("weights", "rounds"), [("int8", to_int8), ("int4", to_int4)])
def test_rounded_weights_take_their_codes_and_scales(
    name: str, schedule: Callable[..., Any], weights: str, rounds: Callable[[Any], None]
) -> None:
    with hollow():
        model = TokenModel(shapes(name), ("main", "sub") if schedule is lockstep_plan else ("main",))
        rounds(model)
    sizes = {key: tensor.numel() * tensor.itemsize for key, tensor in model.state_dict().items()}
    planned = schedule(shapes(name), values(weights=weights), frames=7000, bytes_each=4)
    assert planned.weights == sum(sizes.values())


def test_published_weights_are_as_wide_as_the_device_computes() -> None:
    song, asked = Song("", "", ""), values(length=60.0, ahead="off")
    for name, times in (("v2-large", 2), ("demo", 1)):
        there, here = (plan(song, variant(name), asked, device).stages[1] for device in ("cuda", "cpu"))
        assert here.weights == times * there.weights


def test_what_is_left_to_memory_is_planned_as_where_there_is_room() -> None:
    song, large = Song("", "", ""), variant("v2-large")
    auto = plan(song, large, values(length=60.0, kv_cache="auto"))
    fixed = values(length=60.0, kv_cache="fp16", weights="full", schedule="lockstep", decode_chunk=64)
    assert auto == plan(song, large, fixed)
