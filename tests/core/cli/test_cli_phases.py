"""`songdesk import`: files as the fork's phases leave them become takes that are gone on with."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.cli import main
from core.levo.artifacts import Conditions, Tokens
from core.levo.conditions.prompt import no_prompt
from core.levo.conditions.text import text_conditions
from core.levo.shapes import shapes_of
from core.levo.text import style_text, tokenizers
from core.library.draft import load_draft
from core.paths import library
from core.registry import variant
from core.takes import recipe as recipes
from core.takes.job import artifact_file
from core.takes.take import Take, home_of, takes_of
from core.takes.tokenhash import token_hash

LYRIC = "[verse] Paper boats.  Hold the line ; [chorus] Stay a while."
SPECIAL = 65
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(toy: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line with the toy model; gives the exit code and what was printed."""

    def command(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words), "--model", toy])
        return code, *capsys.readouterr()

    return command


def codes(frames: int = 50) -> Tensor:
    return torch.randint(0, 64, (3, frames), generator=torch.Generator().manual_seed(3))


def tokens_file(folder: Path, tokens: object, name: str = "boats", **more: object) -> Path:
    path = folder / f"{name}_tokens.pt"
    torch.save({"tokens": tokens, "raw_wavs": False, **more}, path)
    return path


def song_line(**more: object) -> dict[str, object]:
    """A line of the fork's first phase, without a prompt."""
    absent = torch.full((1, 1, 6), SPECIAL)
    books = {"pmt_wav": absent, "vocal_wav": absent.clone(), "bgm_wav": absent.clone()}
    return {"idx": "boats", "gt_lyric": LYRIC, "raw_wavs": False, "melody_is_wav": False, **books, **more}


def conditions_file(folder: Path, *lines: Mapping[str, object]) -> Path:
    path = folder / "batch_conditions.pt"
    torch.save([dict(line) for line in lines], path)
    return path


def song_file(folder: Path, **more: object) -> Path:
    path = folder / "songs.jsonl"
    path.write_text(json.dumps({"idx": "boats", "gt_lyric": LYRIC, "descriptions": "Pop", **more}) + "\n")
    return path


def only_take(title: str = "boats") -> Take:
    (take,) = takes_of(home_of(title))
    return take


# Tokens


def test_tokens_of_a_run_of_ours_give_the_same_samples_as_our_own_third_phase(
    run: Run, tmp_path: Path
) -> None:
    songs, out = song_file(tmp_path), tmp_path / "out"
    assert run("render", songs, "--out", out, "--seed", 7)[0] == 0
    (made,) = out.glob("**/tokens.safetensors")
    ours = recipes.load(made.parent)
    assert ours is not None
    path = tokens_file(tmp_path, Tokens.load(made).codes[None])
    code, printed, _ = run("import", path, "--songs", songs, "--set", "seed=7", "--render", "--json")
    assert code == 0
    take = only_take()
    brought = recipes.load(take.folder)
    assert brought is not None
    assert brought.samples == ours.samples
    assert (brought.tokens, brought.seconds) == (ours.tokens, ours.seconds)
    assert (take.state, take.audio is not None) == ("done", True)
    assert json.loads(printed)["files"] == [str(take.audio)]


def test_what_was_brought_in_is_gone_on_with_and_never_composed_anew(run: Run, tmp_path: Path) -> None:
    code, printed, said = run("import", tokens_file(tmp_path, codes()[None]), "--songs", song_file(tmp_path))
    take = only_take()
    assert (code, printed) == (0, f"{take.folder}\n")
    assert f"songdesk continue boats/{take.id} makes its sound" in said
    assert (take.state, take.can_go_on, take.seconds) == ("paused", True, 2.0)
    assert main(["continue", take.id]) == 0
    recipe = recipes.load(take.folder)
    assert recipe is not None
    assert recipe.tokens == token_hash(codes().numpy())
    assert "tokens" not in recipe.weights
    assert not any("used as they are" in note for note in recipe.notes)
    assert recipe.finished
    assert torch.equal(Tokens.load(artifact_file(take.folder, "tokens")).codes, codes())
    assert main(["takes", "show", take.id]) == 0


def test_words_come_from_the_song_file_and_are_missed_in_one_line(run: Run, tmp_path: Path) -> None:
    named, other = tokens_file(tmp_path, codes()[None]), tokens_file(tmp_path, codes()[None] + 0, "rain")
    code, _, said = run("import", named, other, "--songs", song_file(tmp_path), "--again")
    assert code == 0
    assert "rain: it has no words: there is no song of that name among those given\n" in said
    assert "boats: it has no words" not in said
    song, rain = load_draft(home_of("boats")), load_draft(home_of("rain"))
    assert song is not None
    assert rain is not None
    assert (song.lyrics, song.style) == (
        "[verse]\nPaper boats\nHold the line\n\n[chorus]\nStay a while",
        "Pop",
    )
    assert rain.lyrics == ""


def test_the_same_tokens_are_one_take_unless_another_is_asked_for(run: Run, tmp_path: Path) -> None:
    path = tokens_file(tmp_path, codes()[None])
    run("import", path)
    first = only_take()
    code, printed, said = run("import", path)
    assert (code, printed) == (0, f"{first.folder}\n")
    assert "boats: the library has it already; --again makes another take of it\n" in said
    code, printed, _ = run("import", path, "--again", "--json")
    told = json.loads(printed)
    assert (code, told["is_new"]) == (0, True)
    assert told["id"] != first.id
    assert len(takes_of(home_of("boats"))) == 2


def test_one_that_is_there_and_waits_is_made_where_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    path = tokens_file(tmp_path, codes()[None])
    run("import", path)
    code, printed, _ = run("import", path, "--render")
    assert (code, printed) == (0, f"{only_take().audio}\n")
    code, printed, said = run("import", path, "--render")
    assert (code, printed) == (0, f"{only_take().folder}\n")
    assert "already" in said


def test_the_note_says_that_a_recording_led_it(run: Run, tmp_path: Path) -> None:
    stems = {"raw_vocal_wav": "clips/a_vocal.wav", "raw_bgm_wav": "clips/a_bgm.wav"}
    _, _, said = run("import", tokens_file(tmp_path, codes()[None], raw_wavs=True, **stems))
    assert "boats: a recording led it, whose sound is not in the file" in said
    recipe = recipes.load(only_take().folder)
    assert recipe is not None
    assert any("a recording led it" in note for note in recipe.notes)
    assert recipe.song["reference"] is None


def test_a_recording_that_is_here_leads_other_takes_of_the_song(run: Run, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("a", "a_vocal", "a_bgm"):
        (tmp_path / "clips" / f"{name}.wav").write_bytes(b"RIFF")
    stems = {"raw_vocal_wav": "clips/a_vocal.wav", "raw_bgm_wav": "clips/a_bgm.wav"}
    run("import", tokens_file(tmp_path, codes()[None], raw_wavs=True, **stems))
    song = load_draft(home_of("boats"))
    assert song is not None
    assert song.reference is not None
    assert song.reference.path == str(tmp_path / "clips" / "a.wav")


# Files that are refused


def test_a_file_that_cannot_be_brought_in_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    good, bad = tokens_file(tmp_path, codes()[None]), tokens_file(tmp_path, codes()[None] + 9000, "bad")
    code, printed, said = run("import", good, bad)
    assert (code, printed, said.count("\n")) == (2, "", 1)
    assert "bad_tokens.pt: its tokens hold 9063, and the codes of this model are 0 to 63" in said
    assert run("import", good, tmp_path / "none.pt")[0] == 2
    assert not library().exists()


# Conditions


def test_conditions_are_composed_from_and_their_words_are_taken_as_they_are(
    run: Run, toy: str, tmp_path: Path
) -> None:
    prompt = torch.arange(27).view(3, 1, 1, 9)
    books = {"pmt_wav": prompt[0], "vocal_wav": prompt[1], "bgm_wav": prompt[2]}
    line = song_line(**books, descriptions="Female, Pop", parameters="temp:0.5, cfg_coef:1.2, top_k:30")
    code, printed, said = run("import", conditions_file(tmp_path, line))
    take = only_take()
    assert (code, printed) == (0, f"{take.folder}\n")
    assert f"songdesk continue boats/{take.id} composes it and makes its sound" in said
    shapes, chosen = shapes_of(variant(toy).shapes), variant(toy)
    style = style_text("female, pop", version="v2")
    wanted = text_conditions(LYRIC, style, no_prompt(8), shapes.tokens, tokenizers(chosen))
    found = Conditions.load(artifact_file(take.folder, "conditions"))
    assert torch.equal(found.lyric_ids, wanted.lyric_ids)
    assert torch.equal(found.style_ids, wanted.style_ids)
    assert torch.equal(found.prompt_codes, prompt.view(3, 9))
    assert found.prompt_latents.shape == (3, 0, 8)
    assert main(["continue", take.id]) == 0
    recipe = recipes.load(take.folder)
    assert recipe is not None
    assert recipe.finished
    assert [recipe.settings[key] for key in ("temperature", "guidance", "top_k")] == [0.5, 1.2, 30]
    assert torch.equal(
        Conditions.load(artifact_file(take.folder, "conditions")).prompt_codes, found.prompt_codes
    )


def test_without_a_prompt_a_line_gives_the_take_that_our_own_first_phase_gives(
    run: Run, tmp_path: Path
) -> None:
    songs, out = song_file(tmp_path), tmp_path / "out"
    assert run("render", songs, "--out", out, "--seed", 7)[0] == 0
    (made,) = out.glob("**/tokens.safetensors")
    wire = "[verse] Paper boats. Hold the line. ; [chorus] Stay a while."
    path = conditions_file(tmp_path, song_line(gt_lyric=wire, descriptions="Pop"))
    assert run("import", path, "--set", "seed=7", "--render")[0] == 0
    ours, theirs = recipes.load(made.parent), recipes.load(only_take().folder)
    assert ours is not None
    assert theirs is not None
    assert (theirs.tokens, theirs.samples) == (ours.tokens, ours.samples)


def test_a_prompt_whose_first_code_is_the_mark_is_absent(run: Run, tmp_path: Path) -> None:
    mixed = torch.arange(12).view(1, 1, 12)
    code, _, said = run("import", conditions_file(tmp_path, song_line(pmt_wav=mixed)), "--render")
    assert code == 0
    found = Conditions.load(artifact_file(only_take().folder, "conditions")).prompt_codes
    assert found[0].tolist() == list(range(10))
    assert set(found[1:].flatten().tolist()) == {SPECIAL}
    assert "boats: of its prompt the first 10 codes are read, of 12 that it has\n" in said


def test_every_song_of_a_file_is_brought_in_and_all_that_is_left_out_is_said(
    run: Run, tmp_path: Path
) -> None:
    lines = [
        song_line(parameters="temp:9, zebra:1, top_k:30", colour="red"),
        song_line(idx="../rain\n", gt_lyric="[Verse] One. Two; [intro-short]", parameters="nonsense"),
        song_line(idx=7, descriptions=["a"], raw_wavs=True, auto_prompt_audio_type="pop"),
        song_line(gt_lyric="[verse] Other words."),
        song_line(idx=None, gt_lyric="[verse] " + "boats " * 200, descriptions="pop, " * 60),
    ]
    code, printed, said = run("import", conditions_file(tmp_path, *lines), "--queue", "--json")
    assert code == 0
    told = [json.loads(line) for line in printed.splitlines()]
    assert [each["title"] for each in told] == ["boats", "../rain", "7", "boats 2", "batch_conditions 5"]
    assert {each["state"] for each in told} == {"queued"}
    assert all(Path(each["folder"]).parent.parent.parent == library() for each in told)
    for note in (
        "boats: not used: colour\n",
        "boats: temperature cannot be '9': left out\n",
        "boats: unknown setting 'zebra': left out\n",
        "../rain: its parameters were left out: cannot read 'nonsense'\n",
        "7: its description is no text, and was left out\n",
        "7: a recording led it, ",
        "boats 2: there is another song called boats: this one is boats 2\n",
        "batch_conditions 5: lyrics: ",
        "batch_conditions 5: description: ",
    ):
        assert note in said, note
    seven = load_draft(home_of("7"))
    assert seven is not None
    assert seven.reference is not None
    assert seven.reference.style == "Pop"


def test_a_line_that_was_brought_in_is_there_already(run: Run, tmp_path: Path) -> None:
    path = conditions_file(tmp_path, song_line(), song_line(idx="rain"), song_line())
    code, printed, said = run("import", path)
    assert code == 0
    assert (len(printed.splitlines()), said.count("has it already")) == (3, 1)
    assert run("import", path)[2].count("has it already") == 3


def test_one_title_is_for_one_song(run: Run, tmp_path: Path) -> None:
    path = conditions_file(tmp_path, song_line(), song_line(idx="rain"))
    assert run("import", path, "--title", "Sea")[0] == 2
    assert run("import", tokens_file(tmp_path, codes()[None]), "--title", "Sea")[0] == 0
    assert only_take("Sea").title == "Sea"


def test_a_take_that_was_brought_in_cannot_be_composed_again_and_says_why(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("import", tokens_file(tmp_path, codes()[None]), "--render")
    main(["takes", "replay", only_take().id])
    said = "".join(capsys.readouterr())
    assert "its tokens were brought in from boats_tokens.pt, where another program made them" in said
    main(["takes", "show", only_take().id])
    assert "brought in from boats_tokens.pt" in capsys.readouterr().out


def test_a_take_that_sings_on_begins_with_the_tokens_that_were_brought_in(run: Run, tmp_path: Path) -> None:
    run("import", tokens_file(tmp_path, codes(25)[None]), "--songs", song_file(tmp_path), "--render")
    first = only_take()
    assert main(["extend", first.id, "--by", "1"]) == 0
    grown = next(take for take in takes_of(home_of("boats")) if take.id != first.id)
    made = Tokens.load(artifact_file(grown.folder, "tokens")).codes
    assert grown.seconds == 2.0
    assert torch.equal(made[:, :25], codes(25))
