"""A phase 3 that runs in milliseconds, with drawn weights, and a run that writes down what it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from core.engine import Verdict
from core.levo.artifacts import Conditions, Tokens
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.render import Synthesis
from core.levo.vae import VaeDecoder
from core.random import Stream
from core.settings import Value
from tests.core.levo.tiny import TINY


@pytest.fixture(scope="session")
def models() -> Synthesis:
    """Every network of phase 3 with weights that keep signals near one."""
    torch.manual_seed(11)
    networks = nn.ModuleDict({"flow": Flow(TINY), "decoder": VaeDecoder(TINY.vae)})
    networks.requires_grad_(False).eval()
    for name, parameter in networks.named_parameters():
        if name.endswith("deviation"):
            parameter.copy_(torch.rand(parameter.shape) + 0.5)
        elif isinstance(networks.get_submodule(name.rpartition(".")[0]), nn.Embedding):
            parameter.copy_(torch.randn(parameter.shape))
        elif name.endswith("norm.weight"):
            parameter.copy_(1 + 0.1 * torch.randn(parameter.shape))
        else:
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
            parameter.copy_(torch.randn(parameter.shape) * 0.6 / fan_in**0.5)
    flow, decoder = networks["flow"], networks["decoder"]
    assert isinstance(flow, Flow)
    assert isinstance(decoder, VaeDecoder)
    return Synthesis(TINY, flow, decoder)


@dataclass
class NotedRun:
    """A run on the CPU; `answer` decides what each step is told."""

    seed: int = 1
    answer: Callable[[int], Verdict] = lambda _: Verdict.GO
    steps: list[tuple[int, int]] = field(default_factory=list)
    sounds: dict[str, list[Tensor]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def step(self, done: int, total: int) -> Verdict:
        self.steps.append((done, total))
        self.log.append("step")
        return self.answer(done)

    def live(self, key: str) -> Value:
        return {"flow_steps": 3, "flow_guidance": 1.5}[key]

    def stream(self, name: str) -> Stream:
        return Stream(self.seed, name)

    def note(self, what: str) -> None:
        self.log.append(what)

    def audio(self, samples: Tensor, stem: str = "mix") -> None:
        self.sounds.setdefault(stem, []).append(samples)
        self.log.append("audio")

    @property
    def sound(self) -> Tensor:
        return self.stem("mix")

    def stem(self, name: str) -> Tensor:
        return torch.cat(self.sounds[name], dim=1)


@pytest.fixture
def make_run() -> type[NotedRun]:
    """The class of runs that write down what they are told."""
    return NotedRun


@pytest.fixture
def make_tokens() -> Callable[..., Tokens]:
    """Codes of a song of so many frames, drawn from a seed; shorter songs are beginnings of longer ones."""

    def make(frames: int, seed: int = 5) -> Tokens:
        draw = torch.Generator().manual_seed(seed)
        return Tokens(torch.randint(0, 16, (400, 3), generator=draw)[:frames].T.contiguous())

    return make


@pytest.fixture
def make_conditions() -> Callable[..., Conditions]:
    """Conditions with a reference of so many codes and latents."""

    def make(codes: int = 0, latents: int = 0) -> Conditions:
        draw = torch.Generator().manual_seed(9)
        nothing = torch.zeros(2, 0, dtype=torch.int64)
        return Conditions(
            lyric_ids=nothing,
            structure=nothing,
            style_ids=nothing,
            prompt_codes=torch.randint(0, 16, (3, codes), generator=draw),
            prompt_latents=torch.randn(3, latents, 4, generator=draw),
        )

    return make
