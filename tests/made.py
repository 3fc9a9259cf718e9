"""Takes on disk that no engine made: a recipe, and a sound where one is wanted."""

from dataclasses import asdict, replace
from pathlib import Path

from core.meter import State
from core.settings import Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.job import Job
from core.takes.recipe import Recipe

SOUND = "sound.wav"


def make(home: Path, name: str = "20261126-120000-1", state: State = State.DONE, **facts: object) -> Path:
    """Write a take's folder under a song's; a finished one has its sound."""
    folder = home / "takes" / name
    folder.mkdir(parents=True)
    sound = state in (State.DONE, State.STOPPED)
    if sound:
        (folder / SOUND).write_bytes(b"RIFF")
    recipe = Recipe(
        song=asdict(Song(home.name.encode(errors="replace").decode().title(), "[verse]\nhalf a line", "pop")),
        model="demo",
        settings={"seed": 7},
        state=state.value,
        songdesk="0.1.0",
        audio=SOUND if sound else "",
        files={SOUND: "0"} if sound else {},
        seconds=3.0 if sound else 0.0,
    )
    recipes.save(replace(recipe, **facts), folder)  # type: ignore[arg-type]
    return folder


def change(folder: Path, **facts: object) -> None:
    """Write some other facts into a take's recipe."""
    recipe = recipes.load(folder)
    assert recipe is not None
    recipes.save(replace(recipe, **facts), folder)  # type: ignore[arg-type]


def finish(folder: Path, state: State = State.DONE) -> Path:
    """Bring a take to its end, with its sound on disk."""
    sound = folder / SOUND
    sound.write_bytes(b"RIFF")
    change(folder, state=state.value, audio=SOUND, files={SOUND: "0"}, seconds=3.0)
    return sound


def job_of(folder: Path, *, device: str = "cpu") -> Job:
    """A job for the take in a folder, of which nothing but its names is right."""
    recipe = recipes.load(folder)
    assert recipe is not None
    song = Song(str(recipe.song["title"]), "", "")
    return Job(folder.name, song, "demo", Values({}), folder, folder / SOUND, device=device, goes_on=True)
