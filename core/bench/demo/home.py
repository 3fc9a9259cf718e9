"""The corpus of the demo within reach: only a checkout has it."""

import ast
import hashlib
import sys
from functools import cache

from core.errors import SongdeskError
from core.paths import demo_home


def reach_corpus() -> None:
    """Let `corpus` be imported; SongdeskError where this songdesk came without it."""
    home = demo_home()
    if not (home / "corpus" / "heard" / "__init__.py").is_file():
        raise SongdeskError(
            "the corpus that the demo is measured against is not here",
            where=str(home / "corpus"),
            hint="run this in a checkout of songdesk: an installed one comes without it",
        )
    if str(home) not in sys.path:
        sys.path.append(str(home))


@cache
def corpus_digest() -> str:
    """What changes when the corpus or how it is heard does, but not with how its code is laid out."""
    digest = hashlib.sha256()
    for path in sorted((demo_home() / "corpus").rglob("*.py")):
        digest.update(f"{path.name} {ast.dump(ast.parse(path.read_bytes()))}".encode())
    return digest.hexdigest()[:16]
