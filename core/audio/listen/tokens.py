"""The token of this user's address: kept, so that an open tab and a bookmark outlive a restart."""

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

from core.atomic import temporary_of

_WHOLE = re.compile(r"[A-Za-z0-9_-]{32}")


def fresh_token() -> str:
    """192 random bits as letters that stand in a path."""
    return secrets.token_urlsafe(24)


def kept_token(file: Path, *, is_fresh: bool = False) -> str:
    """The token in a file that nobody else may read; drawn and kept where there is none, or `is_fresh`.

    One in a file that others can read is not trusted. Where it cannot be kept it is good for this once.
    """
    found = "" if is_fresh else _read(file)
    if found:
        return found
    token = fresh_token()
    temporary = temporary_of(file)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(token)
        temporary.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return token


def _read(file: Path) -> str:
    """The token in a file; empty where there is none, or others may know it."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    with os.fdopen(handle, encoding="utf-8", errors="replace") as opened:
        facts = os.fstat(handle)
        is_ours = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077
        text = opened.read(64).strip() if is_ours else ""
    return text if _WHOLE.fullmatch(text) else ""
