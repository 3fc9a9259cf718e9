"""A comparison must be able to fail: shapes, numbers that are none, and the nearest miss."""

import math

import pytest
import torch

from core.errors import SongdeskError
from core.parity.bench import published_shapes
from core.parity.compare import Check, case_of, close, noise, same, ulps
from core.parity.lm_rule import from_recipe, rule_codes, rule_randn, rule_tensor


@pytest.mark.parametrize(
    "got", [torch.zeros(3), torch.tensor([0.0, math.nan]), torch.tensor([0.0, math.inf])]
)
def test_another_shape_or_no_number_is_never_close(got: torch.Tensor) -> None:
    assert not close("x", got, torch.zeros(2), 1e9).passed


def test_the_error_is_the_largest_difference() -> None:
    check = close("x", torch.tensor([1.0, 2.5]), torch.tensor([1.0, 2.0]), 0.4)
    assert check.error == 0.5
    assert not check.passed
    assert close("x", torch.tensor([math.inf]), torch.tensor([math.inf]), 0).passed


def test_half_precision_is_counted_in_its_own_last_places() -> None:
    one, big = torch.tensor([1.0]).half(), torch.tensor([1024.0]).half()
    assert ulps("x", one + 2.0**-10, one, 2).error == 1
    assert ulps("x", big + 4, big, 2).error == 4


def test_codes_differ_one_by_one_and_altogether_when_their_number_does() -> None:
    assert same("x", [1, 2, 3], [1, 5, 3]).error == 1
    assert same("x", [1, 2, 3], [1, 2]).error == 3
    assert not same("x", [], [1]).passed


def test_noise_is_measured_against_the_signal() -> None:
    signal = torch.ones(8)
    assert noise("x", signal * 1.01, signal, 30).passed
    assert not noise("x", signal * 1.1, signal, 30).passed


def test_the_worst_comparison_speaks_for_a_case() -> None:
    checks = [Check("fine", 0.0, 0.0), Check("near", 0.9, 1.0), Check("small", 0.5, 100.0)]
    assert case_of("c", checks).worst == checks[1]
    assert case_of("c", checks).state == "ok"
    assert case_of("c", [*checks, Check("exact", 1.0, 0.0)]).state == "FAIL"
    assert case_of("c", [*checks, Check("none", math.nan, 1.0)]).state == "FAIL"


def test_recipes_are_read_and_anything_else_is_refused() -> None:
    assert torch.equal(from_recipe("rule_codes('a:b',(2,3,4))"), rule_codes("a:b", (2, 3, 4)))
    assert torch.equal(from_recipe("rule_randn('a',(5,))*scale+shift"), rule_randn("a", (5,)))
    with pytest.raises(SongdeskError, match="unknown recipe"):
        from_recipe("__import__('os').system('true')")


def test_a_weight_depends_on_its_name_and_its_salt_alone() -> None:
    key, shape = "audiolm.linears.0.weight", (4, 16)
    assert torch.equal(rule_tensor(key, shape), rule_tensor(key, shape))
    assert not torch.equal(rule_tensor(key, shape), rule_tensor(key, shape, "salt"))
    assert not torch.equal(rule_tensor(key, shape), rule_tensor("audiolm.linears.1.weight", shape))


def test_a_joined_matrix_is_asked_for_in_its_published_parts() -> None:
    state = {
        "transformer.model.layers.3.mlp.fused_gate_up_proj.weight": torch.empty(20, 4),
        "mlp.0.bias": torch.empty(4),
    }
    assert published_shapes(state) == {
        "audiolm.transformer.model.layers.3.mlp.gate_proj.weight": (10, 4),
        "audiolm.transformer.model.layers.3.mlp.up_proj.weight": (10, 4),
        "audiolm.mlp.0.bias": (4,),
    }
