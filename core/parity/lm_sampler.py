"""Golden sampler: what may be drawn after guidance, penalty, bans and filters, and how likely it is."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from core.levo.tokens.sample import Knobs, Sampler, keep
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of, close, holds, same
from core.parity.folder import Entry, by_case, codes
from core.parity.lm_rule import from_recipe
from core.random import Stream

_RELATIVE = 1e-4
_MODES = {"upstream": "presence", "fork": "count"}
_BOUNDARY = 1.0
"""Ids that may differ where a nucleus ends."""


def sampler_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """A line for each stored draw, and one more for the fork's where it counts repetitions."""
    stored = by_case(bench.golden.tensors(file))
    for name, about in entry["cases"].items():
        here, window = stored[name], about["params"]["window"]
        yield case_of(f"sampler {name}", _checks(bench, about, here, "upstream"), _note(about["params"]))
        if window and any(key.startswith("fork/") for key in here):
            theirs = _checks(bench, about, here, "fork")
            yield case_of(f"sampler {name} fork", theirs, "count penalty, as the fork")


def _note(params: Entry) -> str:
    if params["ties"]:
        return "exactly k of tied ids, as the fork"
    return "presence penalty, as upstream" if params["window"] else ""


def _checks(bench: Bench, about: Entry, here: Mapping[str, Tensor], whose: str) -> list[Check]:
    params, logits = about["params"], _logits(about)
    drawn, scores = _drawn(bench, logits.to(bench.device), here, params, mode=_MODES[whose])
    checks = [close("logits by rule", logits[..., :4], here["logits_first4"], 1e-6)]
    if f"{whose}/argmax" in here:
        return [*checks, same("likeliest", drawn, here[f"{whose}/argmax"])]
    if params["ties"]:
        return [*checks, *_tied(drawn, scores[0], here, params)]
    group = {key.removeprefix(f"{whose}/"): x for key, x in here.items() if key.startswith(f"{whose}/")}
    return [*checks, *_filtered(drawn, scores, group, params)]


def _logits(about: Entry) -> Tensor:
    params = about["params"]
    logits = from_recipe(about["logits"]) * params["scale"] + params["shift"]
    rounded: Tensor = (logits * 4).round() / 4 if params["ties"] else logits
    return rounded


def _knobs(params: Entry, book: int, mode: str = "presence") -> Knobs:
    """Both references ignore top-k where there is a top-p, and sample the stems then or without a filter."""
    nucleus = params["top_p"] > 0
    samples = params["use_sampling"] and (book == 0 or nucleus or params["top_k"] == 0)
    return Knobs(
        temperature=params["temp"] if samples else 0.0,
        guidance=params["cfg"],
        top_k=0 if nucleus else params["top_k"],
        top_p=params["top_p"],
        penalty_mode=mode,
        minimum_length=0.0,
    )


class _Open(Sampler):
    """A sampler that keeps the scores it drew from last, [V]."""

    scores: Tensor

    def _pick(self, scores: Tensor, book: int, knobs: Knobs, step: int) -> Tensor:
        self.scores = scores.clone()
        return super()._pick(scores, book, knobs, step)


def _drawn(
    bench: Bench, logits: Tensor, here: Mapping[str, Tensor], params: Entry, *, mode: str
) -> tuple[Tensor, list[Tensor]]:
    """A token and the scores of each codebook, each drawn as a first one: the stems may not end our songs."""
    none = torch.empty(0, dtype=torch.int64)
    banned = (codes(here["ignore"]) if "ignore" in here else none, none, none)
    history = codes(here.get("history", torch.empty(3, 0))).to(bench.device)
    tokens, scores = [], []
    for book, ids in enumerate(banned):
        sampler = _Open(bench.shapes, ids, Stream(0, "tokens"), device=bench.device)
        row = slice(book, book + 1)
        knobs = _knobs(params, book, mode)
        tokens.append(sampler.draw(logits[:, row], (0,), knobs, step=1, history=history[row]))
        scores.append(sampler.scores)
    return torch.cat(tokens).cpu(), scores


def _kept(scores: Tensor, params: Entry, book: int) -> tuple[Tensor, Tensor]:
    """Ids ascending and probabilities of what may be drawn."""
    knobs = _knobs(params, book)
    kept, ids = keep(scores / knobs.temperature, top_k=knobs.top_k, top_p=knobs.top_p)
    found = kept.isfinite()
    ids, order = ids[found].sort()
    return ids.cpu(), kept[found][order].softmax(0).cpu()


def _filtered(
    drawn: Tensor, scores: list[Tensor], here: Mapping[str, Tensor], params: Entry
) -> Iterator[Check]:
    for book, score in enumerate(scores):
        whole = f"q{book}/ids" in here
        kind = "" if whole else "top256_"
        want, probs = codes(here[f"q{book}/{kind}ids"]), here[f"q{book}/{kind}probs"]
        if whole and len(want) == 1:
            yield same(f"codebook {book}", drawn[book : book + 1], want)
            continue
        ids, ours = _kept(score, params, book)
        if not whole:
            ours, order = ours.topk(len(want))
            ids = ids[order]
        apart = len(set(ids.tolist()) ^ set(want.tolist()))
        fuzzy = params["top_p"] or not whole
        yield Check(f"codebook {book} ids", float(apart), _BOUNDARY if fuzzy else 0.0, "differ")
        yield _shares(f"codebook {book} probabilities", _sorted(ids, ours), _sorted(want, probs))


def _sorted(ids: Tensor, probs: Tensor) -> tuple[Tensor, Tensor]:
    ids, order = ids.sort()
    return ids, probs[order]


def _shares(part: str, ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> Check:
    """Largest relative difference among the ids both have, each side adding up to 1 over them."""
    left = ours[1][torch.isin(ours[0], theirs[0])].double()
    right = theirs[1][torch.isin(theirs[0], ours[0])].double()
    left, right = left / left.sum(), right / right.sum()
    return Check(part, float(((left - right).abs() / right).max()), _RELATIVE, "relative")


def _tied(drawn: Tensor, scores: Tensor, here: Mapping[str, Tensor], params: Entry) -> Iterator[Check]:
    _, ours = _kept(scores, params, 0)
    want = here["fork/q0/probs"]
    yield same("codebook 0 kept", [len(ours)], [len(want)])
    yield close("codebook 0 probabilities", ours.sort().values, want.sort().values, _RELATIVE)
    for book in (1, 2):
        among = here[f"upstream/q{book}/ids"].tolist()
        yield holds(
            f"codebook {book}", [token for token in drawn[book : book + 1].tolist() if token not in among]
        )
