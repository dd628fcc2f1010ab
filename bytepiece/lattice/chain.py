"""The law of one text's segmentations, as a Markov chain over the text's boundaries.

A path drawn from P(path) ∝ Π weight(edge) is a walk from the beginning of the text to its end. At a
boundary s, the walk takes the next edge with probability p(edge | s) = weight · z[end] / z[s],
whatever edges came before (forward filtering, backward sampling; Su,
https://kexue.fm/archives/9811). Every property of the law follows from these probabilities by sums
of numbers in [0, 1]. So nothing cancels, and nothing overflows.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8, U32, offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    scan,
    single_entry,
)
from bytepiece.kernels.characters import Known, alone, hidden
from bytepiece.kernels.jit import Scalar, allocating, inlined, kernel, uint
from bytepiece.kernels.partition import LOG_BASE, Weights, backward, edge_term, mirror, scale
from bytepiece.kernels.segments import longest

MOST_EDGES = 1 << 28
"""The most edges of a chain. A position has one edge for each piece that begins there. These are
usually three pieces. In a run of one letter, they are all pieces that consist of this letter."""


class Chain(NamedTuple):
    """The edges of a lattice, and the probability of each at the position where it begins.

    Edges are sorted by their beginnings and then by their ends. From every position where an edge
    ends, a path leads to the end of the text.

    Args:
        first: int64[bytes + 1], the number of the first edge that begins at each position; the last
            value is the number of edges.
        ends: int32[edges], the position where each edge ends, which is behind its beginning.
        p: float64[edges], the probability of each edge among the edges with the same beginning. The
            probabilities of the edges with the same beginning add up to 1.
        log_p: float64[edges], the logarithm of p, finite even if p is too small for a float64.
    """

    first: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int32]
    p: npt.NDArray[np.float64]
    log_p: npt.NDArray[np.float64]


class Law(NamedTuple):
    """The chain of a text, the pieces of its edges, and the sums of its segments.

    Args:
        chain: the edges and their probabilities.
        pieces: int32[edges], the number of each edge's piece.
        log_z: float64[segments], for each segment the logarithm of the sum of the weights of all
            its paths.
    """

    chain: Chain
    pieces: npt.NDArray[np.int32]
    log_z: npt.NDArray[np.float64]


def build(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    bounds: I64,
    known: Known | None = None,
    whole: bool = False,
) -> Law:
    """Build the law of a text that is cut into segments.

    Args:
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces at an alpha.
        text: uint8[bytes].
        bounds: int64[segments + 1], where each segment begins, from 0 to the end of the text.
        known: the characters that single bytes must not spell, if there are any.
        whole: a character without a piece has one edge. Otherwise it has one for each byte.

    Raises:
        ArgumentError: if there are too many edges.
    """
    mirrored, mirrored_bounds = mirror(text, bounds)
    covered = alone(text, known, whole)
    singles = mirrored if known is None else mirror(hidden(text, known), bounds)[0]
    matches = np.empty(len(text), dtype=np.uint32)
    first = np.zeros(len(text) + 1, dtype=np.int64)
    _count(automaton, mirrored, mirrored_bounds, covered, matches, first)
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
    _fill(automaton, weights, singles, mirrored_bounds, covered, matches, chain, pieces, log_z)
    for array in (*chain, pieces, log_z):
        array.flags.writeable = False
    return Law(chain, pieces, log_z)


@kernel
def _count(
    automaton: Automaton, text: U8, bounds: I64, covered: U8, matches: U32, first: I64
) -> None:
    """Scan mirrored text, and store in first[s + 1] the number of pieces that begin at s."""
    none = len(automaton.following) - 1
    scan(automaton, text, bounds, matches)
    for start in range(len(text)):
        group = matches[len(text) - 1 - start]
        count = np.int64(covered[start] > 0)  # the single byte, which is in no group
        while True:
            for i in range(GROUP):
                count += np.int64(automaton.pieces[first_entry(group) + uint(i)]) < none
            if not goes_on(group):
                break
            group = next_group(automaton, group)
        first[start + 1] = count


# The first byte of a character without a piece carries the whole weight of the character, and the
# other bytes weigh 1. So its term is right even if the edge ends behind them.
# Groups hold the longest pieces first, so the edges of each position are filled in backwards, from
# the last edge to the first.
# Cost: a logarithm and a division per edge; 2 MB of mixed text have 6 million edges.
@allocating
def _fill(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    bounds: I64,
    covered: U8,
    matches: U32,
    chain: Chain,
    pieces: I32,
    log_z: F64,
) -> None:
    """Fill in the edges of all positions, their pieces, and the sums of the segments."""
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
                for i in range(GROUP):
                    entry = first_entry(group) + uint(i)
                    if np.int64(automaton.pieces[entry]) < none:
                        edge -= 1
                        _set(automaton, weights, z, exponents, distance, entry, begin, edge, chain)
                        pieces[edge] = automaton.pieces[entry]
                if not goes_on(group):
                    break
                group = next_group(automaton, group)
            if covered[begin] > 0:
                single = single_entry(automaton, text[byte])
                _set(automaton, weights, z, exponents, distance, single, begin, edge - 1, chain)
                chain.ends[edge - 1] = begin + np.int64(covered[begin])
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
    """Fill in one edge."""
    term, exponent = edge_term(automaton, weights, entry, z, exponents, uint(distance))
    steps = exponent - exponents[distance]
    chain.ends[edge] = begin + np.int64(automaton.lengths[entry])
    chain.p[edge] = scale(term, steps) / z[distance]
    chain.log_p[edge] = np.log(term / z[distance]) + steps * LOG_BASE


def starts(chain: Chain) -> npt.NDArray[np.int32]:
    """Return int32[edges], the position where each edge begins."""
    return np.repeat(np.arange(len(chain.first) - 1, dtype=np.int32), np.diff(chain.first))


def reach(chain: Chain) -> F64:
    """Return float64[bytes + 1], the probability that a path has a boundary at each position."""
    probabilities = np.zeros(len(chain.first), dtype=np.float64)
    _reach(chain, probabilities)
    return probabilities


# Every path has a boundary at a position that no edge crosses. The probability is set to 1 there,
# so rounding errors do not grow beyond it.
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
    """Return the entropy of the law in nats.

    It is a sum over all positions: the entropy of the next edge there, times the probability that
    a path has a boundary there.
    """
    undecided = np.empty(len(chain.first) - 1, dtype=np.float64)
    _undecided(chain, undecided)
    return float(reach(chain)[:-1] @ undecided)


# The term of the most probable edge is −p·log(p). It is computed with p = 1 − rest, so that it is
# exact even if the rest is tiny.
@kernel
def _undecided(chain: Chain, out: F64) -> None:
    """Fill `out` with the entropy of the next edge at each position."""
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
    """Return the mean and the variance of the sum of a path's values.

    Args:
        chain: the law of the path.
        values: float64[edges], the value of each edge.
    """
    mean = np.zeros(len(chain.first), dtype=np.float64)
    variance = np.zeros(len(chain.first), dtype=np.float64)
    _moments(chain, values, mean, variance)
    return float(mean[0]), float(variance[0])


def with_runs(chain: Chain, in_runs: npt.NDArray[np.bool_], bounds: I64) -> tuple[Chain, F64]:
    """Return a chain of the same paths that counts a run of edges as one token.

    Args:
        chain: the law of the path.
        in_runs: bool[edges], the edges of which a run of neighbours is one token.
        bounds: int64[segments + 1], the positions where every run ends.

    Returns:
        the chain, with two states for each position; float64[its edges], the tokens that each edge
        adds.
    """
    # The second state is reached by an edge of a run that goes on, and there such an edge adds no
    # token. Both states of a position have the same edges.
    counts = np.repeat(np.diff(chain.first), 2)
    first = np.append(offsets_of(counts), 2 * chain.first[-1])
    edges = np.arange(first[-1]) - np.repeat(first[:-2] - np.repeat(chain.first[:-1], 2), counts)
    goes_on = in_runs & ~np.isin(chain.ends, bounds)
    ends = 2 * chain.ends + goes_on
    second = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    tokens = np.where(second & in_runs[edges], 0.0, 1.0)
    return Chain(first, ends[edges], chain.p[edges], chain.log_p[edges]), tokens


# Variances add up by the law of total variance, as squares of distances from the mean. The mean of
# squares minus the square of the mean would lose digits by cancellation.
@kernel
def _moments(chain: Chain, values: F64, mean: F64, variance: F64) -> None:
    """Fill in the moments of the rest of the path from each position on."""
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
