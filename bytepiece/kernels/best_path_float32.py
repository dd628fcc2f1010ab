"""The best path as SentencePiece finds it: with sums in float32.

In a long text such a sum has few digits left for what two paths differ in, and which of them wins
is then a matter of rounding. So sums are rounded where SentencePiece rounds them, and as it does, a
path begins to count anew from 0 where its sum has become large.
"""

import numpy as np

from bytepiece._arrays import F32, I32, I64, U8, U32
from bytepiece.kernels.automaton import GROUP, Automaton, scan
from bytepiece.kernels.best_path import ids_by, trace
from bytepiece.kernels.jit import ONE, ZERO, Scalar, at, kernel
from bytepiece.kernels.segments import Segments, longest

_LARGE = np.float32(100_000.0)
"""Where sums begin anew: as in sentencepiece 0.2.3; releases before it go on."""


def best_ids(
    automaton: Automaton, scores: F32, ids: U32, segments: Segments, low: int, high: int
) -> tuple[I32, I32]:
    """Encode the segments low…high − 1, which are valid UTF-8, by SentencePiece's best paths.

    Args:
        scores: float32[entries], −inf where there is no piece.
        ids: uint32[entries].

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], how many each has.
    """
    return ids_by(_best_ids, automaton, scores, ids, segments, low, high)


@kernel
def _best_ids(
    automaton: Automaton, scores: F32, ids: U32, text: U8, bounds: I64, out: I32, counts: I32
) -> Scalar:
    matches = np.empty(len(text), dtype=np.uint32)
    length = longest(bounds, 0, len(bounds) - 1)
    best = np.zeros(length + 1, dtype=np.float32)
    taken = np.zeros(length + 1, dtype=np.float32)
    via = np.empty(length + 1, dtype=np.uint32)
    scan(automaton, text, bounds, matches)
    filled = np.int64(0)
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        before = filled
        _best_path(automaton, scores, text, matches, start, stop, best, taken, via)
        filled = trace(automaton, ids, via, stop - start, out, filled)
        counts[segment] = filled - before
    return filled


# SentencePiece goes from each character to where its pieces end, and where the sum at a character
# is large, it takes that much off this one and off all sums found so far further on. Here each
# position looks back, at the longest piece first: what has been found for it by then takes part in
# what was taken off between the beginning of one piece and that of the next.
# Cost: as `bytepiece.kernels.best_path.best_path` does it, with a branch for each entry: twice the time.
@kernel
def _best_path(
    automaton: Automaton,
    scores: F32,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    best: F32,
    taken: F32,
    via: U32,
) -> None:
    """Fill `best`, `taken` (what was taken off at a position) and `via` for one segment."""
    lengths = automaton.lengths
    singles = at(len(lengths) - 256)
    # The last position where something was taken off.
    latest = ZERO
    best[0] = 0.0
    for p in range(1, stop - start + 1):
        position = at(p)
        byte = at(start) + position - ONE
        group = matches[byte]
        top, last = -np.inf, ZERO
        counted = ZERO
        while True:
            entry = at(GROUP) * at(group >> 2)
            for _ in range(GROUP):
                if scores[entry] > -np.inf:
                    begin = position - at(lengths[entry])
                    top, counted = _moved(top, taken, counted, begin, latest)
                    candidate = np.float32(best[begin] + scores[entry])
                    if candidate > top:
                        top, last = np.float64(candidate), entry
                entry += ONE
            if group & 1 == 0:
                break
            group = automaton.following[group >> 2]
        top, counted = _moved(top, taken, counted, position - ONE, latest)
        single = singles + at(text[byte])
        candidate = np.float32(best[position - ONE] + scores[single])
        if candidate > top:
            top, last = np.float64(candidate), single
        best[position], via[position] = top, last
        taken[position] = 0.0
        # Sums are large or not where characters begin.
        begins = p < stop - start and text[byte + ONE] & 0xC0 != 0x80
        if begins and abs(best[position]) > _LARGE:
            taken[position], best[position] = best[position], 0.0
            latest = position


@kernel
def _moved(
    top: Scalar, taken: F32, counted: Scalar, begin: Scalar, latest: Scalar
) -> tuple[Scalar, Scalar]:
    """A sum less what was taken off after the position `counted` and until `begin`; and `begin`."""
    if latest > counted and top > -np.inf:
        for position in range(counted + ONE, begin + ONE):
            if taken[position] != 0.0:
                top = np.float64(np.float32(np.float32(top) - taken[position]))
    return top, begin
