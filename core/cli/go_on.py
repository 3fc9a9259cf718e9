"""`songdesk continue`: takes that were broken off are made to their end."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from core.cli.asked import assigned
from core.cli.begin import begin
from core.cli.opened import opened_store
from core.cli.report import say
from core.cli.take_story import recipe_of
from core.cli.take_words import called, take_line
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of
from core.library.store import Store
from core.meter import State
from core.settings import Override, Value, named
from core.takes import recipe as recipes
from core.takes.claim import claimed, is_held
from core.takes.take import Take

_UNWANTED = (State.DRAFT.value, State.CANCELLED.value)
"""States of takes that are gone on with only if they are named: somebody chose to leave them there."""


def run_continue(args: argparse.Namespace, config: Config) -> int:
    """Go on with one take or all; 0 also where there is none. SongdeskError for one that cannot go on."""
    with opened_store() as store:
        chosen = (_named(store, args.take),) if args.take else _broken_off(store, is_all=args.all)
        _set(chosen, assigned(args))
        return begin(store, config, [take.folder for take in chosen], args) if chosen else 0


def _set(takes: Sequence[Take], given: Override) -> None:
    """Write into recipes what does not make another song of them; SongdeskError for any other setting."""
    if not given.given:
        return
    wanted = [(take, _harmless(take, given)) for take in takes]
    for take, values in wanted:
        with claimed(take.folder) as is_mine:
            if not is_mine:
                raise _is_at_work(take)
            recipe = recipe_of(take)
            recipes.save(replace(recipe, settings={**recipe.settings, **values}), take.folder)


def _harmless(take: Take, given: Override) -> dict[str, Value]:
    kind, chosen = family_of(take.model)
    settings = kind.settings(chosen)
    values = named(settings, given)
    able = [setting.key for setting in settings if setting.changes_nothing]
    if others := [key for key in values if key not in able]:
        raise SongdeskError(
            f"{others[0]} would make another song of take {take.id}",
            where=given.where,
            hint=f"of a take that is begun only {', '.join(able) or 'nothing'} can be set",
        )
    return values


def _is_at_work(take: Take) -> SongdeskError:
    return SongdeskError(f"take {take.id} is being made by another songdesk", hint="stop or pause it there")


def _named(store: Store, name: str) -> Take:
    take = store.find(name)
    if is_held(take.folder):
        raise _is_at_work(take)
    if not take.can_go_on and take.state != State.QUEUED.value:
        hint = f"songdesk extend {called(take.folder)} --by SECONDS makes it longer"
        raise SongdeskError(f"take {take.id} is {take.state}: there is nothing left of it to make", hint=hint)
    return take


def _broken_off(store: Store, *, is_all: bool) -> Sequence[Take]:
    """The latest, or all from the oldest on; tells which others there are."""
    able = [take for take in store.takes() if take.can_go_on]
    wanted = [take for take in able if take.state not in _UNWANTED]
    chosen = wanted[::-1] if is_all else wanted[:1]
    others = [take for take in able if take not in chosen]
    if not able:
        say("no take was broken off")
    elif others:
        say("also:" if chosen else "only these can go on; name the one you mean:")
        for take in others:
            say(take_line(take, lead="  ", with_title=True))
    return chosen
