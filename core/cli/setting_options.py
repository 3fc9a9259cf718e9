"""Settings on a command line: presets, and single ones; imports nothing that is slow to load."""

import argparse


def add_preset(command: argparse.ArgumentParser) -> None:
    """Declare `--preset`."""
    command.add_argument(
        "--preset",
        action="append",
        default=[],
        metavar="NAME",
        dest="presets",
        help="settings under a name (see `songdesk presets`); may be repeated: the later ones count more",
    )


def add_settings(command: argparse.ArgumentParser) -> None:
    """Declare `--preset` and `--set`."""
    add_preset(command)
    add_set(command, "a setting, such as temperature=0.9; may be repeated")


def add_set(command: argparse.ArgumentParser, about: str) -> None:
    """Declare `--set` alone."""
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="assignments",
        help=about,
    )
