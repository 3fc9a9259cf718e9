"""Triton's interpreter: kernels as numpy on the processor, set up for this process once."""

import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest

from core.kernels import fused

_SWITCH = "TRITON_INTERPRET"


def is_installed() -> bool:
    return find_spec("triton") is not None


def import_interpreted() -> None:
    """Import Triton and all kernels so that the interpreter runs them: what is decorated once stays so."""
    with interpreting():
        early = "triton" in sys.modules
        language = import_module("triton.language")
        interpreter = import_module("triton.runtime.interpreter")
        if early and not isinstance(language.sum, interpreter.InterpretedFunction):
            raise RuntimeError("triton was imported before tests/core/kernels/conftest.py could interpret it")
        _teach_loop_bounds(interpreter)
        _patch_once(interpreter, language)
        for module in pkgutil.iter_modules(fused.__path__, fused.__name__ + "."):
            import_module(module.name)


@contextmanager
def interpreting() -> Iterator[None]:
    """Inside, Triton reads that it is to interpret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_SWITCH, "1")
        yield


def compiling() -> dict[str, str]:
    """The environment of a child that compiles kernels for real."""
    return {name: value for name, value in os.environ.items() if name != _SWITCH}


def _teach_loop_bounds(interpreter: Any) -> None:
    """Let bounds of loops be read from memory: numpy 2.4 makes no number of an array of one."""
    patch_tensor = interpreter._patch_lang_tensor

    def patched(tensor: Any, scope: Any) -> None:
        patch_tensor(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    if patch_tensor.__name__ != "patched":
        interpreter._patch_lang_tensor = patched


def _patch_once(interpreter: Any, language: Any) -> None:
    """Spare inner functions the patching of the language, which the outer has done: a third of the time."""
    patch_language, scope = interpreter._patch_lang, interpreter._LangPatchScope
    everything = SimpleNamespace(__globals__={"tl": language, "core": language.core})
    inner: list[Any] = []

    def patched(fn: object) -> Any:
        if inner:
            return scope()
        made = patch_language(everything)
        inner.append(made)
        restore = made.restore

        def restored() -> None:
            inner.clear()
            restore()

        made.restore = restored
        return made

    if patch_language.__name__ != "patched":
        interpreter._patch_lang = patched
