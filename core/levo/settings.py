"""The settings table of LeVo: published defaults, ranges, and what makes each one idle."""

from dataclasses import replace
from itertools import combinations

from core.levo.accidents import CHOICES
from core.levo.shapes import STEMS
from core.levo.synthesis.windows import VAE_CHUNK
from core.registry import Variant
from core.settings import TRUSTED, Kind, Live, Setting, Shadow, Values

_GREEDY = Shadow("temperature", (0.0,), "temperature 0 always takes the likeliest token")
_STEMS_GREEDY = Shadow("stem_temperature", (0.0,), "stem_temperature 0 always takes the likeliest token")
_NO_PENALTY = Shadow("repetition_penalty", (1.0,), "the penalty is off")
_NO_WINDOW = Shadow("repetition_window", (0,), "the window is 0 frames long")

AUTO = "auto"
"""Left to what memory there is: the ladder of ways (`core.levo.ladder`) chooses."""
STEM_CHOICES = tuple("+".join(some) for count in (1, 2, 3) for some in combinations(STEMS, count))
"""Every choice of stems, written with plus signs between."""

_SONG, _DRAW, _PARTS = "Song", "Drawing the tokens", "Vocal and backing tokens"
_HEARD, _ROOM, _SOUND, _FILES = "Reference", "Memory", "Sound", "Files"

_TABLE = (
    Setting(
        "length", Kind.REAL, 120.0, "Longest the song may become; the model may end it sooner.",
        stage="tokens", lo=1, hi=280, unit="s", step=5, group=_SONG,
    ),
    Setting(
        "musicality", Kind.CHOICE, "very-high", "Quality tag put before the description.",
        stage="conditions", choices=("very-high", "high", "medium", "low", "very-low", "off"), group=_SONG,
    ),
    Setting(
        "temperature", Kind.REAL, 0.8, "How far to stray from the likeliest token; 0 never strays.",
        stage="tokens", live=Live.STEP, lo=0, hi=2, aliases=("temp",), step=0.05, group=_DRAW,
    ),
    Setting(
        "guidance", Kind.REAL, 1.5, "How strongly lyrics and style pull; a song begun at 1 stays there.",
        stage="tokens", live=Live.STEP, lo=1, hi=10, aliases=("cfg_coef", "cfg"), step=0.1, group=_DRAW,
    ),
    Setting(
        "top_k", Kind.WHOLE, 5000, "Draw among this many likeliest tokens; 0 is no limit.",
        stage="tokens", live=Live.STEP, lo=0, hi=16384, shadowed_by=(_GREEDY,), step=0, group=_DRAW,
    ),
    Setting(
        "top_p", Kind.REAL, 0.0, "Draw among the likeliest tokens that reach this share; 0 is no limit.",
        stage="tokens", live=Live.STEP, lo=0, hi=1, shadowed_by=(_GREEDY,), step=0.05, group=_DRAW,
    ),
    Setting(
        "repetition_penalty", Kind.REAL, 1.1, "Divides the score of tokens heard lately; 1 is off.",
        stage="tokens", live=Live.STEP, lo=1, hi=2,
        shadowed_by=(_NO_WINDOW,), step=0.05, group=_DRAW,
    ),
    Setting(
        "repetition_window", Kind.WHOLE, 50, "How many frames count as lately; 25 are one second.",
        stage="tokens", live=Live.STEP, lo=0, hi=1000, unit="frames", aliases=("record_window",),
        shadowed_by=(_NO_PENALTY,), step=5, group=_DRAW,
    ),
    Setting(
        "penalty_mode", Kind.CHOICE, "presence", "Penalise a heard token once, or as often as it was heard.",
        stage="tokens", live=Live.STEP, choices=("presence", "count"), shadowed_by=(_NO_PENALTY, _NO_WINDOW),
        group=_DRAW,
    ),
    Setting(
        "penalty_sign", Kind.CHOICE, "published", "Aware lowers scores below zero too; dividing raises them.",
        stage="tokens", live=Live.STEP, choices=("published", "aware"), shadowed_by=(_NO_PENALTY, _NO_WINDOW),
        group=_DRAW,
    ),
    Setting(
        "stem_temperature", Kind.REAL, 0.0, "How far vocal and backing tokens stray; 0 never.",
        stage="tokens", live=Live.STEP, lo=0, hi=2, step=0.05, group=_PARTS,
    ),
    Setting(
        "stem_top_k", Kind.WHOLE, 5000, "top_k of the vocal and backing tokens; 0 is no limit.",
        stage="tokens", live=Live.STEP, lo=0, hi=16384, shadowed_by=(_STEMS_GREEDY,), step=0, group=_PARTS,
    ),
    Setting(
        "stem_top_p", Kind.REAL, 0.0, "top_p of the vocal and backing tokens; 0 is no limit.",
        stage="tokens", live=Live.STEP, lo=0, hi=1, shadowed_by=(_STEMS_GREEDY,), step=0.05, group=_PARTS,
    ),
    Setting(
        "minimum_length", Kind.REAL, 1.0, "The song does not end before this.",
        stage="tokens", lo=0, hi=280, unit="s", group=_SONG,
    ),
    Setting(
        "ban_prompt", Kind.FLAG, True, "Never repeat a token of the reference.",
        stage="tokens", group=_HEARD,
    ),
    Setting(
        "weights", Kind.CHOICE, AUTO, "As stored, or in int8, half as large; int4, smaller, is experimental.",
        stage="tokens", choices=(AUTO, "full", "int8", "int4"), group=_ROOM, stands_for={AUTO: None},
    ),
    Setting(
        "kv_cache", Kind.CHOICE, "int8", "How the model remembers the song; int8 takes half of fp16.",
        stage="tokens", choices=(AUTO, "int8", "fp16", "fp32", "mulaw8"), group=_ROOM,
    ),
    Setting(
        "mulaw_mu", Kind.REAL, 64.0, "How finely mulaw8 keeps what is near zero, at the cost of the rest.",
        stage="tokens", lo=1, hi=255,
        shadowed_by=(Shadow("kv_cache", (AUTO, "int8", "fp16", "fp32"), "only the mulaw8 cache reads it"),),
        step=8, group=_ROOM,
    ),
    Setting(
        "schedule", Kind.CHOICE, "auto", "Both transformers at once, or one after the other in less memory.",
        stage="tokens", choices=(AUTO, "lockstep", "two-pass"), group=_ROOM,
    ),
    Setting(
        "ahead", Kind.CHOICE, AUTO, "Hear it while it composes: auto at little cost; on slows composing.",
        stage="tokens", choices=(AUTO, "on", "off"), group=_ROOM, changes_nothing=True,
    ),
    Setting(
        "listen_on", Kind.CHOICE, AUTO, "Where a reference is heard: on the device, or by the processor.",
        stage="conditions", choices=(AUTO, "device", "cpu"), group=_ROOM, stands_for={AUTO: None},
    ),
    Setting(
        "memory", Kind.CHOICE, "measured", "Choose by the memory that is free, or trust what is set here.",
        stage="audio", choices=("measured", TRUSTED), group=_ROOM, changes_nothing=True,
    ),
    Setting(
        "flow_steps", Kind.WHOLE, 10, "Euler steps per window: more is slower and finer.",
        stage="audio", live=Live.PHASE, lo=1, hi=100, unit="steps", group=_SOUND,
    ),
    Setting(
        "flow_guidance", Kind.REAL, 1.5, "How strongly the tokens pull on the sound; 1 is off and faster.",
        stage="audio", live=Live.PHASE, lo=1, hi=5, step=0.1, group=_SOUND,
    ),
    Setting(
        "flow_precision", Kind.CHOICE, "fp32", "Format of the flow's products; halves only if close to fp32.",
        stage="audio", choices=("fp32", "tf32", "bf16", "fp16"), group=_SOUND,
    ),
    Setting(
        "decode_chunk", Kind.WHOLE, 0, "Latents decoded at once: fewer take less memory; 0 is auto.",
        stage="audio", lo=0, hi=1000, unit="latents", step=16, group=_ROOM, stands_for={0: VAE_CHUNK},
    ),
    Setting(
        "stems", Kind.CHOICE, "mix", "What is written: the mix, the vocal, the backing, or several.",
        stage="audio", choices=STEM_CHOICES, group=_FILES,
    ),
    Setting(
        "format", Kind.CHOICE, "wav", "wav is exact, flac keeps 24 bits, mp3 is small.",
        stage="audio", choices=("wav", "flac", "mp3"), group=_FILES,
    ),
    Setting(
        "wav_depth", Kind.CHOICE, "float", "Bits of a wav; float keeps peaks that others have turned down.",
        stage="audio", choices=("float", "24", "16"),
        shadowed_by=(Shadow("format", ("flac", "mp3"), "only wav has a choice of depth"),), group=_FILES,
    ),
    Setting(
        "compatibility", Kind.CHOICE, "off", "Sound as published programs do, with their known accidents.",
        stage="conditions", choices=CHOICES, group=_SOUND,
    ),
    Setting(
        "front_end", Kind.CHOICE, "stored", "Hear references by the checkpoint's tables or by exact ones.",
        stage="conditions", choices=("stored", "exact"), group=_HEARD,
    ),
    Setting(
        "seed", Kind.WHOLE, -1, "The same seed gives the same take; -1 draws one and records it.",
        stage="tokens", lo=-1, hi=2**63 - 1, group=_SONG,
    ),
)  # fmt: skip


def resolved(values: Values, *, half: bool) -> Values:
    """What is left to memory as it is where there is room for everything; `half`: the network is in fp16.

    This is the first way of the ladder, for plans and for whoever runs an engine without a governor.
    """
    best = {
        "weights": "full",
        "schedule": "lockstep",
        "kv_cache": "fp16" if half else "fp32",
        "listen_on": "device",
        "decode_chunk": VAE_CHUNK,
    }
    return values.replace(**{key: value for key, value in best.items() if is_auto(values, key)})


def is_auto(values: Values, key: str) -> bool:
    """Whether a setting is left to what memory there is."""
    return values.get(key, AUTO) == (0 if key == "decode_chunk" else AUTO)


def settings_of(variant: Variant) -> tuple[Setting, ...]:
    """The table with one variant's own defaults and limits."""
    return tuple(_fit(setting, variant) for setting in _TABLE)


def _fit(setting: Setting, variant: Variant) -> Setting:
    if setting.key in ("length", "minimum_length"):
        most = variant.limits.seconds
        setting = replace(setting, hi=most, default=min(float(setting.default), most))
    if setting.key in variant.defaults:
        return replace(setting, default=setting.parse(variant.defaults[setting.key], "conf/models.yaml"))
    return setting
