"""The flow transformer: times worked out once serve as well as each alone; frames hear each other."""

import copy
import math

import torch

from core.levo.synthesis.render import Synthesis
from core.levo.synthesis.transformer import FlowTransformer, sinusoids


def some_input(transformer: FlowTransformer, batch: int, frames: int) -> torch.Tensor:
    return torch.randn(batch, frames, transformer.shapes.width, generator=torch.Generator().manual_seed(2))


def test_only_the_latent_channels_are_computed(models: Synthesis) -> None:
    transformer = models.flow.transformer
    modulation, rope = transformer.modulation(torch.tensor([0.2])), transformer.rope(10)
    assert transformer(some_input(transformer, 2, 10), modulation, rope).shape == (2, 10, 4)


def test_a_row_of_the_schedule_is_the_modulation_of_its_time(models: Synthesis) -> None:
    transformer = models.flow.transformer
    times = torch.tensor([0.0, 0.3, 0.9])
    together = transformer.modulation(times)
    for step, time in enumerate(times):
        alone = transformer.modulation(time[None])
        torch.testing.assert_close(together.at(step).blocks, alone.blocks)
        torch.testing.assert_close(together.at(step).final, alone.final)
    assert not torch.allclose(together.blocks[0], together.blocks[2])


def test_songs_of_a_batch_do_not_hear_each_other(models: Synthesis) -> None:
    transformer = models.flow.transformer
    x, rope = some_input(transformer, 2, 9), transformer.rope(9)
    modulation = transformer.modulation(torch.tensor([0.1, 0.7]))
    together = transformer(x, modulation, rope)
    for row in range(2):
        torch.testing.assert_close(transformer(x[row : row + 1], modulation.at(row), rope)[0], together[row])


def test_a_frame_hears_those_before_and_after_it(models: Synthesis) -> None:
    transformer = models.flow.transformer
    x, rope = some_input(transformer, 1, 9), transformer.rope(9)
    modulation = transformer.modulation(torch.tensor([0.5]))
    other = x.clone()
    other[:, 4, 0] += 1
    changed = (transformer(x, modulation, rope) - transformer(other, modulation, rope)).abs().amax(-1)[0]
    assert (changed > 0).all()


def test_equal_frames_differ_by_their_place_alone(models: Synthesis) -> None:
    transformer = models.flow.transformer
    x = some_input(transformer, 1, 1).expand(-1, 9, -1)
    velocity = transformer(x, transformer.modulation(torch.tensor([0.5])), transformer.rope(9))
    assert (velocity[0, 1:] - velocity[0, :-1]).abs().amax(-1).min() > 1e-4


def test_attention_knows_how_far_frames_are_apart(models: Synthesis) -> None:
    transformer = copy.deepcopy(models.flow.transformer)
    transformer.positions.weight.zero_()
    x, rope = some_input(transformer, 1, 9), transformer.rope(9)
    modulation = transformer.modulation(torch.tensor([0.5]))
    order = torch.tensor([3, 7, 0, 8, 1, 5, 2, 6, 4])
    shuffled = transformer(x[:, order], modulation, rope)
    assert (shuffled - transformer(x, modulation, rope)[:, order]).abs().max() > 1e-4


def test_a_longer_rope_serves_a_shorter_window(models: Synthesis) -> None:
    transformer = models.flow.transformer
    x, modulation = some_input(transformer, 1, 7), transformer.modulation(torch.tensor([0.5]))
    assert torch.equal(
        transformer(x, modulation, transformer.rope(24)), transformer(x, modulation, transformer.rope(7))
    )


def test_halved_weights_still_give_a_full_velocity_near_the_exact_one(models: Synthesis) -> None:
    exact = models.flow.transformer
    halved = FlowTransformer(exact.shapes).requires_grad_(False)
    halved.load_state_dict(exact.state_dict())
    for block in halved.blocks:
        for layer in (block.qkv, block.out, block.up, block.down):
            layer.to(torch.bfloat16)
    x, modulation, rope = some_input(exact, 1, 9), exact.modulation(torch.tensor([0.5])), exact.rope(9)
    velocity = halved(x, modulation, rope)
    assert velocity.dtype == torch.float32
    torch.testing.assert_close(velocity, exact(x, modulation, rope), rtol=0.05, atol=0.05)


def test_the_time_is_written_as_cosines_then_sines_of_a_thousandfold() -> None:
    row = sinusoids(torch.tensor([0.25]), 8)[0]
    angles = [250 * 10_000 ** (-j / 4) for j in range(4)]
    wanted = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
    torch.testing.assert_close(row, torch.tensor(wanted), rtol=0, atol=1e-4)
