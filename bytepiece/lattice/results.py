"""What a lattice returns: segmentations, marginals, and samples without replacement."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Segmentation(NamedTuple):
    """One way to cut a text into pieces.

    Args:
        pieces: the pieces as bytes; joined, they are the text.
        ids: the ids of the pieces. Where the id is the unknown token's, the piece is the text that
            the token stands for.
        log_prob: the natural logarithm of its probability at the lattice's alpha.
    """

    pieces: tuple[bytes, ...]
    ids: tuple[int, ...]
    log_prob: float

    @property
    def probability(self) -> float:
        """The probability of the segmentation, exp(log_prob)."""
        return math.exp(self.log_prob)


class Marginals(NamedTuple):
    """The probability of each edge: that a path has this piece at this place.

    Edges are sorted by their beginnings and then by their ends. A probability that is too small for
    a float64 is 0.

    Args:
        starts, ends: int32[edges], in bytes of the (normalized) text.
        ids: int32[edges], the ids of the pieces.
        probabilities: float64[edges].
    """

    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]
    ids: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float64]


class DistinctSample(NamedTuple):
    """Different segmentations, drawn without replacement.

    They estimate the mean of a function f over all segmentations. The sum of probability /
    inclusion · f over these segmentations is an unbiased estimate. Dividing it by the sum of
    probability / inclusion reduces the variance.

    Args:
        segmentations: in the order in which they were drawn.
        gumbels: float64[k], their perturbed log-probabilities, descending.
        threshold: the largest perturbed log-probability of all other segmentations; −inf if there
            are no others.
        inclusion: float64[k], the probability that the perturbed log-probability of each
            segmentation exceeds the threshold: 1 − exp(−exp(log_prob − threshold)).
    """

    segmentations: list[Segmentation]
    gumbels: npt.NDArray[np.float64]
    threshold: float
    inclusion: npt.NDArray[np.float64]
