"""Expected numbers of tokens of random segmentations, without drawing any.

z[d] is the sum of the weights of all segmentations of a segment's last d bytes, as in
`bytepiece.kernels.partition`. y[d] is the same sum, with the weight of each segmentation multiplied
by its number of tokens. So y[d] / z[d] is the expected number of tokens.
"""

import numpy as np
import numpy.typing as npt

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
from bytepiece.kernels.characters import Known, hidden
from bytepiece.kernels.jit import UINT_1, UINT_2, Scalar, allocating, inner, uint
from bytepiece.kernels.partition import Weights, backward, edge_term, mirror, scale
from bytepiece.kernels.segments import Segments, longest


def expected_counts(
    automaton: Automaton,
    weights: Weights,
    unknown: npt.NDArray[np.bool_],
    segments: Segments,
    low: int,
    high: int,
    known: Known | None = None,
) -> npt.NDArray[np.float64]:
    """Return the expected number of tokens of each of the segments low…high − 1.

    Args:
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces at an alpha.
        unknown: bool[256], the single bytes of which a run is one token.
        segments: the text.
        low, high: the number of the first segment, and one more than the number of the last.
        known: the characters that single bytes must not spell, if there are any.

    Returns:
        float64[high − low].
    """
    text, bounds = segments.stretch(low, high)
    mirrored, mirrored_bounds = mirror(text, bounds)
    singles = mirrored if known is None else mirror(hidden(text, known), bounds)[0]
    counts = np.empty(high - low, dtype=np.float64)
    _expected_counts(automaton, weights, unknown, mirrored, singles, mirrored_bounds, counts)
    return counts


# A first token adds 1 to the number of tokens of the rest, so y[d] = z[d] + Σ weight · y[end].
# This is the sum of the backward pass with y in place of z, and where all terms of z have one
# exponent, so have the terms of y.
# A run of unknown bytes is one token, so an unknown byte adds nothing in front of another one. The
# share of the paths whose next token is an unknown byte is carried from place to place.
# Cost: a second backward pass. 2 MB of mixed text with 80 k pieces take 66 ms, and the best path
# takes 69. 24 bytes of memory per byte of the longest segment, and 6 bytes per byte of the text.
@allocating
def _expected_counts(
    automaton: Automaton,
    weights: Weights,
    unknown: npt.NDArray[np.bool_],
    text: U8,
    singles: U8,
    bounds: I64,
    out: F64,
) -> None:
    """Fill `out` with the expected number of tokens of each segment, the last segment first.

    Longer pieces are found in `text`, and single bytes are taken from `singles`; both are mirrored.
    """
    lengths, mantissa = automaton.lengths, weights.mantissa
    most = longest(bounds, 0, len(out))
    z, y = np.zeros(most + 1, dtype=np.float64), np.zeros(most + 1, dtype=np.float64)
    exponents = np.zeros(most + 1, dtype=np.int64)
    matches = np.empty(len(text), dtype=np.uint32)
    scan(automaton, text, bounds, matches)
    for segment in range(len(out)):
        start, stop = bounds[segment], bounds[segment + 1]
        backward(automaton, weights, singles, matches, start, stop, z, exponents)
        share = 0.0  # of the paths from the position before on that begin with an unknown byte
        for d in range(1, stop - start + 1):
            distance = uint(d)
            byte = uint(start) + distance - UINT_1
            single = single_entry(automaton, singles[byte])
            group = matches[byte]
            total = z[distance]
            if group & 2:
                while True:
                    entry = first_entry(group)
                    total += (
                        mantissa[entry] * y[distance - uint(lengths[entry])]
                        + mantissa[entry + UINT_1] * y[distance - uint(lengths[entry + UINT_1])]
                    ) + mantissa[entry + UINT_2] * y[distance - uint(lengths[entry + UINT_2])]
                    if not goes_on(group):
                        break
                    group = next_group(automaton, group)
                total += max(mantissa[single], 0.0) * y[distance - UINT_1]  # as in `backward`
            else:
                total += _term(automaton, weights, single, y, exponents, distance)
                while True:
                    entry = first_entry(group)
                    for i in range(GROUP):
                        if mantissa[entry + uint(i)] != 0.0:
                            total += _term(
                                automaton, weights, entry + uint(i), y, exponents, distance
                            )
                    if not goes_on(group):
                        break
                    group = next_group(automaton, group)
            if unknown[singles[byte]]:
                alone = _term(automaton, weights, single, z, exponents, distance)
                total -= alone * share
                share = alone / z[distance]
            else:
                share = 0.0
            y[distance] = total
        out[len(out) - 1 - segment] = y[stop - start] / z[stop - start]


@inner
def _term(
    automaton: Automaton,
    weights: Weights,
    entry: Scalar,
    sums: F64,
    exponents: I64,
    distance: Scalar,
) -> Scalar:
    """Return weight · sums[end] of an entry's piece, to the exponent of its beginning."""
    term, exponent = edge_term(automaton, weights, entry, sums, exponents, distance)
    return scale(term, exponent - exponents[distance])
