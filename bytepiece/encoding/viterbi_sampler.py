"""Viterbi sampling: the older sampler, whose law is not the exact one."""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8, U32
from bytepiece.encoding.perfect import room
from bytepiece.kernels.automaton import GROUP, Automaton
from bytepiece.kernels.best_path import trace
from bytepiece.kernels.jit import FOUR, ONE, TWO, Scalar, at, kernel
from bytepiece.kernels.segments import Segments, longest
from bytepiece.kernels.streams import DRAWS, Streams, fill_uniforms, place_of, sample_words


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
