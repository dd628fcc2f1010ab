"""Logarithms of counts, the same on every processor, and scores that every library adds exactly."""

import math

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64

_PLACES = 13
_DIGITS = 15
"""Readers of JSON that go by way of a float64 are exact up to this number of decimal digits."""


def logs_of(counts: I64) -> F64:
    """Return the natural logarithms of counts, float64.

    Python's `math.log` computes each distinct count once. NumPy's vectorized logarithm differs
    between processors in the last bit, and a last bit can decide between two segmentations.

    Args:
        counts: whole numbers of at least 1.
    """
    values, places = np.unique(counts, return_inverse=True)
    return np.array([math.log(value) for value in values.tolist()], dtype=np.float64)[places]


def rounded(scores: npt.ArrayLike) -> F64:
    """Return scores, rounded to multiples of 2⁻¹³.

    Sums of these are exact in float64, and up to 2,048 in float32. So two paths tie in every
    library if they tie in one. A score above −100 has at most 15 decimal digits, which every reader
    of JSON reads exactly; below −100 the multiples are of a power of two with as many digits.

    Args:
        scores: natural logarithms, finite.

    >>> rounded([-9.393628109108949, -0.1, -123456.789]).tolist()
    [-9.3936767578125, -0.0999755859375, -123456.7890625]
    """
    values = np.asarray(scores, dtype=np.float64)
    whole_digits = np.floor(np.log10(np.maximum(np.abs(values), 1.0))).astype(np.int64) + 1
    places = np.clip(_DIGITS - whole_digits, 0, _PLACES)
    return np.ldexp(np.rint(np.ldexp(values, places)), -places)
