"""What a syllable is made of: one vowel, perhaps a glide, and consonants by class."""

from dataclasses import dataclass

VOWELS = "aeiouyE"
"""Classes: `y` is the ü of Mandarin, `E` the neutral vowel of `but` and of Mandarin e."""
CONSONANTS = "ptkbdgsxfvzhmnlrwj"
"""Classes: `x` is sh, `j` the glide of `yes`; affricates are a stop and a hiss."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One syllable as it is sung."""

    text: str
    vowel: str
    """One of VOWELS."""
    glide: str = ""
    """The vowel that a diphthong ends on, or nothing."""
    onset: str = ""
    """Up to two CONSONANTS before the vowel."""
    coda: str = ""
    """Up to two after it."""
