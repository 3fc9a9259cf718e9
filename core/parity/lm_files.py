"""Golden checkpoints: the rule's weights to the bit, as converted, and v2-large's keys and shapes."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from core.levo.published import PREFIX, UNUSED, fuse
from core.levo.shapes import shapes_of
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.parity.bench import Bench, published_shapes
from core.parity.compare import Case, Check, case_of, checksum, close, holds
from core.parity.folder import Entry
from core.parity.lm_rule import rule_state
from core.registry import variant


def state_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """The small model's weights, what becomes of them, and the large model's lists."""
    stored = bench.golden.entries(file)
    tiny = stored["tiny_rule_upstream"]
    state = rule_state({key: tuple(about["shape"]) for key, about in tiny.items()}, entry.get("salt", ""))
    yield case_of("weights by rule", list(_drawn(state, tiny)))
    if "tiny_fused_fp16" in stored:
        yield case_of("weights fused", list(_fused(state, stored["tiny_fused_fp16"])))
    with hollow():
        large = TokenModel(shapes_of(variant("v2-large").shapes).tokens).state_dict()
    published = {key: list(shape) for key, shape in published_shapes(large).items()}
    fused = {key: list(tensor.shape) for key, tensor in large.items()}
    for title, ours, name in (
        ("v2-large as published", published, "v2_large_upstream"),
        ("v2-large as fused", fused, "v2_large_fork_converted"),
    ):
        if name in stored:
            yield case_of(title, [_covers(ours, _listed(stored[name]))])


def _drawn(state: Mapping[str, Tensor], stored: Entry) -> Iterator[Check]:
    wrong = [key for key, about in stored.items() if checksum(state[key]) != about["crc32_f32"]]
    yield holds(f"checksums {' '.join(wrong[:1])}".strip(), wrong)
    for key, about in stored.items():
        yield close(f"{key} first", state[key].flatten()[:4], torch.tensor(about["first4"]), 0.0)


def _fused(state: Mapping[str, Tensor], stored: Entry) -> Iterator[Check]:
    made = fuse(state)
    wrong = [
        key
        for key, tensor in made.items()
        if key not in stored or checksum(tensor.half()) != stored[key]["crc32_f16"]
    ]
    yield holds(f"checksums {' '.join(wrong[:1])}".strip(), wrong)
    yield holds("kept", [key for key in stored if key not in made and key not in UNUSED])


def _covers(ours: Mapping[str, list[int]], listed: Mapping[str, list[int]]) -> Check:
    """Every tensor of ours is listed with its shape, and what is listed besides is read by nothing."""
    wrong = [key for key, shape in ours.items() if listed.get(key) != shape]
    left = [key for key in listed if key not in ours and key.removeprefix(PREFIX) not in UNUSED]
    return holds("keys and shapes", wrong + left)


def _listed(stored: Entry) -> dict[str, list[int]]:
    """A list of keys with its repeated layers written out."""
    return {
        key.replace("{i}", str(index)): about["shape"]
        for key, about in stored.items()
        for index in range(about.get("count", 1))
    }
