"""Numbers with their nouns, in messages and sentences."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, which is in the plural unless the number is 1.

    >>> counted(1, "row"), counted(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
