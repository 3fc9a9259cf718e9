import pytest
import torch

from core.levo.shapes import TokenShapes
from core.levo.tokens.pattern import EVERY_BOOK, Sheet, build, revert

CODES, EOS, SPECIAL = 50, 50, 51
SHAPES = TokenShapes(
    width=32, ffn=48, heads=2, main_layers=1, sub_layers=1, main_rope_base=1e4, sub_rope_base=1e4,
    codes=CODES, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
    delays=(0, 3, 3),
)  # fmt: skip


def sheet(frames: int) -> Sheet:
    return Sheet(SHAPES, frames, device=torch.device("cpu"))


def write(page: Sheet, first: int) -> list[int]:
    books = page.open(EVERY_BOOK)
    tokens = [first if book == 0 else 7 for book in books]
    return page.write(books, torch.tensor(tokens, dtype=torch.int64)).flatten().tolist()


@pytest.mark.parametrize("delays", [(0, 3, 3), (0, 1, 4), (0, 0, 0)])
@pytest.mark.parametrize("frames", [1, 2, 9])
def test_the_delay_pattern_is_undone_exactly(delays: tuple[int, int, int], frames: int) -> None:
    codes = torch.randint(0, CODES, (2, 3, frames))
    columns = build(codes, delays, SPECIAL)
    assert columns.shape == (2, 3, frames + 1 + max(delays))
    assert torch.equal(revert(columns, delays, frames), codes)
    assert int((columns != SPECIAL).sum()) == codes.numel()
    assert bool((columns[..., 0] == SPECIAL).all())


def test_a_codebook_is_open_only_where_its_frames_stand() -> None:
    page = sheet(2)
    seen = []
    while page.done < page.total:
        seen.append(page.open(EVERY_BOOK))
        write(page, 5)
    assert seen == [(0,), (0,), (), (1, 2), (1, 2)]
    assert page.codes().tolist() == [[5, 5], [7, 7], [7, 7]]


def test_the_end_is_fed_once_and_the_delayed_codebooks_catch_up_exactly() -> None:
    page = sheet(20)
    first = [write(page, token)[0] for token in (4, 5, EOS)]
    while page.done < page.total:
        first.append(write(page, 9)[0])
    assert first == [4, 5, EOS, SPECIAL, SPECIAL]
    assert (page.frames, page.total) == (2, 5)
    assert page.codes().tolist() == [[4, 5], [7, 7], [7, 7]]


def test_finishing_ends_the_song_as_if_its_end_stood_next() -> None:
    page = sheet(20)
    first = [write(page, token)[0] for token in (4, 5)]
    page.finish()
    page.finish()
    while page.done < page.total:
        first.append(write(page, 9)[0])
    assert page.total == 5
    assert page.codes().tolist() == [[4, 5], [7, 7], [7, 7]]
    assert page.history((0,), 100).tolist() == [[SPECIAL, 4, 5, EOS, SPECIAL, SPECIAL]]


def test_finishing_after_the_last_frame_changes_nothing() -> None:
    page = sheet(2)
    write(page, 1)
    write(page, 2)
    page.finish()
    assert (page.frames, page.total) == (2, 5)
    assert write(page, 3)[0] == SPECIAL


def test_the_window_holds_the_last_columns_as_written() -> None:
    page = sheet(9)
    for token in (1, 2, 3, 4):
        write(page, token)
    assert page.history((0,), 2).tolist() == [[3, 4]]
    assert page.history((0, 1), 3).tolist() == [[2, 3, 4], [SPECIAL, SPECIAL, 7]]
    assert page.history((0,), 0).shape == (1, 0)


def test_a_song_with_a_hole_in_it_is_never_handed_on() -> None:
    page = sheet(3)
    write(page, 1)
    with pytest.raises(AssertionError, match="no code"):
        page.codes()
