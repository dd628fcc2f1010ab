"""The expected counts of pieces: how often each occurs on a path, on average over all paths.

A path of a segment has the probability Π weight(piece) / z, where z is the sum over all paths. The
expected count of a piece is the sum of the probabilities of its edges, over all places of the text.
The probability of an edge is the probability that a path has a boundary where the edge begins,
times weight · z[end] / z[begin]. So the sums z of `bytepiece.kernels.partition` and one more pass
over the matches are all that is needed. A second set of sums from the other end is not, and the
probabilities of boundaries are never so small that they need exponents.
"""

import math

import numpy as np

from bytepiece._arrays import F64, I64, U8
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    scan,
    single_entry,
)
from bytepiece.kernels.jit import UINT_1, Scalar, allocating, uint
from bytepiece.kernels.partition import LOG_BASE, Weights, backward, edge_term, scale
from bytepiece.kernels.segments import longest


# Counts are added in the order of the text, so they depend on the arguments only.
# Cost: the sums z, and for each entry of the groups two multiplications and two additions to
# memory. Memory: 24 bytes per byte of the longest segment, and 4 bytes of matches per byte of the
# text.
@allocating
def add_expected_counts(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    singles: U8,
    bounds: I64,
    repeats: I64,
    counts: F64,
) -> Scalar:
    """Add the expected counts of pieces in the segments of mirrored text.

    Args:
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces.
        text, bounds: see `bytepiece.kernels.partition.mirror`.
        singles: uint8[bytes], the mirrored text from which single bytes are taken; usually `text`.
        repeats: int64[segments], how often each segment counts.
        counts: float64[pieces + 1], to be added to. The last one belongs to entries without a
            piece, and stays 0.

    Returns:
        the sum of the logarithms of z, each times the repeats of its segment.
    """
    length = longest(bounds, 0, len(repeats))
    z = np.zeros(length + 1, dtype=np.float64)
    exponents = np.zeros(length + 1, dtype=np.int64)
    reach = np.zeros(length + 1, dtype=np.float64)
    matches = np.empty(len(text), dtype=np.uint32)
    scan(automaton, text, bounds, matches)
    lengths, mantissa, pieces = automaton.lengths, weights.mantissa, automaton.pieces
    total = 0.0
    for segment in range(len(repeats)):
        start, stop = bounds[segment], bounds[segment + 1]
        size = stop - start
        backward(automaton, weights, singles, matches, start, stop, z, exponents)
        total += repeats[segment] * (math.log(z[size]) + exponents[size] * LOG_BASE)
        # The probability that a path has a boundary at a distance, times the repeats.
        reach[: size + 1] = 0.0
        reach[size] = repeats[segment]
        for d in range(size, 0, -1):
            distance = uint(d)
            if reach[distance] == 0.0:
                continue
            byte = uint(start) + distance - UINT_1
            single = single_entry(automaton, singles[byte])
            group = matches[byte]
            part = reach[distance] / z[distance]
            if group & 2:  # all exponents are equal
                share = part * (mantissa[single] * z[distance - UINT_1])
                reach[distance - UINT_1] += share
                counts[pieces[single]] += share
                while True:
                    entry = first_entry(group)
                    for i in range(GROUP):
                        end = distance - uint(lengths[entry + uint(i)])
                        share = part * (mantissa[entry + uint(i)] * z[end])
                        reach[end] += share
                        counts[pieces[entry + uint(i)]] += share
                    if not goes_on(group):
                        break
                    group = next_group(automaton, group)
            else:
                top = exponents[distance]
                term, exponent = edge_term(automaton, weights, single, z, exponents, distance)
                share = part * scale(term, exponent - top)
                reach[distance - UINT_1] += share
                counts[pieces[single]] += share
                while True:
                    for i in range(GROUP):
                        entry = first_entry(group) + uint(i)
                        if mantissa[entry] != 0.0:
                            term, exponent = edge_term(
                                automaton, weights, entry, z, exponents, distance
                            )
                            share = part * scale(term, exponent - top)
                            reach[distance - uint(lengths[entry])] += share
                            counts[pieces[entry]] += share
                    if not goes_on(group):
                        break
                    group = next_group(automaton, group)
    return total
