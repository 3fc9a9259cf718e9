"""Sizes in words."""


def gigabytes(count: int) -> str:
    """Bytes of a file or disk for people: `12.9 GB`, below 0.1 GB in MB or kB."""
    if count >= 10**8:
        return f"{count / 10**9:.1f} GB"
    return f"{count / 10**6:.0f} MB" if count >= 10**6 else f"{count / 10**3:.0f} kB"
