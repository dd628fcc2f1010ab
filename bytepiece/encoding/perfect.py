"""Random segmentations: perfect sampling follows the law, and Viterbi sampling does not."""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8, U32
from bytepiece.kernels.automaton import GROUP, Automaton, scan
from bytepiece.kernels.jit import ONE, TWO, ZERO, Scalar, at, inlined, kernel
from bytepiece.kernels.partition import Weights, backward, edge_term, mirror, scale
from bytepiece.kernels.segments import Segments, longest
from bytepiece.kernels.streams import DRAWS, Streams, fill_uniforms, place_of, sample_words

_NEAR = 2.0**-40
"""Part of a sum that no rounding of it can reach: it has at most 1025 terms."""
UNDECIDED = np.uint64(1 << 63)


def perfect_ids(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Draw the segments low…high − 1 from P(path) = exp(alpha · Σ score) / Z, exactly.

    Args:
        automaton: of the reversed pieces.
        weights: at an alpha.
        ids: uint32[entries].

    Returns:
        int32[tokens], the ids, segment after segment and within one sample after sample;
        int32[(high − low) · samples], how many each has.

    Source: Su, https://kexue.fm/archives/9811; forward filtering, backward sampling.
    """
    text, bounds = segments.stretch(low, high)
    mirrored, mirrored_bounds = mirror(text, bounds)
    out, counts = room(text, bounds, streams)
    filled = _perfect_ids(
        automaton, weights, ids, mirrored, mirrored_bounds, segments, low, streams, out, counts
    )
    return out[:filled], counts


def room(
    text: npt.NDArray[np.uint8], bounds: npt.NDArray[np.int64], streams: Streams
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Room for a token per byte; what is not needed is never touched."""
    counts = np.empty((len(bounds) - 1) * streams.samples, dtype=np.int32)
    return np.empty(len(text) * streams.samples, dtype=np.int32), counts


# Pieces have the uniform numbers between 0 and 1 in order, the shortest the lowest. As the chain
# begins with the longest, its terms are added up until they reach what lies above the number: three
# at a time, with hardly a branch that depends on the number. Each token waits for the one before,
# so the length is chosen beside the entry, not looked up by it.
# Cost: 20 ns a token of mixed text with 80 k pieces at alpha 0.1. Adding up from the shortest one,
# the chain's groups on a stack, took 90.
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
    """`draw_any` where terms have one exponent; undecided elsewhere, and where rounding may decide.

    The latter happens at one number in 2^39. The second result is the piece's length (uint64).
    """
    lengths, mantissa = automaton.lengths, weights.mantissa
    byte = at(start) + distance - ONE
    group = matches[byte]
    above = (1.0 - uniform) * z[distance]
    near = _NEAR * z[distance]
    if group & 2 and above > near:
        while True:
            entry = at(GROUP) * at(group >> 2)
            length = at(lengths[entry])
            length_2, length_3 = at(lengths[entry + ONE]), at(lengths[entry + TWO])
            first = mantissa[entry] * z[distance - length]
            second = first + mantissa[entry + ONE] * z[distance - length_2]
            third = second + mantissa[entry + TWO] * z[distance - length_3]
            if third >= above - near:
                low, high = above - near, above + near
                beyond = at(first < low) + at(second < low)
                if third < high or beyond != at(first < high) + at(second < high):
                    return UNDECIDED, length
                length = length_2 if first < low else length
                length = length_3 if second < low else length
                return entry + beyond, length
            if group & 1 == 0:
                return at(len(lengths) - 256) + at(text[byte]), ONE
            above -= third
            group = automaton.following[group >> 2]
    return UNDECIDED, ONE


# Strictly above the goal, so that a uniform number of 0 never picks a piece without weight.
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
    """The entry of the piece that is drawn; terms are aligned, and added from the shortest on."""
    byte = at(start) + distance - ONE
    chosen = at(len(automaton.lengths) - 256) + at(text[byte])
    goal = uniform * z[distance]
    reference = exponents[distance]
    term, exponent = edge_term(automaton, weights, chosen, z, exponents, distance)
    total = scale(term, exponent - reference)
    chain = matches[byte]
    group = chain
    count = 0
    while True:
        entry = at(GROUP) * at(group >> 2)
        for i in range(GROUP):
            term, exponent = edge_term(automaton, weights, entry + at(i), z, exponents, distance)
            terms[count] = scale(term, exponent - reference)
            count += 1
        if group & 1 == 0:
            break
        group = automaton.following[group >> 2]
    # Should rounding leave the sum a last bit short, the last piece with weight is the one.
    picked = -1
    while total <= goal and count > 0:
        count -= 1
        if terms[count] > 0.0:
            picked = count
            total += terms[count]
    if picked >= 0:
        for _ in range(picked // GROUP):
            chain = automaton.following[chain >> 2]
        chosen = at(GROUP) * at(chain >> 2) + at(picked % GROUP)
    return chosen


# A backward pass, which all samples of a segment share, then a walk from left to right that
# chooses each piece with probability weight · z[end] / z[begin]: one uniform number a token.
@kernel
def _perfect_ids(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    mirrored: U8,
    mirrored_bounds: I64,
    segments: Segments,
    low: Scalar,
    streams: Streams,
    out: I32,
    counts: I32,
) -> Scalar:
    most = longest(mirrored_bounds, 0, len(mirrored_bounds) - 1)
    z = np.zeros(most + 1, dtype=np.float64)
    exponents = np.zeros(most + 1, dtype=np.int64)
    terms = np.empty(automaton.deepest + GROUP, dtype=np.float64)
    uniforms = np.empty(DRAWS, dtype=np.float64)
    matches = np.empty(len(mirrored), dtype=np.uint32)
    scan(automaton, mirrored, mirrored_bounds, matches)
    samples = streams.samples
    last = len(mirrored_bounds) - 1
    filled = 0
    for segment in range(last):
        start, stop = mirrored_bounds[last - segment - 1], mirrored_bounds[last - segment]
        document = segments.documents[low + segment]
        offset = np.uint64(segments.bounds[low + segment] - segments.document_starts[document])
        backward(automaton, weights, mirrored, matches, start, stop, z, exponents)
        for sample in range(samples):
            words = sample_words(streams, document, sample)
            before = filled
            distance = at(stop - start)
            while distance > ZERO:
                turn = (filled - before) % DRAWS
                if turn == 0:
                    fill_uniforms(words, offset, np.uint64(filled - before), uniforms)
                entry = ZERO
                # What is seldom done stays out of this loop, which is twice as fast for it.
                while distance > ZERO and turn < DRAWS:
                    uniform = uniforms[at(place_of(turn))]
                    entry, length = draw_plain(
                        automaton, weights, mirrored, matches, start, distance, z, uniform
                    )
                    if entry == UNDECIDED:
                        break
                    out[at(filled)] = ids[entry]
                    distance -= length
                    filled += 1
                    turn += 1
                if entry == UNDECIDED:
                    entry = draw_any(
                        automaton,
                        weights,
                        mirrored,
                        matches,
                        start,
                        distance,
                        z,
                        exponents,
                        uniforms[place_of(turn)],
                        terms,
                    )
                    out[at(filled)] = ids[entry]
                    distance -= at(automaton.lengths[entry])
                    filled += 1
            counts[segment * samples + sample] = filled - before
    return filled
