"""The commands that work on the library's takes: declared here, each run by a file of its own."""

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from core.cli import making_options as making
from core.cli.listen_options import add_listen_options
from core.cli.phases_options import add_import_options
from core.cli.takes_options import Add, add_takes_options

if TYPE_CHECKING:
    from core.config import Config

_ADD: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "takes": ("list, mark, trash and copy the takes of the library", add_takes_options),
    "continue": ("make takes that were broken off to their end", making.add_continue_options),
    "resing": ("sing a take anew from a section or second on", making.add_resing_options),
    "extend": ("sing on behind the end of a take", making.add_extend_options),
    "rerender": ("make the sound of a take anew with other settings", making.add_rerender_options),
    "drafts": ("make the beginnings of several takes, to choose one", making.add_drafts_options),
    "queue": ("say what is to be made and in which order, and make it", making.add_queue_options),
    "listen": ("hear the takes in a browser where you sit, over ssh or here", add_listen_options),
    "library": ("tell of the library, or read it anew", making.add_library_options),
    "import": ("bring in songs that the fork has begun: its tokens or conditions", add_import_options),
}
RUN = {
    "takes": "core.cli.takes:run_takes",
    "continue": "core.cli.go_on:run_continue",
    "resing": "core.cli.resing:run_resing",
    "extend": "core.cli.resing:run_resing",
    "rerender": "core.cli.resing:run_resing",
    "drafts": "core.cli.drafts:run_drafts",
    "queue": "core.cli.queue:run_queue",
    "listen": "core.cli.listen:run_listen",
    "library": "core.cli.library:run_library",
    "import": "core.cli.phases:run_import",
}
"""By name of the command what runs it, as `module:function`: loaded when it is asked for."""


def add_library_commands(add: Add) -> None:
    """Declare them all; `add` makes a parser of a name."""
    for name, (about, add_options) in _ADD.items():
        add_options(add(name, help=about, description=about))


def run_library_command(args: argparse.Namespace, config: "Config") -> int:
    """Run the one that was asked for; gives the exit code."""
    module, _, name = RUN[args.command].partition(":")
    run: Callable[[argparse.Namespace, Config], int] = getattr(import_module(module), name)
    return run(args, config)
