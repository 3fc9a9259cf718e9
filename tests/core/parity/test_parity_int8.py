"""`songdesk parity` tells what int8 weights cost, and that their error is no larger than it was measured."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.levo.tokens.blocks import Int8Projection, to_int8
from core.parity.bench import Bench
from core.parity.compare import Case
from core.parity.folder import open_folder
from core.parity.lm_int8 import divergence, int8_cases

GOLDEN = Path(__file__).parents[2] / "golden" / "lm"
FILE = "logits_c2.safetensors"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(open_folder(GOLDEN), torch.device("cpu"), tmp_path)


def case(bench: Bench) -> Case:
    with torch.inference_mode():
        (found,) = int8_cases(bench, FILE, bench.golden.manifest["files"][FILE])
    return found


def test_the_error_is_told_beside_that_of_fp16_and_within_its_bounds(bench: Bench) -> None:
    found = case(bench)
    assert (found.name, found.state, found.checks) == ("int8 weights c2", "ok", 3)
    assert found.worst is not None
    assert found.worst.severity > 0.1, "a bound this far away would not tell of much"
    for word in ("KL mean", "largest", "times fp16's", "random"):
        assert word in found.note


def test_weights_a_little_coarser_still_fail(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def coarse(model: nn.Module) -> None:
        to_int8(model)
        for module in model.modules():
            if isinstance(module, Int8Projection):  # as if there were only 7 bits
                module.weight.copy_((module.weight // 2) * 2)

    monkeypatch.setattr("core.parity.lm_int8.to_int8", coarse)
    assert case(bench).state == "FAIL"


def test_the_divergence_is_that_of_the_distributions() -> None:
    full = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    other = torch.tensor([[5.0, 5.0], [0.0, 0.0]])
    share = torch.tensor([2.0, 0.0]).softmax(-1)
    wanted = float((share * (share / 0.5).log()).sum())
    moved: Tensor = divergence(full, other)
    assert moved.tolist() == pytest.approx([0.0, wanted], abs=1e-6)
