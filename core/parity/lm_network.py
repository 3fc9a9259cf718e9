"""Golden conditions and logits: the product's embeddings, states and logits beside the stored ones."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from core.levo.shapes import PREFILL_CHUNK
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.model import TokenModel
from core.levo.tokens.prefix import prompt_slots
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of, close, noise, same
from core.parity.folder import Entry, codes
from core.parity.lm_text import condition_ids

_EMBEDDED = 1e-6
_ADDED = 64 * _EMBEDDED
"""Of a sum over a position's channels."""
_BOOKS = (0, 1, 2)
_PATHS = {
    "up_fp32": ("fp32", torch.float32),
    "fork_fp32": ("fp32", torch.float32),
    "fork_kv16": ("fp16", torch.float32),
    "fork_q8": ("mulaw8", torch.float32),
    "fork_half_kv16": ("fp16", torch.float16),
    "fork_half_q8": ("mulaw8", torch.float16),
}
"""Cache format and weights of each stored path."""
_FLOORS = {"fork_half_kv16": 50.0, "fork_half_q8": 30.0}
"""Signal-to-noise in dB that half precision keeps at least; the references measured 56 and 36."""


def condition_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """The ids of one song, and the embeddings of its prefix and first column for both rows."""
    name = file.removeprefix("conditions_").removesuffix(".safetensors")
    yield condition_ids(bench, f"conditions {name}", entry)
    stored = bench.golden.tensors(file)
    model, conditions = bench.model(entry["salt"]), bench.conditions(stored)
    first = torch.full((3, 1), model.shapes.special, device=bench.device)
    ours = [
        torch.cat(pair, dim=1)
        for pair in zip(
            model.prefix(conditions, 2), (model.embed_main(first, 2), model.embed_sub(first, 2)), strict=True
        )
    ]
    checks = [
        same("prompt slots", prompt_slots(conditions.prompt_codes, model.shapes), stored["prompt_tokens"])
    ]
    for name_of, stream in zip(("fused1", "fused2"), ours, strict=True):
        at = codes(stored["positions"]).to(bench.device)
        checks += [
            close(name_of, stream[:, at], stored[name_of], _EMBEDDED),
            close(f"{name_of} sums", stream.sum(-1), stored[f"{name_of}_sum"], _ADDED),
            close(f"{name_of} lengths", stream.norm(dim=-1), stored[f"{name_of}_l2"], _ADDED),
        ]
    absent = "no prompt: upstream's empty slot" if "fork_padbug_fused1_pos601" in stored else ""
    yield case_of(f"conditions {name} embeddings", checks, absent)


def logit_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """Prefill and teacher-forced steps through each cache format; half precision against the fp32 states."""
    stored = bench.golden.tensors(file)
    _, given = bench.conditions_entry(entry["condition"])
    for path, tolerance in entry["tolerance_abs"].items():
        name = f"logits {entry['condition']} {path}"
        if path not in _PATHS:
            yield Case(name, None, note="a path this version does not know")
            continue
        kind, dtype = _PATHS[path]
        model = bench.model(entry["salt"], dtype=dtype)
        ours = forced(model, bench, given, codes(stored["sequence"]), kind)
        if path in _FLOORS:
            floor = _FLOORS[path]
            checks = [noise(key, ours[key], stored[f"up_fp32/{key}"], floor) for key in ("h1", "h2")]
            yield case_of(name, checks, "half precision, against fp32")
        else:
            yield case_of(name, list(_compared(ours, stored, path, float(tolerance))))


def forced(
    model: TokenModel, bench: Bench, given: Mapping[str, Tensor], sequence: Tensor, kind: str
) -> dict[str, Tensor]:
    """Last position's states [calls, 2, W] and logits [calls, 2, 3, V]; each layer's prefill."""
    sequence = sequence.to(bench.device)
    whole = model.shapes.prefix + 1
    decoding = Decoding(model, rows=2, columns=sequence.shape[1], cache=kind)
    with _tapped(model) as seen:
        # The companded format has one scale for all that one call writes, and the reference prefills in one.
        chunk = whole if kind == "mulaw8" else PREFILL_CHUNK
        prefix = model.prefix(bench.conditions(given), 2)
        decoding.prefill(prefix, sequence[:, :1], chunk=chunk)
        logits = [decoding.logits(_BOOKS)]
        for column in torch.split(sequence[:, 1:], 1, dim=1):
            decoding.feed(column)
            logits.append(decoding.logits(_BOOKS))
    states = {name: torch.cat(parts, dim=1) for name, parts in seen.items()}  # [2, prefix + calls, W]
    found = {f"prefill_{name}": state[:, :whole] for name, state in states.items()}
    for name in ("h1", "h2"):
        found[name] = states[name][:, whole - 1 :].transpose(0, 1)
    return {**found, "logits": torch.stack(logits)}


def _compared(
    ours: Mapping[str, Tensor], stored: Mapping[str, Tensor], path: str, tolerance: float
) -> Iterator[Check]:
    logits = ours["logits"].cpu()
    ids = codes(stored["sub_ids"])
    for key, want in stored.items():
        group, _, what = key.partition("/")
        if group != path or what == "top8_ids":
            continue
        if what == "logits_sub":
            got = logits[..., ids]
        elif what == "top8_values":
            got = logits.gather(-1, codes(stored[f"{path}/top8_ids"]))
            yield close("top 8", logits.topk(want.shape[-1]).values, want, tolerance)
        elif what == "logsumexp":
            got = logits.logsumexp(-1)
        elif what.startswith("prefill_"):
            got = ours[what][:, codes(stored["positions"]).to(ours[what].device)]
        else:
            got = ours[what]
        yield close(what, got, want, tolerance)


@contextmanager
def _tapped(model: TokenModel) -> Iterator[dict[str, list[Tensor]]]:
    """What both stacks and each of their layers give, call after call, under the goldens' names."""
    seen: dict[str, list[Tensor]] = {}
    watched: dict[str, nn.Module] = {}
    for number, stack in enumerate((model.transformer.model, model.transformer2.model), start=1):
        watched[f"h{number}"] = stack
        watched |= {f"t{number}_l{index}": layer for index, layer in enumerate(stack.layers)}

    def tap(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        return module.register_forward_hook(lambda _m, _in, out: seen.setdefault(name, []).append(out))

    handles = [tap(name, module) for name, module in watched.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
