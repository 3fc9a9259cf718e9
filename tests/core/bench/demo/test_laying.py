"""Lines are found in a vocal stem by its loudness."""

import numpy as np

from core.bench.demo.laying import lay
from core.bench.demo.made import Made
from core.bench.demo.prompts import Prompt
from corpus.types import RATE, wave


def lines_of(prompt: Prompt) -> list[tuple[float, float]]:
    return [(line.start, line.end) for section in prompt.plan.sections for line in section.lines]


def test_the_corpus_is_found_where_it_sings(sung: Prompt, sung_made: Made) -> None:
    assert sung_made.vocal is not None
    laid = lay(sung_made.vocal, sung.plan)
    assert laid is not None
    assert np.abs(np.array(laid.lines) - np.array(lines_of(sung))).max() < 0.6


def test_a_song_that_begins_later_is_followed(sung: Prompt, sung_made: Made) -> None:
    assert sung_made.vocal is not None
    late = np.concatenate([np.zeros((2, 2 * RATE), dtype=np.float32), sung_made.vocal], axis=1)
    laid = lay(wave(late), sung.plan)
    assert laid is not None
    assert np.abs(np.array(laid.lines) - 2.0 - np.array(lines_of(sung))).max() < 0.8
    assert laid.at(0.0) == 0.0
    assert laid.at(sung.plan.seconds) > sung.plan.seconds + 1.8


def test_silence_has_no_lines_and_too_short_a_song_no_room(sung: Prompt, sung_made: Made) -> None:
    assert sung_made.vocal is not None
    assert lay(np.zeros_like(sung_made.vocal), sung.plan) is None
    assert lay(sung_made.vocal[:, :RATE], sung.plan) is None


def test_who_never_rests_cannot_make_a_section_vanish(sung: Prompt) -> None:
    noise = np.random.default_rng(0).standard_normal((2, round(sung.plan.seconds * RATE)))
    laid = lay(wave(0.1 * noise), sung.plan)
    assert laid is not None
    intro = sung.plan.sections[0]
    assert laid.at(intro.end) > 0.25 * intro.end
