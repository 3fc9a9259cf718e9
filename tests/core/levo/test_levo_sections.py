"""Where sections begin, against songs of which it is known; and what is said where nothing can be known."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as having
from hypothesis import strategies as some
from safetensors.numpy import save_file

from core.family import family_of
from core.levo.sections import section_starts
from core.levo.shapes import shapes_of
from core.lyrics.budget import budget
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.registry import variant
from core.sections import SectionStart, expected_starts

MODEL = variant("v2-large")
NEUTRAL = 3142
VERSE = "\n".join(["Paper boats on a river of rain"] * 6)
CHORUS = "\n".join(["Hold the line and let it go"] * 5)
SONG = (
    f"[intro-short]\n\n[verse]\n{VERSE}\n\n[chorus]\n{CHORUS}\n\n[inst-medium]\n\n"
    f"[verse]\n{VERSE}\n\n[bridge]\nNow\nnever again\n\n[chorus]\n{CHORUS}\n\n[outro-short]"
)
Codes = npt.NDArray[np.int32]


def shares(text: str, seconds: float) -> list[float]:
    starts = [start.seconds for start in expected(text, seconds)]
    return list(np.diff([*starts, seconds]))


def expected(text: str, seconds: float) -> tuple[SectionStart, ...]:
    sections = budget(parse(text), dialect("levo"), token_limit=0, seconds_limit=0, count=None).sections
    return expected_starts(sections, seconds)


def performed(text: str, seconds: float, seed: int, *, spread: float = 0.3) -> tuple[Codes, list[float]]:
    """Vocal codes of a song whose sections are longer and shorter than expected, and where each begins.

    Lines with short breaths between them, a longer rest behind a sung section, and codes that stray.
    """
    draw = np.random.default_rng(seed)
    sung: list[bool] = []
    starts = []
    for section, share in zip(parse(text).sections, shares(text, seconds), strict=True):
        starts.append(len(sung) / 25)
        end = len(sung) + int(25 * share * np.exp(draw.normal(0, spread)))
        if section.tag.split("-")[0] in ("intro", "inst", "outro"):
            sung += [False] * (end - len(sung))
            continue
        while len(sung) < end:
            sung += [True] * int(draw.uniform(40, 110)) + [False] * int(draw.uniform(4, 16))
        sung += [False] * int(draw.uniform(15, 50))
    voice = np.array(sung) ^ (draw.random(len(sung)) < 0.05)
    codes = draw.integers(0, 16_384, (3, len(sung)), dtype=np.int32)
    codes[1] = np.where(voice, codes[1], NEUTRAL)
    return codes, starts


def kept(codes: Codes, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    save_file({"codes": np.ascontiguousarray(codes)}, folder / "tokens.safetensors")
    return folder


def test_starts_beside_instruments_are_found_and_the_others_better_than_by_lyrics_alone(
    tmp_path: Path,
) -> None:
    errors, guesses = [], []
    for seed in range(20):
        codes, truth = performed(SONG, 150, seed)
        seconds = codes.shape[1] / 25
        found = section_starts(MODEL, kept(codes, tmp_path), parse(SONG), seconds)
        assert {start.how for start in found} == {"estimated"}
        assert [start.tag for start in found] == [section.tag for section in parse(SONG).sections]
        errors.append([abs(s.seconds - at) for s, at in zip(found, truth, strict=True)])
        guesses.append([abs(s.seconds - at) for s, at in zip(expected(SONG, seconds), truth, strict=True)])
    error, guess = np.array(errors), np.array(guesses)
    verse, inst, again, outro = 1, 3, 4, 7
    assert (error[:, 0] == 0).all()
    assert (error[:, [verse, again]] <= 0.4).mean() > 0.9, "the voice comes in behind instruments"
    assert (error[:, [inst, outro]] <= 3).mean() > 0.9, "it falls silent, in a rest that is either's"
    between = error[:, [2, 5, 6]]
    assert np.median(between) <= 0.4
    assert between.mean() < guess[:, [2, 5, 6]].mean() / 2


def test_a_long_solo_moves_all_that_follows_it(tmp_path: Path) -> None:
    """It lasts 40 s, not the 23 s that the lyrics make expect."""
    text = f"[verse]\n{VERSE}\n\n[inst-medium]\n\n[chorus]\n{CHORUS}"
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 16_384, (3, 90 * 25), dtype=np.int32)
    codes[1, 25 * 25 : 65 * 25] = NEUTRAL
    found = section_starts(MODEL, kept(codes, tmp_path), parse(text), 90.0)
    assert [start.seconds for start in found] == pytest.approx([0, 25, 65], abs=0.41)
    assert shares(text, 90.0)[1] < 24


def test_a_sung_start_leaves_the_first_word_whole(tmp_path: Path) -> None:
    text = "[verse]\none two three four\n\n[chorus]\none two three four"
    codes = np.ones((3, 20 * 25), dtype=np.int32)
    codes[1, 9 * 25 : 10 * 25 + 8] = NEUTRAL  # the voice comes in at 10.32 s
    found = section_starts(MODEL, kept(codes, tmp_path), parse(text), 20.0)
    assert 10.0 <= found[1].seconds <= 10.2


@pytest.mark.parametrize("voice", ["sung throughout", "never sung", "nothing", "damaged"])
def test_codes_that_tell_nothing_leave_what_the_lyrics_make_expect(tmp_path: Path, voice: str) -> None:
    codes = np.full((3, 1500), NEUTRAL if voice == "never sung" else 7, dtype=np.int32)
    if voice != "nothing":
        kept(codes, tmp_path)
    if voice == "damaged":
        (tmp_path / "tokens.safetensors").write_bytes(b"no tensors")
    found = section_starts(MODEL, tmp_path, parse(SONG), 60.0)
    assert found == expected(SONG, 60.0)
    assert {start.how for start in found} == {"expected"}
    assert found[0].seconds == 0
    assert found[-1].seconds < 60


def test_codes_of_weights_that_have_learned_nothing_tell_nothing(tmp_path: Path) -> None:
    """They are drawn from all there are: the neutral one comes up once in 1024."""
    demo = variant("demo")
    size = shapes_of(demo.shapes).quantizer.codes
    codes = np.random.default_rng(2).integers(0, size, (3, 3000), dtype=np.int32)
    found = section_starts(demo, kept(codes, tmp_path), parse(SONG), 120.0)
    assert {start.how for start in found} == {"expected"}


TAGS = some.sampled_from(("verse", "chorus", "inst-short", "intro-long", "silence", "nonsense", "Verse 2"))


@having(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.lists(some.tuples(TAGS, some.integers(0, 4)), max_size=12),
    some.lists(some.tuples(some.booleans(), some.integers(0, 120)), max_size=30),
    some.floats(0, 60),
)
def test_starts_are_within_the_song_and_in_order_whatever_is_sung(
    tmp_path: Path, sections: list[tuple[str, int]], stretches: list[tuple[bool, int]], seconds: float
) -> None:
    text = "\n\n".join("\n".join([f"[{tag}]", *["la la la"] * lines]) for tag, lines in sections)
    vocal = np.concatenate(([], *(np.full(n, 9 if sung else NEUTRAL) for sung, n in stretches)))
    codes = np.tile(vocal.astype(np.int32), (3, 1))
    found = section_starts(MODEL, kept(codes, tmp_path), parse(text), seconds)
    assert [start.tag for start in found] == [section.tag for section in parse(text).sections]
    places = [start.seconds for start in found]
    assert places == sorted(places)
    assert all(0 <= place <= seconds for place in places)
    assert places[:1] in ([], [0.0])
    assert found == section_starts(MODEL, tmp_path, parse(text), seconds)


def test_more_sections_than_a_song_has_room_for_are_spread_over_it(tmp_path: Path) -> None:
    text = "\n\n".join([f"[verse]\n{VERSE}", *["[inst-short]"] * 60])
    codes = np.full((3, 10 * 25), 7, dtype=np.int32)
    codes[1, 100:] = NEUTRAL
    assert section_starts(MODEL, kept(codes, tmp_path), parse(text), 10.0) == expected(text, 10.0)


def test_the_longest_song_takes_no_time_to_speak_of(tmp_path: Path) -> None:
    """Processor time of this thread, at a tenth of what a person would notice; it is a fifth of that."""
    codes, _ = performed(SONG, 280, 4)
    folder = kept(codes[:, :7000], tmp_path)
    lyrics = parse(SONG)
    section_starts(MODEL, folder, lyrics, 280.0)
    began = time.thread_time()
    section_starts(MODEL, folder, lyrics, 280.0)
    assert time.thread_time() - began < 0.1


def test_a_family_tells_it_without_torch(tmp_path: Path) -> None:
    codes, _ = performed(SONG, 60, 5)
    kind, chosen = family_of("v2-large")
    kept(codes, tmp_path)
    found = kind.section_starts(chosen, tmp_path, parse(SONG), 60.0)
    assert found == section_starts(chosen, tmp_path, parse(SONG), 60.0)
    assert kind.edge_samples == 9 * 1920
    code = (
        "import sys; from pathlib import Path; from core.family import family_of;"
        "from core.lyrics.parse import parse; kind, chosen = family_of('v2-large');"
        f"print(kind.section_starts(chosen, Path({str(tmp_path)!r}), parse({SONG!r}), 60.0)[0].how);"
        "assert 'torch' not in sys.modules"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.strip()) == (0, "estimated"), told.stderr


def test_lyrics_before_the_first_tag_are_no_section(tmp_path: Path) -> None:
    codes, _ = performed(SONG, 60, 6)
    lyrics = parse("words without a tag")
    assert section_starts(MODEL, kept(codes, tmp_path), lyrics, 60.0) == ()
