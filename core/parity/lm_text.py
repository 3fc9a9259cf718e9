"""Golden tokenizers: both versions' ids and sections, and the ids a song's conditions are made of."""

from collections.abc import Iterator

from core.levo.text import CONTROL, Encoded, Tokenizers, null_style, qwen_tokenizers
from core.parity.bench import Bench
from core.parity.compare import Case, Check, Skipped, case_of, same
from core.parity.folder import Entry

_VERSIONS = ("v1", "v2")
_WORDS = ("vocab.json", "merges.txt")
_PLAIN = "names a control token, which songdesk reads as plain text"


def tokenizer_cases(bench: Bench, file: str, _entry: Entry) -> Iterator[Case]:
    """A line for each string, and one for the sizes; text a person types never becomes a control token."""
    stored = bench.golden.entries(file)
    by_version = {version: vocabulary(bench, version) for version in _VERSIONS}
    yield case_of("tokenizer sizes", list(_sizes(stored, by_version)))
    for name, text in stored.get("lyric", {}).items():
        yield _string(f"tokenizer lyric {name}", text, by_version)
    for name, text in stored.get("desc", {}).items():
        yield _string(f"tokenizer style {name}", text, by_version)


def condition_ids(bench: Bench, name: str, entry: Entry) -> Case:
    """The ids of one song's lyrics, style and null style, padded and cut as the model reads them."""
    try:
        with_words = vocabulary(bench, bench.golden.manifest["tiny_config"]["version"])
    except Skipped as reason:
        return Case(f"{name} ids", None, note=str(reason))
    if _names_control(entry["lyric"]) or _names_control(entry["desc"]):
        return Case(f"{name} ids", None, note=_PLAIN)
    _, tensors = bench.conditions_entry(name.removeprefix("conditions "))
    shapes = bench.shapes
    lyrics = [with_words.encode_lyrics(text) for text in (entry["lyric"], None)]
    styles = [with_words.encode_style(text) for text in (entry["desc"], null_style(entry["desc"] or ""))]
    fitted = [row.fit(shapes.lyric_length, with_words.pad) for row in lyrics]
    checks = (
        same("lyric ids", _flat(fitted, "ids"), tensors["lyric_ids"].flatten()),
        same("structure", _flat(fitted, "structure"), tensors["structure_idx"].flatten()),
        same(
            "style ids",
            _flat([row.fit(shapes.style_length, with_words.pad) for row in styles], "ids"),
            tensors["desc_ids"].flatten(),
        ),
    )
    return case_of(f"{name} ids", checks)


def vocabulary(bench: Bench, version: str) -> Tokenizers:
    """The published tokenizers; Skipped when the vocabulary is not here, SongdeskError when it is damaged."""
    missing = [name for name in _WORDS if not (bench.vocabulary / name).is_file()]
    if missing:
        raise Skipped(f"no {' and '.join(missing)} in {bench.vocabulary}; SONGDESK_QWEN2 names their folder")
    return qwen_tokenizers(bench.vocabulary, version)


def _sizes(stored: Entry, by_version: dict[str, Tokenizers]) -> Iterator[Check]:
    for version, tokenizers in by_version.items():
        want = stored["vocab_sizes"][version]
        yield same(
            f"{version} rows", (tokenizers.lyric_rows, tokenizers.style_rows), (want["lyric"], want["desc"])
        )
    special = [stored["special"][name] for name in CONTROL]
    first = by_version["v2"]
    yield same("control ids", (first.pad, first.start, first.start + 1), special)
    added = stored["lyric_added_ids"]
    yield same("tags", [first.encode_lyrics(tag).ids[-1] for tag in added], list(added.values()))


def _string(name: str, entry: Entry, by_version: dict[str, Tokenizers]) -> Case:
    text = entry["text"]
    if _names_control(text):
        return Case(name, None, note=_PLAIN)
    checks: list[Check] = []
    for version, tokenizers in by_version.items():
        if f"structure_{version}" in entry:
            encoded = tokenizers.encode_lyrics(text)
            checks.append(same(f"{version} sections", encoded.structure, entry[f"structure_{version}"]))
        else:
            encoded = tokenizers.encode_style(text)
        checks.append(same(f"{version} ids", encoded.ids, entry[version]))
    return case_of(name, checks)


def _names_control(text: str | None) -> bool:
    return any(token in (text or "") for token in CONTROL)


def _flat(rows: list[Encoded], what: str) -> list[int]:
    return [number for row in rows for number in getattr(row, what)]
