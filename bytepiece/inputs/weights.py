"""Weights: how often an occurrence counts. They are whole numbers of units, so sums are exact."""

import math
from collections.abc import Iterable
from typing import SupportsFloat

from bytepiece._messages import shown
from bytepiece.errors import ArgumentError

STEPS = 1000
"""A weight is a multiple of 1/STEPS."""
MOST = 1_000_000
"""The largest weight."""
MOST_TOGETHER = 1 << 53
"""The largest sum of all bytes, each times its weight in units. Up to it, no count overflows, and
every count is exact as a float64, too."""


def steps_of(weight: SupportsFloat) -> int:
    """Return a weight as the nearest number of steps.

    Raises:
        ArgumentError: if it is not a number in 0…MOST, or would be rounded to 0.

    >>> steps_of(1), steps_of(0.5), steps_of(1.7382)
    (1000, 500, 1738)
    """
    try:
        value = float(weight)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"a weight must be a number, not {shown(weight)}") from None
    if not 0 <= value <= MOST:
        raise ArgumentError(f"a weight must be at least 0 and at most {MOST}, not {value:g}")
    steps = round(value * STEPS)
    if value > 0 and steps == 0:
        raise ArgumentError(
            f"a weight of {value:g} is too small, because weights are multiples of {1 / STEPS:g}; "
            "weights can all be multiplied by the same number"
        )
    return steps


def unit_of(steps: Iterable[int]) -> int:
    """Return how many units make a weight of 1.

    It is the smallest number for which every weight is a whole number of units.

    With whole weights this is 1, and counts are the same as without weights.

    >>> unit_of([1000, 2000]), unit_of([500, 1250]), unit_of([1738])
    (1, 4, 500)
    """
    return STEPS // math.gcd(STEPS, *steps)
