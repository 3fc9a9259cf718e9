"""How long fuzzing goes on: some examples of each kind by default, thousands with `-m slow`."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder deep enough that a path out of it would still be seen by `walls`."""
    folder = tmp_path_factory.mktemp("walls") / "a" / "b" / "c" / "cell"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def walls(cell: Path) -> Iterator[Path]:
    """The same; afterwards nothing lies outside of it, and no file that an attack would make."""
    yield cell
    top = cell.parents[3]
    outside = [path for path in top.rglob("*") if path != cell and cell not in path.parents]
    assert {path.name for path in outside} == {"a", "b", "c"}
