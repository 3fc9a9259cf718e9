"""How the command line tells of takes: an object, a line, a list, a tree."""

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.cells import cell_len, set_cell_size

from core.cli.report import visible
from core.clock import clock
from core.takes.difference import words_of
from core.takes.lineage import Twig
from core.takes.recipe import Kin
from core.takes.take import Take

_MODEL = 9


def called(folder: Path) -> str:
    """How the take in a folder is named on a command line, also where another song has its id."""
    return shlex.quote(f"{folder.parent.parent.name}/{folder.name}")


def take_facts(take: Take) -> dict[str, object]:
    """A take as a JSON object."""
    return {
        "id": take.id,
        "title": take.title,
        "song": str(take.home),
        "state": take.state,
        "can_go_on": take.can_go_on,
        "seconds": take.seconds,
        "seed": take.seed,
        "model": take.model,
        "star": take.star,
        "note": take.note,
        "parent": take.kin.parent if take.kin else None,
        "why": take.kin.why if take.kin else None,
        "kept_seconds": take.kin.seconds if take.kin else None,
        "kept": take.kin.kept if take.kin else None,
        "folder": str(take.folder),
        "audio": str(take.audio) if take.audio else None,
        "trouble": take.trouble,
        "trashed": take.is_trashed,
    }


def take_line(
    take: Take, *, lead: str = "", wide: int = 0, is_below: bool = False, with_title: bool = False
) -> str:
    """A take in one line, `wide` being the cells of the widest name with what leads to it.

    What it came of is not named where it `is_below` that in a tree.
    """
    name = f"{lead}{take.id}"
    length = clock(take.seconds) if take.seconds else ""
    seed = "" if take.seed is None else str(take.seed)
    told = f"{name:<{wide}} {'★' if take.star else ' '} {take.state:<11} {length:>5} {seed:>10}"
    title = f"{take.title}  " if with_title else ""
    return f"{told}  {take.model:<{_MODEL}} {title}{_remark(take, is_below=is_below)}".rstrip()


def listing(takes: Iterable[Take], *, is_sorted: bool = False) -> Iterator[str]:
    """Takes in lines under the titles of their songs; each with its title where that would part an order."""
    takes = tuple(takes)
    wide = max((len(take.id) for take in takes), default=0) + 2
    if is_sorted:
        yield from (fitted(take_line(take, wide=wide, with_title=True)) for take in takes)
        return
    for home in dict.fromkeys(take.home for take in takes):
        own = [take for take in takes if take.home == home]
        yield fitted(own[0].title)
        yield from (fitted(take_line(take, lead="  ", wide=wide)) for take in own)


def tree(twigs: Iterable[Twig]) -> Iterator[str]:
    """The trees of each song's takes under the song's title."""
    twigs = tuple(twigs)
    wide = max((len(twig.lead) + len(twig.take.id) for twig in twigs), default=0) + 2
    for home in dict.fromkeys(twig.take.home for twig in twigs):
        own = [twig for twig in twigs if twig.take.home == home]
        yield fitted(own[0].take.title)
        for twig in own:
            line = take_line(twig.take, lead=f"  {twig.lead}", wide=wide, is_below=twig.depth > 0)
            yield fitted(line)


def fitted(line: str) -> str:
    """A line cut to the width of the terminal; whole where somebody else reads it."""
    line = visible(line)
    columns = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or cell_len(line) <= columns:
        return line
    return f"{set_cell_size(line, columns - 1)}…"


def _remark(take: Take, *, is_below: bool) -> str:
    """Why it failed, else what a person says of it, else what it came of: what its line has room for."""
    said = take.trouble or take.note or _came_of(take.kin, is_below=is_below)
    return " ".join(said.split())


def _came_of(kin: Kin | None, *, is_below: bool) -> str:
    """The parent need not be named where it is drawn above."""
    words = words_of(kin)
    if kin is None or not is_below:
        return words
    return (
        words.removesuffix(f" of {kin.parent}").removesuffix(f" {kin.parent}").removeprefix(f"{kin.parent} ")
    )
