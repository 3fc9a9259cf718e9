"""Lyric lines of our own making, English and Chinese: templates filled from word lists."""

from collections.abc import Sequence

import numpy as np

from corpus.hanzi import READINGS
from corpus.vocabulary import WORDS
from corpus.words import syllables

_EN_WORDS = {
    "A": "silver golden quiet broken open empty distant hollow tender winter summer morning paper faded",
    "N": "river window harbor lantern mountain garden highway station shadow mirror ocean candle feather"
    " letter city valley meadow island bridge moon road rain fire star sky sea night light heart dream door",
    "P": "morning evening winter summer midnight sunrise sunday",
    "V": "follow carry remember gather borrow whisper hold find keep chase call leave know see hear",
    "G": "walking running dreaming waiting singing falling drifting dancing turning fading burning calling",
    "S": "I you we they",
    "W": "with without beyond beside behind under over",
    "L": "away again tonight alone forever somewhere tomorrow",
}
_EN_VERSE = (
    "{S} {V} the {A} {N} {L}", "the {N} is {G} {W} the {N}", "{G} {W} the {A} {N}",
    "in the {A} {P} {S} {V} a {N}",
    "nobody knows the {A} {N}", "there is a {N} {G} slow", "{S} left a {N} {W} the {N}",
    "all the {A} {N} is gone",
    "when the {N} comes {G} home", "{S} {V} it {W} a {N}", "a {N} on every {N}",
    "the {P} is {G} down the {N}",
)  # fmt: skip
_EN_CHORUS = (
    "oh {N} {N} carry me home", "{V} me now {V} me {L}", "we are the {N} and the {N}",
    "hold on to the {A} {N}",
    "{G} {G} into the {N}", "let the {N} come {L}", "I will {V} you {L}", "never let go of the {N}",
    "hey hey the {N} is {G}", "give me the {N} and the {N}",
)  # fmt: skip
_ZH_WORDS = {
    "A": "温柔 安静 遥远 孤独 明亮 透明 漫长 轻轻 慢慢 悄悄",
    "N": "月亮 星光 晚风 大海 城市 街角 时间 花朵 梦境 雨天 远方 昨天 明天 眼泪 歌声 春天 秋天 夏夜 路灯",
    "V": "想念 寻找 等待 看见 忘记 听见 守住 拥有 追着 带走 唱着 走过",
    "S": "我们 是谁 风里 心里 夜里 那年",
    "O": "你 我 他 她 爱 梦 光 海 风 雨 花 家",
}
_ZH_VERSE = (
    "{N}的{N}在{V}", "{S}{V}{N}的{O}", "{A}地{V}着那{N}", "{N}{A}地落下来", "我在{N}{V}着你", "{N}吹过{A}{N}",
    "谁在{N}里唱着歌", "一个人走在{N}", "还有{O}在{N}里", "{N}已经不回来", "你说{N}还很{A}",
)  # fmt: skip
_ZH_CHORUS = (
    "{N}啊{N}不要走", "让我{V}{N}的{O}", "我们一起{V}{N}", "{O}啊{O}啊请留下", "飞过{N}飞过{N}",
    "永远永远{V}你",
    "就让{N}{V}你我", "想你想你在{N}",
)  # fmt: skip


_FREE = 0.3
"""Share of lines whose words are drawn from all that are known."""
_FREE_SYLLABLES = (6, 9)


def stanza(rng: np.random.Generator, *, language: str, kind: str, lines: int) -> tuple[str, ...]:
    """Different lines for one section; `language` is en or zh, all but a chorus is told as a verse."""
    is_chorus = kind == "chorus"
    if language == "zh":
        templates: tuple[str, ...] = _ZH_CHORUS if is_chorus else _ZH_VERSE
        words = _ZH_WORDS
    else:
        templates = _EN_CHORUS if is_chorus else _EN_VERSE
        words = _EN_WORDS
    chosen = rng.choice(len(templates), size=lines, replace=lines > len(templates))
    return tuple(
        _free(rng, language) if rng.random() < _FREE else _filled(rng, templates[int(at)], words, language)
        for at in chosen
    )


def wire(sections: Sequence[tuple[str, Sequence[str]]], language: str) -> str:
    """Sections as one string in the published form: ` ; ` between them, sentences by full stops."""
    return " ; ".join(_section(tag, lines, language) for tag, lines in sections)


def _section(tag: str, lines: Sequence[str], language: str) -> str:
    if not lines:
        return f"[{tag}]"
    body = ".".join(lines) if language == "zh" else " ".join(f"{line}." for line in lines)
    return f"[{tag}] {body}"


def _filled(rng: np.random.Generator, template: str, words: dict[str, str], language: str) -> str:
    text = template
    for slot, listed in words.items():
        while f"{{{slot}}}" in text:
            text = text.replace(f"{{{slot}}}", str(rng.choice(listed.split())), 1)
    return text if language == "zh" else text[0].upper() + text[1:]


def _free(rng: np.random.Generator, language: str) -> str:
    """Any words or characters, as many as make a line of 6 to 9 syllables."""
    wanted = int(rng.integers(_FREE_SYLLABLES[0], _FREE_SYLLABLES[1] + 1))
    if language == "zh":
        return "".join(str(one) for one in rng.choice(list(READINGS), size=wanted))
    words: list[str] = []
    while len(syllables(" ".join(words))) < wanted:
        words.append(str(rng.choice(WORDS)))
    text = " ".join(words)
    return text[0].upper() + text[1:]
