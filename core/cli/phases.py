"""`songdesk import`: what the phases of the fork left becomes takes of the library, to be gone on with."""

import argparse
import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.ask import preset_overrides
from core.cli.asked import assigned
from core.cli.begin import begin
from core.cli.opened import opened_store
from core.cli.report import say
from core.cli.take_words import called, take_facts
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of
from core.meter import State
from core.settings import Override
from core.song import Song
from core.songfile import read_songs
from core.takes.take import Take, take_of

if TYPE_CHECKING:
    from core.library.phases import Brought


def run_import(args: argparse.Namespace, config: Config) -> int:
    """Bring files in; prints each take's folder, or with --json an object, and makes them if asked for."""
    from core.library.phases import Terms, bring_in_phases

    kind, chosen = family_of(args.model or config.model)
    base = Override(config.settings, "songdesk.yaml: settings")
    terms = Terms(
        kind=kind,
        chosen=chosen,
        before=(base, *preset_overrides(args.presets, kind, chosen)),
        after=(assigned(args),),
        words=None if args.songs is None else _words(args.songs),
        title=args.title,
        again=args.again,
    )
    brought = bring_in_phases(args.files, terms)
    for each in brought:
        for note in each.notes:
            say(f"{each.title}: {note}")
    is_begun = args.render or args.queue
    for each in brought:
        if not (is_begun and _is_open(_take(each))):
            _tell(each, as_json=args.json)
    folders = list(dict.fromkeys(each.folder for each in brought if _is_open(_take(each))))
    if not (is_begun and folders):
        return 0
    with opened_store() as store:
        return begin(store, config, folders, args)


def _words(path: Path) -> Mapping[str, Song]:
    """The songs of a song file by their idx; what is wrong in it is told."""
    lines, problems = read_songs(path)
    for problem in problems:
        if problem.severity == "error":
            say(str(problem))
    return {unicodedata.normalize("NFC", line.song.title): line.song for line in lines}


def _take(brought: "Brought") -> Take:
    take = take_of(brought.folder)
    if take is None:
        raise SongdeskError("this take is gone", where=str(brought.folder), hint="bring it in again")
    return take


def _is_open(take: Take) -> bool:
    return take.can_go_on or take.state == State.QUEUED.value


def _tell(brought: "Brought", *, as_json: bool) -> None:
    take = _take(brought)
    if as_json:
        facts = {**take_facts(take), "is_new": brought.is_new, "notes": list(brought.notes)}
        print(json.dumps(facts, ensure_ascii=False))
        return
    if _is_open(take):
        left = "makes its sound" if take.kin and take.kin.kept else "composes it and makes its sound"
        say(f"{take.title}: songdesk continue {called(take.folder)} {left}")
    print(take.folder)
