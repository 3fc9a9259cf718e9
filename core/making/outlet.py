"""Where sound goes that is made before its stage: a file that can be heard while the song is composed."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.atomic import unwritable
from core.audio.files import SAMPLE_RATE
from core.audio.spool import Spool
from core.errors import SongdeskError
from core.settings import Value
from core.takes.job import AHEAD, AHEAD_KIND, artifact_file

if TYPE_CHECKING:
    from torch import Tensor


class Preview:
    """Implements `core.engine.Outlet` for a take's folder; its file stays until the take has its sound."""

    def __init__(
        self,
        folder: Path,
        live: Callable[[str], Value],
        heard: Callable[[Path, float], None],
        open_files: ExitStack,
    ) -> None:
        """`heard` is told of the file and how much (s) of it can be played; `open_files` closes it."""
        self.path = artifact_file(folder, AHEAD_KIND)
        self.live = live
        self._file, self._heard, self._open = folder / AHEAD, heard, open_files
        self._spool: Spool | None = None

    def audio(self, samples: "Tensor") -> None:
        """Append samples [2, n]; SongdeskError when the disk refuses, or when they are not numbers."""
        frames = np.ascontiguousarray(samples.float().cpu().numpy().T, "<f4")
        if not np.isfinite(frames).all():
            raise SongdeskError("the model made samples that are not numbers", where=str(self._file))
        try:
            if self._spool is None:
                self._file.unlink(missing_ok=True)
                self._spool = Spool(
                    self._open.enter_context(self._file.open("xb+", buffering=0)), SAMPLE_RATE
                )
            self._spool.append(frames)
        except OSError as error:
            raise unwritable(self._file, error) from error
        self._heard(self._file, self._spool.frames / SAMPLE_RATE)
