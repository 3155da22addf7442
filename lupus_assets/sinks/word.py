"""The words of a text, split in one way for every search engine."""

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")  # a run of letters and digits
# The fields of a verdict and an incident that a search by text covers.
SPOKEN = ("sentence", "column_name", "metric", "segment", "rule")
LONGEST = 100  # characters of a word that count: Elasticsearch refuses a term of 32 kB


def words(text: str) -> list[str]:
    """Return the words of `text`, each once and sorted: lower case, without regard to how it is encoded.

    >>> words("mean of `dep_delay` is 12.5, usually below 9")
    ['12', '5', '9', 'below', 'delay', 'dep', 'is', 'mean', 'of', 'usually']
    """
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return sorted({word[:LONGEST] for word in WORD.findall(plain)})
