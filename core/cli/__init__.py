"""The `songdesk` command: the studio without arguments, and a headless twin of what it does."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from core.cli.bench import add_bench_options
from core.cli.doctor import add_doctor_options
from core.cli.fetch_options import add_fetch_options
from core.cli.models_options import add_list_options
from core.cli.of_library import RUN, add_library_commands, run_library_command
from core.cli.open_options import add_open_options
from core.cli.parity import add_parity_options
from core.cli.setting_options import add_preset, add_settings
from core.environment import prepare
from core.errors import SongdeskError
from core.paths import log_file

if TYPE_CHECKING:
    from core.config import Config

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the result is the process's exit code."""
    _speak_anywhere()
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        code = _run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _silence(sys.stdout)
        return EXIT_PIPE
    except OSError as error:
        _silence(sys.stdout)
        print(f"songdesk: {error.strerror or error} → look at where its output goes", file=sys.stderr)
        return EXIT_BAD_INPUT
    return code


def _run(args: argparse.Namespace) -> int:
    from core.config import load_config

    try:
        _start_log()
        if args.command == "doctor":  # also where the configuration cannot be read
            from core.cli.doctor import run_doctor

            return run_doctor(args)
        _ready_for_torch()
        return _dispatch(args, load_config())
    except SongdeskError as error:
        print(f"songdesk: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT


def _ready_for_torch() -> None:
    """Set what helps torch, and say which of the person's variables are not used, and why."""
    for each in prepare():
        if each.done == "removed":
            print(f"songdesk: {each.name}={each.value} is not used: {each.why}", file=sys.stderr)


def _speak_anywhere() -> None:
    """Spell out what the terminal's encoding has no letter for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence(stream: TextIO) -> None:
    """Let what is still in a stream's buffer go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _dispatch(args: argparse.Namespace, config: "Config") -> int:
    match args.command:
        case "render":
            from core.cli.render import run_render

            return run_render(args, config)
        case "check":
            from core.cli.check import run_check

            return run_check(args, config)
        case "presets":
            from core.cli.presets import run_presets

            return run_presets(args, config)
        case "open":
            from core.cli.open import run_open

            return run_open(args, config)
        case "models":
            from core.cli.models import run_models

            return run_models(args, config)
        case "convert":
            from core.cli.convert import run_convert

            return run_convert(args)
        case "fetch":
            from core.cli.fetch import run_fetch

            return run_fetch(args)
        case "parity":
            from core.cli.parity import run_parity

            return run_parity(args)
        case "bench":
            from core.cli.bench import run_bench

            return run_bench(args)
        case command if command in RUN:
            return run_library_command(args, config)
        case _:
            from core.cli.studio import run_studio_command

            return run_studio_command(args, config)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line, as the rest of songdesk does."""

    def error(self, message: str) -> NoReturn:
        print(f"songdesk: {message} → see {self.prog} --help", file=sys.stderr)
        raise SystemExit(EXIT_BAD_INPUT)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="songdesk",
        description="A song studio for the terminal. Without a command it opens the studio.",
    )
    parser.add_argument("--version", action="version", version=f"songdesk {version('songdesk')}")
    parser.set_defaults(command="studio", songs=None, presets=[])
    commands = parser.add_subparsers(metavar="COMMAND")

    studio = commands.add_parser("studio", help="open the studio (renders headlessly without a terminal)")
    studio.add_argument(
        "songs",
        nargs="?",
        type=Path,
        metavar="SONGS.jsonl",
        help="start with its first song; headlessly all",
    )
    add_preset(studio)
    studio.set_defaults(command="studio")

    render = commands.add_parser("render", help="make songs of a JSONL file; prints each sound file's path")
    _add_render_options(render)
    render.set_defaults(command="render")

    check = commands.add_parser("check", help="report every problem of a JSONL file")
    check.add_argument("songs", type=Path, metavar="SONGS.jsonl")
    check.add_argument("--model", help="whose limits apply (see `songdesk models`)")
    check.add_argument("--json", action="store_true", help="one JSON object a problem")
    check.set_defaults(command="check")

    presets = commands.add_parser("presets", help="list the presets: settings under a name")
    presets.add_argument("--model", help="whose settings they are read as (see `songdesk models`)")
    presets.add_argument("--json", action="store_true", help="one JSON object a preset")
    presets.set_defaults(command="presets")

    add_library_commands(commands.add_parser)
    add_open_options(commands.add_parser("open", help="bring back the song inside a sound file"))

    models = commands.add_parser("models", help="list the models songdesk knows")
    add_list_options(models, is_group=True)
    of_models = models.add_subparsers(metavar="COMMAND")
    add_list_options(of_models.add_parser("list", help="the same: what is here, and what fits this machine"))
    add_fetch_options(
        of_models.add_parser("fetch", help="fetch a model, verify it and make it what songdesk loads")
    )
    _add_convert(
        of_models.add_parser(
            "convert", help="make a fetched checkpoint into the files songdesk loads; prints their paths"
        )
    )

    add_parity_options(commands.add_parser("parity", help="prove that this machine computes right"))
    add_doctor_options(
        commands.add_parser("doctor", help="say what is wrong with this machine, and how to mend it")
    )
    add_bench_options(commands.add_parser("bench", help="measure this machine, or what the demo sings"))
    return parser


def _add_convert(convert: argparse.ArgumentParser) -> None:
    convert.add_argument("file", type=Path, metavar="FILE", help="a published checkpoint, such as model.pt")
    convert.add_argument(
        "--out", type=Path, metavar="DIR", help="default: where the models it is for look for it"
    )
    convert.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="all that became of it, as an object"
    )
    convert.set_defaults(command="convert")


def _add_render_options(render: argparse.ArgumentParser) -> None:
    render.add_argument("songs", type=Path, metavar="SONGS.jsonl")
    render.add_argument("--model", help="a model of `songdesk models` (default: as configured)")
    render.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="default: ./out")
    render.add_argument("--seed", metavar="N", help="without it one is drawn and recorded")
    add_settings(render)
    render.add_argument("--until", choices=("conditions", "tokens"), help="end after this stage")
    render.add_argument(
        "--from",
        choices=("conditions", "tokens"),
        dest="start",
        help="take this and what is before it as made",
    )
    render.add_argument("--format", choices=("wav", "flac", "mp3"), help="default: wav")
    render.add_argument(
        "--stems", metavar="LIST", help="of mix, vocal, backing, such as mix,vocal,backing (default: mix)"
    )
    render.add_argument(
        "--again", action="store_true", help="make finished songs once more, beside the old take"
    )
    render.add_argument("--force", action="store_true", help="cut text that is too long, and say what is cut")
    render.add_argument("--json", action="store_true", help="one JSON object a song instead of its path")


def _start_log() -> None:
    if any(isinstance(handler, RotatingFileHandler) for handler in logging.getLogger().handlers):
        return
    try:
        handler = RotatingFileHandler(
            log_file(), maxBytes=1 << 20, backupCount=2, encoding="utf-8", delay=True
        )
    except OSError as error:
        print(f"songdesk: no log is kept: {error}", file=sys.stderr)
        return
    logging.raiseExceptions = False  # a log that cannot be written is no reason to write over a screen
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
