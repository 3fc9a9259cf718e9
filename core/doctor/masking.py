"""Takes out of a report what nobody should paste in public: home, user, host, tokens, passwords."""

import getpass
import math
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.doctor.finding import Finding

_HOMES = re.compile(r"(?P<place>(?:/home|/Users|[A-Za-z]:[\\/]Users|/mnt/[a-z]/Users)[\\/])[^\\/\s:;,'\"]+")
_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(?:hf_|ghp_|gho_|ghs_|github_pat_|glpat-|pypi-|sk-|xox[abp]-|AKIA|eyJ)[A-Za-z0-9_.-]{6,}"
)
_BEARER = re.compile(r"\b(?P<word>Bearer|Basic)\s+[A-Za-z0-9+/._=-]{6,}", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|credential|signature)"
    r"[\w-]*['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;]+",
    re.IGNORECASE,
)
_GONE = "***"
_NOBODY = frozenset({"root", "user", "localhost", "ubuntu", "admin", "the", "not", "ok", "warn", "fail"})
"""Names that tell nothing, or would take words out of the report."""
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Mask:
    """What is particular to a person and a machine."""

    homes: tuple[str, ...] = ()
    user: str = ""
    host: str = ""
    secrets: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text without any of it."""
        for secret in self.secrets:
            text = text.replace(secret, _GONE)
        for home in self.homes:
            text = re.sub(rf"{re.escape(home)}(?=[/\\\s:;,'\")]|$)", "~", text)
        text = _LOGIN.sub(rf"\g<scheme>{_GONE}@", text)
        text = _TOKEN.sub(_GONE, text)
        text = _BEARER.sub(rf"\g<word> {_GONE}", text)
        text = _NAMED.sub(rf"\g<name>{_GONE}", text)
        text = _HOMES.sub(r"\g<place>USER", text)
        for name, word in ((self.host, "HOST"), (self.user, "USER")):
            if len(name) >= _SHORTEST and name.lower() not in _NOBODY:
                text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", word, text)
        return text

    def finding(self, found: Finding) -> Finding:
        """A line of the report without any of it."""
        facts = {str(key): self.fact(value) for key, value in found.facts.items()}
        return replace(found, what=self.text(found.what), fix=self.text(found.fix), facts=facts)

    def fact(self, value: object) -> object:
        """A fact without any of it; what JSON cannot hold becomes text."""
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.fact(each) for key, each in value.items()}
        if isinstance(value, Iterable) and not isinstance(value, str | bytes):
            return [self.fact(each) for each in value]
        return self.text(str(value))


def mask_of(secrets: tuple[str, ...]) -> Mask:
    """What this person and machine are called, with the secrets given."""
    home = Path.home()
    homes = sorted({str(home), str(home.resolve())} - {"/"}, key=len, reverse=True)
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = home.name
    return Mask(tuple(homes), user, socket.gethostname().partition(".")[0], secrets)
