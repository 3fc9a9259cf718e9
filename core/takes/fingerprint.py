"""A hash for each stage of all that its result is made from: equal hashes, equal results."""

import hashlib
import json
from collections.abc import Mapping

from core.engine import Stage
from core.family import Family
from core.reference import digest_of, kind_of
from core.registry import Variant
from core.settings import Values
from core.song import Song


def stage_hashes(
    song: Song, values: Values, kind: Family, chosen: Variant, *, start: str = ""
) -> Mapping[str, str]:
    """By stage id: the model, the song, and the settings that the stage or one before it reads.

    `start` is the hash of the tokens that it begins with.
    """
    facts: dict[str, object] = {
        "model": chosen.id,
        "lyrics": song.lyrics,
        "style": song.style,
        "reference": digest_of(song.reference) if song.reference else None,
    }
    if song.reference and song.reference.style:
        facts["settings.seed"] = values["seed"]  # it chooses among the style's references
    roles: list[str] = []
    hashes = {}
    for stage in kind.stages:
        roles += roles_read(stage, song)
        facts["identity"] = kind.identity(chosen, roles)
        if start and "start" in stage.may_read:
            facts["start"] = start
        for setting in kind.settings(chosen):
            if setting.stage == stage.id and (value := setting.counted(values[setting.key])) is not None:
                facts[f"settings.{setting.key}"] = value
        text = json.dumps({**facts, "stage": stage.id}, sort_keys=True, ensure_ascii=True)
        hashes[stage.id] = hashlib.sha256(text.encode()).hexdigest()
    return hashes


def asked_for(made_from: str) -> str:
    """What an artifact says it was made from, without where it was broken off and what memory decided."""
    first, *marks = made_from.split("+")
    return "+".join((first, *(mark for mark in marks if not mark.startswith(("memory:", "seam@")))))


def roles_read(stage: Stage, song: Song) -> tuple[str, ...]:
    """The weights that a stage reads for this song."""
    led_by = stage.extras.get(kind_of(song.reference), ()) if song.reference else ()
    return stage.roles + led_by
