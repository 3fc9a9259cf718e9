"""The ladder that LeVo really has, taken down step by step by a memory that keeps running out."""

from pathlib import Path

import pytest
import torch

from core.audio.files import info
from core.engine import Verdict
from core.errors import SongdeskError
from core.making.render import render
from core.making.watch import Watch
from core.meter import State
from core.takes.job import Job
from tests.core.making.test_stepping_down import codes, cuda, host, made, recipe_of, short
from tests.core.takes.test_going_on import begun


@pytest.mark.parametrize("first", [0, pytest.param(30, marks=pytest.mark.slow)])
def test_every_way_of_the_ladder_goes_on_with_what_the_ones_before_made(
    toy: str, tmp_path: Path, first: int
) -> None:
    job = begun(toy, tmp_path)
    recipe, watch = made(
        job,
        short(("tokens", first, cuda), ("tokens", 40, host),  ("audio", 3, host),
              ("audio", 3, cuda)),
    )  # fmt: skip
    assert recipe.state == "done"
    assert recipe.seconds == 2
    assert codes(job).shape == (3, 50)
    assert 0 <= int(codes(job).min()) <= int(codes(job).max()) < 64
    assert info(job.audio).frames == 2 * 48_000
    tried = [choice.rung for choice in watch.choices]
    peaks = {
        stage: [rung.plan.peak for rung in tried if rung.plan.stage == stage] for stage in ("tokens", "audio")
    }
    assert all(sizes == sorted(set(sizes), reverse=True) and len(sizes) > 2 for sizes in peaks.values())
    last = {**tried[-1].settings, **[rung for rung in tried if rung.plan.stage == "tokens"][-1].settings}
    assert last.items() <= {**recipe.chosen}.items()
    assert "auto" not in recipe.chosen.values()
    assert sum("memory ran out" in note for note in recipe.notes) >= 3


def test_a_song_is_refused_for_what_is_free_unless_a_person_vouches_for_it(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.making.ways.free_memory", lambda device: 1)
    with pytest.raises(SongdeskError, match=r"not enough memory.*memory=trusted"):
        made(begun(toy, tmp_path / "refused"), short())
    recipe, _ = made(begun(toy, tmp_path / "made", memory="trusted"), short())
    assert recipe.state == "done"
    assert not any("memory" in note for note in recipe.notes)


class Unlucky(Watch):
    """A person stops the song while it is rendered, and winding it up takes more memory than there is."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.verdicts: list[Verdict] = []
        self._is_due = True

    def step(self, done: int, total: int) -> Verdict:
        verdict = super().step(done, total)
        if self.meter.phase == 3:
            if self._is_due and not self.verdicts:
                self.stop(keep=True)
            elif self._is_due and self.verdicts[-1] is Verdict.FINISH:
                self._break()
            self.verdicts.append(verdict)
        return verdict

    def heard(self, preview: Path, seconds: float) -> None:
        if self._is_due and self.verdicts[-1:] == [Verdict.FINISH]:
            self._break()
        super().heard(preview, seconds)

    def _break(self) -> None:
        self._is_due = False
        raise MemoryError


def test_a_song_is_not_cut_short_by_a_stop_that_was_meant_for_sound_that_is_gone(
    toy: str, tmp_path: Path
) -> None:
    job = begun(toy, tmp_path)
    watch = Unlucky(job)
    with torch.inference_mode():
        outcome = render(job, watch)
    assert watch.verdicts.count(Verdict.FINISH) == 1, "it was heard, and then memory ran out"
    assert (outcome.state, outcome.seconds) == (State.DONE, 2)
    assert recipe_of(job).knobs == ()
