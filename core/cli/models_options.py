"""Options of `songdesk models`; imports nothing slow."""

import argparse


def add_list_options(models: argparse.ArgumentParser, *, is_group: bool = False) -> None:
    """The options of the list, also where the group of commands stands for it."""
    default = False if is_group else argparse.SUPPRESS
    models.add_argument("--json", action="store_true", default=default, help="one JSON object a model")
    models.add_argument(
        "--no-machine",
        action="store_true",
        default=default,
        help="do not look at this machine, which takes seconds: only what each needs is said then",
    )
    models.set_defaults(command="models")
