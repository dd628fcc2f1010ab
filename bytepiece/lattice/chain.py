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

from bytepiece._arrays import F64, I32, I64, U8, U32
from bytepiece.errors import ArgumentError
from bytepiece.kernels.automaton import GROUP, Automaton, scan
from bytepiece.kernels.jit import Scalar, at, inlined, kernel
from bytepiece.kernels.partition import LOG_BASE, Weights, backward, edge_term, mirror, scale
from bytepiece.kernels.segments import longest

MOST_EDGES = 1 << 28
"""Most edges of a chain. A position has as many as pieces begin there: usually three, but in a run
of one letter as many as there are pieces that consist of it."""


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


class Law(NamedTuple):
    """The chain of a text, with what belongs to its edges and segments.

    Args:
        pieces: int32[edges], the number of each edge's piece.
        log_z: float64[segments], the logarithm of the sum of the weights of each one's paths.
    """

    chain: Chain
    pieces: npt.NDArray[np.int32]
    log_z: npt.NDArray[np.float64]


def build(automaton: Automaton, weights: Weights, text: U8, bounds: I64) -> Law:
    """The law of a text that is cut into segments.

    Args:
        automaton: of the reversed pieces.
        weights: of the pieces, at an alpha.
        text: uint8[bytes].
        bounds: int64[segments + 1], where each segment begins, from 0 to the end of the text.

    Raises:
        ArgumentError: there are too many edges.
    """
    mirrored, mirrored_bounds = mirror(text, bounds)
    matches = np.empty(len(text), dtype=np.uint32)
    first = np.zeros(len(text) + 1, dtype=np.int64)
    _count(automaton, mirrored, mirrored_bounds, matches, first)
    np.cumsum(first, out=first)
    edges = int(first[-1])
    if edges > MOST_EDGES:
        raise ArgumentError(
            f"the lattice of this text has {edges} edges, which take more than 6 GB of memory; "
            f"cut the text into parts, which are independent wherever a line ends"
        )
    ends, pieces = np.empty(edges, dtype=np.int32), np.empty(edges, dtype=np.int32)
    chain = Chain(first, ends, np.empty(edges), np.empty(edges))
    log_z = np.empty(len(bounds) - 1, dtype=np.float64)
    _fill(automaton, weights, mirrored, mirrored_bounds, matches, chain, pieces, log_z)
    for array in (*chain, pieces, log_z):
        array.flags.writeable = False
    return Law(chain, pieces, log_z)


@kernel
def _count(automaton: Automaton, text: U8, bounds: I64, matches: U32, first: I64) -> None:
    """Scan mirrored text, and put into first[s + 1] how many pieces begin at s."""
    none = len(automaton.following) - 1
    scan(automaton, text, bounds, matches)
    for start in range(len(text)):
        group = matches[len(text) - 1 - start]
        count = 1  # the single byte, which is in no group
        while True:
            for entry in range(GROUP * (group >> 2), GROUP * (group >> 2) + GROUP):
                count += np.int64(automaton.pieces[entry]) < none
            if group & 1 == 0:
                break
            group = automaton.following[group >> 2]
        first[start + 1] = count


# Groups hold the longest pieces first, so each position's edges are filled in from the last one on.
# Cost: a logarithm and a division an edge: 2 MB of mixed text have 6 million edges.
@kernel
def _fill(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    bounds: I64,
    matches: U32,
    chain: Chain,
    pieces: I32,
    log_z: F64,
) -> None:
    most = longest(bounds, 0, len(bounds) - 1)
    z = np.zeros(most + 1, dtype=np.float64)
    exponents = np.zeros(most + 1, dtype=np.int64)
    none = len(automaton.following) - 1
    segments = len(bounds) - 1
    for segment in range(segments):
        start, stop = bounds[segment], bounds[segment + 1]
        backward(automaton, weights, text, matches, start, stop, z, exponents)
        length = stop - start
        log_z[segments - 1 - segment] = np.log(z[length]) + exponents[length] * LOG_BASE
        for distance in range(1, length + 1):
            byte = start + distance - 1
            begin = len(text) - 1 - byte
            edge = chain.first[begin + 1]
            group = matches[byte]
            while True:
                for entry in range(GROUP * (group >> 2), GROUP * (group >> 2) + GROUP):
                    if np.int64(automaton.pieces[entry]) < none:
                        edge -= 1
                        _set(automaton, weights, z, exponents, distance, entry, begin, edge, chain)
                        pieces[edge] = automaton.pieces[entry]
                if group & 1 == 0:
                    break
                group = automaton.following[group >> 2]
            single = len(automaton.lengths) - 256 + np.int64(text[byte])
            _set(automaton, weights, z, exponents, distance, single, begin, edge - 1, chain)
            pieces[edge - 1] = automaton.pieces[single]


@inlined
def _set(
    automaton: Automaton,
    weights: Weights,
    z: F64,
    exponents: I64,
    distance: Scalar,
    entry: Scalar,
    begin: Scalar,
    edge: Scalar,
    chain: Chain,
) -> None:
    term, exponent = edge_term(automaton, weights, at(entry), z, exponents, at(distance))
    steps = exponent - exponents[distance]
    chain.ends[edge] = begin + np.int64(automaton.lengths[entry])
    chain.p[edge] = scale(term, steps) / z[distance]
    chain.log_p[edge] = np.log(term / z[distance]) + steps * LOG_BASE


def starts(chain: Chain) -> npt.NDArray[np.int32]:
    """int32[edges], the position where each edge begins."""
    return np.repeat(np.arange(len(chain.first) - 1, dtype=np.int32), np.diff(chain.first))


def reach(chain: Chain) -> F64:
    """float64[bytes + 1]: the probability that a path has a boundary at each position."""
    probabilities = np.zeros(len(chain.first), dtype=np.float64)
    _reach(chain, probabilities)
    return probabilities


# Where no edge crosses, every path has a boundary: roundings begin anew there.
@kernel
def _reach(chain: Chain, probabilities: F64) -> None:
    furthest = 0
    for start in range(len(chain.first) - 1):
        if start == furthest:
            probabilities[start] = 1.0
        if chain.first[start + 1] > chain.first[start]:
            furthest = max(furthest, np.int64(chain.ends[chain.first[start + 1] - 1]))
        for edge in range(chain.first[start], chain.first[start + 1]):
            probabilities[chain.ends[edge]] += probabilities[start] * chain.p[edge]
    probabilities[-1] = 1.0


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
