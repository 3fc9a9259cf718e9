"""Children that crash, hang, chatter or break: each ends as a few words."""

import sys
from pathlib import Path

import pytest

from core.doctor import child
from core.doctor.child import Told, ask

HEAD = (
    "import sys, time, os, signal\n"
    "from core.doctor.steps import go_through\n"
    "def well(): return {'answer': 42}\n"
    "def breaks(): raise RuntimeError('HIP error: invalid device function\\nmore')\n"
    "def hangs(): time.sleep(60)\n"
    "def crashes(): os.kill(os.getpid(), signal.SIGSEGV)\n"
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs steps in a child."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(child.__file__).parents[2]}")

    def told(body: str, patience: float = 20.0) -> Told:
        (tmp_path / "a_child_of_tests.py").write_text(HEAD + body)
        return ask("a_child_of_tests", patience=patience)

    return told


def test_what_went_well_is_kept(run: object) -> None:
    assert callable(run)
    told = run("print('a library talks')\ngo_through([('one', well), ('two', breaks), ('three', well)])\n")
    assert told.steps["one"]["answer"] == told.steps["three"]["answer"] == 42
    assert told.errors == {"two": "RuntimeError: HIP error: invalid device function"}
    assert (told.begun, told.trouble) == ("", "")


def test_a_step_that_others_need_ends_it(run: object) -> None:
    assert callable(run)
    told = run("go_through([('one', breaks), ('two', well)], needed=frozenset({'one'}))\n")
    assert (list(told.errors), dict(told.steps)) == (["one"], {})


def test_a_crash_is_named_with_the_step_and_what_was_before_it(run: object) -> None:
    assert callable(run)
    told = run("go_through([('one', well), ('two', crashes), ('three', well)])\n")
    assert (list(told.steps), told.begun) == (["one"], "two")
    assert told.trouble.startswith("it was ended by SIGSEGV")


def test_a_hang_ends_after_its_patience(run: object) -> None:
    assert callable(run)
    told = run("go_through([('one', well), ('two', hangs)])\n", 2.0)
    assert (list(told.steps), told.begun, told.trouble) == (["one"], "two", "no answer within 2 s")


def test_what_can_be_mended_is_told_apart_from_how(run: object) -> None:
    assert callable(run)
    told = run(
        "from core.errors import SongdeskError\n"
        "def asks(): raise SongdeskError('there is no GPU', hint='choose cpu')\n"
        "go_through([('one', asks)])\n"
    )
    assert (told.errors, told.hints) == ({"one": "there is no GPU"}, {"one": "choose cpu"})


def test_of_a_child_that_was_aborted_the_reason_is_told_and_not_its_stack(run: object) -> None:
    assert callable(run)
    frames = "".join(f"frame #{number}: somewhere (0x7f)\\n" for number in range(300))
    told = run(
        "sys.stderr.write(\"terminate called after throwing an instance of 'c10::Error'\\n"
        f"  what():  Unrecognized key 'x' in allocator config.\\n{frames}\")\n"
        "sys.stderr.flush()\nos.abort()\n"
    )
    assert told.trouble == "it was ended by SIGABRT: Unrecognized key 'x' in allocator config."


def test_a_module_that_cannot_start_says_its_last_line(run: object) -> None:
    assert callable(run)
    told = run("raise ImportError('libamdhip64.so.7: cannot open shared object file')\n")
    assert told.trouble.startswith("it ended with exit code 1: ImportError: libamdhip64.so.7")
    assert "Traceback" not in told.trouble


def test_without_a_python_to_run_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "no process can be started" in ask("core.doctor.probe", patience=1.0).trouble
