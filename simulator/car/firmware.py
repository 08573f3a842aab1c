"""What a firmware's version says: year, week, and what follows ("2026.32.6")."""


def is_at_least(firmware: str, since: tuple[int, int]) -> bool:
    """Say whether a firmware is of this year and week or newer."""
    parts = firmware.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit()) >= since
