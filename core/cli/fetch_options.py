"""The options of `songdesk models fetch`."""

import argparse
from pathlib import Path


def add_fetch_options(fetch: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    fetch.add_argument("name", metavar="NAME", help="a model of `songdesk models`")
    fetch.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    references = fetch.add_mutually_exclusive_group()
    references.add_argument(
        "--with-references",
        action="store_true",
        default=True,
        help="also what songs with a reference need besides (the default)",
    )
    references.add_argument(
        "--without-references", action="store_false", dest="with_references", help="without it"
    )
    fetch.add_argument(
        "--keep-sources", action="store_true", help="keep the published files beside what is made of them"
    )
    fetch.add_argument(
        "--from",
        type=Path,
        dest="folder",
        metavar="DIR",
        help="take them from a folder, whatever they are called there; nothing in it is changed",
    )
    fetch.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="what happens, one JSON object a line"
    )
    fetch.set_defaults(command="fetch")
