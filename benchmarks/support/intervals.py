"""Means over seeds and documents (or sentences), with 95 % intervals."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""The 97.5 % quantile of Student's law with 1, 2, … degrees of freedom."""
_DRAWS = 1000

Bits = npt.NDArray[np.float64]
"""float64[seeds, documents]"""


class Interval(NamedTuple):
    """A figure and its 95 % interval. With one seed, the interval does not know the seeds' part."""

    figure: float
    low: float
    high: float

    def shown(self, format: str) -> str:
        """Return the figure and half of the interval's length."""
        return f"{self.figure:{format}} ± {(self.high - self.low) / 2:{format.lstrip('+')}}"

    @property
    def is_apart(self) -> bool:
        """Whether 0 is outside the interval."""
        return self.low > 0 or self.high < 0


def bits_per_byte(bits: Bits, sizes: Bits) -> Interval:
    """Return the bits per byte of documents.

    Args:
        bits: the bits of each document, with each seed.
        sizes: the bytes of each document, with each seed.
    """
    return interval(lambda chosen: bits[:, chosen].sum(1) / sizes[:, chosen].sum(1), bits.shape[1])


def relative(bits: Bits, sizes: Bits, other_bits: Bits, other_sizes: Bits) -> Interval:
    """Return how many percent more bits per byte one model needs than another, paired by seed.

    Args:
        bits, sizes: of the model, as `bits_per_byte` takes them.
        other_bits, other_sizes: of the other model, with the same seeds and documents.
    """

    def percent(chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        one = bits[:, chosen].sum(1) / sizes[:, chosen].sum(1)
        other = other_bits[:, chosen].sum(1) / other_sizes[:, chosen].sum(1)
        found: npt.NDArray[np.float64] = 100 * (one / other - 1)
        return found

    return interval(percent, bits.shape[1])


def interval(of_seeds: Callable[[Any], Any], documents: int) -> Interval:
    """Return the mean over the seeds of a figure, with an interval.

    Args:
        of_seeds: takes int[documents], numbers of documents of which some come several times, and
            returns float64[seeds], the figure of these documents with each seed.
        documents: the number of documents.

    Two errors add up, as squares: the documents', from a bootstrap, and the seeds', from the
    differences between the seeds by Student's law, because a bootstrap of three seeds would give
    intervals that are far too short.
    """
    random = np.random.default_rng(0)
    found = of_seeds(np.arange(documents))
    drawn = [of_seeds(random.integers(documents, size=documents)).mean() for _ in range(_DRAWS)]
    half = 1.96 * float(np.std(drawn))
    if (seeds := len(found)) > 1:
        student = _STUDENT[min(seeds - 2, len(_STUDENT) - 1)]
        half = float(np.hypot(half, student * np.std(found, ddof=1) / np.sqrt(seeds)))
    mean = float(found.mean())
    return Interval(mean, mean - half, mean + half)
