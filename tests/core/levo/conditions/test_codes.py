"""Sound of any length to codes: windows of 40 s, short sound repeated, tables stored or exact, levels."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.levo.conditions.codes import MixEncoder, encode
from core.levo.conditions.frontend import levelled
from core.levo.conditions.listen import turned_down
from core.levo.shapes import SAMPLES_PER_FRAME, Shapes
from tests.core.levo.conditions.encoders import mix_encoder, stem_encoder
from tests.core.levo.conditions.music import RATE, as_heard, music


@pytest.fixture
def mix(shapes: Shapes, ears: Path) -> MixEncoder:
    return mix_encoder(shapes, ears)


def coded(encoder: MixEncoder, sound: Tensor, frames: int) -> Tensor:
    with torch.inference_mode():
        return encode(encoder.encoder, encoder.mix, sound, tap=2, frames=frames)


@pytest.mark.parametrize("samples", [RATE, 7 * RATE, round(9.99 * RATE), 10 * RATE - 1, 123_457])
def test_any_length_gives_the_codes_asked_for(mix: MixEncoder, short_windows: int, samples: int) -> None:
    sound = as_heard(music(10))[:, :samples]
    frames = samples // SAMPLES_PER_FRAME
    found = coded(mix, sound, frames)
    assert found.shape == (frames,)
    assert found.dtype == torch.int64
    assert 0 <= int(found.min()) <= int(found.max()) < 4096


def test_no_frames_are_no_codes(mix: MixEncoder) -> None:
    assert coded(mix, as_heard(music(1)), 0).shape == (0,)


def test_a_window_is_40_s_and_short_sound_fills_it_again_and_again(mix: MixEncoder) -> None:
    sound = as_heard(music(8))
    found = coded(mix, sound, 1000)
    with torch.inference_mode():
        whole = mix.mix.encode(mix.encoder(sound.repeat(1, 5)[None], 2)[0])
    assert torch.equal(found, whole)
    assert len(set(found.tolist())) > 50


def test_what_fills_the_window_is_heard_too(mix: MixEncoder, short_windows: int) -> None:
    sound = as_heard(music(2))
    silent_after = torch.nn.functional.pad(sound, (0, short_windows - sound.shape[1]))
    assert torch.equal(coded(mix, sound, 50), coded(mix, sound.repeat(1, 2), 50))
    assert not torch.equal(coded(mix, sound, 50), coded(mix, silent_after, 50))


def test_whole_windows_are_heard_each_alone_and_both_sides_in_each(
    mix: MixEncoder, short_windows: int
) -> None:
    sound = as_heard(music(12)) * torch.tensor([[1.0], [0.1]])
    told = []
    with torch.inference_mode():
        found = encode(mix.encoder, mix.mix, sound, tap=2, frames=300, tick=lambda: told.append(1))
    stretches = torch.split(sound, short_windows, dim=1)
    assert torch.equal(found, torch.cat([coded(mix, stretch, 100) for stretch in stretches]))
    assert len(set(found.tolist())) > 30
    assert len(told) == 3


def test_the_last_window_goes_on_with_the_beginning(mix: MixEncoder, short_windows: int) -> None:
    sound = as_heard(music(5))
    found = coded(mix, sound, 125)
    rest = torch.cat([sound[:, short_windows:], sound[:, : 3 * RATE]], dim=1)
    assert torch.equal(found[100:], coded(mix, rest, 25))


def test_the_order_of_the_sides_is_no_matter_and_their_balance_is(
    mix: MixEncoder, short_windows: int
) -> None:
    sound = as_heard(music(4))
    assert torch.equal(coded(mix, sound, 100), coded(mix, sound.flip(0), 100))
    assert not torch.equal(coded(mix, sound, 100), coded(mix, sound * torch.tensor([[1.0], [0.1]]), 100))


def test_turning_down_keeps_the_balance_and_leaves_what_is_quiet() -> None:
    sound = as_heard(music(1)) * torch.tensor([[5.0], [1.0]])
    down = turned_down(sound)
    assert float(down.abs().max()) == pytest.approx(0.8)
    torch.testing.assert_close(down, sound * (0.8 / sound.abs().max()))
    quiet = as_heard(music(1, level=0.79))
    assert torch.equal(turned_down(quiet), quiet)
    assert not turned_down(torch.zeros(2, 9)).any()


def test_each_side_that_is_too_loud_is_turned_down_for_itself() -> None:
    sound = as_heard(music(1))
    sound = sound / sound.abs().amax(dim=1, keepdim=True) * torch.tensor([[1.8], [0.6]])
    assert levelled(sound[None])[0].abs().amax(dim=1) == pytest.approx([0.9, 0.6])


def test_exact_tables_change_codes_only_where_the_stored_ones_are_rounded(
    shapes: Shapes, ears: Path, tmp_path: Path, short_windows: int
) -> None:
    state = load_file(ears / "mix_encoder.safetensors")
    tables = [key for key in state if key.startswith("encoder.frontend.") or key.endswith("frequencies")]
    assert len(tables) == 4
    save_file(state | {key: state[key].half() for key in tables}, tmp_path / "mix_encoder.safetensors")
    exact, rounded = mix_encoder(shapes, ears), mix_encoder(shapes, tmp_path)
    sound = as_heard(music(16, seed=2))
    as_exact, as_rounded = (coded(each, sound, 400) for each in (exact, rounded))
    assert not torch.equal(as_exact, as_rounded)
    for each in (exact, rounded):
        each.encoder.use_exact_tables()
        assert torch.equal(coded(each, sound, 400), as_exact)


def test_only_the_blocks_up_to_the_furthest_tap_are_there(shapes: Shapes, ears: Path) -> None:
    assert (shapes.encoder.mix_tap, shapes.encoder.vocal_tap, shapes.encoder.backing_tap) == (2, 3, 1)
    mix, stems = mix_encoder(shapes, ears), stem_encoder(shapes, ears)
    assert len(mix.encoder.blocks) == 2
    assert len(stems.encoder.blocks) == 3


def test_blocks_behind_the_tap_are_left_in_the_file(
    shapes: Shapes, ears: Path, tmp_path: Path, short_windows: int
) -> None:
    state = load_file(ears / "mix_encoder.safetensors")
    unread = {"encoder.blocks.2.norm.weight": torch.full((999,), torch.nan), "encoder.cls": torch.ones(3)}
    save_file(state | unread, tmp_path / "mix_encoder.safetensors")
    sound = as_heard(music(2))
    longer, usual = mix_encoder(shapes, tmp_path), mix_encoder(shapes, ears)
    assert torch.equal(coded(longer, sound, 50), coded(usual, sound, 50))


def test_a_tap_is_what_comes_out_of_so_many_blocks(shapes: Shapes, ears: Path) -> None:
    encoder = stem_encoder(shapes, ears).encoder
    frames = torch.randn(1, 30, shapes.encoder.width, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        states = encoder.taps(frames, 3)
        assert [torch.equal(states[tap], encoder.taps(frames, tap)[-1]) for tap in range(4)] == [True] * 4
        assert torch.equal(states[0], frames)
        torch.testing.assert_close(encoder.taps(states[1], 1)[-1].shape, states[2].shape)
    with pytest.raises(AssertionError):
        encoder.taps(frames, 4)
