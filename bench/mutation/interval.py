"""How well a sample tells a share."""

import math

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson(killed: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); [0, 1] of nothing."""
    if not total:
        return 0.0, 1.0
    share, spread = killed / total, Z * Z / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return middle - half, middle + half
