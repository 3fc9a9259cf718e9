"""`songdesk models fetch`: a model's files from their hub or a folder, as songdesk loads them."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from core.cli.departure import Departure
from core.cli.fetch_words import Teller, emit, nothing_line, plan_event, plan_lines, talk, teller
from core.errors import Cancelled, SongdeskError
from core.models.fetch import Plan, carry_out, drop_left, plan, require_place, require_room
from core.models.folder import Found, search
from core.models.presence import presence_of
from core.models.told import Note, Tell, Told
from core.registry import PublishedFile, Variant, variant
from core.shipped import faults_of, mending, shipped_file


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch one model; on stdout nothing, or with --json what happens, an object a line."""
    try:
        return _fetch(variant(args.name), args)
    except SongdeskError as error:
        if args.json:
            emit({"event": "failed", "what": error.what, "where": error.where, "hint": error.hint})
        raise


def _fetch(chosen: Variant, args: argparse.Namespace) -> int:
    if chosen.is_built_in:
        for role, fault in faults_of(chosen).items():
            raise SongdeskError(fault, where=str(shipped_file(chosen, role)), hint=mending(fault))
        how = "makes its own weights" if chosen.weights == "rule" else "comes with songdesk"
        return _done(f"{chosen.id} {how}; nothing to fetch", chosen, args)
    if not chosen.files:
        raise SongdeskError(
            f"models.yaml does not say where the files of {chosen.id} are",
            hint="convert them one by one: `songdesk models convert FILE`",
        )
    told = teller(as_json=args.json)
    if args.folder is None:  # what --from names stays as it is, wherever it is
        drop_left(chosen, told.show, is_keeping=args.keep_sources)
    missing = [file for file in presence_of(chosen).to_fetch if args.with_references or not file.optional]
    if all(not file.repo and file.optional for file in missing) and (args.folder is None or not missing):
        return _done(nothing_line(chosen, tuple(missing)), chosen, args)
    require_place()
    is_asking = not args.yes
    if is_asking and (args.json or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise SongdeskError(
            f"{chosen.id} would be fetched, and there is no terminal to ask on",
            hint="look at its licence with `songdesk models list`, then say --yes",
        )
    try:
        with Departure() as departure:
            planned = _planned(chosen, args, _heeding(departure, told))
        told.close()
        _announce(planned, args)
        if is_asking and not _agrees():
            talk("nothing was fetched")
            return 0
        with Departure() as departure:
            carry_out(planned, _heeding(departure, told))
    except Cancelled:
        told.close()
        talk("stopped; the same command goes on from here")
        if args.json:
            emit({"event": "stopped", "code": departure.code})
        return departure.code
    finally:
        told.close()
    return _ended(planned, args)


def _heeding(departure: Departure, told: Teller) -> Tell:
    """Shows what happens until somebody asks to leave."""

    def tell(news: Told) -> None:
        if departure.code:
            raise Cancelled
        told.show(news)

    return tell


def _planned(chosen: Variant, args: argparse.Namespace, tell: Tell) -> Plan:
    found = _found(chosen, args.folder, tell) if args.folder is not None else None
    return plan(
        chosen,
        tell,
        with_references=args.with_references,
        is_keeping=args.keep_sources,
        found=found,
    )


def _found(chosen: Variant, folder: Path, tell: Tell) -> Mapping[PublishedFile, Found]:
    """What a folder has of what is missing; says what in it cannot be taken, if something lacks then."""
    wanted = presence_of(chosen).to_fetch
    result = search(folder, chosen, wanted, tell)
    if len(result.found) < len(wanted):
        for path, why in result.refused.items():
            tell(Note(f"{path} is not taken: {why}"))
    return result.found


def _announce(planned: Plan, args: argparse.Namespace) -> None:
    if not planned.items:
        raise _not_found(planned, args)
    for line in plan_lines(planned):
        talk(line)
    if args.json:
        emit(plan_event(planned))
    require_room(planned)


def _agrees() -> bool:
    print("fetch it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _ended(planned: Plan, args: argparse.Namespace) -> int:
    if any(not file.optional for file in planned.lacking):
        raise _not_found(planned, args)
    return _done(f"{planned.chosen.id}: {presence_of(planned.chosen).words}", planned.chosen, args)


def _not_found(planned: Plan, args: argparse.Namespace) -> SongdeskError:
    if args.folder and not planned.items:
        return SongdeskError(
            f"none of {_counted(planned)} is in {args.folder}",
            where=planned.chosen.id,
            hint="name the folder they are in; without --from they are fetched from their hub",
        )
    names = ", ".join(file.path for file in planned.lacking)
    return SongdeskError(
        f"not found: {names}",
        where=str(args.folder or planned.chosen.id),
        hint="without --from they are fetched from their hub" if args.folder else "--from DIR takes them",
    )


def _counted(planned: Plan) -> str:
    """The files that are lacking, all of them, in words."""
    count = len(planned.lacking)
    words = f"its {count} files" if count == len(planned.chosen.files) else f"the {count} files that it lacks"
    return words if count > 1 else f"what it lacks ({planned.lacking[0].path})"


def _done(line: str, chosen: Variant, args: argparse.Namespace) -> int:
    talk(line)
    if args.json:
        presence = presence_of(chosen)
        emit({"event": "done", "model": chosen.id, "missing": [*presence.needed, *presence.extras]})
    return 0
