"""Rules of the house that no linter has."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for package in ("core", "tui") for path in (ROOT / package).rglob("*.py"))
TRAINING = sorted((ROOT / "ckpt").rglob("*.py"))
LONGEST_FILE = 400
LARGEST_TRACKED = 1_000_000
SONGS = 20_000_000
"""Bytes of the songs in `sample/audio`, together."""
WEIGHTS = 24_000_000
"""Bytes that the trained demo may take."""
LIGHT = (
    "core.errors", "core.song", "core.style", "core.settings", "core.family", "core.engine", "core.registry",
    "core.meter", "core.takes.take", "core.config", "core.paths", "core.levo.family",
)  # fmt: skip
"""What the interface and the checks of a song import: it must start without torch."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the last name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func
            yield getattr(name, "attr", getattr(name, "id", "")), node


def parsed(paths: list[Path]) -> Iterator[tuple[str, ast.Module]]:
    for path in paths:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def keywords(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg}


def test_no_file_is_longer_than_a_person_reads_in_one_go() -> None:
    assert SOURCES
    assert TRAINING
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*SOURCES, *TRAINING)}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > LONGEST_FILE} == {}


def unmarked_notices(tree: ast.AST) -> list[int]:
    """Lines with a `notify` of words that are not ours and may hold markup."""
    return [
        call.lineno
        for name, call in calls(tree)
        if name == "notify"
        and call.args
        and not isinstance(call.args[0], ast.Constant)
        and "markup" not in keywords(call)
    ]


def nameless_bindings(tree: ast.AST) -> list[int]:
    """Lines with a binding that cannot be remapped or says nothing of itself."""
    found = [
        call.lineno
        for name, call in calls(tree)
        if name == "Binding" and not {"id", "tooltip"} <= keywords(call)
    ]
    for node in ast.walk(tree):
        target = getattr(node, "target", None) or next(iter(getattr(node, "targets", [])), None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id == "BINDINGS" and isinstance(value, ast.List):
            found += [item.lineno for item in value.elts if isinstance(item, ast.Tuple)]
    return found


def calls_from_threads(tree: ast.AST) -> list[int]:
    """Lines that make the engine wait for the screen."""
    return [call.lineno for name, call in calls(tree) if name == "call_from_thread"]


@pytest.mark.parametrize("rule", [unmarked_notices, nameless_bindings, calls_from_threads])
def test_the_interface_keeps_the_rule(rule: object) -> None:
    assert callable(rule)
    broken = {name: lines for name, tree in parsed(SOURCES) if (lines := rule(tree))}
    assert broken == {}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (unmarked_notices, "self.notify(f'{x}')"),
        (nameless_bindings, "Binding('a', 'b', id='c')"),
        (nameless_bindings, "BINDINGS = [('a', 'b', 'c')]"),
        (calls_from_threads, "app.call_from_thread(f)"),
    ],
)
def test_the_rules_can_be_broken(rule: object, code: str) -> None:
    assert callable(rule)
    assert rule(ast.parse(code)) == [1]


def test_only_the_command_line_prints() -> None:
    printing = {
        name
        for name, tree in parsed(SOURCES)
        if any(called == "print" for called, _ in calls(tree)) and not name.startswith("core/cli")
    }
    assert printing == set()


def test_binding_ids_are_given_once() -> None:
    ids = [
        keyword.value.value
        for _, tree in parsed(SOURCES)
        for name, call in calls(tree)
        if name in {"Binding"}
        for keyword in call.keywords
        if keyword.arg == "id" and isinstance(keyword.value, ast.Constant)
    ]
    assert ids
    assert len(ids) == len(set(ids))


def test_the_interface_and_the_song_checks_start_without_torch() -> None:
    names = [*LIGHT, *(module(p) for p in SOURCES if p.is_relative_to(ROOT / "core" / "lyrics"))]
    names += [module(p) for p in SOURCES if p.is_relative_to(ROOT / "tui")]
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{name} imports torch')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_nothing_large_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], check=False, capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    large = {str(p): p.stat().st_size for p in paths if p.is_file() and p.stat().st_size > LARGEST_TRACKED}
    weights = {str(path) for path in (ROOT / "ckpt" / "demo").glob("*.safetensors")}
    songs = {str(path) for path in (ROOT / "sample" / "audio").glob("*.flac")}
    assert large.keys() <= weights | songs
    assert sum(large[song] for song in songs & large.keys()) <= SONGS


def test_the_weights_that_are_tracked_are_small() -> None:
    sizes = [path.stat().st_size for path in (ROOT / "ckpt" / "demo").glob("*.safetensors")]
    assert sizes
    assert sum(sizes) <= WEIGHTS
