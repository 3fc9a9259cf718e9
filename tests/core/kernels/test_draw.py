"""The draw of one step: the twin and the kernel against the sampler of the token model."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.kernels.draw import draw, warps_of
from core.kernels.live import using
from core.kernels.page import Mark
from core.kernels.reference_draw import support, uniform
from core.levo.tokens.sample import Knobs, Sampler, keep
from core.random import Stream
from tests.core.kernels.pages import CPU, key, page_over, shapes

PLAIN = Knobs(temperature=1, guidance=1, top_k=0, repetition_penalty=1, repetition_window=0)
DONE = 40
ALL = (0, 1, 2)
Draw = list[int]

VARIED = [
    Knobs(),
    replace(Knobs(), stem_temperature=1.1, stem_top_k=30, stem_top_p=0.9, top_k=7),
    replace(Knobs(), penalty_mode="count", repetition_penalty=1.3, repetition_window=17, temperature=1.4),
    replace(Knobs(), penalty_sign="aware", top_k=0, top_p=0.7, guidance=3.0, repetition_window=1000),
    replace(Knobs(), penalty_mode="count", penalty_sign="aware", top_p=0.95, top_k=40, stem_temperature=0.7),
    replace(Knobs(), temperature=0, ban_prompt=False, minimum_length=4.0, guidance=1.0),
    replace(PLAIN, stem_temperature=2.0, stem_top_k=0, stem_top_p=0.2, minimum_length=1.6),
]


@pytest.fixture(params=["torch", "triton"])
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """Where to draw: with the twin on the processor, and with the kernel where that runs."""
    if request.param == "triton":
        yield request.getfixturevalue("fused")
        return
    with using("torch"):
        yield CPU


def song(codes: int, seed: int, done: int = DONE) -> Tensor:
    """Columns of which `done` are written, with specials and an end of song among them."""
    noise = torch.Generator().manual_seed(seed)
    columns = torch.randint(0, codes + 2, (3, done + 30), generator=noise)
    columns[:, 1 : done // 2] %= 9
    columns[:, 0] = codes + 1
    return columns


def scores(codes: int, seed: int, rows: int = 2, books: int = 3) -> Tensor:
    return torch.randn(rows, books, codes + 1, generator=torch.Generator().manual_seed(seed)) * 3


def drawn(
    logits: Tensor, columns: Tensor, knobs: Knobs, *, done: int = DONE, books: tuple[int, ...] = ALL,
    seed: int = 1, prompt: list[int] | None = None, device: torch.device = CPU,
) -> Draw:  # fmt: skip
    codes = logits.shape[-1] - 1
    page = page_over(columns.to(device), knobs, codes=codes, done=done, seed=seed, prompt=prompt or ())
    draw(logits.to(device), page, books=books)
    return [int(page.tokens[book]) for book in books]


def sampled(
    logits: Tensor, columns: Tensor, knobs: Knobs, *, done: int = DONE, books: tuple[int, ...] = ALL,
    seed: int = 1, prompt: list[int] | None = None,
) -> Draw:  # fmt: skip
    """The same by the token model's own sampler."""
    sizes = shapes(logits.shape[-1] - 1)
    banned = torch.tensor(prompt or [], dtype=torch.int64)
    sampler = Sampler(sizes, banned, Stream(seed, "tokens"), device=CPU)
    held = columns[books[0] : books[-1] + 1, : done + 1]
    history = held[:, max(0, done + 1 - knobs.repetition_window) :]
    return sampler.draw(logits, books, knobs, step=done + 1, history=history).tolist()


@pytest.mark.parametrize("seed", [1, 2**31 - 1, 2**40 + 7])
def test_the_noise_is_that_of_the_stream_to_the_bit(seed: int) -> None:
    stream = Stream(seed, "tokens")
    words = torch.tensor(key(seed))
    for step, width in ((1, 51), (7250, 1025)):
        for lane in ALL:
            made = uniform(words, torch.tensor([step, step + 9], dtype=torch.int32), lane, width)
            assert torch.equal(made, stream.uniform(torch.tensor([step, step + 9]), width, lane=lane))


@pytest.mark.parametrize("knobs", VARIED)
@pytest.mark.parametrize("codes", [50, 1024])
def test_tokens_are_those_of_the_sampler(codes: int, knobs: Knobs) -> None:
    for seed in range(4):
        logits, columns = scores(codes, seed), song(codes, seed)
        expected = sampled(logits, columns, knobs, seed=seed, prompt=[3, 8, 8])
        assert drawn(logits, columns, knobs, seed=seed, prompt=[3, 8]) == expected


@pytest.mark.parametrize("knobs", VARIED)
@pytest.mark.parametrize("codes", [50, 1024])
def test_tokens_of_the_kernel_are_those_of_the_sampler(fused: torch.device, codes: int, knobs: Knobs) -> None:
    logits, columns = scores(codes, 7), song(codes, 7)
    expected = sampled(logits, columns, knobs, prompt=[3, 8, 8])
    assert drawn(logits, columns, knobs, prompt=[3, 8], device=fused) == expected


@pytest.mark.parametrize("books", [(1, 2), (0,)])
def test_some_codebooks_are_drawn_as_they_are_among_all(device: torch.device, books: tuple[int, ...]) -> None:
    logits, columns = scores(50, 5), song(50, 5)
    knobs = replace(Knobs(), stem_temperature=1.0)
    apart = logits[:, books[0] : books[-1] + 1]
    everything = drawn(logits, columns, knobs, device=device)
    assert drawn(apart, columns, knobs, books=books, device=device) == [everything[book] for book in books]


def test_columns_not_written_yet_are_not_heard(device: torch.device) -> None:
    knobs = replace(Knobs(), temperature=0, repetition_penalty=3.0, repetition_window=1000)
    logits, columns = scores(50, 6), song(50, 6)
    later = columns.clone()
    later[:, DONE + 1 :] = 7
    assert drawn(logits, columns, knobs, device=device) == drawn(logits, later, knobs, device=device)


@pytest.mark.parametrize("limits", [(5000, 0.0), (0, 0.9), (5000, 0.95), (1, 0.0)])
def test_codebooks_of_the_published_width_are_drawn_alike(
    fused: torch.device, limits: tuple[int, float]
) -> None:
    knobs = replace(Knobs(), top_k=limits[0], top_p=limits[1], repetition_window=9)
    logits, columns = scores(16384, 8, books=1), song(16384, 8)
    expected = sampled(logits, columns, knobs, books=(0,))
    assert drawn(logits, columns, knobs, books=(0,)) == expected
    assert drawn(logits, columns, knobs, books=(0,), device=fused) == expected


def few(scored: dict[int, float], others: float = -20.0) -> Tensor:
    """Logits [1, 3, 51] with these scores by id, the end of song 50 among them."""
    logits = torch.full((1, 3, 51), others)
    for token, score in scored.items():
        logits[..., token] = score
    return logits


HEARD = replace(PLAIN, temperature=0, repetition_penalty=2.0, repetition_window=7)


@pytest.mark.parametrize(("back", "likeliest"), [(0, 4), (6, 4), (7, 3), (8, 3)])
def test_what_was_heard_counts_as_far_back_as_the_window(
    device: torch.device, back: int, likeliest: int
) -> None:
    columns = torch.full((3, DONE + 30), 9)
    columns[:, DONE - back] = 3
    assert drawn(few({3: 2.0, 4: 1.5}), columns, HEARD, device=device) == [likeliest] * 3


@pytest.mark.parametrize(("sign", "likeliest"), [("published", 3), ("aware", 4)])
def test_a_score_below_zero_is_raised_or_lowered_as_the_sign_says(
    device: torch.device, sign: str, likeliest: int
) -> None:
    columns = torch.full((3, DONE + 30), 3)
    knobs = replace(HEARD, penalty_sign=sign)
    assert drawn(few({3: -1.0, 4: -0.9}), columns, knobs, device=device) == [likeliest] * 3


def test_the_end_of_the_song_is_guided_as_all_else(device: torch.device) -> None:
    logits = torch.cat((few({3: 2.0, 50: 1.0}), few({3: 2.0, 50: 0.0})))
    calm, sure = (
        drawn(logits, song(50, 9), replace(HEARD, repetition_penalty=1.0, guidance=by), device=device)
        for by in (1.5, 3.0)
    )
    assert calm == [3, 3, 3]
    assert sure == [50, 3, 3]


def test_of_equals_the_end_of_the_song_comes_last(device: torch.device) -> None:
    assert drawn(few({7: 2.0, 50: 2.0}), song(50, 9), replace(PLAIN, temperature=0), device=device)[0] == 7


@pytest.mark.parametrize("codes", [48, 49, 50, 51])
def test_the_end_of_the_song_has_the_noise_of_its_id(device: torch.device, codes: int) -> None:
    """Four ids share a block of noise: it is drawn as by the sampler wherever it stands among them."""
    logits, columns = torch.zeros(1, 3, codes + 1), song(codes, 2)
    logits[..., codes] = 4.0
    made = [drawn(logits, columns, PLAIN, seed=seed, device=device)[0] for seed in range(12)]
    assert made == [sampled(logits, columns, PLAIN, seed=seed)[0] for seed in range(12)]
    assert 0 < made.count(codes) < len(made)


@pytest.mark.parametrize("rows", [1, 2])
def test_one_row_alone_is_not_guided(device: torch.device, rows: int) -> None:
    knobs = replace(Knobs(), temperature=0, guidance=2.0, repetition_penalty=1)
    logits = scores(50, 9, rows=rows)
    logits[..., 50] = -100
    guided = logits[0] if rows == 1 else logits[1] + 2 * (logits[0] - logits[1])
    assert drawn(logits, song(50, 9), knobs, device=device) == guided.argmax(-1).tolist()


LIMITS = [
    (7, 0.0),
    (0, 0.1),
    (4, 0.5),
    (50, 0.0),
    (51, 0.0),
    (300, 0.9),
    (0, 0.5),
    (2000, 0.99),
    (17, 0.2),
    (0, 0.999),
]


@pytest.mark.parametrize("kind", ["apart", "equal", "grouped", "ruled out"])
def test_candidates_of_the_kernel_are_those_of_the_twin(fused: torch.device, kind: str) -> None:
    """Ties and all, for the end of song too, which the kernel keeps beside the others."""
    from tests.core.kernels.candidates import candidates

    row = scores(50, 4, rows=1)[0, 0]
    if kind == "equal":
        row = torch.zeros_like(row)
    elif kind == "grouped":
        row = (row / 2).round()
        row[50] = row[:50].median()
    elif kind == "ruled out":
        row[::2] = -torch.inf
    for k, p in LIMITS if kind == "grouped" else LIMITS[:5]:
        wanted = support(row, torch.tensor(float(k)), torch.tensor(p)) & row.isfinite()
        made = candidates(row.to(fused), k, p)
        assert torch.equal(made.cpu(), wanted), (k, p)


def test_candidates_of_the_twin_are_those_of_the_sampler() -> None:
    for seed in range(4):
        row = scores(1024, seed, rows=1)[0, 0]
        if seed % 2:
            row = (row * 4).round() / 4  # many scores are equal
        for k, p in LIMITS:
            mask = support(row, torch.tensor(float(k)), torch.tensor(p))
            kept, ids = keep(row, top_k=k, top_p=p)
            finite = kept.isfinite()
            assert sorted(row[mask].tolist()) == sorted(kept[finite].tolist()), (k, p)
            if not seed % 2:
                assert set(mask.nonzero().flatten().tolist()) == set(ids[finite].tolist())


def test_the_likeliest_is_taken_at_temperature_0_whatever_the_limits(device: torch.device) -> None:
    logits = scores(50, 3, rows=1)
    logits[..., 50] = -100
    cold = replace(PLAIN, temperature=0, top_k=1, top_p=0.01)
    assert drawn(logits, song(50, 3), cold, device=device) == logits[0].argmax(-1).tolist()
    tied = torch.zeros(1, 3, 51)
    tied[..., 30:40] = 2
    assert drawn(tied, song(50, 3), cold, device=device) == [30, 30, 30]


def test_only_codebook_0_may_end_the_song_and_not_before_its_minimum(device: torch.device) -> None:
    logits, columns = torch.zeros(1, 3, 51), song(50, 1, 60)
    logits[..., 50] = 100
    early = replace(PLAIN, temperature=0, minimum_length=2)
    assert 50 not in drawn(logits, columns, early, done=49, device=device)
    first, *others = drawn(logits, columns, early, done=50, device=device)
    assert first == 50
    assert 50 not in others


@pytest.mark.parametrize(
    ("block", "lanes", "warps"), [(16, 32, 1), (1024, 32, 2), (16384, 32, 32), (16384, 64, 16)]
)
def test_a_program_has_no_more_threads_than_devices_allow(block: int, lanes: int, warps: int) -> None:
    assert warps_of(block, lanes) == warps
    assert warps * lanes <= 1024


def test_draws_follow_the_probabilities() -> None:
    shares = torch.tensor([0.4, 0.3, 0.2, 0.1])
    logits = torch.full((1, 3, 51), -100.0)
    logits[..., :4] = shares.log()
    knobs = replace(PLAIN, stem_temperature=1, stem_top_k=0)
    page = page_over(song(50, 1, 700), knobs, codes=50, done=0)
    tokens = torch.empty(600, 3, dtype=torch.int64)
    for done in range(len(tokens)):
        page.marks[Mark.DONE] = done
        draw(logits, page, books=ALL)
        tokens[done] = page.tokens
    for book in ALL:
        found = torch.bincount(tokens[:, book], minlength=4).double()
        expected = shares.double() * len(tokens)
        assert float(((found - expected) ** 2 / expected).sum()) < 16.3  # one in a thousand of 3 degrees
