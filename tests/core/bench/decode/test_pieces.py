"""The pieces of a step: right, as many bytes as are there, and no speed of what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from core.bench.decode import pieces as making
from core.bench.decode import piecework as timing
from core.bench.decode.pieces import Piece, Work, pieces
from core.bench.decode.piecework import PieceTime, piece_times
from core.bench.decode.subject import Subject
from core.bench.decode.traffic import ROWS, append_bytes, attention_bytes
from core.errors import SongdeskError
from core.kernels.advance import advance as kernels_advance
from core.kernels.draw import draw as kernels_draw
from core.levo.tokens.decoding import Room
from tests.core.bench.decode.conftest import FORMATS, SHAPES

POSITION = SHAPES.prefix + 40
NAMES = [
    *(("append", form) for form in FORMATS), *(("attention", form) for form in FORMATS),
    ("products", "fp32"), ("products", "int8"), ("products", "int4"), ("draw, advance", ""),
]  # fmt: skip


def made(found: Subject) -> dict[tuple[str, str], Callable[[], Piece]]:
    return {(name, form): make for name, form, make in pieces(found, POSITION)}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some of them are timed."""
    some = {("append", "int8"), ("products", "int8"), ("draw, advance", "")}
    monkeypatch.setattr(
        timing, "pieces", lambda *given: [each for each in pieces(*given) if each[:2] in some]
    )


def timed(found: Subject, record: Any = None) -> list[PieceTime]:
    def tell(what: str) -> None:
        assert what.startswith("kernels, ")

    return list(piece_times(found, POSITION, seconds=0.0, record=record, tell=tell))


@pytest.mark.parametrize(("name", "form"), NAMES)
def test_a_piece_makes_what_the_straightforward_way_makes(
    name: str, form: str, tiny_subject: Subject
) -> None:
    piece = made(tiny_subject)[name, form]()
    assert piece.apart() <= piece.allowed
    assert (piece.apart() > 1e-3) == (form in ("int8", "int4") and name == "products"), "rounded weights"


def test_every_kernel_is_timed_in_every_format(tiny_subject: Subject) -> None:
    found = timed(tiny_subject)
    assert [(piece.name, piece.form) for piece in found] == NAMES
    for piece in found:
        assert piece.seconds > 0
        assert piece.plain > 0
        assert piece.rate == pytest.approx(piece.moved / piece.seconds)
        assert piece.set_off == ("launched", "launched")


@pytest.mark.parametrize("kind", FORMATS)
def test_bytes_are_those_of_the_tensors(kind: str, tiny_subject: Subject) -> None:
    """Of a layer that holds no more than is attended to."""
    (cache,) = Room(ROWS, POSITION + 1 - SHAPES.prefix, kind).memory(tiny_subject.model, 1)
    held: Any = cache
    parts = [held.store] if kind in ("fp32", "fp16") else [held.codes, held.scales]
    assert attention_bytes(SHAPES, kind, position=POSITION) == sum(part.nbytes for part in parts)
    one = sum(part.narrow(-2, 0, 1).numel() * part.itemsize for part in parts)
    assert append_bytes(SHAPES, kind) == one + ROWS * (3 + 1) * SHAPES.width * 4


def test_each_sweep_draws_the_same_columns_anew(
    tiny_subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With noise that is made again: a processor keeps that of the columns that it drew last."""
    seen: list[torch.Tensor] = []
    noised: list[int] = []

    def advance(page: Any, *, books: tuple[int, ...]) -> None:
        seen.append(page.tokens.clone())
        kernels_advance(page, books=books)

    def draw(logits: Any, page: Any, *, books: tuple[int, ...]) -> None:
        noised.append(int(page.noised[0]))
        kernels_draw(logits, page, books=books)

    monkeypatch.setattr(making, "advance", advance)
    monkeypatch.setattr(making, "draw_next", draw)
    piece = made(tiny_subject)["draw, advance", ""]()
    for _ in range(2):
        piece.ours()
        piece.put_back()
    first, second = torch.split(torch.stack(seen), piece.calls)
    assert torch.equal(first, second)
    assert len({*first[:, 0].tolist()}) > 1, "codebook 0 is drawn with noise"
    assert noised[0] == noised[piece.calls] == -1


@pytest.mark.parametrize(
    ("kernel", "piece"),
    [
        ("append", ("append", "int8")), ("decode_attention", ("attention", "int8")),
        ("matvec", ("products", "int8")), ("draw_next", ("draw, advance", "")),
    ],
)  # fmt: skip
def test_a_kernel_that_is_wrong_has_no_speed(
    kernel: str, piece: tuple[str, str], tiny_subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(making, kernel)

    def wrong(*given: Any, **how: Any) -> Any:
        if kernel == "append":
            given = (given[0] * 1.5, *given[1:])
        result = right(*given, **how)
        if kernel == "draw_next":
            given[1].tokens[2] += 1
        return result * 1.5 if isinstance(result, torch.Tensor) else result

    monkeypatch.setattr(making, kernel, wrong)
    monkeypatch.setattr(timing, "pieces", lambda *_: [(*piece, made(tiny_subject)[piece])])
    with pytest.raises(SongdeskError, match="differs from the straightforward way"):
        timed(tiny_subject)


@pytest.mark.usefixtures("few")
def test_pieces_are_replayed_where_they_can_be_recorded(tiny_subject: Subject) -> None:
    replays: list[int] = []

    def record(work: Work, put_back: Work) -> Work:
        number = len(replays)
        replays.append(0)
        if number % 2:
            raise RuntimeError("operation not permitted when stream is capturing")

        def replay() -> None:
            replays[number] += 1
            work()

        return replay

    found = timed(tiny_subject, record)
    assert [piece.set_off for piece in found] == [("replayed", "launched")] * 3
    assert len(replays) == 5, "drawing straightforwardly asks the device for numbers"
    assert min(replays[::2]) >= 3


@pytest.mark.usefixtures("few")
def test_what_has_no_room_is_left_out_by_name(tiny_subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("no room\nfor it")

    monkeypatch.setattr(making, "_products", full)
    found = {(piece.name, piece.form): piece for piece in timed(tiny_subject)}
    assert found["products", "int8"].left_out == "no room"
    assert found["append", "int8"].seconds > 0
