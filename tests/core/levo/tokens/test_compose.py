from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.engine import Run, Verdict
from core.errors import Cancelled, SongdeskError
from core.levo.artifacts import Conditions
from core.levo.tokens.compose import compose
from core.levo.tokens.loop import write
from core.levo.tokens.model import TokenModel
from core.levo.tokens.pattern import Sheet
from core.settings import Value, Values
from tests.core.levo.tokens import conftest as usual

CODES, EOS, SPECIAL = 50, 50, 51
SHAPES = replace(usual.SHAPES, delays=(0, 4, 4))
VALUES = {**usual.VALUES, "length": 0.8, "stem_temperature": 0.0, "minimum_length": 1.0}
NO_PROMPT = torch.empty(0, dtype=torch.int64)


class Desk(usual.Desk):
    """One whose person acts by a script: `act(done)` is asked after each step."""

    def __init__(self, *, seed: int = 1, at: Callable[[int], Verdict | None] = lambda done: None) -> None:
        super().__init__(VALUES, seed, lambda desk, done: self.act(done))
        self.act = at


class Script:
    """A network whose likeliest tokens are written down: [3, steps]."""

    shapes = SHAPES

    def __init__(self, tokens: list[list[int]]) -> None:
        self.tokens = tokens
        self.fed: list[list[int]] = []

    def feed(self, columns: Tensor) -> None:
        self.fed += columns.T.tolist()

    def logits(self, books: tuple[int, ...]) -> Tensor:
        scores = torch.zeros(1, len(books), CODES + 1)
        for row, book in enumerate(books):
            scores[0, row, self.tokens[book][len(self.fed)]] = 9.0
            scores[0, row, 33] = 1.0
        return scores


@pytest.fixture(scope="module")
def model() -> TokenModel:
    torch.manual_seed(1)
    return TokenModel(SHAPES).eval().requires_grad_(False)


def conditions(prompt: Tensor | None = None) -> Conditions:
    draw = torch.Generator().manual_seed(3)
    return Conditions(
        lyric_ids=torch.randint(0, 40, (2, 7), generator=draw),
        structure=torch.randint(0, 14, (2, 7), generator=draw),
        style_ids=torch.randint(0, 30, (2, 3), generator=draw),
        prompt_codes=torch.empty(3, 0, dtype=torch.int64) if prompt is None else prompt,
        prompt_latents=torch.empty(0, 64),
    )


def song(model: TokenModel, desk: Desk, **changes: Value) -> list[list[int]]:
    desk.values.update(changes)
    run: Run = desk
    made = compose(lambda parts: model, SHAPES, conditions(), Values({**VALUES, **changes}), run)
    codes: list[list[int]] = made.codes.tolist()
    return codes


def scripted(tokens: list[list[int]], desk: Desk, frames: int = 12) -> tuple[Sheet, Script]:
    desk.values.update(temperature=0.0, guidance=1.0, repetition_penalty=1.0)
    sheet, network = Sheet(SHAPES, frames, device=torch.device("cpu")), Script(tokens)
    write(network, sheet, NO_PROMPT, desk)
    return sheet, network


def rising(**ends: int) -> list[list[int]]:
    """Tokens that say their step; `b0=7` puts the end at step 7 of codebook 0."""
    tokens = [[(step + 10 * book) % 33 for step in range(1, 40)] for book in range(3)]
    for name, step in ends.items():
        tokens[int(name[1])][step - 1] = EOS
    return tokens


def test_the_end_of_the_first_codebook_ends_the_song_after_the_longest_delay() -> None:
    desk = Desk()
    desk.values["minimum_length"] = 0.0
    sheet, network = scripted(rising(b0=7), desk)
    assert (sheet.frames, sheet.done) == (6, 10)
    assert sheet.codes().tolist() == [[1, 2, 3, 4, 5, 6], [*range(15, 21)], [*range(25, 31)]]
    assert [column[0] for column in network.fed] == [1, 2, 3, 4, 5, 6, EOS, SPECIAL, SPECIAL]


def test_an_end_in_another_codebook_is_not_heard() -> None:
    desk = Desk()
    desk.values["minimum_length"] = 0.0
    sheet, _ = scripted(rising(b0=9, b1=6, b2=11), desk)
    codes = sheet.codes()
    assert codes.shape == (3, 8)
    assert (int(codes[1, 1]), int(codes[2, 6])) == (33, 33), "the next likeliest stands in"


def test_a_song_that_never_ends_fills_its_length() -> None:
    sheet, network = scripted(rising(), Desk())
    assert sheet.codes().shape == (3, 12)
    assert sheet.done == 16
    assert EOS not in {cell for column in network.fed for cell in column}


def test_a_song_of_no_frames_is_an_error_with_a_way_out() -> None:
    desk = Desk()
    desk.values["minimum_length"] = 0.0
    with pytest.raises(SongdeskError, match="first frame") as caught:
        scripted(rising(b0=1), desk)
    assert "minimum_length" in caught.value.hint


def test_progress_never_goes_back_and_ends_full() -> None:
    desk = Desk()
    desk.values["minimum_length"] = 0.0
    scripted(rising(b0=7), desk)
    shares = [done / total for done, total in desk.seen]
    assert shares == sorted(shares)
    assert desk.seen[-1] == (10, 10)
    assert desk.seen[0] == (1, 16)


@pytest.mark.parametrize("after", [1, 5, 11])
def test_finishing_keeps_the_frames_made_so_far(model: TokenModel, after: int) -> None:
    whole = song(model, Desk(), repetition_penalty=1.0)
    desk = Desk(at=lambda done: Verdict.FINISH if done >= after else None)
    kept = song(model, desk, repetition_penalty=1.0)
    assert kept[0] == whole[0][:after]
    assert [len(row) for row in kept] == [after] * 3
    assert desk.seen[-1] == (after + 4, after + 4)


def test_giving_up_leaves_at_once_even_in_the_prefill(model: TokenModel) -> None:
    for stage in (0, 3):

        def leave(done: int, stage: int = stage) -> Verdict | None:
            if done == stage:
                raise Cancelled
            return None

        desk = Desk(at=leave)
        with pytest.raises(Cancelled):
            song(model, desk)
        assert desk.seen[-1][0] == stage


def test_one_seed_gives_one_song_and_another_seed_another(model: TokenModel) -> None:
    first, again, other = (song(model, Desk(seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert [len(row) for row in first] == [20] * 3
    assert max(max(row) for row in first) < CODES


@pytest.mark.parametrize("knob", [("temperature", 0.0), ("top_k", 1), ("guidance", 4.0)])
def test_a_knob_turned_at_a_step_leaves_earlier_tokens_alone(
    model: TokenModel, knob: tuple[str, Value]
) -> None:
    untouched = song(model, Desk())
    desk = Desk()

    def turn(done: int) -> None:
        if done == 8:
            desk.values[knob[0]] = knob[1]

    desk.act = turn
    turned = song(model, desk)
    assert turned[0][:8] == untouched[0][:8]
    assert turned[1][:4] == untouched[1][:4]
    assert turned != untouched


def test_guidance_1_keeps_one_row_and_gives_the_song_two_rows_give(
    model: TokenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    prefix = model.prefix

    def counted(given: Conditions, count: int) -> tuple[Tensor, Tensor]:
        rows.append(count)
        return prefix(given, count)

    monkeypatch.setattr(model, "prefix", counted)
    one = song(model, Desk(), guidance=1.0)
    desk = Desk(at=lambda done: desk.values.update(guidance=1.0))
    two = song(model, desk, guidance=1.0000001)
    assert rows == [1, 2]
    assert one == two


def test_codes_of_the_prompt_do_not_come_back_in_the_first_codebook(model: TokenModel) -> None:
    desk = Desk()
    prompt = torch.arange(40).expand(3, 40)
    codes = compose(lambda parts: model, SHAPES, conditions(prompt), Values(VALUES), desk).codes
    assert int(codes[0].min()) >= 40


@pytest.mark.parametrize("kind", ["fp32", "fp16"])
def test_no_memory_is_asked_for_a_cache_after_the_first_step(
    model: TokenModel, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    empty = torch.empty

    def counted(*size: int, **options: object) -> Tensor:
        if len(size) == 6:
            made.append(size[4])
        tensor: Tensor = empty(*size, **options)  # type: ignore[call-overload]
        return tensor

    monkeypatch.setattr("core.levo.tokens.cache.torch.empty", counted)
    song(model, Desk(), kv_cache=kind)
    assert made == [SHAPES.prefix + 20 + 4] * 2
