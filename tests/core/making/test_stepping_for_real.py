"""The ladder that LeVo really has, taken down step by step by a memory that keeps running out."""

from pathlib import Path

import pytest

from core.audio.files import info
from core.errors import SongdeskError
from tests.core.making.test_stepping_down import codes, cuda, host, made, short
from tests.core.takes.test_going_on import begun


@pytest.mark.parametrize("first", [0, 30])
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
