"""Checks of songdesk's own files: the configuration can be read, and its folders can be written."""

import os
from pathlib import Path

from core.config import load_config
from core.doctor.finding import Finding, few
from core.doctor.room import existing
from core.doctor.scene import Scene
from core.errors import SongdeskError
from core.paths import checkpoints, library, log_path, user_config, weights_cache
from core.presets import presets
from core.registry import variants


def configuration(_: Scene) -> Finding:
    """Whether the person's files of settings, models and presets can be read."""
    troubles = []
    for load in (load_config, variants):
        try:
            load()
        except SongdeskError as error:
            troubles.append(error)
    spoiled = [preset for preset in presets() if preset.trouble is not None]
    own = user_config()
    facts = {"file": str(own), "is_there": own.exists(), "spoiled_presets": [each.name for each in spoiled]}
    if troubles:
        what = "; ".join(f"{error.where}: {error.what}" for error in troubles)
        return Finding("config", "Configuration", "fail", what, troubles[0].hint, facts)
    if spoiled:
        names = few([preset.name for preset in spoiled])
        return Finding(
            "config",
            "Configuration",
            "warn",
            f"presets that cannot be read: {names}",
            "mend or delete them",
            facts,
        )
    what = f"{own} is readable" if own.exists() else "as shipped; no file of your own"
    return Finding("config", "Configuration", "ok", what, facts=facts)


def permissions(_: Scene) -> Finding:
    """Whether songdesk can write where it keeps things; nothing is made for that."""
    places = {
        "log and state": log_path().parent, "cache": weights_cache().parent, "settings": user_config().parent,
        "library": library(), "models": checkpoints(),
    }  # fmt: skip
    shut = [f"{name} ({place})" for name, place in places.items() if not _can_write(place)]
    facts = {name: str(place) for name, place in places.items()}
    if shut:
        fix = "give yourself the right to write there, or name others (SONGDESK_LIBRARY, SONGDESK_CKPT)"
        return Finding("folders", "Folders", "fail", f"cannot write: {few(shut, 5)}", fix, facts)
    return Finding("folders", "Folders", "ok", f"{', '.join(places)} can be written", facts=facts)


def _can_write(place: Path) -> bool:
    there = existing(place)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
