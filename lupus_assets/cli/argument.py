"""Arguments as people write them: counts, spreads, months, and the keys of partitions."""

import argparse
import math
import re
from datetime import date

MOST = 10_000  # hits of one answer of Elasticsearch, and more than anybody reads
KEY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[-T ]([01]\d|2[0-3]):([0-5]\d)([+-]\d{4})?)?", re.ASCII)


def count(text: str) -> int:
    """Return how many rows are asked for, 1 to 10,000."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST:,}")
    return int(text)


def spreads(text: str) -> float:
    """Return a number of spreads, finite and at least 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of spreads, write 0 or more, such as 4.5")
    return number


def month(text: str) -> str:
    """Return a month as ``yyyy-mm``."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no month, write it as 2025-03")
    return text


def partition(text: str) -> str:
    """Return the key of a partition, or the day that keys begin with, as keys are spelt."""
    found = KEY.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        date.fromisoformat(found[1])
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no day and no partition, write 2025-03-09 or 2025-03-09-14:00"
        ) from None
    day, hour, minute, offset = found.groups()
    return day if hour is None else f"{day}-{hour}:{minute}{offset or ''}"
