"""The walk of perfect sampling: it draws piece after piece, by the sums of the backward pass."""

from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I32, I64, U8, U32
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    single_entry,
)
from bytepiece.kernels.jit import UINT_0, UINT_1, UINT_2, Scalar, inlined, inner, uint
from bytepiece.kernels.partition import Weights, edge_term, scale
from bytepiece.kernels.streams import DRAWS, fill_uniforms, place_of

_NEAR = 2.0**-40
"""This fraction of a sum is larger than all rounding errors in the sum. A sum has at most 1025
terms."""
UNDECIDED = np.uint64(1 << 63)
"""An entry that `draw_plain` returns if it cannot decide."""


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
@inner
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


class Sums(NamedTuple):
    """What the backward pass has found for a segment or a window of it, and room for the walk.

    Args:
        text, matches: the mirrored text, and the matches as `backward` leaves them.
        z, exponents: see `backward`.
        uniforms: float64[DRAWS], scratch.
        terms: see `draw_any`.
    """

    text: U8
    matches: U32
    z: F64
    exponents: I64
    uniforms: F64
    terms: F64


class SampleDraws(NamedTuple):
    """The draws of one sample of a segment. It holds numbers only.

    The reason: to put an array into a tuple takes time, which counts for short segments.

    Args:
        words, offset: see `bytepiece.kernels.streams.uniforms`.
        place: where the ids of the sample begin in `out`.
    """

    words: tuple[Scalar, ...]
    offset: Scalar
    place: Scalar


@inlined
def walk(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    sums: Sums,
    start: Scalar,
    distance: Scalar,
    low: Scalar,
    draws: SampleDraws,
    count: Scalar,
    out: I32,
) -> tuple[Scalar, Scalar]:
    """Draw pieces from a distance from the segment's end on.

    Args:
        sums: the sums at all distances that a piece may reach.
        start: where the segment begins in the mirrored text.
        distance: the distance, uint64.
        low: the walk stops at the first distance that is not above this one, uint64.
        draws: the draws of the sample.
        count: how many pieces of the sample are drawn already.
        out: int32, to be filled with ids.
        automaton, weights, ids: see `bytepiece.encoding.perfect.perfect_ids`.

    Returns:
        the distance and the count after the walk.
    """
    text, matches, z, exponents, uniforms, terms = sums
    words, offset, place = draws
    if count % DRAWS > 0:  # the walk goes on amid a block of draws
        fill_uniforms(words, offset, np.uint64(count - count % DRAWS), DRAWS, uniforms)
    filled = place + count
    while distance > low:
        turn = (filled - place) % DRAWS
        if turn == 0:
            most = np.int64(distance - low)
            fill_uniforms(words, offset, np.uint64(filled - place), most, uniforms)
        entry = UINT_0
        # This loop leaves rare work to the code below. That makes the loop twice as fast.
        while distance > low and turn < DRAWS:
            uniform = uniforms[uint(place_of(turn))]
            entry, length = draw_plain(
                automaton, weights, text, matches, start, distance, z, uniform
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
                text,
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
    return distance, filled - place
