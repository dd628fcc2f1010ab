"""Random segmentations: perfect sampling follows the law, and Viterbi sampling does not."""

import math
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, FOUR, I32, I64, ONE, TWO, U8, U32, ZERO, Scalar, at, inlined, kernel
from bytepiece.automaton import GROUP, Automaton, scan
from bytepiece.errors import ArgumentError
from bytepiece.forward import Weights, backward, edge_term, mirror, scale
from bytepiece.rng import DRAWS, document_words, fill_uniforms, place_of, seed_word, unsigned
from bytepiece.strings import longest
from bytepiece.text import Segments
from bytepiece.viterbi import trace

_NEAR = 2.0**-40
"""Part of a sum that no rounding of it can reach: it has at most 1025 terms."""
UNDECIDED = np.uint64(1 << 63)


Sampler = Literal["perfect", "viterbi", "nbest"]
NBEST_SIZE = 64
"""How many paths "nbest" draws from by default."""
MOST_PATHS = 1 << 20
"""The most that it can draw from."""


class Method(NamedTuple):
    """How to draw; see `bytepiece.Tokenizer`."""

    alpha: float
    sampler: Sampler
    nbest_size: int

    @classmethod
    def of(cls, alpha: float | None, sampler: Sampler, nbest_size: int) -> "Method | None":
        """What arguments ask for; None for the best path.

        Raises:
            ArgumentError: an argument is outside its range.
        """
        if sampler not in get_args(Sampler):
            names = ", ".join(f'"{name}"' for name in get_args(Sampler))
            raise ArgumentError(f"sampler must be one of {names}, not {sampler!r:.30}")
        if isinstance(nbest_size, bool) or not isinstance(nbest_size, (int, np.integer)):
            raise ArgumentError(f"nbest_size must be a whole number, not {nbest_size!r:.30}")
        if not 1 <= nbest_size <= MOST_PATHS:
            raise ArgumentError(f"nbest_size must be in 1…{MOST_PATHS}, not {nbest_size!s:.30}")
        if alpha is None or checked_alpha(alpha) < 0:
            return None
        return cls(float(alpha), sampler, int(nbest_size))


def checked_alpha(alpha: float) -> float:
    """The exponent, if it is a finite number.

    Raises:
        ArgumentError: it is none.
    """
    try:
        if isinstance(alpha, (float, int, np.floating, np.integer)) and math.isfinite(alpha):
            return alpha
    except OverflowError:  # a whole number beyond all floats
        pass
    raise ArgumentError(
        f"alpha must be a finite number, or None for the best path, not {alpha!r:.30}"
    )


class Streams(NamedTuple):
    """Which random streams the documents of a batch use; see `bytepiece.rng`.

    Args:
        seed: uint64.
        epoch: uint64, below 2^32.
        doc_ids: uint64[documents].
        first_sample: uint64, below 2^32: the number of the first sample drawn.
        samples: how many samples of each document are drawn, numbered from the first on.
    """

    seed: np.uint64
    epoch: np.uint64
    doc_ids: npt.NDArray[np.uint64]
    first_sample: np.uint64
    samples: int


def streams(
    seed: int | None, epoch: int, doc_ids: npt.NDArray[np.uint64], first_sample: int, samples: int
) -> Streams:
    """The streams of a batch of documents; without a seed, with a fresh one.

    Raises:
        ArgumentError: a number is outside its range.
    """
    if samples < 1:
        raise ArgumentError(f"samples must be at least 1, not {samples}")
    first = unsigned(first_sample, 32, "sample")
    unsigned(int(first) + samples - 1, 32, "sample")
    return Streams(
        seed_word(seed),
        unsigned(epoch, 32, "epoch"),
        doc_ids,
        first,
        samples,
    )


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


def viterbi_ids(
    automaton: Automaton,
    scores: F64,
    ids: U32,
    alpha: float,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Draw the segments low…high − 1 by Viterbi sampling; result as `perfect_ids`.

    Args:
        automaton: of the pieces, for it is walked as a trie.
        scores: float64[entries].
        ids: uint32[entries].

    Source: Su, https://kexue.fm/archives/9768, the first algorithm, of 2023-09.
    """
    text, bounds = segments.stretch(low, high)
    out, counts = room(text, bounds, streams)
    filled = _viterbi_ids(
        automaton, scores, ids, alpha, text, bounds, segments, low, streams, out, counts
    )
    return out[:filled], counts


def room(
    text: npt.NDArray[np.uint8], bounds: npt.NDArray[np.int64], streams: Streams
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Room for a token per byte; what is not needed is never touched."""
    counts = np.empty((len(bounds) - 1) * streams.samples, dtype=np.int32)
    return np.empty(len(text) * streams.samples, dtype=np.int32), counts


@kernel
def sample_words(
    streams: Streams, document: Scalar, sample: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """The words that stand for a sample, counted from the first one drawn, of a document."""
    return document_words(
        streams.seed,
        streams.epoch,
        streams.doc_ids[document],
        streams.first_sample + np.uint64(sample),
    )


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


# Candidates reach a position longest piece first: those of one position are pushed before those of
# the next. The held one is replaced with probability sigmoid(alpha · (new − held)), where the
# scores are those of the paths then held, not scaled. The first candidate needs no draw; draws are
# numbered in the order of these choices. The defect is the algorithm's: of three equal candidates
# the last is kept with probability 1/2 and the others with 1/4 each.
@kernel
def viterbi_path(
    automaton: Automaton,
    scores: F64,
    alpha: Scalar,
    text: U8,
    start: Scalar,
    stop: Scalar,
    words: tuple[Scalar, ...],
    offset: Scalar,
    uniforms: F64,
    held: F64,
    via: U32,
) -> None:
    """Fill `held` and `via` for one segment: the score of the path held, and its last entry."""
    nodes, lengths = automaton.nodes, automaton.lengths
    singles = len(lengths) - 256
    length = stop - start
    held[0] = 0.0
    for position in range(1, length + 1):
        via[position] = len(lengths)  # no entry: nothing is held
    draws = 0
    for position in range(length):
        here = held[position]
        node = FOUR * (ONE + at(text[start + position]))
        entry = singles + np.int64(text[start + position])
        end = position + 1
        while True:
            if np.int64(lengths[entry]) == end - position:
                score = here + scores[entry]
                accepted = via[end] == len(lengths)
                if not accepted:
                    if draws % DRAWS == 0:
                        fill_uniforms(words, offset, np.uint64(draws), uniforms)
                    uniform = uniforms[place_of(draws % DRAWS)]
                    draws += 1
                    # At 700 the probability is 0 in any case, and exp is still finite.
                    accepted = uniform < 1.0 / (
                        1.0 + np.exp(min(alpha * (held[end] - score), 700.0))
                    )
                if accepted:
                    held[end] = score
                    via[end] = entry
            if end == length:
                break
            target = at(nodes[node]) + FOUR * at(text[start + end])
            if at(nodes[target + ONE]) != node:
                break
            node = target
            entry = GROUP * np.int64(automaton.groups[node >> TWO] >> 2)
            end += 1


@kernel
def _viterbi_ids(
    automaton: Automaton,
    scores: F64,
    ids: U32,
    alpha: Scalar,
    text: U8,
    bounds: I64,
    segments: Segments,
    low: Scalar,
    streams: Streams,
    out: I32,
    counts: I32,
) -> Scalar:
    length = longest(bounds, 0, len(bounds) - 1)
    uniforms = np.empty(DRAWS, dtype=np.float64)
    held = np.empty(length + 1, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    samples = streams.samples
    filled = 0
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        document = segments.documents[low + segment]
        offset = np.uint64(segments.bounds[low + segment] - segments.document_starts[document])
        for sample in range(samples):
            words = sample_words(streams, document, sample)
            viterbi_path(
                automaton, scores, alpha, text, start, stop, words, offset, uniforms, held, via
            )
            before = filled
            filled = trace(automaton, ids, via, stop - start, out, filled)
            counts[segment * samples + sample] = filled - before
    return filled
