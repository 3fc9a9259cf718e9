"""Short songs of the corpus, what is heard in them, and judges that learned from a few."""

import pytest

from core.bench.demo.home import reach_corpus

reach_corpus()

from core.bench.demo.learned import Learned, learned  # noqa: E402
from core.bench.demo.made import Made  # noqa: E402
from core.bench.demo.prompts import Prompt, prompt_of  # noqa: E402
from core.bench.demo.rendering import played  # noqa: E402
from core.paths import demo_bench_cache  # noqa: E402
from core.song import Song  # noqa: E402

SUNG = Song(
    "oven",
    "[intro-short]\n\n[verse]\nThe oven door is open now\nAnd nobody remembers how",
    "female, pop, happy, piano, the bpm is 120",
)
PLAYED = Song("gears", "[inst-short]", "techno, tense, the bpm is 132")


@pytest.fixture(scope="session")
def sung() -> Prompt:
    """A prompt with words."""
    return prompt_of(SUNG, 0)


@pytest.fixture(scope="session")
def instrumental() -> Prompt:
    """A prompt without."""
    return prompt_of(PLAYED, 1)


@pytest.fixture(scope="session")
def sung_made(sung: Prompt) -> Made:
    """As the corpus sings it."""
    return played(sung.plan, None, "")


@pytest.fixture(scope="session")
def judges() -> Learned:
    """Of few songs: for measures that are to be tried, not for figures. They are where the command looks."""
    return learned(demo_bench_cache(), tell=lambda _: None, songs=6, lengths=(6.0,))
