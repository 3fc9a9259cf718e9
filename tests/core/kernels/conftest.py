"""Kernels are tried on the device where there is one, else in Triton's interpreter on the processor."""

from collections.abc import Iterator

import pytest
import torch

from core.kernels.live import using
from tests.interpreter import import_interpreted, interpreting, is_installed

ON_DEVICE = torch.cuda.is_available()
if is_installed() and not ON_DEVICE:
    # Now, before any test makes torch import Triton in the ordinary way.
    import_interpreted()


@pytest.fixture
def fused() -> Iterator[torch.device]:
    """The device to make tensors on; public functions run Triton's kernels meanwhile."""
    if not is_installed():
        pytest.skip("Triton is not installed")
    if ON_DEVICE:
        with using("triton"):
            yield torch.device("cuda")
        return
    with interpreting(), using("triton"):
        yield torch.device("cpu")
