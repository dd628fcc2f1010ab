"""Logarithms of counts, the same on every processor."""

import math

import numpy as np

from bytepiece._arrays import F64, I64


def logs_of(counts: I64) -> F64:
    """The natural logarithms of counts ≥ 1, float64.

    One by one, each different count once: NumPy's vectorized logarithm depends, in the last bit,
    on the processor, and a last bit can decide between two segmentations.
    """
    values, places = np.unique(counts, return_inverse=True)
    return np.array([math.log(value) for value in values.tolist()], dtype=np.float64)[places]
