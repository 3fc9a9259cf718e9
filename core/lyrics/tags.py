"""What structure tags an engine knows and how its lyrics are written, read from `conf/vocab.yaml`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """One structure tag."""

    name: str
    """Without brackets: `verse`."""
    sung: bool
    """Needs lyrics; the others must have none."""
    seconds: tuple[float, float]
    """Usual length, shortest and longest (s)."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine family writes lyrics."""

    id: str
    tags: tuple[Tag, ...]

    def tag(self, name: str) -> Tag | None:
        """The tag of that exact name, if the engine knows it."""
        return next((tag for tag in self.tags if tag.name == name), None)
