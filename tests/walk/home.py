"""A person's home without a past, in which the studio of this checkout is opened."""

import os
import shlex
import sys
from pathlib import Path

from tests.walk.hearing import ROOT

_XDG = ("CONFIG", "STATE", "DATA", "CACHE")
_PASSED_ON = ("SONGDESK_CKPT", "SONGDESK_QWEN2", "OMP_NUM_THREADS", "PATH")


class Home:
    """The folders of one person."""

    def __init__(self, folder: Path, sound: dict[str, str] | None = None) -> None:
        """`sound` is what leads to a sound server."""
        self.folder = folder / "home"
        self.folder.mkdir()
        self.library = folder / "songs"
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.environment = {
            **kept,
            **{f"XDG_{kind}_HOME": str(self.folder / kind.lower()) for kind in _XDG},
            "HOME": str(self.folder),
            "SONGDESK_LIBRARY": str(self.library),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            **(sound or {}),
        }

    def studio(self) -> str:
        """A program that opens the studio in this home, whatever the environment it is started in."""
        script = self.folder.parent / "studio"
        exports = "".join(f"export {name}={shlex.quote(word)}\n" for name, word in self.environment.items())
        command = shlex.join([str(Path(sys.executable).parent / "songdesk"), "studio"])
        script.write_text(f"#!/bin/sh\n{exports}exec {command}\n")
        script.chmod(0o700)
        return str(script)

    def files(self, pattern: str) -> list[Path]:
        """Files of the library, the oldest first."""
        found = [path for path in self.library.rglob(pattern) if path.is_file()]
        return sorted(found, key=lambda path: path.stat().st_mtime)

    def holds(self, words: str) -> bool:
        """Whether some text in the library has these words."""
        texts = (path for kind in ("*.txt", "*.yaml", "*.json", "*.jsonl") for path in self.files(kind))
        return any(words in path.read_text(errors="replace") for path in texts)
