"""Every case of a folder of golden vectors, one after the other."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import torch

from core.errors import SongdeskError
from core.parity.audio_bench import AudioBench, AudioCase
from core.parity.audio_encode import conformer_case, encode_case, frontend_case, quantizer_case
from core.parity.audio_flow import flow_case, window_case
from core.parity.audio_render import render_case
from core.parity.audio_vae import demucs_case, vae_case
from core.parity.bench import Bench
from core.parity.compare import Case, Check, Skipped
from core.parity.folder import MANIFEST, Entry, Golden
from core.parity.lm_cache import mulaw_cases
from core.parity.lm_codes import loop_cases, pattern_cases
from core.parity.lm_files import state_cases
from core.parity.lm_generate import generate_cases
from core.parity.lm_int8 import int8_cases
from core.parity.lm_network import condition_cases, logit_cases
from core.parity.lm_sampler import sampler_cases
from core.parity.lm_text import tokenizer_cases
from core.parity.lm_unit import unit_cases

_GROUPS: dict[str, Callable[[Bench, str, Entry], Iterator[Case]]] = {
    "0": state_cases,
    "1": tokenizer_cases,
    "2": condition_cases,
    "3": lambda *given: chain(logit_cases(*given), int8_cases(*given)),
    "3b": unit_cases,
    "4": mulaw_cases,
    "5": pattern_cases,
    "6": generate_cases,
    "6b": loop_cases,
    "7": sampler_cases,
}
"""What checks the files of each group of a manifest."""
_AUDIO: dict[str, Callable[[AudioBench, AudioCase], Case]] = {
    "frontend": frontend_case,
    "conformer": conformer_case,
    "vq": quantizer_case,
    "encode": encode_case,
    "flow": flow_case,
    "cfm": window_case,
    "vae": vae_case,
    "demucs": demucs_case,
    "render": render_case,
}
"""What checks a case of each file of audio vectors."""


def check_folder(golden: Golden, device: torch.device, *, vocabulary: Path) -> Iterator[Case]:
    """A line for each case, as it is done; `vocabulary` is the folder of Qwen2's two files, if they are here.

    Raises SongdeskError when the folder is damaged or of a form this version does not know.
    """
    if golden.kind == "audio":
        yield from _audio_cases(AudioBench(golden, device))
        return
    if golden.kind != "lm":
        yield Case(golden.path.name, None, note=f"{golden.kind} vectors are not checked by this version")
        return
    bench = Bench(golden, device, vocabulary)
    try:
        files = sorted((str(entry["group"]), file, entry) for file, entry in golden.manifest["files"].items())
    except (KeyError, TypeError, AttributeError) as error:
        raise _misshapen(golden.path / MANIFEST, error) from error
    for _, file, entry in files:
        yield from _file(bench, file, entry)


def _audio_cases(bench: AudioBench) -> Iterator[Case]:
    for about in bench.golden.manifest["cases"]:
        try:
            name, file = str(about["id"]), Path(str(about["file"]))
        except (KeyError, TypeError) as error:
            raise _misshapen(bench.golden.path / MANIFEST, error) from error
        check = _AUDIO.get(file.stem)
        if check is None:
            yield Case(name, None, note=f"{file.stem} is not known to this version")
            continue
        yield from _guarded(name, bench.golden.path / file, partial(_one, check, bench, about))


def _one(check: Callable[[AudioBench, AudioCase], Case], bench: AudioBench, about: Entry) -> Iterator[Case]:
    yield check(bench, bench.case(about))


def _file(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    group = _GROUPS.get(str(entry["group"]))
    if group is None:
        yield Case(Path(file).stem, None, note=f"group {entry['group']} is not known to this version")
        return
    yield from _guarded(Path(file).stem, bench.golden.path / file, lambda: group(bench, file, entry))


def _guarded(name: str, file: Path, cases: Callable[[], Iterable[Case]]) -> Iterator[Case]:
    """The lines of a file or a case; what breaks it off is a line, too."""
    try:
        with torch.inference_mode():
            yield from cases()
    except Skipped as reason:
        yield Case(name, None, note=str(reason))
    except (RuntimeError, AssertionError) as error:  # what a device or a driver refuses is an answer, too
        what = (str(error) or "an assertion").splitlines()[0]
        yield Case(name, Check("broke off", math.inf, 0), 1, f"{type(error).__name__}: {what}")
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise _misshapen(file, error) from error


def _misshapen(path: Path, error: Exception) -> SongdeskError:
    return SongdeskError(
        f"not of the expected form ({type(error).__name__}: {error})",
        where=str(path),
        hint="get this folder again, or a newer songdesk",
    )
