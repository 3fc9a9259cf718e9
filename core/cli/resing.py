"""`songdesk resing`, `extend` and `rerender`: a new take that begins with what another one has."""

import argparse

from core.cli.asked import changed_song, changed_values, fit, start_of
from core.cli.begin import begin
from core.cli.opened import opened_store
from core.cli.take_story import recipe_of
from core.cli.take_words import called
from core.clock import seconds_of
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of
from core.library.store import Store
from core.settings import Values
from core.takes.job import Job, artifact_file
from core.takes.recipe import Recipe
from core.takes.take import Take


def run_resing(args: argparse.Namespace, config: Config) -> int:
    """Make, or queue, what the command says; SongdeskError for a take or an option that does not fit."""
    with opened_store() as store:
        match args.command:
            case "resing":
                jobs = _resing(args, store)
            case "extend":
                jobs = _extend(args, store)
            case _:
                jobs = _rerender(args, store)
        return begin(store, config, [job.folder for job in jobs], args)


def _resing(args: argparse.Namespace, store: Store) -> tuple[Job, ...]:
    from core.takes import branch

    take = store.find(args.take)
    recipe = _composed(take)
    kind, chosen = family_of(take.model)
    song, values = changed_song(args, recipe), changed_values(args, recipe, kind, chosen)
    seconds = start_of(args.start, take, recipe)
    fit(song, kind, chosen)
    if args.endings:
        if args.seed is not None:
            raise SongdeskError(
                "every ending has a seed of its own", where="--seed", hint="drop it, or --endings"
            )
        return branch.endings(take, song, values, seconds, args.endings)
    return (branch.resing(take, song, values, seconds),)


def _extend(args: argparse.Namespace, store: Store) -> tuple[Job, ...]:
    from core.takes import branch

    take = store.find(args.take)
    recipe = _composed(take)
    kind, chosen = family_of(take.model)
    by = seconds_of(args.by)
    if not by:
        raise SongdeskError(f"cannot be {args.by!r}", where="--by", hint="give seconds, such as 30 or 1:00")
    song, values = changed_song(args, recipe), changed_values(args, recipe, kind, chosen)
    fit(song, kind, chosen)
    return (branch.extend(take, song, _longer(values, (take.seconds or 0.0) + by, chosen.limits.seconds)),)


def _composed(take: Take) -> Recipe:
    """The recipe of a take that has all its tokens; SongdeskError for one that has not."""
    if take.can_go_on and not artifact_file(take.folder, "tokens").is_file():
        raise SongdeskError(
            f"take {take.id} is {take.state}: not all of it is composed",
            hint=f"songdesk continue {called(take.folder)}",
        )
    return recipe_of(take)


def _longer(values: Values, seconds: float, limit: float) -> Values:
    """The settings that make a song so long (s): it neither ends before nor goes on behind."""
    if seconds > limit:
        raise SongdeskError(
            f"it would be {seconds:g} s long, and the model ends at {limit:g} s",
            where="--by",
            hint="ask for less",
        )
    return values.replace(length=seconds, **{key: seconds for key in ("minimum_length",) if key in values})


def _rerender(args: argparse.Namespace, store: Store) -> tuple[Job, ...]:
    from core.takes import branch

    take = store.find(args.take)
    recipe = recipe_of(take)
    kind, chosen = family_of(take.model)
    values = changed_values(args, recipe, kind, chosen).replace(seed=recipe.seed)
    for setting in kind.settings(chosen):
        key = setting.key
        if setting.stage != kind.stages[-1].id and values[key] != recipe.settings.get(key, values[key]):
            raise SongdeskError(
                f"{key} changes the tokens, not the sound alone",
                hint=f"songdesk resing {called(take.folder)} --from SECONDS, or make another take",
            )
    return (branch.render_again(take, values),)
