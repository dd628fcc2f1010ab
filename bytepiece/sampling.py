"""Random segmentations: perfect sampling follows the law, and Viterbi sampling does not."""

import secrets
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, I32, I64, U8, Scalar, at, kernel
from bytepiece.errors import ArgumentError
from bytepiece.forward import Weights, backward, edge_term, scale
from bytepiece.rng import document_words, uniforms, unsigned
from bytepiece.strings import longest
from bytepiece.text import Segments
from bytepiece.trie import Trie, child
from bytepiece.viterbi import Scores, trace


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
        unsigned(secrets.randbits(64) if seed is None else seed, 64, "seed"),
        unsigned(epoch, 32, "epoch"),
        doc_ids,
        first,
        samples,
    )


def perfect_ids(
    trie: Trie,
    weights: Weights,
    ids: npt.NDArray[np.int32],
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Draw the segments low…high − 1 from P(path) = exp(alpha · Σ score) / Z, exactly.

    Returns:
        int32[tokens], the ids, segment after segment and within one sample after sample;
        int32[(high − low) · samples], how many each has.

    Source: Su, https://kexue.fm/archives/9811; forward filtering, backward sampling.
    """
    out, counts = _room(segments, streams, low, high)
    filled = _perfect_ids(trie, weights, ids, segments, streams, low, high, out, counts)
    return out[:filled].copy(), counts


def viterbi_ids(
    trie: Trie,
    scores: Scores,
    alpha: float,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Draw the segments low…high − 1 by Viterbi sampling; arguments and result as `perfect_ids`.

    Source: Su, https://kexue.fm/archives/9768, the first algorithm, of 2023-09.
    """
    out, counts = _room(segments, streams, low, high)
    filled = _viterbi_ids(trie, scores, alpha, segments, streams, low, high, out, counts)
    return out[:filled].copy(), counts


def _room(
    segments: Segments, streams: Streams, low: int, high: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Room for a token per byte; what is not needed is never touched."""
    size = int(segments.bounds[high] - segments.bounds[low])
    counts = np.empty((high - low) * streams.samples, dtype=np.int32)
    return np.empty(size * streams.samples, dtype=np.int32), counts


@kernel
def _words(
    streams: Streams, document: Scalar, sample: Scalar
) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """The words that stand for a sample, counted from the first one drawn, of a document."""
    return document_words(
        streams.seed,
        streams.epoch,
        streams.doc_ids[document],
        streams.first_sample + np.uint64(sample),
    )


@kernel
def draw(
    trie: Trie,
    weights: Weights,
    text: U8,
    start: Scalar,
    position: Scalar,
    length: Scalar,
    z: F64,
    z_exponent: I64,
    uniform: Scalar,
) -> tuple[Scalar, Scalar]:
    """The piece that follows `position` for this uniform number: its node and its end."""
    # Strictly above, so that a uniform number of 0 never picks a piece without weight; and should
    # rounding leave the sum a last bit short, the last piece with weight is the one.
    goal = uniform * z[at(position)]
    reference = z_exponent[at(position)]
    first = np.int64(text[at(start + position)])
    node = np.int64(1 + first)
    end = position + 1
    chosen_node, chosen_end = node, end
    total = 0.0
    while True:
        if trie.units[at(node), 1] & 1:
            term, exponent = edge_term(weights, node, z, z_exponent, end)
            term = scale(term, exponent - reference)
            if term > 0.0:
                chosen_node, chosen_end = node, end
                total += term
                if total > goal:
                    break
        if end == length:
            break
        if end == position + 1:
            node = np.int64(trie.pairs[at(first << 8 | text[at(start + end)])])
        else:
            node = child(trie.units, node, text[at(start + end)])
        if node == 0:
            break
        end += 1
    return chosen_node, chosen_end


# A backward pass, which all samples of a segment share, then a walk from left to right that
# chooses each piece with probability weight · z[end] / z[position]: one uniform number a token,
# and the trie is walked once a token, not once a byte.
@kernel
def _perfect_ids(
    trie: Trie,
    weights: Weights,
    ids: I32,
    segments: Segments,
    streams: Streams,
    low: Scalar,
    high: Scalar,
    out: I32,
    counts: I32,
) -> Scalar:
    length = longest(segments.bounds, low, high)
    z = np.empty(length + 1, dtype=np.float64)
    z_exponent = np.empty(length + 1, dtype=np.int64)
    samples = streams.samples
    filled = 0
    for segment in range(low, high):
        start, stop = segments.bounds[segment], segments.bounds[segment + 1]
        length = stop - start
        document = segments.documents[segment]
        offset = np.uint64(start - segments.document_starts[document])
        backward(trie, weights, segments.text, start, stop, z, z_exponent)
        for sample in range(samples):
            words = _words(streams, document, sample)
            before = filled
            position = 0
            second = 0.0
            while position < length:
                token = filled - before
                if token & 1 == 0:
                    uniform, second = uniforms(words, offset, np.uint64(token >> 1))
                else:
                    uniform = second
                node, position = draw(
                    trie, weights, segments.text, start, position, length, z, z_exponent, uniform
                )
                out[at(filled)] = ids[at(node)]
                filled += 1
            counts[(segment - low) * samples + sample] = filled - before
    return filled


# Candidates reach a position longest piece first, the order in which `best_path` pushes them. The
# held one is replaced with probability sigmoid(alpha · (new − held)), where the scores are those
# of the paths then held, not scaled. The first candidate needs no draw; draws are numbered in the
# order of these choices. The defect is the algorithm's: of three equal candidates the last is
# kept with probability 1/2 and the others with 1/4 each.
@kernel
def viterbi_path(
    trie: Trie,
    scores: Scores,
    alpha: Scalar,
    text: U8,
    start: Scalar,
    stop: Scalar,
    words: tuple[Scalar, ...],
    offset: Scalar,
    held: F64,
    origin: I32,
    via: I32,
) -> None:
    """Fill `held`, `origin` and `via`, as `best_path` does, with one random path."""
    length = stop - start
    held[0] = 0.0
    for position in range(1, length + 1):
        origin[at(position)] = -1
    draws = 0
    second = 0.0
    for position in range(length):
        here = held[at(position)]
        node = 1 + np.int64(text[at(start + position)])
        end = position + 1
        while True:
            if trie.units[at(node), 1] & 1:
                score = here + scores.by_node[at(node)]
                accepted = origin[at(end)] < 0
                if not accepted:
                    if draws & 1 == 0:
                        uniform, second = uniforms(words, offset, np.uint64(draws >> 1))
                    else:
                        uniform = second
                    draws += 1
                    # At 700 the probability is 0 in any case, and exp is still finite.
                    accepted = uniform < 1.0 / (
                        1.0 + np.exp(min(alpha * (held[at(end)] - score), 700.0))
                    )
                if accepted:
                    held[at(end)] = score
                    origin[at(end)] = position
                    via[at(end)] = node
            if end == length:
                break
            node = child(trie.units, node, text[at(start + end)])
            if node == 0:
                break
            end += 1


@kernel
def _viterbi_ids(
    trie: Trie,
    scores: Scores,
    alpha: Scalar,
    segments: Segments,
    streams: Streams,
    low: Scalar,
    high: Scalar,
    out: I32,
    counts: I32,
) -> Scalar:
    length = longest(segments.bounds, low, high)
    held = np.empty(length + 1, dtype=np.float64)
    origin = np.empty(length + 1, dtype=np.int32)
    via = np.empty(length + 1, dtype=np.int32)
    samples = streams.samples
    filled = 0
    for segment in range(low, high):
        start, stop = segments.bounds[segment], segments.bounds[segment + 1]
        document = segments.documents[segment]
        offset = np.uint64(start - segments.document_starts[document])
        for sample in range(samples):
            words = _words(streams, document, sample)
            before = filled
            viterbi_path(
                trie, scores, alpha, segments.text, start, stop, words, offset, held, origin, via
            )
            filled = trace(scores.ids, origin, via, stop - start, out, filled)
            counts[(segment - low) * samples + sample] = filled - before
    return filled
