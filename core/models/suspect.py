"""What a file is that is not what was wanted."""

import json
from pathlib import Path

_HEAD = 1 << 10
_LONGEST_ANSWER = 1 << 16
"""Bytes of an answer in JSON at most."""


def suspect(path: Path) -> str:
    """What is known to come in place of a file, in words; empty where it is nothing of the kind."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "an empty file"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if start.startswith((b"<?xml", b"<!doctype", b"<error")):
        return "an error message in XML"
    return "an error message in JSON" if start.startswith((b"{", b"[")) and _is_json(path) else ""


def _is_json(path: Path) -> bool:
    if path.stat().st_size > _LONGEST_ANSWER:
        return False
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True
