"""Perfect sampling: random segmentations that follow the exact law."""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8, U32
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
from bytepiece.kernels.jit import UINT_0, UINT_1, UINT_2, Scalar, inlined, kernel, uint
from bytepiece.kernels.partition import Weights, backward, edge_term, mirror, scale
from bytepiece.kernels.segments import SegmentRun, Segments, longest, offset_of
from bytepiece.kernels.streams import DRAWS, Streams, fill_uniforms, place_of, sample_words

_NEAR = 2.0**-40
"""This fraction of a sum is larger than all rounding errors in the sum. A sum has at most 1025
terms."""
UNDECIDED = np.uint64(1 << 63)
"""An entry that `draw_plain` returns if it cannot decide."""


def perfect_ids(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
    known: Known | None = None,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Draw the segments low…high − 1 from P(path) = exp(alpha · Σ score) / Z, exactly.

    Args:
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces at an alpha.
        ids: uint32[entries].
        segments: the text.
        streams: the random streams of the documents.
        low, high: the number of the first segment, and one more than the number of the last.
        known: the characters that single bytes must not spell, if there are any.

    Returns:
        int32[tokens], the ids, segment after segment, and sample after sample within a segment;
        int32[(high − low) · samples], the number of ids of each sample of each segment.

    Source: Su, https://kexue.fm/archives/9811; forward filtering, backward sampling.
    """
    run = segments.run(low, high)
    mirrored, bounds = mirror(run.text, run.bounds)
    singles = mirrored
    if known is not None:
        singles, _ = mirror(hidden(run.text, known), run.bounds)
    out, counts = room(run, streams)
    filled = _perfect_ids(
        automaton, weights, ids, mirrored, singles, bounds, run, streams, out, counts
    )
    return out[:filled], counts


def room(run: SegmentRun, streams: Streams) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return room for one token per byte and sample, and for the counts of tokens.

    The system provides memory only for the part that is written to.
    """
    counts = np.empty(len(run.documents) * streams.samples, dtype=np.int32)
    return np.empty(len(run.text) * streams.samples, dtype=np.int32), counts


# The pieces divide the interval from 0 to 1 in order, from the shortest piece to the longest. The
# chain begins with the longest piece, whose share is at the upper end of the interval. So terms are
# added up from the upper end, three at a time, until their sum reaches down to the uniform number.
# Hardly a branch depends on this number.
# The length of the piece is chosen together with its entry. Looking the length up by the entry
# would take longer, and the next token waits for it.
# Cost: 20 ns per token of mixed text with 80 k pieces at alpha 0.1. Adding up from the shortest
# piece, with the groups of the chain on a stack, took 90.
@inlined
def draw_plain(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    matches: U32,
    start: Scalar,
    distance: Scalar,
    z: F64,
    uniform: Scalar,
) -> tuple[Scalar, Scalar]:
    """Draw a piece as `draw_any` does, if all terms have one exponent.

    Args:
        uniform: a uniform number in [0, 1).
        automaton, weights, text, matches, start, distance, z: see `draw_any`.

    Returns:
        the entry of the piece, and the length of the piece (uint64). The entry is `UNDECIDED` if
        the terms have several exponents, or if rounding might decide between two pieces, which
        happens for one number in 2^39.
    """
    lengths, mantissa = automaton.lengths, weights.mantissa
    byte = uint(start) + distance - UINT_1
    group = matches[byte]
    above = (1.0 - uniform) * z[distance]
    near = _NEAR * z[distance]
    if group & 2 and above > near:
        while True:
            entry = first_entry(group)
            length = uint(lengths[entry])
            length_2, length_3 = uint(lengths[entry + UINT_1]), uint(lengths[entry + UINT_2])
            first = mantissa[entry] * z[distance - length]
            second = first + mantissa[entry + UINT_1] * z[distance - length_2]
            third = second + mantissa[entry + UINT_2] * z[distance - length_3]
            if third >= above - near:
                low, high = above - near, above + near
                beyond = uint(first < low) + uint(second < low)
                if third < high or beyond != uint(first < high) + uint(second < high):
                    return UNDECIDED, length
                length = length_2 if first < low else length
                length = length_3 if second < low else length
                return entry + beyond, length
            if not goes_on(group):
                return single_entry(automaton, text[byte]), UINT_1
            above -= third
            group = next_group(automaton, group)
    return UNDECIDED, UINT_1


# The sum must be strictly above the goal, so that the number 0 never picks a piece without weight.
@kernel
def draw_any(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    matches: U32,
    start: Scalar,
    distance: Scalar,
    z: F64,
    exponents: I64,
    uniform: Scalar,
    terms: F64,
) -> Scalar:
    """Draw the piece that begins at a distance from the segment's end, whatever the exponents.

    Terms are aligned, and added from the shortest piece on.

    Args:
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces.
        text, matches: mirrored text after `bytepiece.kernels.partition.backward`.
        start: where the segment begins in the mirrored text.
        distance: the distance, uint64.
        z, exponents: as `backward` has filled them.
        uniform: a uniform number in [0, 1).
        terms: float64[more than the pieces that begin at a place], scratch.

    Returns:
        the entry of the piece.
    """
    byte = uint(start) + distance - UINT_1
    chosen = single_entry(automaton, text[byte])
    goal = uniform * z[distance]
    reference = exponents[distance]
    term, exponent = edge_term(automaton, weights, chosen, z, exponents, distance)
    total = scale(term, exponent - reference)
    chain = matches[byte]
    group = chain
    count = 0
    while True:
        entry = first_entry(group)
        for i in range(GROUP):
            term, exponent = edge_term(automaton, weights, entry + uint(i), z, exponents, distance)
            terms[count] = scale(term, exponent - reference)
            count += 1
        if not goes_on(group):
            break
        group = next_group(automaton, group)
    # If rounding leaves the sum short by a last bit, the last piece with weight is chosen.
    picked = -1
    while total <= goal and count > 0:
        count -= 1
        if terms[count] > 0.0:
            picked = count
            total += terms[count]
    if picked >= 0:
        for _ in range(picked // GROUP):
            chain = next_group(automaton, chain)
        chosen = first_entry(chain) + uint(picked % GROUP)
    return chosen


# First a backward pass, which all samples of a segment share. Then a walk from left to right that
# chooses each piece with probability weight · z[end] / z[begin], by one uniform number per token.
@kernel
def _perfect_ids(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    mirrored: U8,
    singles: U8,
    bounds: I64,
    run: SegmentRun,
    streams: Streams,
    out: I32,
    counts: I32,
) -> Scalar:
    """Fill `out` and `counts` as `perfect_ids` returns them, and return how many ids there are.

    Longer pieces are found in `mirrored`, and single bytes are taken from `singles`.
    """
    most = longest(bounds, 0, len(bounds) - 1)
    z = np.zeros(most + 1, dtype=np.float64)
    exponents = np.zeros(most + 1, dtype=np.int64)
    terms = np.empty(automaton.deepest + GROUP, dtype=np.float64)
    uniforms = np.empty(DRAWS, dtype=np.float64)
    matches = np.empty(len(mirrored), dtype=np.uint32)
    scan(automaton, mirrored, bounds, matches)
    samples = streams.samples
    last = len(bounds) - 1
    filled = 0
    for segment in range(last):
        start, stop = bounds[last - segment - 1], bounds[last - segment]
        offset = offset_of(run, segment)
        backward(automaton, weights, singles, matches, start, stop, z, exponents)
        for sample in range(samples):
            words = sample_words(streams, run.documents[segment], sample)
            before = filled
            distance = uint(stop - start)
            while distance > UINT_0:
                turn = (filled - before) % DRAWS
                if turn == 0:
                    fill_uniforms(words, offset, np.uint64(filled - before), uniforms)
                entry = UINT_0
                # This loop leaves rare work to the code below. That makes the loop twice as fast.
                while distance > UINT_0 and turn < DRAWS:
                    uniform = uniforms[uint(place_of(turn))]
                    entry, length = draw_plain(
                        automaton, weights, singles, matches, start, distance, z, uniform
                    )
                    if entry == UNDECIDED:
                        break
                    out[uint(filled)] = ids[entry]
                    distance -= length
                    filled += 1
                    turn += 1
                if entry == UNDECIDED:
                    entry = draw_any(
                        automaton,
                        weights,
                        singles,
                        matches,
                        start,
                        distance,
                        z,
                        exponents,
                        uniforms[place_of(turn)],
                        terms,
                    )
                    out[uint(filled)] = ids[entry]
                    distance -= uint(automaton.lengths[entry])
                    filled += 1
            counts[segment * samples + sample] = filled - before
    return filled
