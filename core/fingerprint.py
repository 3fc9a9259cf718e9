"""A hash for each stage of all that its result is made from: equal hashes, equal results."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from core.family import Family
from core.registry import Variant
from core.settings import Values
from core.song import Song


def stage_hashes(song: Song, values: Values, kind: Family, chosen: Variant) -> Mapping[str, str]:
    """By stage id: the model, the song, and the settings that the stage or one before it reads."""
    facts: dict[str, object] = {
        "model": chosen.id,
        "identity": kind.identity(chosen),
        "lyrics": song.lyrics,
        "style": song.style,
        "reference": asdict(song.reference) if song.reference else None,
    }
    hashes = {}
    for stage in kind.stages:
        for setting in kind.settings(chosen):
            if setting.stage == stage.id:
                facts[f"settings.{setting.key}"] = values[setting.key]
        text = json.dumps({**facts, "stage": stage.id}, sort_keys=True, ensure_ascii=True)
        hashes[stage.id] = hashlib.sha256(text.encode()).hexdigest()
    return hashes
