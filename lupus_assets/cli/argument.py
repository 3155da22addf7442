"""Types of arguments: counts, spreads, months, and keys of partitions."""

import argparse
import math
import re
from datetime import date

MAX_ROWS = 10_000  # the largest number of hits in one answer of Elasticsearch
KEY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[-T ]([01]\d|2[0-3]):([0-5]\d)([+-]\d{4})?)?", re.ASCII)


def count(text: str) -> int:
    """Return a number of rows, 1 to 10,000."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= MAX_ROWS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MAX_ROWS:,}")
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
    """Return a partition key or a day, normalised to ``yyyy-mm-dd[-HH:MM[+HHMM]]``."""
    match = KEY.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        date.fromisoformat(match[1])
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no day and no partition, write 2025-03-09 or 2025-03-09-14:00"
        ) from None
    day, hour, minute, offset = match.groups()
    return day if hour is None else f"{day}-{hour}:{minute}{offset or ''}"
