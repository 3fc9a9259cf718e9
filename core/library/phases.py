"""Songs that the fork has begun, brought into the library: what its phases left is taken as finished."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from core.digest import sha256_of
from core.errors import SongdeskError
from core.family import Family, resolve_for
from core.levo.artifacts import Conditions, Tokens
from core.levo.conditions.prompt import Prompt, no_prompt
from core.levo.conditions.text import text_conditions
from core.levo.foreign import ForeignSong, ForeignTokens, read_artifact
from core.levo.identity import ARTIFACTS
from core.levo.shapes import FRAME_RATE, Shapes, shapes_of
from core.levo.text import style_text, tokenizers
from core.library.draft import load_draft, save_draft
from core.library.shelf import is_taken, next_titles
from core.lyrics.parse import parse
from core.lyrics.wire import from_wire, to_wire
from core.meter import State
from core.paths import library
from core.random import draw_seed
from core.registry import Variant
from core.settings import Override, Values, named
from core.song import Song
from core.songfile import LONGEST_NAME
from core.takes import recipe as recipes
from core.takes.job import Job, artifact_file
from core.takes.planting import plant
from core.takes.recipe import BROUGHT, IMPORT, Kin, Recipe
from core.takes.take import home_of, sound_name
from core.takes.tokenhash import token_hash
from core.takes.undertaking import undertaking_of
from core.tensors import save_tensors

_TOKENS = "_tokens"
"""What follows a song's name in that of a file with its tokens."""
_SHORT = 16
"""Characters of an imprint in a mark."""
_LONGEST_NOTE = 400
_DEMO = "where another model made them, they are noise to this one: name theirs by --model"


@dataclass(frozen=True, slots=True)
class Terms:
    """How files are brought in."""

    kind: Family
    chosen: Variant
    before: tuple[Override, ...] = ()
    """Settings that those of the songs go over."""
    after: tuple[Override, ...] = ()
    """Settings that go over those of the songs."""
    words: Mapping[str, Song] | None = None
    """By title, composed (NFC), the songs that tokens can be of; None where none were given."""
    title: str = ""
    """Instead of the one in the file or its name."""
    again: bool = False
    """Make another take of what the library has already."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a song of a file."""

    title: str
    folder: Path
    """Of its take."""
    is_new: bool
    notes: tuple[str, ...]
    """What a person should know: what was left out or changed, what was there already."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A song with all that its take is to begin with; nothing of it is written yet."""

    song: Song
    values: Values
    conditions: Conditions
    codes: Tensor | None  # int64 [3, T]
    source: str
    imprint: str  # of what it is, wherever it lies
    notes: tuple[str, ...]

    @property
    def key(self) -> str:
        """By what the library knows it: its tokens, or the mark in what it was made from."""
        return self.imprint if self.codes is not None else self.imprint[:_SHORT]


def bring_in_phases(files: Sequence[Path], terms: Terms) -> tuple[Brought, ...]:
    """Make a take, that only the phases which are missing have yet to run for, of each song in some files.

    All files are read and checked before anything is written, and each take's folder appears whole.
    SongdeskError for a file that is none of the fork's, or of another model, and where the library cannot be
    written.
    """
    pieces = [piece for path in files for piece in _pieces(path, terms)]
    if terms.title and len(pieces) > 1:
        raise SongdeskError(
            f"{len(pieces)} songs cannot all be called {terms.title}", where="--title", hint="drop it"
        )
    known = {} if terms.again else _known(terms.chosen)
    return tuple(_bring(piece, terms, known) for piece in pieces)


def _pieces(path: Path, terms: Terms) -> list[_Piece]:
    shapes = shapes_of(terms.chosen.shapes)
    found = read_artifact(path, shapes)
    if isinstance(found, ForeignTokens):
        return [_with_tokens(found, path, shapes, terms)]
    return [_with_conditions(each, path, shapes, terms) for each in found]


def _with_tokens(found: ForeignTokens, path: Path, shapes: Shapes, terms: Terms) -> _Piece:
    stem = path.stem.removesuffix(_TOKENS)
    title, notes = _title(terms.title, stem), list(found.notes)
    song = (terms.words or {}).get(unicodedata.normalize("NFC", stem))
    if song is None:
        where = "there is no song of that name among those given" if terms.words is not None else ""
        notes.append(f"it has no words{f': {where}' if where else '; --songs SONGS.jsonl gives them'}")
        song = Song(title, "", "")
    song = replace(song, title=title, reference=song.reference or found.reference)
    seconds = found.codes.shape[1] / FRAME_RATE
    limit = terms.chosen.limits.seconds
    values, settings, about = _values(song.settings, terms, length=min(max(seconds, 1.0), limit))
    if terms.chosen.is_built_in:
        notes.append(_DEMO)
    wire = to_wire(parse(song.lyrics), terms.kind.dialect)
    return _Piece(
        replace(song, settings=settings),
        values,
        _conditions(wire, song.style, no_prompt(shapes.vae.latent), values, shapes, terms.chosen),
        found.codes,
        _line(path.name),
        token_hash(found.codes.numpy()),
        (*notes, *about),
    )


def _with_conditions(found: ForeignSong, path: Path, shapes: Shapes, terms: Terms) -> _Piece:
    values, settings, about = _values(found.parameters, terms)
    title = _title(terms.title, found.title)
    song = Song(title, _clean(from_wire(found.wire)), _line(found.style), found.reference, settings)
    prompt = Prompt(found.prompt, no_prompt(shapes.vae.latent).latents)
    conditions = _conditions(found.wire, found.style, prompt, values, shapes, terms.chosen)
    told = json.dumps([found.title, found.wire, found.style, settings], sort_keys=True).encode("ascii")
    imprint = hashlib.sha256(told + found.prompt.numpy().tobytes()).hexdigest()
    notes = (*found.notes, *about, *_too_long(found, values, terms))
    return _Piece(song, values, conditions, None, _line(path.name), imprint, notes)


def _conditions(
    wire: str, style: str, prompt: Prompt, values: Values, shapes: Shapes, chosen: Variant
) -> Conditions:
    """What the first phase would give; SongdeskError where the model's vocabulary is not here."""
    text = style_text(style, version=chosen.version, musicality=values.text("musicality"))
    return text_conditions(wire, text, prompt, shapes.tokens, tokenizers(chosen))


def _too_long(found: ForeignSong, values: Values, terms: Terms) -> list[str]:
    kind, chosen, limits = terms.kind, terms.chosen, terms.chosen.limits
    style = kind.style_text(found.style, chosen, values)
    notes = []
    for what, tokens, limit in (
        ("lyrics", kind.count_tokens(chosen, found.wire), limits.lyric_tokens),
        ("description", kind.count_style_tokens(chosen, style), limits.style_tokens),
    ):
        if tokens > limit:
            notes.append(f"{what}: {tokens} tokens, of which the model reads the first {limit}")
    return notes


def _values(
    given: Mapping[str, str], terms: Terms, **own: float
) -> tuple[Values, dict[str, str], tuple[str, ...]]:
    """A song's settings in force, those of its own that the model takes, and what was left out of them."""
    kind, chosen = terms.kind, terms.chosen
    kept: dict[str, str] = {}
    notes = []
    for key, value in given.items():
        try:
            named(kind.settings(chosen), Override({key: value}))
            kept[key] = value
        except SongdeskError as error:
            notes.append(f"{error.what}: left out")
    values = resolve_for(kind, chosen, [*terms.before, Override(kept), *terms.after, Override(own)])
    return values, kept, tuple(notes)


def _bring(piece: _Piece, terms: Terms, known: dict[str, Path]) -> Brought:
    """Make a take of a piece, unless it is known; then it is, too, for those that follow."""
    there = None if terms.again else known.get(piece.key)
    if there is not None:
        here = ("the library has it already; --again makes another take of it",)
        return Brought(piece.song.title, there, is_new=False, notes=here)
    song, home, said = _place(piece.song)
    notes = tuple(_line(note)[:_LONGEST_NOTE] for note in (*piece.notes, *said))
    seed = piece.values.whole("seed")
    values = piece.values if seed >= 0 else piece.values.replace(seed=draw_seed())
    folder = plant(
        home, lambda young: _fill(young, replace(piece, song=song, values=values, notes=notes), terms)
    )
    known[piece.key] = folder
    return Brought(song.title, folder, is_new=True, notes=notes)


def _known(chosen: Variant) -> dict[str, Path]:
    """The takes of the library by a model: their folders by what they were brought in with, and by tokens."""
    found: dict[str, Path] = {}
    for folder in sorted(library().glob("*/takes/*")):
        recipe = None if folder.name.startswith(".") else recipes.load(folder)
        if recipe is not None and recipe.model == chosen.id:
            found.setdefault(recipe.tokens, folder)
            found.setdefault(recipe.stages.get("conditions", "").partition(BROUGHT)[2], folder)
    return found


def _place(song: Song) -> tuple[Song, Path, tuple[str, ...]]:
    """The song and its folder, made where it is not there; and a line where it had to become a copy."""
    home = home_of(song.title)
    said: tuple[str, ...] = ()
    if is_taken(song.title):
        if (there := _song_in(home)) is not None and there.lyrics.strip() == song.lyrics.strip():
            return song, home, ()
        title = next(next_titles(song.title))
        said = (f"there is another song called {song.title}: this one is {title}",)
        song, home = replace(song, title=title), home_of(title)
    save_draft(home, song)
    return song, home, said


def _song_in(home: Path) -> Song | None:
    try:
        return load_draft(home)
    except SongdeskError:
        return None


def _fill(young: Path, piece: _Piece, terms: Terms) -> None:
    """Write all that the folder of the take is to hold."""
    song = piece.song
    job = Job("", song, terms.chosen.id, piece.values, young, young / sound_name(song.title, "wav"))
    wanted = undertaking_of(job).hashes
    results = {"conditions": piece.conditions.tensors()}
    if piece.codes is not None:
        results["tokens"] = Tokens(piece.codes).tensors()
    stages = {stage: f"{wanted[stage]}{BROUGHT}{piece.imprint[:_SHORT]}" for stage in results}
    for stage, tensors in results.items():
        about = {"version": ARTIFACTS, "made_from": stages[stage]}
        save_tensors(artifact_file(young, stage), tensors, about)
    files = [artifact_file(young, stage) for stage in results]
    recipe = replace(
        recipes.begin(job, wanted),
        state=State.PAUSED.value,
        stages=stages,
        files={path.name: sha256_of(path) for path in files},
        notes=piece.notes,
    )
    recipes.save(_as_brought(recipe, piece), young)


def _as_brought(recipe: Recipe, piece: _Piece) -> Recipe:
    """The recipe with where its take comes from, and with what is known of its tokens."""
    if piece.codes is None:
        return replace(recipe, kin=Kin(piece.source, IMPORT))
    seconds, tokens = piece.codes.shape[1] / FRAME_RATE, piece.imprint
    return replace(recipe, kin=Kin(piece.source, IMPORT, seconds, tokens), tokens=tokens, seconds=seconds)


def _title(*wanted: str) -> str:
    """The first of some titles of which anything is left once it may stand in a list."""
    return next((title for text in wanted if (title := _line(text)[:LONGEST_NAME].strip())), "untitled")


def _line(text: str) -> str:
    """A name as it may stand in a list: on one line, without what a terminal or a file could stumble over."""
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
