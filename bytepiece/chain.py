"""The law of one text's segmentations as a Markov chain over its boundaries.

A path from P(path) ∝ Π weight(edge) is a walk from the text's beginning to its end: at a boundary s
the next edge is chosen with probability p(edge | s) = weight · z[end] / z[s], whatever came before
(forward filtering, backward sampling; Su, https://kexue.fm/archives/9811). All there is to know
about the law follows from these probabilities by sums of numbers that are not negative: nothing
cancels, and nothing overflows, for they are at most 1.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, Scalar, kernel


class Chain(NamedTuple):
    """The edges of a lattice and how probable each is where it begins.

    Edges are sorted by where they begin and, there, by where they end. From every position there
    is a way to the end.

    Args:
        first: int64[bytes + 1], the number of the first edge that begins at each position, and how
            many edges there are.
        ends: int32[edges], the position where each ends, right of where it begins.
        p: float64[edges], the probability of each where it begins; they add up to 1 there.
        log_p: float64[edges], its logarithm, finite even where p is too small for a float64.
    """

    first: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int32]
    p: npt.NDArray[np.float64]
    log_p: npt.NDArray[np.float64]


def starts(chain: Chain) -> npt.NDArray[np.int32]:
    """int32[edges], the position where each edge begins."""
    return np.repeat(np.arange(len(chain.first) - 1, dtype=np.int32), np.diff(chain.first))


def reach(chain: Chain) -> F64:
    """float64[bytes + 1]: the probability that a path has a boundary at each position."""
    probabilities = np.zeros(len(chain.first), dtype=np.float64)
    _reach(chain, probabilities)
    return probabilities


@kernel
def _reach(chain: Chain, probabilities: F64) -> None:
    probabilities[0] = 1.0
    for start in range(len(chain.first) - 1):
        for edge in range(chain.first[start], chain.first[start + 1]):
            probabilities[chain.ends[edge]] += probabilities[start] * chain.p[edge]


def entropy(chain: Chain) -> float:
    """The entropy of a path, in nats: the mean of what is undecided at each boundary."""
    undecided = np.empty(len(chain.first) - 1, dtype=np.float64)
    _undecided(chain, undecided)
    return float(reach(chain)[:-1] @ undecided)


# The largest term is −p·log(p) with p = 1 − rest, so that it is right when rest is tiny.
@kernel
def _undecided(chain: Chain, out: F64) -> None:
    for start in range(len(out)):
        most = chain.first[start]
        for edge in range(chain.first[start], chain.first[start + 1]):
            if chain.p[edge] > chain.p[most]:
                most = edge
        rest, total = 0.0, 0.0
        for edge in range(chain.first[start], chain.first[start + 1]):
            if edge != most:
                rest += chain.p[edge]
                total -= chain.p[edge] * chain.log_p[edge]
        if rest < 0.5:
            total -= (1.0 - rest) * np.log1p(-rest)
        else:
            total -= chain.p[most] * chain.log_p[most]
        out[start] = total


def moments(chain: Chain, values: F64) -> tuple[float, float]:
    """Mean and variance of a path's sum of some number of its edges.

    Args:
        values: float64[edges].
    """
    mean = np.zeros(len(chain.first), dtype=np.float64)
    variance = np.zeros(len(chain.first), dtype=np.float64)
    _moments(chain, values, mean, variance)
    return float(mean[0]), float(variance[0])


# Of the rest of the path from each position on. Variances add up by the law of total variance, as
# squares of distances from the mean; the mean of squares less the square of the mean would cancel.
@kernel
def _moments(chain: Chain, values: F64, mean: F64, variance: F64) -> None:
    for start in range(len(mean) - 2, -1, -1):
        total = 0.0
        for edge in range(chain.first[start], chain.first[start + 1]):
            total += chain.p[edge] * (values[edge] + mean[chain.ends[edge]])
        spread = 0.0
        for edge in range(chain.first[start], chain.first[start + 1]):
            end = chain.ends[edge]
            distance = values[edge] + mean[end] - total
            spread += chain.p[edge] * (variance[end] + distance * distance)
        mean[start], variance[start] = total, spread


@kernel
def draw_edge(chain: Chain, start: Scalar, uniform: Scalar) -> Scalar:
    """The edge that begins at a position, drawn with a uniform number in [0, 1)."""
    cumulated = 0.0
    chosen = chain.first[start]
    for edge in range(chain.first[start], chain.first[start + 1]):
        if chain.p[edge] > 0.0:
            chosen = edge
            cumulated += chain.p[edge]
            if cumulated > uniform:
                break
    return chosen
