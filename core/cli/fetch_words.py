"""What `songdesk models fetch` says: before it begins, and while it goes on."""

import json
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from core.cli.report import say
from core.models import told
from core.models.fetch import Item, Plan
from core.models.presence import size_of
from core.models.store import kept_sources
from core.paths import checkpoints
from core.registry import PublishedFile, Variant
from core.sizes import gigabytes

_NARROWEST, _WIDEST = 40, 100
"""Columns of a line on a terminal."""
_INDENT = 12
"""Columns that the sizes of files take."""
_LINE_EVERY = 5.0
"""Seconds between lines of progress where there is no terminal."""
_EVENT_EVERY = 0.5
"""Seconds between events of progress of one file."""


class Teller(Protocol):
    """Says what happens."""

    def show(self, news: told.Told) -> None:
        """Take one piece of news."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def teller(*, as_json: bool) -> Teller:
    """Events on stdout, or the kind of progress that stderr can show."""
    if as_json:
        return _Events()
    return _Bar() if sys.stderr.isatty() else _Lines()


def talk(line: str) -> None:
    """Say a line; on a terminal in lines of its width, of which those below the first are set in."""
    for row in _rows(line):
        say(row)


def _rows(line: str) -> list[str]:
    if not sys.stderr.isatty():
        return [line]
    width = max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
    below = " " * (_INDENT if line.startswith(" ") else 4)
    rows = textwrap.wrap(line, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)
    return rows or [line]


def plan_lines(planned: Plan) -> Iterator[str]:
    """What there is to know before anything is fetched."""
    chosen = planned.chosen
    yield f"{chosen.title}{f', by {chosen.attribution}' if chosen.attribution else ''}"
    yield from _licence(chosen)
    for item in planned.items:
        yield _line(item)
    yield from lacking_lines(planned)
    if planned.to_come:
        yield f"to download: {gigabytes(planned.to_come)}"
    stays = gigabytes(planned.stays) if planned.stays > 0 else "nothing more"
    yield (
        f"goes to {checkpoints()}: {gigabytes(planned.free)} free, at most {gigabytes(planned.needs)} needed "
        f"while it works, {stays} of it for good"
    )
    if kept := kept_sources(chosen):
        yield f"published files there already: {gigabytes(kept)}"


def lacking_lines(planned: Plan) -> Iterator[str]:
    """Files that are not to be had, and what they are for."""
    for file in planned.lacking:
        need = "only songs with a reference read it" if file.optional else "every song needs it"
        why = f" ({file.note})" if file.note and not file.repo else ""
        yield f"not to be had here: {file.path}, {_content(file)}; {need}{why}"


def plan_event(planned: Plan) -> dict[str, object]:
    """The same as an object."""
    files = [
        {
            "path": item.file.path, "repo": item.file.repo, "bytes": item.size, "there": item.there,
            "roles": item.file.roles, "optional": item.file.optional,
            "from": str(item.found.path) if item.found else None,
        }
        for item in planned.items
    ]  # fmt: skip
    return {
        "event": "plan",
        "model": planned.chosen.id,
        "licence": asdict(planned.chosen.licence),
        "files": files,
        "lacking": [file.path for file in planned.lacking],
        "download": planned.to_come,
        "needs": planned.needs,
        "stays": planned.stays,
        "free": planned.free,
        "folder": str(checkpoints()),
    }


def emit(event: dict[str, object]) -> None:
    """Print an object on a line of its own."""
    print(json.dumps(event, ensure_ascii=False), flush=True)


def _licence(chosen: Variant) -> Iterator[str]:
    terms = chosen.licence
    if not terms.name:
        yield "licence of the weights: not known to songdesk"
        return
    yield f"licence of the weights: {terms.name}{f' ({terms.url})' if terms.url else ''}"
    if not terms.is_free:
        yield "these weights are not free: read the terms before you use the songs"


def _line(item: Item) -> str:
    if item.found is not None:
        state = f"{item.found.path}, {item.found.how}"
    elif item.remote is None:
        state = "is here as published, to be converted"
    else:
        state = f"from {item.file.repo}"
        if item.there:
            state += f", {gigabytes(item.there)} of it are here"
    return f"  {gigabytes(item.size):>8}  {item.file.path}: {_content(item.file)}; {state}"


def _content(file: PublishedFile) -> str:
    return ", ".join(role.replace("_", " ") for role in file.roles) or f"kept as {file.keep_as}"


def _news(news: told.Told) -> str:
    """A line for what is no progress; empty for what needs none."""
    match news:
        case told.Note():
            return news.text
        case told.Verified():
            return f"{news.file}: {news.how}"
        case told.Placed():
            made = "converted to" if news.is_converted else "put at"
            return f"{news.file}: {made} {', '.join(map(str, news.paths))}"
    return ""


def _rate(news: told.Progress) -> str:
    return f", {gigabytes(int(news.rate))}/s" if news.rate else ""


class _Events:
    """One JSON object a line on stdout."""

    def __init__(self) -> None:
        self._last = ("", "", 0.0)

    def show(self, news: told.Told) -> None:
        match news:
            case told.Progress():
                doing, file, at = self._last
                now = time.monotonic()
                is_same = (doing, file) == (news.doing, news.file)
                if is_same and now - at < _EVENT_EVERY and news.done < news.total:
                    return
                self._last = (news.doing, news.file, now)
                emit({"event": "progress", **asdict(news)})
            case told.Note():
                emit({"event": "note", "text": news.text})
            case told.Verified():
                emit({"event": "verified", **asdict(news)})
            case told.Placed():
                paths = [str(path) for path in news.paths]
                event = "converted" if news.is_converted else "kept"
                emit({"event": event, "file": news.file, "paths": paths})

    def close(self) -> None:
        """Nothing to undo."""


class _Lines:
    """Plain lines: one when a piece of work begins, and every few seconds."""

    def __init__(self) -> None:
        self._doing, self._said = ("", ""), 0.0

    def show(self, news: told.Told) -> None:
        if line := _news(news):
            say(line)
        if not isinstance(news, told.Progress):
            return
        now, doing = time.monotonic(), (news.doing, news.file)
        if doing == self._doing and now - self._said < _LINE_EVERY:
            return
        self._doing, self._said = doing, now
        share = f"{news.done / news.total:.0%} of {gigabytes(news.total)}" if news.total else ""
        say(f"{news.file}: {news.doing} {share}{_rate(news)}")

    def close(self) -> None:
        """Nothing to undo."""


class _Bar:
    """A live bar on a terminal, there while something goes on."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: tuple[str, TaskID] | None = None

    def show(self, news: told.Told) -> None:
        if (line := _news(news)) and self._progress is not None:
            for row in _rows(line):
                self._progress.console.print(row, markup=False, highlight=False, soft_wrap=True)
        elif line:
            talk(line)
        if isinstance(news, told.Progress):
            self._move(news)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None

    def _move(self, news: told.Progress) -> None:
        if self._progress is None:
            self._progress = _bar()
        heading = f"{news.file}: {news.doing}"
        if self._task is None or self._task[0] != heading:
            if self._task is not None:
                self._progress.update(self._task[1], visible=False)
            self._task = heading, self._progress.add_task(heading, about="")
        about = f"of {gigabytes(news.total)}{_rate(news)}"
        self._progress.update(self._task[1], completed=news.done, total=news.total, about=about)


def _bar() -> Progress:
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TextColumn("{task.fields[about]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar


def nothing_line(chosen: Variant, lacking: tuple[PublishedFile, ...]) -> str:
    """The one line of a model that is here already."""
    rest = f", but {', '.join(_content(file) for file in lacking)}" if lacking else ""
    names = ", ".join(f"{file.path} ({gigabytes(size_of(file))})" for file in lacking)
    hint = f": {names} is on no hub, --from DIR takes it" if lacking else ""
    return f"{chosen.id} is here{rest}; nothing to fetch{hint}"
