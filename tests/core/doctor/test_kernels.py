"""Which kernels are live, as the child finds out and as the report tells."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch

from core.doctor import kernels, trials
from core.doctor.child import Told
from core.doctor.scene import Scene
from core.host import Host
from core.kernels.live import Live
from core.levo.graphs import Answer
from tests.core.doctor.machines import CPU, CUDA, GEFORCE, PROCESSOR, told

GPU = torch.device("cuda")
YES, NO = Answer(True, "a trial agreed"), Answer(False, "a trial differed: logits lie 0.4 apart")
LIVE = {"live": "triton", "why": "Triton 3.6.0 for sm_89"}


def report(tried: Mapping[str, Any], about: Mapping[str, object] = GEFORCE, **facts: str) -> Any:
    step = {**LIVE, **facts, "tried": tried}
    return kernels.kernels(Scene(Host(CUDA), probe=told(about, kernels=step)))


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer | None]:
    """An accelerator on which Triton is live; gives what came of its trials, by module."""
    answers: dict[str, Answer | None] = dict.fromkeys(trials.TRIALS.values())
    monkeypatch.setattr(trials, "live", lambda device: Live("triton", "Triton 3.6.0 for sm_89"))
    monkeypatch.setattr(trials, "is_triton", lambda device: True)
    monkeypatch.setattr(trials, "remembered", lambda name, device: answers[name])
    return answers


def test_a_processor_has_plain_torch_and_nothing_to_try() -> None:
    facts = trials.kernels(torch.device("cpu"), is_quick=False, alive=lambda: None)
    assert facts == {"live": "torch", "why": "a processor", "tried": {}}
    found = kernels.kernels(Scene(Host(CPU), probe=told(PROCESSOR, kernels=facts)))
    assert found is not None
    assert (found.status, found.what) == ("ok", "plain torch: a processor")


def test_a_quick_look_makes_no_trial(card: dict[str, Answer | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "proved", None)
    card[trials.TRIALS["kernels"]] = YES
    facts: Any = trials.kernels(GPU, is_quick=True, alive=lambda: None)
    assert facts["tried"]["kernels"] == {"is_yes": True, "why": "a trial agreed"}
    found = report(facts["tried"])
    assert found.status == "ok"
    assert "Triton 3.6.0 for sm_89; they agree with plain torch" in found.what
    assert "not tried yet: token steps, sound steps" in found.what


def test_a_long_trial_gives_signs_of_life_and_is_left_at_last(
    card: dict[str, Answer | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first takes 20 s, and the others have no end."""
    now, lived = 0.0, []
    ends = {trials.TRIALS["kernels"]: 20.0}

    def proved(name: str, device: torch.device, *, pause: Any) -> Answer:
        nonlocal now
        until = now + ends.get(name, 1e9)
        while now < until:
            pause()
            now += 1.0
        return YES

    monkeypatch.setattr(trials, "proved", proved)
    monkeypatch.setattr("core.doctor.trials.time.monotonic", lambda: now)
    facts: Any = trials.kernels(GPU, is_quick=False, alive=lambda: lived.append(now))
    assert [each["is_yes"] for each in facts["tried"].values()] == [True, None, None]
    assert 300 < now < 400
    pauses = [later - sooner for sooner, later in pairwise(lived)]
    assert max(pauses) < 20, "a doctor waits 75 s for a word"


def test_without_triton_only_the_sound_is_tried(
    card: dict[str, Answer | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "live", lambda device: Live("torch", "Triton is not installed"))
    monkeypatch.setattr(trials, "is_triton", lambda device: False)
    facts: Any = trials.kernels(GPU, is_quick=True, alive=lambda: None)
    assert list(facts["tried"]) == ["sound steps"]
    found = report(facts["tried"], live="torch", why="Triton is not installed")
    assert found.status == "warn"
    assert found.what == "plain torch: Triton is not installed"
    assert "install Triton" in found.fix
    old = report({}, live="torch", why="Triton asks for a newer device than this")
    assert old.status == "ok", "nothing can be done about it"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("kernels", "songs are composed without them, as a trial differed: logits lie 0.4 apart"),
        ("token steps", "token steps are set off kernel by kernel, as a trial differed"),
        ("sound steps", "sound steps are set off kernel by kernel"),
    ],
)
def test_what_a_trial_found_wrong_is_told_with_its_reason(what: str, words: str) -> None:
    tried = {each: (NO if each == what else YES)._asdict() for each in trials.TRIALS}
    found = report(tried)
    assert found.status == "warn"
    assert words in found.what
    assert "update the driver" in found.fix


def test_kernels_that_take_the_child_along_are_told() -> None:
    begun = Told(told(GEFORCE).steps, begun="kernels", trouble="it was ended by SIGSEGV")
    found = kernels.kernels(Scene(Host(CUDA), probe=begun))
    assert found is not None
    assert found.status == "fail"
    assert "SIGSEGV" in found.what
    lost = kernels.kernels(Scene(Host(CUDA), probe=Told(begun="torch", trouble="it hung")))
    assert lost is not None
    assert lost.status == "unknown"
