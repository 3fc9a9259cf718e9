"""Which of the engine's two writing habits a text follows: Chinese or everything else."""

import re

_CJK = re.compile("[\u4e00-\u9fff]")
_SHARE = 0.2


def language(text: str) -> str:
    """`zh` where at least a fifth of the characters are CJK ideographs (U+4E00-U+9FFF), else `en`."""
    return "zh" if text and len(_CJK.findall(text)) >= _SHARE * len(text) else "en"


def block_language(text: str) -> str:
    """The language of one section by its letters alone: punctuation and spacing cannot turn it."""
    return language("".join(char for char in text if char.isalnum()))
