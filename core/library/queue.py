"""The queue of a library: takes to be made, in an order that people may change while others are made.

An item is a take whose recipe says `queued`: its folder is whole before it gets here, so that a lost index
loses the order only. Whoever makes one holds its folder, and no two ever do. No torch.
"""

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType

from core.errors import SongdeskError
from core.library import order
from core.library.rows import COLUMNS, to_takes
from core.library.scan import key_of
from core.library.store import Store
from core.meter import State
from core.takes import recipe as recipes
from core.takes.claim import claimed, is_held
from core.takes.job import Outcome
from core.takes.recipe import Recipe
from core.takes.take import Take

Row = tuple[bytes, bytes]
_PAUSED = "paused"
"""The flag of a queue that is not to begin another item."""
_TO_BE_MADE = tuple(state.value for state in (State.QUEUED, State.RUNNING, State.PAUSED))
_MADE = (State.DONE, State.STOPPED, State.DRAFT)
_MADE_STATES = tuple(state.value for state in _MADE)
_LOST = "its files are not there"


@dataclass(frozen=True, slots=True)
class Item:
    """A take in the queue."""

    take: Take
    held: bool
    """Whether it waits for a person: put on hold, paused or failed."""
    error: str
    """Why it could not be made."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A take that this process holds to make it; given back by `release`, or by the end of a `with`."""

    take: Take
    _hold: ExitStack = field(repr=False, compare=False)

    def release(self) -> None:
        """Let others have the take; again is no mistake."""
        self._hold.close()

    def __enter__(self) -> "Claim":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def items(store: Store) -> tuple[Item, ...]:
    """The queue in its order; one that is being made keeps its place."""
    with store.reading() as connection:
        query = f"SELECT {COLUMNS}, held, error FROM queue NATURAL JOIN takes ORDER BY position"  # noqa: S608
        rows = connection.execute(query).fetchall()
    takes = to_takes(store.root, [row[:-2] for row in rows])
    return tuple(Item(take, bool(row[-2]), row[-1]) for take, row in zip(takes, rows, strict=True))


def add(store: Store, folder: Path) -> None:
    """Put the take in a folder behind the others, to be made or made to its end.

    SongdeskError where it has its sound already, is being made, or is none of this library.
    """
    add_all(store, (folder,))


def add_all(store: Store, folders: Iterable[Path]) -> None:
    """Put several takes behind the others, all of them or none; one in the queue keeps its place."""
    folders = tuple(folders)
    rows = [_row(store, folder) for folder in folders]
    for folder in folders:
        _check(folder)
    for folder in folders:
        _want(folder)
    with store.writing() as connection:
        store.take_in(connection, folders)
        order.append(connection, [(*row, 0, "") for row in rows])
        for row in rows:
            order.put_on_hold(connection, row, on=False)


def move(store: Store, take: Take, to: int) -> None:
    """Give an item another place, 0 for the next to be made; past the end is the end."""
    row = _row(store, take.folder)
    with store.writing() as connection:
        queue = [(song, name) for song, name, _, _ in order.rows(connection)]
        if row not in queue:
            raise _absent(take)
        queue.remove(row)
        queue.insert(max(0, to), row)
        order.renumber(connection, queue)


def remove(store: Store, take: Take) -> None:
    """Take an item out of the queue; what was made of it stays, and whoever is making it pauses."""
    row = _row(store, take.folder)
    with store.reading() as connection:
        if order.is_held(connection, row) is None:
            raise _absent(take)
    _unwant(take.folder)
    with store.writing() as connection:
        order.remove(connection, [row])
        store.take_in(connection, (take.folder,))


def hold(store: Store, take: Take, on: bool) -> None:
    """Put an item on hold: nobody begins it, and whoever is making it pauses. Or let it be made (again)."""
    row = _row(store, take.folder)
    with store.reading() as connection:
        if order.is_held(connection, row) is None:
            raise _absent(take)
    if not on and not is_held(take.folder):
        _check(take.folder)
        _want(take.folder)
    with store.writing() as connection:
        order.put_on_hold(connection, row, on=on)
        store.take_in(connection, (take.folder,))


def pause(store: Store, on: bool) -> None:
    """Let no runner begin another item, and pause those that are being made; or let them go on."""
    with store.writing() as connection:
        order.flag(connection, _PAUSED, on=on)


def is_paused(store: Store) -> bool:
    """Whether the queue stands still."""
    with store.reading() as connection:
        return order.is_flagged(connection, _PAUSED)


def is_on_hold(store: Store, take: Take) -> bool | None:
    """Whether an item is on hold; None where the take is not in the queue."""
    key = key_of(take.folder, store.root)
    if key is None or key.place != "takes":
        return None
    with store.reading() as connection:
        return order.is_held(connection, (key.song, key.id))


def claim(take: Take) -> Claim:
    """Hold a take to make it, in the queue or not; SongdeskError where somebody makes it, or it is gone."""
    if not take.folder.is_dir():
        raise SongdeskError("this take is gone", where=str(take.folder))
    hold = _held(take.folder)
    if hold is None:
        raise _busy(take.folder)
    return Claim(take, hold)


def claim_next(store: Store, only: Collection[Path] | None = None) -> Claim | None:
    """Hold the first item that is not on hold and that nobody else has; None where there is none.

    Also while the queue stands still. With `only` none but the takes in those folders, and those whatever
    is on hold or stands still: a person asked for them by name. An item that has been made already, or that
    cannot be made, is dealt with on the way.
    """
    if only is None and is_paused(store):
        return None
    named = {key_of(folder, store.root) for folder in only or ()}
    for item in items(store):
        is_meant = not item.held if only is None else key_of(item.take.folder, store.root) in named
        if is_meant and (claim := _claim_item(store, item, even_held=only is not None)) is not None:
            return claim
    return None


def settle(store: Store, claim: Claim, outcome: Outcome, *, stays_ready: bool = False) -> None:
    """Take the end of an item into the queue, while it is still held.

    It leaves when its files are on disk, or a person abandoned it. What failed or paused stays, on hold and
    with the reason; with `stays_ready` what paused is not on hold, but the next to be made.
    """
    row = _row(store, claim.take.folder)
    is_made = outcome.state in _MADE and outcome.files and all(file.is_file() for file in outcome.files)
    error = outcome.error.place_last if outcome.error else _LOST if outcome.state in _MADE else ""
    with store.writing() as connection:
        store.take_in(connection, (claim.take.folder,))
        if is_made or outcome.state is State.CANCELLED:
            order.remove(connection, [row])
        elif outcome.state is not State.PAUSED or not stays_ready:
            order.put_on_hold(connection, row, error=error)


def refuse(store: Store, claim: Claim, error: SongdeskError) -> None:
    """Put an item on hold that cannot be begun."""
    with store.writing() as connection:
        order.put_on_hold(connection, _row(store, claim.take.folder), error=error.place_last)


def _claim_item(store: Store, item: Item, *, even_held: bool) -> Claim | None:
    """Hold an item, unless somebody has it or has made it since the queue was looked at."""
    take = item.take
    if is_held(take.folder) or (hold := _held(take.folder)) is None:
        return None
    with ExitStack() as unless:
        unless.callback(hold.close)
        row, recipe = _row(store, take.folder), recipes.load(take.folder)
        with store.writing() as connection:
            store.take_in(connection, (take.folder,))
            on_hold = order.is_held(connection, row)
            if on_hold is None or (on_hold and not even_held):
                return None
            if recipe is None:
                order.put_on_hold(connection, row, error=f"{recipes.FILE} cannot be read")
                return None
            if recipe.state not in _TO_BE_MADE:
                _set_right(connection, row, take.folder, recipe)
                return None
        unless.pop_all()
    return Claim(take, hold)


def _set_right(connection: Connection, row: Row, folder: Path, recipe: Recipe) -> None:
    """Deal with an item that ended without a word here: whoever made it was killed before it could tell."""
    made = [folder / Path(name).name for name in recipe.sounds or recipe.files]
    is_made = recipe.state in _MADE_STATES and all(file.is_file() for file in made)
    if is_made or recipe.state == State.CANCELLED.value:
        order.remove(connection, [row])
    else:
        order.put_on_hold(
            connection, row, error=recipe.error or (_LOST if recipe.state in _MADE_STATES else "")
        )


def _held(folder: Path) -> ExitStack | None:
    """Hold a folder until the stack is closed; None where another has it, or it is gone."""
    if not folder.is_dir():
        return None
    with ExitStack() as stack:
        if not stack.enter_context(claimed(folder)):
            return None
        if not any(folder.iterdir()):  # moved away a moment ago: holding it made another
            folder.rmdir()
            return None
        return stack.pop_all()


def _check(folder: Path) -> None:
    """SongdeskError where a take cannot be queued."""
    recipe = recipes.load(folder)
    if recipe is None:
        raise SongdeskError("there is no take here that can be read", where=str(folder))
    if recipe.finished and (folder / Path(recipe.audio).name).is_file():
        raise SongdeskError("this take has its sound already", where=str(folder), hint="make another of it")
    if recipe.state != State.QUEUED.value and is_held(folder):
        raise _busy(folder)


def _want(folder: Path) -> None:
    """Let the recipe say that the take is to be made, to its end where it is a draft."""

    def wanted(recipe: Recipe) -> Recipe:
        until = 0.0 if recipe.state == State.DRAFT.value else recipe.until
        return replace(recipe, state=State.QUEUED.value, until=until, error="")

    recipe = recipes.load(folder)
    if recipe is not None and (recipe.state != State.QUEUED.value or recipe.error):
        with claimed(folder) as is_ours:
            if not is_ours:
                raise _busy(folder)
            recipes.save(wanted(recipes.load(folder) or recipe), folder)


def _unwant(folder: Path) -> None:
    """Let the recipe say that the take is not to be made; one that somebody has is left to them."""
    hold = _held(folder)
    if hold is None:
        return
    with hold:
        recipe = recipes.load(folder)
        if recipe is not None and recipe.state == State.QUEUED.value:
            recipes.save(replace(recipe, state=State.CANCELLED.value), folder)


def _row(store: Store, folder: Path) -> Row:
    key = key_of(folder, store.root)
    if key is None:
        raise SongdeskError("this take is not in the library", where=str(folder))
    if key.place != "takes":
        raise SongdeskError("this take was thrown away", where=str(folder), hint="restore it first")
    return key.song, key.id


def _busy(folder: Path) -> SongdeskError:
    return SongdeskError("this take is being made", where=str(folder), hint="stop or pause it first")


def _absent(take: Take) -> SongdeskError:
    return SongdeskError(
        f"{take.home.name}/{take.id} is not in the queue", hint="songdesk queue list names what is"
    )
