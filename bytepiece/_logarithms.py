"""Logarithms of counts, the same on every processor."""

import math

import numpy as np

from bytepiece._arrays import F64, I64


def logs_of(counts: I64) -> F64:
    """Return the natural logarithms of counts, float64.

    Python's `math.log` computes each distinct count once. NumPy's vectorized logarithm differs
    between processors in the last bit, and a last bit can decide between two segmentations.

    Args:
        counts: whole numbers of at least 1.
    """
    values, places = np.unique(counts, return_inverse=True)
    return np.array([math.log(value) for value in values.tolist()], dtype=np.float64)[places]
