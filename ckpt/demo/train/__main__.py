"""`python -m train PART|all [--state DIR] [key=value …]`: one part of the demo model's training, or all."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from core.errors import SongdeskError
from train.config import Config, load

STATE = Path("out/train")
EXPORTED = "export"
"""Folder of the state for the role files."""
PARTS = (
    "words", "pool", "vae", "latents", "flow", "dreams", "decoder", "tokens", "ears", "separator", "styles",
    "export", "ship", "curves",
)  # fmt: skip
"""In the order in which one needs what another has made."""
NOT_IN_ALL = ("ship",)
"""What changes the program itself is done only when asked for."""
_MODULES = {"separator": "separation"}
"""Where the module of a part has another name."""
_EXPORTING = ("decoder", "flow", "tokens", "ears", "separation", "styles")
"""Modules that write role files."""
EXIT_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; the result is the process's exit code."""
    given = _parser().parse_intermixed_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        if given.workers < 0:
            raise SongdeskError(f"there cannot be {given.workers} workers", hint="use 0 for none")
        parts = asked(given.part)
        whole = "" if given.part == "all" else given.part
        config = load(given.changes, part=whole, device=_device(given.device), workers=given.workers)
        for part in parts:
            _do(part, config, given.state)
    except SongdeskError as error:
        sys.stderr.write(f"train: {error}\n")
        return EXIT_BAD_INPUT
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"train: {where}{error.strerror or error}\n")
        return EXIT_BAD_INPUT
    return 0


def asked(part: str) -> Sequence[str]:
    """The parts that a name means; SongdeskError for one that there is not."""
    if part == "all":
        return [one for one in PARTS if one not in NOT_IN_ALL]
    if part not in PARTS:
        raise SongdeskError(f"there is no part {part}", hint=f"use one of {', '.join(PARTS)}, or all")
    return [part]


def work_of(part: str) -> Callable[[Config, Path], None]:
    """What trains a part, going on from what the state holds."""
    work: Callable[[Config, Path], None] = import_module(f"train.{_MODULES.get(part, part)}").train
    return work


def _do(part: str, config: Config, state: Path) -> None:
    if part == "export":
        export(state)
    elif part == "ship":
        _ship(config, state)
    else:
        work_of(part)(config, state)


def export(state: Path) -> None:
    """Write every role file that there is something trained for, and tell sizes and hashes."""
    from core.digest import sha256_of
    from train.ship import MOST

    folder = state / EXPORTED
    folder.mkdir(parents=True, exist_ok=True)
    for module in _EXPORTING:
        part: Any = import_module(f"train.{module}")
        try:
            part.export(state, folder)
        except FileNotFoundError as error:
            sys.stdout.write(f"{module}: {error.filename} is not there yet\n")
    paths = sorted(folder.glob("*.safetensors"))
    for path in paths:
        sys.stdout.write(f"{path.name}\t{path.stat().st_size:,}\t{sha256_of(path)}\n")
    whole = sum(path.stat().st_size for path in paths)
    sys.stdout.write(f"{len(paths)} files\t{whole:,} bytes of {MOST:,}\n")
    if whole > MOST:
        raise SongdeskError(f"{whole:,} bytes are more than {MOST:,}", where=str(folder))


def _ship(config: Config, state: Path) -> None:
    from core.paths import conf_file, shipped_weights
    from train.ship import MODEL, ship

    ship(state / EXPORTED, config.shapes, into=shipped_weights() / MODEL, models=conf_file("models.yaml"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train", description="Train the demo model, part by part.")
    parser.add_argument("part", help=f"one of {', '.join(PARTS)}, or all but {' and '.join(NOT_IN_ALL)}")
    parser.add_argument("changes", nargs="*", metavar="key=value", help="instead of what config.yaml says")
    parser.add_argument("--state", type=Path, default=STATE, help="folder of checkpoints, caches and logs")
    parser.add_argument(
        "--threads", type=int, default=1, help="of one process; two processes beat two threads"
    )
    parser.add_argument("--device", default="cpu", help="where networks learn, such as cuda")
    parser.add_argument(
        "--workers", type=int, default=0, help="processes that prepare the next steps, for a quick device"
    )
    return parser


def _device(name: str) -> str:
    """A device that torch has here; SongdeskError for others."""
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise SongdeskError(
            f"no network can learn on {name}: {str(error).splitlines()[0]}", hint="use cpu, or cuda"
        ) from error
    if name != "cpu":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True  # crops are of few sizes
    return name


if __name__ == "__main__":
    sys.exit(main())
