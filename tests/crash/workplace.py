"""A library, an output folder and a home of their own, where songdesks are run and come to grief."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from tests.crash.forge import Ended, Order
from tests.crash.trips import Tally, Trip
from tests.toy import toys

ROOT = Path(__file__).parents[2]
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}(\.\w+)?")


class Forge:
    """The process that forks songdesks."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.crash.forge"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        assert self._answer() == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def run(self, order: Order) -> Ended:
        """Run one songdesk to its end."""
        assert self._process.stdin is not None
        print(json.dumps(asdict(order)), file=self._process.stdin, flush=True)
        return Ended(**json.loads(self._answer()))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the forge is gone"
        return line.strip()


@dataclass(frozen=True, slots=True)
class Ran:
    """One songdesk that has ended."""

    status: int
    counts: Mapping[str, int]
    said: str

    @property
    def was_killed(self) -> bool:
        return self.status == -9


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one songdesk after the other works."""

    root: Path
    forge: Forge
    weights: Path
    """Where models are made once for all workplaces."""
    runs: list[Ran] = field(default_factory=list)

    @classmethod
    def make(cls, root: Path, forge: Forge, weights: Path) -> Self:
        """An empty one, which knows the toy models."""
        models = root / "config" / "songdesk" / "models.yaml"
        models.parent.mkdir(parents=True)
        models.write_text(json.dumps(toys()))
        return cls(root, forge, weights)

    def copy(self, root: Path) -> "Workplace":
        """Another one that begins as this is now."""
        shutil.copytree(self.root, root, symlinks=True)
        return Workplace(root, self.forge, self.weights)

    @property
    def library(self) -> Path:
        return self.root / "songs"

    @property
    def environment(self) -> dict[str, str]:
        """What leads a songdesk here."""
        kinds = ("config", "state", "data", "cache")
        homes = {f"XDG_{kind.upper()}_HOME": str(self.root / kind) for kind in kinds}
        return {**homes, "SONGDESK_LIBRARY": str(self.library), "SONGDESK_CKPT": str(self.weights)}

    def run(self, *args: str, trip: Trip | None = None, after: float | None = None) -> Ran:
        """Run one songdesk, which may be brought to grief; one that hangs fails the test."""
        tally, log = (
            self.root.with_name(f"{self.root.name}.tally"),
            self.root.with_name(f"{self.root.name}.log"),
        )
        Tally.make(tally)
        log.write_text("")
        ended = self.forge.run(
            Order(
                args=list(args),
                root=str(self.root),
                environment=self.environment,
                tally=str(tally),
                log=str(log),
                trip=asdict(trip) if trip else None,
                after=after,
            )
        )
        ran = Ran(ended.status, Tally.read(tally), log.read_text())
        assert not ended.is_hung, f"songdesk {' '.join(args)} hangs\n{ran.said}"
        self.runs.append(ran)
        return ran

    def takes(self) -> Iterator[Path]:
        """The folders of takes, whatever is in them."""
        yield from (p for p in sorted(self.library.glob("*/takes/*")) if not p.name.startswith("."))
        yield from (p for p in sorted(self.root.glob("out/*")) if p.is_dir())

    def files(self) -> set[str]:
        """Every file of songs but the index and temporaries, with the names of takes made alike."""
        places = (self.library, self.root / "out")
        found = (path for place in places for path in place.rglob("*") if not path.is_dir())
        names = (path.relative_to(self.root) for path in found)
        kept = (
            name
            for name in names
            if ".songdesk" not in name.parts and not any(map(_TEMPORARY.fullmatch, name.parts))
        )
        return {re.sub(r"takes/[^/]+/", "takes/*/", str(name)) for name in kept}

    def temporaries(self) -> list[Path]:
        """Files of takes that should not have outlived whoever wrote them."""
        places = (*self.library.glob("*/takes"), self.root / "out")
        found = (path for place in places for path in place.rglob("*") if not path.is_dir())
        return [
            p for p in found if _TEMPORARY.fullmatch(p.name) or p.name.startswith(("preview", "ahead.wav"))
        ]

    def adding(self, model: str = "toy", *settings: str) -> list[str]:
        """The words that put the song of this place into the queue."""
        sets = [word for setting in (settings or ("length=4",)) for word in ("--set", setting)]
        return ["queue", "add", str(self.root / "songs.jsonl"), "--model", model, "--seed", "3", *sets]

    def rendering(self, model: str = "toy", *settings: str) -> list[str]:
        """The words that render the song of this place into a folder."""
        _, _, *rest = self.adding(model, *settings)
        return ["render", *rest, "--out", str(self.root / "out")]
