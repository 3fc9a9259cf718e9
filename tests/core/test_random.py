"""Random streams: the published vectors, addressing, and the shape of the distributions."""

import subprocess
import sys
import zlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.random import Stream, draw_seed, philox

ALL = 0xFFFFFFFF
VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ALL, ALL, ALL, ALL), (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def at(*positions: int) -> torch.Tensor:
    return torch.tensor(positions, dtype=torch.int64)


def plain_philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """The generator in Python's own whole numbers, which cannot overflow."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & ALL, (p0 >> 32) ^ c3 ^ k1, p0 & ALL
        k0, k1 = (k0 + 0x9E3779B9) & ALL, (k1 + 0xBB67AE85) & ALL
    return c0, c1, c2, c3


def run_philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    c0, c1, c2, c3 = (at(word) for word in counter)
    return tuple(int(word) for word in philox((c0, c1, c2, c3), key))


@pytest.mark.parametrize(("counter", "key", "words"), VECTORS)
def test_philox_gives_the_published_words(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    assert run_philox(counter, key) == words


word = st.integers(0, ALL)


@settings(max_examples=50, deadline=None)
@given(st.tuples(word, word, word, word), st.tuples(word, word))
def test_philox_equals_unbounded_arithmetic(counter: tuple[int, ...], key: tuple[int, int]) -> None:
    assert run_philox(counter, key) == plain_philox(counter, key)


def test_the_counter_is_laid_out_as_documented() -> None:
    seed, name, position, lane = 0x1234567890ABCDEF, "tokens/0", (5 << 32) | 77, 3
    drawn = Stream(seed, name).uniform(at(position), 8, lane=lane)[0]
    expected: list[int] = []
    for block in (0, 1):
        counter = (block, 77, 3 << 16 | 5, zlib.crc32(name.encode()))
        expected += plain_philox(counter, (seed & ALL, seed >> 32))
    assert drawn.tolist() == [((word >> 9) + 0.5) / 2**23 for word in expected]


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_a_draw_depends_on_its_address_alone(draw: str) -> None:
    stream = Stream(7, "noise")
    together = getattr(stream, draw)(at(0, 3, 9, 2**40), 37)
    for row, position in enumerate((0, 3, 9, 2**40)):
        assert torch.equal(getattr(stream, draw)(at(position), 37)[0], together[row])
    for width in (1, 2, 3, 4, 36):
        assert torch.equal(getattr(stream, draw)(at(0, 3, 9, 2**40), width), together[:, :width])


@pytest.mark.parametrize("draw", ["uniform", "normal"])
def test_seed_name_position_and_lane_each_give_other_numbers(draw: str) -> None:
    rows = [
        getattr(Stream(seed, name), draw)(at(position), 16, lane=lane)
        for seed, name, position, lane in [
            (1, "a", 0, 0),
            (2, "a", 0, 0),
            (1 + (1 << 32), "a", 0, 0),
            (1, "b", 0, 0),
            (1, "a", 1, 0),
            (1, "a", 1 << 32, 0),
            (1, "a", 0, 1),
        ]
    ]
    assert len({tuple(row[0].tolist()) for row in rows}) == len(rows)


def test_uniforms_stay_strictly_inside_and_fill_evenly() -> None:
    drawn = Stream(11, "u").uniform(torch.arange(64), 4096)
    assert drawn.dtype == torch.float32
    assert drawn.shape == (64, 4096)
    assert 0 < float(drawn.min()) < 1e-4
    assert 1 - 1e-4 < float(drawn.max()) < 1
    counts = torch.histc(drawn, bins=64, min=0, max=1)
    chi_square = float(((counts - counts.mean()) ** 2 / counts.mean()).sum())
    assert 25 < chi_square < 125  # 63 degrees of freedom, far tails cut


def test_uniform_cannot_round_to_the_ends() -> None:
    extremes = torch.tensor([0, ALL], dtype=torch.int64)
    values = (extremes >> 9).float().add(0.5).mul(2.0**-23)
    assert values.tolist() == [0.5 / 2**23, (2**23 - 0.5) / 2**23]


def test_normals_have_the_moments_of_a_normal() -> None:
    drawn = Stream(11, "n").normal(torch.arange(64), 4097)
    assert drawn.dtype == torch.float32
    assert drawn.shape == (64, 4097)
    assert bool(drawn.isfinite().all())
    wide = drawn.double()
    assert abs(float(wide.mean())) < 0.01
    assert abs(float(wide.var()) - 1) < 0.02
    assert abs(float((wide**4).mean()) - 3) < 0.1
    assert abs(float((wide[:, :-1] * wide[:, 1:]).mean())) < 0.01


def test_streams_leave_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    Stream(1, "x").normal(at(0), 10)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_empty_width_or_no_positions_gives_an_empty_tensor() -> None:
    assert Stream(1, "x").uniform(at(), 5).shape == (0, 5)
    assert Stream(1, "x").normal(at(1), 0).shape == (1, 0)


def test_drawn_seeds_can_be_typed_and_differ() -> None:
    seeds = {draw_seed() for _ in range(50)}
    assert len(seeds) > 40
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_importing_random_costs_no_torch() -> None:
    code = "import sys, core.random; core.random.draw_seed(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.gpu
def test_the_accelerator_draws_the_same_numbers() -> None:
    stream, positions = Stream(2**63 + 5, "tokens"), torch.arange(40)
    for draw in (stream.uniform, stream.normal):
        assert torch.equal(draw(positions.cuda(), 1001).cpu(), draw(positions, 1001))
