"""Golden flow: times, rotation, transformer, normaliser, Euler steps, and a window from codes to latents."""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from core.kernels.reference import rope_table, rotate_pairs
from core.levo.synthesis.euler import Problem, solve
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.transformer import sinusoids
from core.parity.audio_bench import AudioBench, AudioCase
from core.parity.audio_rule import called, first_called
from core.parity.compare import Case, Check, close

_TIMES = re.compile(r"t=\[?([\d., ]+)\]?")
_KEPT = re.compile(r"positions >= (\d+) masked")
_STEPS = 10
_LAST_PLACE = 1000 * 2.0**-24
"""What half a unit in the last place of a frequency does to angles of 1000: the vectors' own processor and
others, all within their libraries' accuracy, lie up to 3e-5 apart, more than a manifest's 2e-5."""


def flow_case(bench: AudioBench, case: AudioCase) -> Case:
    """The transformer or one of its parts; what a case is shows in the tensors it holds."""
    if "in" in case.stored:
        return case.done(list(_rotation(bench, case)))
    flow = _flow(bench, case, part="transformer.")
    if "t" in case.stored:
        return case.done(list(_times(bench, case, flow)))
    x, transformer = bench.here(first_called(case.recipe)), flow.transformer
    if masked := _KEPT.search(case.recipe):
        x = x[:, : int(masked[1])]  # frames that nobody sees change nothing
    found = _TIMES.search(case.recipe)
    assert found is not None
    times = torch.tensor([float(each) for each in found[1].strip(" ,").split(",")], device=bench.device)
    velocity = transformer(x, transformer.modulation(times), transformer.rope(x.shape[1]))
    return case.done(list(_velocity(case, velocity)))


def _velocity(case: AudioCase, velocity: Tensor) -> Iterator[Check]:
    """Of the reference's output only the last channels are computed."""
    latent = velocity.shape[-1]
    for part, stored in case.stored.items():
        got = velocity[:, int(part.removeprefix("out_frame"))] if part.startswith("out_frame") else velocity
        yield close(part, got, stored[..., -latent:], case.tolerance)


def _rotation(bench: AudioBench, case: AudioCase) -> Iterator[Check]:
    given = bench.here(case.stored["in"]).transpose(1, 2)  # [B, H, T, D]
    cos, sin = rope_table(torch.arange(given.shape[2], device=bench.device), given.shape[3], 10_000.0)
    yield case.near("out", rotate_pairs(given, cos, sin).transpose(1, 2))


def _times(bench: AudioBench, case: AudioCase, flow: Flow) -> Iterator[Check]:
    times, transformer = bench.here(case.stored["t"]), flow.transformer
    embedded, rows = transformer.time(times)
    yield close("sinusoid", sinusoids(times, transformer.time.width), case.stored["sinusoid"], _LAST_PLACE)
    yield case.near("embedded", embedded)
    yield case.near("modulation", rows.flatten(1))


def window_case(bench: AudioBench, case: AudioCase) -> Case:
    """The normaliser, Euler steps from given conditions, or a whole window from codes."""
    if "project" in case.stored:
        return case.done(list(_normaliser(bench, case)))
    if any(part.startswith("x_at_step") for part in case.stored):
        return case.done(list(_euler(bench, case)))
    return case.done(list(_window(bench, case)))


def _normaliser(bench: AudioBench, case: AudioCase) -> Iterator[Check]:
    normaliser = _flow(bench, case, part="normaliser.").normaliser
    given = bench.here(case.stored["in"])
    yield case.near("mean", normaliser.mean)
    yield case.near("std", normaliser.deviation)
    yield case.near("project", normaliser.normal(given))
    yield case.near("return_of_in", normaliser.latents(given))


def _euler(bench: AudioBench, case: AudioCase) -> Iterator[Check]:
    flow = _flow(bench, case, part="transformer.")
    noise, marks, context, condition = (bench.here(each) for each in called(case.recipe))
    carried = context[:, : int(case.config["incontext"])]
    seen: list[Tensor] = []
    hook = flow.transformer.register_forward_pre_hook(
        lambda _, given: seen.append(given[0][:1, :, -noise.shape[-1] :].clone())
    )
    guidance = float(case.config["guidance"])
    problem = Problem(marks, carried, condition, noise)
    solved = solve(flow.transformer, problem, flow.schedule(_STEPS), guidance=guidance, tick=_nothing)
    hook.remove()
    yield case.near("x0", noise)
    yield case.near("out", solved)
    for part in case.stored:
        if part.startswith("x_at_step"):
            yield case.near(part, seen[int(part.removeprefix("x_at_step"))])


def _window(bench: AudioBench, case: AudioCase) -> Iterator[Check]:
    flow = _flow(bench, case)
    noise, prefix, vocal, backing = (bench.here(each) for each in called(case.recipe))
    config = case.config
    problem = flow.problem(torch.cat((vocal, backing), dim=1), prefix[:, : int(config["incontext"])], noise)
    schedule, guidance = flow.schedule(int(config["steps"])), float(config["guidance"])
    latents = flow.window(problem, schedule, guidance=guidance, tick=_nothing)
    yield case.near("x0", noise)
    yield from case.thinned("latents", latents, dim=1)


def _flow(bench: AudioBench, case: AudioCase, part: str = "") -> Flow:
    shapes = bench.shapes(case.config)
    return bench.by_rule("flow", lambda: Flow(shapes), case, width=shapes.flow.width, part=part)


def _nothing() -> None:
    """Nobody listens."""
