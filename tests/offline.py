"""Compile kernels for devices that are not here, in a child, and tell what they would need there.

The child's half needs Triton alone, so it is up in a second: `python -m tests.offline` with jobs as JSON.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TARGETS = ("gfx1201", "gfx1100", "sm_80", "sm_89", "sm_90")
_BARRIER = re.compile(r"\b(s_barrier|s_barrier_signal|bar\.sync|barrier\.sync)\b")
_BLOCK = re.compile(r"^(?:\$L__|\.L|; %|// %)?_*((?:BB|bb\.?)[\d_]+):")
_IN_LOOP = re.compile(r"in Loop: Header=(BB[\d_]+)")


@dataclass(frozen=True, slots=True)
class Job:
    """One kernel as it would be launched: `module:function`, argument types, constants, warps."""

    kernel: str
    signature: Mapping[str, str]
    """Of every argument that is no constant, in order: `*fp32`, `*i8`, `i32`, `fp32` …"""
    constants: Mapping[str, Any]
    """`tl.constexpr` arguments, and pointers that are None."""
    warps: int
    aligned: Sequence[str] = ()
    """Integer arguments that 16 divides; pointers always are aligned to 16 bytes."""
    target: str = "gfx1201"
    options: Mapping[str, Any] = field(default_factory=dict)
    """More of what the launch says; those that the target's compiler does not know are passed over."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a compiled kernel needs of each thread and program."""

    registers: int
    spills: int
    """AMD: vector registers spilled; NVIDIA: bytes of stack."""
    shared: int
    """Bytes of shared memory."""
    barriers: int
    """Barriers in the loop that has most."""
    loops: list[int] = field(default_factory=list)
    """Lines of assembly in each loop."""
    assembly: str = ""


def build(*jobs: Job, timeout: float = 580) -> list[Built]:
    """Compile all in one child without the interpreter; fails with the compiler's words."""
    from tests.interpreter import compiling

    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "tests.offline"],
            input=json.dumps([asdict(job) for job in jobs]),
            cwd=ROOT, env={**compiling(), "TRITON_CACHE_DIR": cache},
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return [Built(**report) for report in json.loads(done.stdout)]


def _compile(job: Job) -> Built:
    from triton import compile as build_for
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    module, _, name = job.kernel.partition(":")
    kernel = getattr(import_module(module), name)
    is_amd = job.target.startswith("gfx")
    target = GPUTarget("hip", job.target, 32) if is_amd else GPUTarget("cuda", int(job.target[3:]), 32)
    order = kernel.arg_names
    signature = {arg: job.signature.get(arg, "constexpr") for arg in order}
    aligned = {arg for arg, kind in signature.items() if kind.startswith("*") or arg in job.aligned}
    source = ASTSource(
        kernel,
        signature,
        {arg: value for arg, value in job.constants.items() if arg in order},
        {(order.index(arg),): [["tt.divisibility", 16]] for arg in aligned},
    )
    made = build_for(source, target=target, options={"num_warps": job.warps, **job.options})
    return _of_amd(made) if is_amd else _of_nvidia(made)


def _of_amd(made: Any) -> Built:
    text = made.asm["amdgcn"]
    told = {name: int(value) for name, value in re.findall(r"\.(\w+_count):\s+(\d+)", text)}
    spills = told["vgpr_spill_count"] + told["sgpr_spill_count"]
    return Built(told["vgpr_count"], spills, made.metadata.shared, *_loops(text), text)


def _of_nvidia(made: Any) -> Built:
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(made.asm["cubin"])
        file.flush()
        told = subprocess.run(
            [tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True
        ).stdout
    use = dict(re.findall(r"\b(REG|STACK|LOCAL):(\d+)", told))
    spills = int(use["STACK"]) + int(use["LOCAL"])
    return Built(int(use["REG"]), spills, made.metadata.shared, *_loops(made.asm["ptx"]), made.asm["ptx"])


def _loops(text: str) -> tuple[int, list[int]]:
    """The most barriers in a loop, and the lengths of all."""
    loops: dict[str, list[str]] = {}
    for header, line in _within(text.splitlines()):
        loops.setdefault(header, []).append(line)
    barriers = [sum(map(bool, map(_BARRIER.search, lines))) for lines in loops.values()]
    return max(barriers, default=0), [len(lines) for lines in loops.values()]


def _within(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Lines in loops, each with the innermost loop it is in, as the comments of LLVM's blocks have it."""
    name = header = ""
    for line in lines:
        if block := _BLOCK.match(line):
            name, header = block[1], ""
        if "Loop Header" in line:  # behind the block's name, or below it
            header = name
        if inside := _IN_LOOP.search(line):
            header = inside[1]
        if header:
            yield header, line


if __name__ == "__main__":
    jobs = [Job(**job) for job in json.load(sys.stdin)]
    json.dump([asdict(_compile(job)) for job in jobs], sys.stdout)
