"""Numbers of things in what commands say."""


def plural(n: int, what: str) -> str:
    """Return "1 knee" or "2 knees"; a longer phrase has its noun at the end."""
    return f"{n} {what}{'' if n == 1 else 's'}"
