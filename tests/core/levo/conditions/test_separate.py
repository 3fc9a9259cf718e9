"""Separation is Demucs with a shift that is given, at the rate it was trained for, and leaves no trace."""

import random
from fractions import Fraction

import pytest
import torch
from demucs.apply import apply_model
from demucs.htdemucs import HTDemucs
from torch import Tensor, nn

from core.levo.conditions.recording import resampled
from core.levo.conditions.separate import SHIFTS, SOURCES, separated, vocal_of
from tests.core.levo.conditions.music import as_heard, music, pitch, tones

RATE = 44_100
SEGMENT = Fraction(1, 2)
"""Seconds that the network of these tests hears at a time."""


@pytest.fixture(scope="module")
def network() -> HTDemucs:
    """A separator of few weights and short segments."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = HTDemucs(
            SOURCES, segment=SEGMENT, channels=8, bottom_channels=16, t_layers=1, t_heads=2, dconv_mode=3
        )
    return made.eval().requires_grad_(False)  # type: ignore[no-any-return]


class Echo(nn.Module):
    """A network that takes everything for voice, and keeps what it was given."""

    samplerate = RATE
    segment = 2.0
    sources = SOURCES

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.given: list[Tensor] = []

    def forward(self, mix: Tensor) -> Tensor:
        self.given.append(mix)
        nothing = torch.zeros_like(mix)
        return torch.stack([nothing, nothing, nothing, mix], dim=1)


def quiet() -> None:
    """Nobody follows the progress."""


@pytest.mark.parametrize(("seed", "seconds"), [(1, 1.3), (2, 0.4)])
def test_separation_is_that_of_demucs_with_the_shift_it_would_draw(
    network: HTDemucs, seed: int, seconds: float
) -> None:
    sound = as_heard(music(seconds, rate=RATE))
    random.seed(seed)
    shift = random.randint(0, SHIFTS)
    random.seed(seed)
    expected = apply_model(network, sound[None], shifts=1, split=True, overlap=0.25)
    assert torch.equal(separated(network, sound, shift=shift, tick=quiet), expected[0])


def test_the_same_shift_gives_the_same_sources_whatever_was_drawn_before(network: HTDemucs) -> None:
    sound = as_heard(music(0.7, rate=RATE))
    first = separated(network, sound, shift=7000, tick=quiet)
    random.seed(99)
    torch.manual_seed(99)
    assert torch.equal(separated(network, sound, shift=7000, tick=quiet), first)
    assert not torch.equal(separated(network, sound, shift=9000, tick=quiet), first)


def test_nothing_is_drawn_from_the_generators_that_all_share(network: HTDemucs) -> None:
    before, torch_before = random.getstate(), torch.get_rng_state()
    vocal_of(network, as_heard(music(1)), shift=500)
    assert random.getstate() == before
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_a_step_that_ends_the_separation_leaves_the_generators_too(network: HTDemucs) -> None:
    def enough() -> None:
        raise InterruptedError

    before = random.getstate()
    with pytest.raises(InterruptedError):
        separated(network, as_heard(music(1, rate=RATE)), shift=0, tick=enough)
    assert random.getstate() == before


@pytest.mark.parametrize("shift", [0, 11_111, SHIFTS])
def test_the_mix_comes_back_in_its_place_whatever_the_shift(shift: int) -> None:
    sound = as_heard(music(3, rate=RATE))
    sources = separated(Echo(), sound, shift=shift, tick=quiet)  # type: ignore[arg-type]
    assert sources.shape == (4, *sound.shape)
    torch.testing.assert_close(sources[SOURCES.index("vocals")], sound, rtol=0, atol=1e-6)


def test_every_segment_is_told() -> None:
    echo, told = Echo(), []
    separated(echo, as_heard(music(5, rate=RATE)), shift=0, tick=lambda: told.append(1))  # type: ignore[arg-type]
    assert len(told) == len(echo.given) == 4


@pytest.mark.parametrize(("raw", "hertz"), [(False, 440.0), (True, 440 * 44.1 / 48)])
def test_the_network_hears_a_tone_at_its_own_pitch_unless_it_is_fed_raw(raw: bool, hertz: float) -> None:
    echo = Echo()
    vocal_of(echo, as_heard(tones(2, 440, 440)), shift=0, raw=raw)  # type: ignore[arg-type]
    middle = echo.given[0][0, 0, RATE // 2 + 3000 : 3 * RATE // 2]
    assert pitch(middle, RATE) == pytest.approx(hertz, rel=1e-3)


@pytest.mark.parametrize("samples", [48_000, 48_001, 61_234, 100_007])
@pytest.mark.parametrize("raw", [False, True])
def test_the_vocal_is_as_long_as_the_mix_and_in_its_place(samples: int, raw: bool) -> None:
    mix = as_heard(tones(3, 300, 500)[:samples])
    vocal = vocal_of(Echo(), mix, shift=1234, raw=raw)  # type: ignore[arg-type]
    assert vocal.shape == mix.shape
    inner = slice(2000, -2000)
    torch.testing.assert_close(vocal[:, inner], mix[:, inner], rtol=0, atol=1e-3)


def test_the_vocal_is_the_fourth_source_at_48_khz(network: HTDemucs) -> None:
    mix = as_heard(music(0.6))
    sources = separated(network, resampled(mix, 48_000, RATE), shift=321, tick=quiet)
    vocal = vocal_of(network, mix, shift=321)
    assert torch.equal(vocal, resampled(sources[3], RATE, 48_000)[:, : mix.shape[1]])
    assert not torch.allclose(vocal_of(network, mix, shift=321, raw=True), vocal, atol=1e-3)
