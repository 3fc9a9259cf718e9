"""Words that the benches share."""

PUBLISHED = {"published": "v2-large"}
"""Names for sizes: a model of them on its own weights where these are here, else on random ones."""


def count(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}" + "s" * (number != 1)


def size(count: int) -> str:
    """Bytes in a fitting unit."""
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"
