"""The best path: the segmentation with the largest sum of scores."""

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, I32, I64, ONE, TWO, U8, U32, ZERO, Scalar, at, kernel
from bytepiece.automaton import GROUP, Automaton, scan
from bytepiece.strings import longest
from bytepiece.text import Segments, segment_end


# Each position takes the best of the paths that reach it by a piece that ends there; from left to
# right, so that the positions before have theirs. Among equal sums the one with the longest last
# piece stays, and sums are taken in the order of the text. Both are the original library's, whose
# output this reproduces to the last tie.
# Only the sums are kept. Which piece made one is found again by `trace`, at the few positions that
# the path goes through: without it a position costs four maxima and no branch but for long chains.
# Cost: an addition and a maximum per entry of the groups at each position, 12 bytes of memory per
# byte of the longest segment, of which the states take 4. With 80 k pieces 2 MB of mixed text take
# 14 ms beside the scan's 12; a walk along the trie from each position took 66 in all.
@kernel
def best_path(
    automaton: Automaton, scores: F64, text: U8, states: U32, start: Scalar, stop: Scalar, best: F64
) -> None:
    """Fill `best` for one segment: the largest sum of scores on the way to each position.

    Args:
        scores: float64[entries], −inf where there is no piece.
        text, states: see `bytepiece.automaton.scan`.
        start, stop: of the segment.
        best: float64[more than the segment's length], all finite or −inf.
    """
    lengths = automaton.lengths
    singles = at(len(lengths) - 256)
    latest = 0.0
    best[0] = latest
    for p in range(1, stop - start + 1):
        position = at(p)
        byte = at(start) + position - ONE
        group = automaton.groups[states[byte] >> TWO]
        top = -np.inf
        while True:
            entry = at(GROUP) * at(group >> 1)
            first = best[position - at(lengths[entry])] + scores[entry]
            second = best[position - at(lengths[entry + ONE])] + scores[entry + ONE]
            third = best[position - at(lengths[entry + TWO])] + scores[entry + TWO]
            first = second if second > first else first
            top = third if third > top else top
            top = first if first > top else top
            if group & 1 == 0:
                break
            group = automaton.following[group >> 1]
        # The single byte comes last: it waits for the position just before.
        alone = latest + scores[singles + at(text[byte])]
        latest = alone if alone > top else top
        best[position] = latest


# The longest piece that makes up the sum is the one that came first.
@kernel
def last_entry(
    automaton: Automaton,
    scores: F64,
    text: U8,
    states: U32,
    start: Scalar,
    position: Scalar,
    best: F64,
) -> Scalar:
    """The entry of the last piece on the best path to a position (uint64) of a segment."""
    lengths = automaton.lengths
    byte = at(start) + position - ONE
    goal = best[position]
    group = automaton.groups[states[byte] >> TWO]
    chosen = at(len(lengths) - 256) + at(text[byte])
    while True:
        entry = at(GROUP) * at(group >> 1)
        first = best[position - at(lengths[entry])] + scores[entry]
        second = best[position - at(lengths[entry + ONE])] + scores[entry + ONE]
        third = best[position - at(lengths[entry + TWO])] + scores[entry + TWO]
        if max(first, second, third) == goal:
            chosen = entry + TWO
            chosen = entry + ONE if second == goal else chosen
            return entry if first == goal else chosen
        if group & 1 == 0:
            return chosen
        group = automaton.following[group >> 1]


@kernel
def trace(
    automaton: Automaton,
    scores: F64,
    ids: I32,
    text: U8,
    states: U32,
    start: Scalar,
    stop: Scalar,
    best: F64,
    out: I32,
    filled: Scalar,
) -> Scalar:
    """Append the ids (int32[entries]) of the path that `best` holds to `out`; how full it is then.

    `out` has room for as many as the segment has bytes.
    """
    position = at(stop - start)
    slot = at(filled) + position
    while position > ZERO:
        entry = last_entry(automaton, scores, text, states, start, position, best)
        slot -= ONE
        out[slot] = ids[entry]
        position -= at(automaton.lengths[entry])
    count = stop - start + filled - np.int64(slot)
    for i in range(count):
        out[at(filled + i)] = out[slot + at(i)]
    return filled + count


def best_ids(
    automaton: Automaton, scores: F64, ids: I32, segments: Segments, low: int, high: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Encode the segments low…high − 1 by their best paths.

    Args:
        scores: float64[entries], −inf where there is no piece.
        ids: int32[entries].

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], how many each has.
    """
    text, bounds = segments.stretch(low, high)
    out = np.empty(len(text), dtype=np.int32)
    counts = np.empty(high - low, dtype=np.int32)
    filled = _best_ids(automaton, scores, ids, text, bounds, out, counts)
    return out[:filled].copy(), counts


def best_ids_of_text(
    automaton: Automaton, scores: F64, ids: I32, text: bytes, isolate_digits: bool
) -> I32:
    """The ids of one text by its best path, without what only many texts need."""
    buffer = np.frombuffer(text, dtype=np.uint8)
    out = np.empty(len(buffer), dtype=np.int32)
    return out[: _best_ids_of_text(automaton, scores, ids, buffer, isolate_digits, out)]


@kernel
def _best_ids(
    automaton: Automaton, scores: F64, ids: I32, text: U8, bounds: I64, out: I32, counts: I32
) -> Scalar:
    states = np.empty(len(text), dtype=np.uint32)
    best = np.zeros(longest(bounds, 0, len(bounds) - 1) + 1, dtype=np.float64)
    scan(automaton, text, bounds, states)
    filled = 0
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        before = filled
        best_path(automaton, scores, text, states, start, stop, best)
        filled = trace(automaton, scores, ids, text, states, start, stop, best, out, filled)
        counts[segment] = filled - before
    return filled


@kernel
def _best_ids_of_text(
    automaton: Automaton, scores: F64, ids: I32, text: U8, isolate_digits: bool, out: I32
) -> Scalar:
    bounds = np.zeros(len(text) + 1, dtype=np.int64)
    counts = np.empty(len(text), dtype=np.int32)
    segments = 0
    while bounds[segments] < len(text):
        bounds[segments + 1] = segment_end(text, bounds[segments], len(text), isolate_digits, 0)
        segments += 1
    return _best_ids(automaton, scores, ids, text, bounds[: segments + 1], out, counts)
