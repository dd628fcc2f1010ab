"""Viterbi sampling: the older sampler, whose law is not the exact one."""

import numpy as np

from bytepiece._arrays import F64, I32, U8, U32
from bytepiece.encoding.drawn import Drawn, room
from bytepiece.kernels.automaton import Automaton, first_entry, single_entry
from bytepiece.kernels.jit import UINT_1, UINT_2, UINT_4, Scalar, allocating, inner, uint
from bytepiece.kernels.paths import trace
from bytepiece.kernels.segments import SegmentRun, Segments, longest, offset_of
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
) -> Drawn:
    """Draw the segments low…high − 1 by Viterbi sampling.

    Args:
        automaton: the automaton of the pieces, which the kernel walks as a trie.
        scores: float64[entries].
        ids: uint32[entries].
        alpha: the exponent.
        segments, streams, low, high: see `bytepiece.encoding.perfect.perfect_ids`.

    Source: Su, https://kexue.fm/archives/9768, the first algorithm, of 2023-09.
    """
    run = segments.run(low, high)
    out, counts = room(run, streams)
    filled = _viterbi_ids(automaton, scores, ids, alpha, run, streams, out, counts)
    return Drawn(out[:filled], counts)


# Candidates reach a position in the order of their lengths, longest first, since the pieces that
# begin at one position are handled before the pieces of the next. Each position holds one path. A
# new candidate replaces it with probability sigmoid(alpha · (new − held)). Here `held` is the sum
# of scores of the path held, without alpha. `new` is the same sum for the candidate, which is the
# path held where its last piece begins, extended by this piece. The first candidate needs no draw.
# Draws are numbered in the order of these choices. The defect belongs to the algorithm: of three
# equal candidates, the last is kept with probability 1/2 and the others with 1/4 each.
@inner
def viterbi_path(
    automaton: Automaton,
    scores: F64,
    alpha: Scalar,
    text: U8,
    words: tuple[Scalar, ...],
    offset: Scalar,
    uniforms: F64,
    held: F64,
    via: U32,
) -> None:
    """Draw a path to each position of one segment.

    Args:
        automaton, scores, alpha: see `viterbi_ids`.
        text: the bytes of the segment.
        words, offset: see `bytepiece.kernels.streams.uniforms`.
        uniforms: float64[DRAWS], scratch.
        held: float64[a power of two above the length of the longest piece], scratch: the sum of
            scores of the path that a position holds. Positions take turns.
        via: uint32, to be filled with the last entry of that path.
    """
    nodes, lengths = automaton.nodes, automaton.lengths
    length = len(text)
    mask = uint(len(held) - 1)
    held[0] = 0.0
    for position in range(1, length + 1):
        via[position] = len(lengths)  # not an entry: nothing is held yet
    draws = 0
    for position in range(length):
        here = held[uint(position) & mask]
        node = UINT_4 * (UINT_1 + uint(text[position]))
        entry = np.int64(single_entry(automaton, text[position]))
        end = position + 1
        while True:
            if np.int64(lengths[entry]) == end - position:
                score = here + scores[entry]
                accepted = via[end] == len(lengths)
                if not accepted:
                    if draws % DRAWS == 0:
                        fill_uniforms(words, offset, np.uint64(draws), DRAWS, uniforms)
                    uniform = uniforms[place_of(draws % DRAWS)]
                    draws += 1
                    # At 700 the probability is already 0, and exp is still finite.
                    accepted = uniform < 1.0 / (
                        1.0 + np.exp(min(alpha * (held[uint(end) & mask] - score), 700.0))
                    )
                if accepted:
                    held[uint(end) & mask] = score
                    via[end] = entry
            if end == length:
                break
            target = uint(nodes[node]) + UINT_4 * uint(text[end])
            if uint(nodes[target + UINT_1]) != node:
                break
            node = target
            entry = np.int64(first_entry(automaton.groups[node >> UINT_2]))
            end += 1


@allocating
def _viterbi_ids(
    automaton: Automaton,
    scores: F64,
    ids: U32,
    alpha: Scalar,
    run: SegmentRun,
    streams: Streams,
    out: I32,
    counts: I32,
) -> Scalar:
    """Fill `out` and `counts` as `viterbi_ids` returns them, and return how many ids there are."""
    bounds = run.bounds
    length = longest(bounds, 0, len(bounds) - 1)
    uniforms = np.empty(DRAWS, dtype=np.float64)
    turns = 1
    while turns <= automaton.deepest:
        turns *= 2
    held = np.empty(turns, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    samples = streams.samples
    filled = 0
    for segment in range(len(bounds) - 1):
        text = run.text[bounds[segment] : bounds[segment + 1]]
        offset = offset_of(run, segment)
        for sample in range(samples):
            words = sample_words(streams, run.documents[segment], sample)
            viterbi_path(automaton, scores, alpha, text, words, offset, uniforms, held, via)
            before = filled
            filled = trace(automaton, ids, via, len(text), out, filled)
            counts[segment * samples + sample] = filled - before
    return filled
