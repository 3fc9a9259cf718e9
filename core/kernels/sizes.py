"""Sizes of tiles."""


def padded(count: int) -> int:
    """The first power of two that is no less than a positive count: Triton's tiles have such sides."""
    return 1 << (count - 1).bit_length()
