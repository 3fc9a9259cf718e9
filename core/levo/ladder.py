"""The ways a stage can be run, from the best to the one that takes least memory; no torch."""

from collections.abc import Callable, Iterator, Mapping

from core.device import Device
from core.engine import Rung, StagePlan
from core.levo.plan import can_be_ahead, is_half, plan
from core.levo.settings import AUTO, is_auto
from core.levo.shapes import VAE_CONTEXT
from core.levo.synthesis.windows import VAE_CHUNK
from core.registry import Variant
from core.settings import Value, Values, shown
from core.song import Song

_INT8 = "tokens differ slightly from full weights, and steps take longer"
_IN_TURN = "the song can be heard only when it is composed"
_MULAW = "the song is remembered a little coarser"
_CHUNKS = (VAE_CHUNK, 32, 16, 8)
_SHORTER = (240, 210, 180, 150, 120, 90, 60, 45, 30)
"""Seconds that a song is cut to where nothing else is left."""
_Way = Mapping[str, Value]


def ladder(song: Song, chosen: Variant, values: Values, stage: str, device: Device) -> tuple[Rung, ...]:
    """Every way, the best first; settings that a person fixed are the same in all of them, but the length."""

    def planned(way: _Way, where: Device = device) -> StagePlan:
        stages = plan(song, chosen, values.replace(**way), where).stages
        return next(load for load in stages if load.stage == stage)

    match stage:
        case "tokens":
            is_ahead = is_auto(values, "ahead") and can_be_ahead(song, chosen, values)
            half = is_half(chosen, device)
            tokens = tuple(_tokens(values, lambda way: planned(way).peak, is_half=half, is_ahead=is_ahead))
            names = [_named(way, values) for way in tokens]
            return tuple(
                Rung(planned(way), way, name, costs) for way, (name, costs) in zip(tokens, names, strict=True)
            )
        case "conditions":
            return tuple(
                Rung(planned(way, where), way, name, costs, "" if where == device else where)
                for way, where, name, costs in _listening(values, device)
            )
        case "audio":
            return tuple(Rung(planned(way), way, *_decoding(way)) for way in _audio(values))
    raise AssertionError(stage)


def _tokens(values: Values, peak: Callable[[_Way], int], *, is_half: bool, is_ahead: bool) -> Iterator[_Way]:
    """The cache that computes as it is, then packed ones; the leanest way with shorter songs.

    Among short songs µ-law's prefill takes more than its cache saves: there it is left out.
    """
    caches = ["fp16" if is_half else "fp32", "int8", "mulaw8"]
    if not is_auto(values, "kv_cache"):
        caches = [values.text("kv_cache")]
    best, usual, least = caches[0], caches[min(1, len(caches) - 1)], caches[-1]
    ways = [
        ("full", "lockstep", best),
        ("full", "lockstep", usual),
        ("full", "two-pass", usual),
        ("int8", "lockstep", usual),
        ("int8", "two-pass", usual),
        ("int8", "two-pass", least),
    ]
    auto = [key for key in ("weights", "schedule", "kv_cache") if is_auto(values, key)]
    seen: list[_Way] = []
    for weights, schedule, cache in ways:
        asked = {"weights": weights, "schedule": schedule, "kv_cache": cache}
        for way in _heard({key: asked[key] for key in auto}, values, is_offered=is_ahead):
            is_leaner = way.get("kv_cache") != "mulaw8" or peak(way) < peak(seen[-1])
            if way not in seen and is_leaner:
                seen.append(way)
                yield way
    shortest = max(values.real("minimum_length"), 1.0)
    for seconds in _SHORTER:
        if shortest <= seconds < values.real("length"):
            yield {**seen[-1], "length": float(seconds)}


def _heard(way: _Way, values: Values, *, is_offered: bool) -> Iterator[_Way]:
    """A way with sound made ahead beside it, and without: the tokens are the same."""
    if not is_offered:
        yield way
        return
    if values.replace(**way).text("schedule") != "two-pass":
        yield {**way, "ahead": AUTO}
    yield {**way, "ahead": "off"}


def _named(way: _Way, values: Values) -> tuple[str, str]:
    """A way to compose in words, and what it costs."""
    full = values.replace(**way)
    weights, is_in_turn = full.text("weights"), full.text("schedule") == "two-pass"
    parts = [f"{'full' if weights == AUTO else weights} weights"]
    parts += ["one transformer after the other"] if is_in_turn else []
    parts += [f"{full.text('kv_cache')} cache"] if "kv_cache" in way else []
    parts += ["heard while it is composed"] if way.get("ahead") == AUTO else []
    costs = [_INT8] if way.get("weights") == "int8" else []
    is_silent = way.get("ahead") == "off" or (is_in_turn and "schedule" in way)
    costs += [_IN_TURN] if is_silent else []
    costs += [_MULAW] if way.get("kv_cache") == "mulaw8" else []
    if "length" in way:
        seconds = shown(way["length"])
        parts.insert(0, f"only {seconds} s")
        costs.insert(0, f"the song ends at {seconds} s")
    return ", ".join(parts), "; ".join(costs)


def _listening(values: Values, device: Device) -> Iterator[tuple[_Way, Device, str, str]]:
    if is_auto(values, "listen_on"):
        yield {"listen_on": "device"}, device, "heard on the device", ""
        if device != "cpu":
            yield {"listen_on": "cpu"}, "cpu", "heard by the processor", "listening takes longer"
    elif values.text("listen_on") == "cpu":
        yield {}, "cpu", "heard by the processor", ""
    else:
        yield {}, device, "heard on the device", ""


def _audio(values: Values) -> Iterator[_Way]:
    if not is_auto(values, "decode_chunk"):
        yield {}
        return
    for chunk in _CHUNKS:
        yield {"decode_chunk": chunk}


def _decoding(way: _Way) -> tuple[str, str]:
    """A way to decode in words, and what it costs."""
    chunk = int(way.get("decode_chunk", 0))
    if not chunk:
        return "as set", ""
    often = (1 + 2 * VAE_CONTEXT / chunk) / (1 + 2 * VAE_CONTEXT / VAE_CHUNK)
    costs = f"decoding computes {often:.1f} times as much" if chunk < VAE_CHUNK else ""
    return f"decoding {chunk} latents at a time", costs
