"""A few of a checkout's golden vectors on a device; for a process of its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from core.device import processor_threads
from core.parity.check import check_folder
from core.parity.compare import Case
from core.parity.folder import Golden, folders_in, open_folder
from core.paths import qwen2

_GROUPS = ("0", "3b", "4", "7")
"""Of the language model: weights by rule, single blocks, the 8-bit cache, the sampler."""
_NETWORK = ("conditions_c1.", "logits_c1.")
"""Begin the names of the files that take the whole small network."""
_AUDIO = (
    "fe.mel_music", "conv.tiny", "conformer.tiny", "vq.tiny", "flow.rope", "flow.tiny_a", "cfm.euler_ic12",
    "vae.dec_tiny",
)  # fmt: skip
"""Of the sound: one of each kind, of those that take no time."""


def checked(folder: str, device: torch.device) -> Mapping[str, object]:
    """How many of the few are right, and what is wrong with the others."""
    cases = list(_cases(Path(folder), device))
    wrong = [f"{case.name} ({case.worst.part})" for case in cases if case.state == "FAIL" and case.worst]
    done = sum(case.state != "skipped" for case in cases)
    return {"cases": done, "wrong": wrong}


def _cases(folder: Path, device: torch.device) -> Iterator[Case]:
    for path in folders_in(folder):
        golden = _few_of(open_folder(path))
        if golden is not None:
            # Networks this small are done before a second thread has woken up.
            with processor_threads(1):
                yield from check_folder(golden, device, vocabulary=qwen2())


def _few_of(golden: Golden) -> Golden | None:
    """A folder as if it had a few of its vectors alone; None for one that this version does not know."""
    manifest = dict(golden.manifest)
    if golden.kind == "lm":
        manifest["files"] = {
            name: about
            for name, about in golden.manifest["files"].items()
            if str(about["group"]) in _GROUPS or name.startswith(_NETWORK)
        }
    elif golden.kind == "audio":
        manifest["cases"] = [about for about in golden.manifest["cases"] if about["id"] in _AUDIO]
    else:
        return None
    return Golden(golden.path, manifest)
