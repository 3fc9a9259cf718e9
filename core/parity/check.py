"""Every case of a folder of golden vectors, one after the other."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from core.errors import SongdeskError
from core.parity.bench import Bench
from core.parity.compare import Case, Check, Skipped
from core.parity.folder import MANIFEST, Entry, Golden
from core.parity.lm_cache import mulaw_cases
from core.parity.lm_codes import loop_cases, pattern_cases
from core.parity.lm_files import state_cases
from core.parity.lm_generate import generate_cases
from core.parity.lm_network import condition_cases, logit_cases
from core.parity.lm_sampler import sampler_cases
from core.parity.lm_text import tokenizer_cases
from core.parity.lm_unit import unit_cases

_GROUPS: dict[str, Callable[[Bench, str, Entry], Iterator[Case]]] = {
    "0": state_cases,
    "1": tokenizer_cases,
    "2": condition_cases,
    "3": logit_cases,
    "3b": unit_cases,
    "4": mulaw_cases,
    "5": pattern_cases,
    "6": generate_cases,
    "6b": loop_cases,
    "7": sampler_cases,
}
"""What checks the files of each group of a manifest."""


def check_folder(golden: Golden, device: torch.device, *, vocabulary: Path) -> Iterator[Case]:
    """A line for each case, as it is done; `vocabulary` is the folder of Qwen2's two files, if they are here.

    Raises SongdeskError when the folder is damaged or of a form this version does not know.
    """
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


def _file(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    group = _GROUPS.get(str(entry["group"]))
    if group is None:
        yield Case(Path(file).stem, None, note=f"group {entry['group']} is not known to this version")
        return
    try:
        with torch.inference_mode():
            yield from group(bench, file, entry)
    except Skipped as reason:
        yield Case(Path(file).stem, None, note=str(reason))
    except (RuntimeError, AssertionError) as error:  # what a device or a driver refuses is an answer, too
        what = (str(error) or "an assertion").splitlines()[0]
        yield Case(Path(file).stem, Check("broke off", math.inf, 0), 1, f"{type(error).__name__}: {what}")
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise _misshapen(bench.golden.path / file, error) from error


def _misshapen(path: Path, error: Exception) -> SongdeskError:
    return SongdeskError(
        f"not of the expected form ({type(error).__name__}: {error})",
        where=str(path),
        hint="get this folder again, or a newer songdesk",
    )
