import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.kernels import live as live_module
from core.kernels.live import is_triton, live, using

KERNELS = Path(live_module.__file__).parent
CPU, CARD = torch.device("cpu"), torch.device("cuda", 0)


def test_a_processor_computes_in_torch_and_one_can_ask_for_more() -> None:
    assert live(CPU).name == "torch"
    with using("triton", "tried here"):
        assert live(CPU) == live(CARD) == live_module.Live("triton", "tried here")
        with using("torch"):
            assert not is_triton(CPU)
        assert is_triton(CPU)
    assert not is_triton(CPU)


@pytest.mark.parametrize(
    ("capability", "installed", "name", "why"),
    [
        ((9, 0), True, "triton", "sm_90"),
        ((6, 1), True, "torch", "newer device"),
        ((9, 0), False, "torch", "not installed"),
    ],
)
def test_on_a_device_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], installed: bool, name: str, why: str
) -> None:
    monkeypatch.setattr(live_module, "find_spec", lambda _: object() if installed else None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    live_module._found.cache_clear()
    try:
        assert live(CARD).name == name
        assert why in live(CARD).why
    finally:
        live_module._found.cache_clear()


def test_triton_is_met_only_where_a_kernel_is_launched() -> None:
    """Installs for a processor may lack it; and kernels must build in a process without torch."""
    public = {path.name: set(imported(path)) for path in KERNELS.glob("*.py")}
    assert public
    assert not [name for name, packages in public.items() if packages & {"triton", "core.kernels.fused"}]
    inner = {path.name: set(imported(path)) for path in (KERNELS / "fused").glob("*.py")}
    assert not [name for name, packages in inner.items() if packages - {"triton", "core.kernels.fused"}]


def imported(path: Path) -> Iterator[str]:
    """What a module imports when it is imported itself: packages, our own down to the folder of kernels."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            yield "core.kernels.fused" if name.startswith("core.kernels.fused") else name.partition(".")[0]
