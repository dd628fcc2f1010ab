"""The best path: the segmentation with the largest sum of scores."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8, U16, U32, offsets_of
from bytepiece.kernels.automaton import GROUP, Automaton, scan
from bytepiece.kernels.jit import ONE, TWO, ZERO, Scalar, at, inlined, kernel
from bytepiece.kernels.segments import Segments, longest, segment_end

_BYTE, _ID = np.dtype(np.uint8), np.dtype(np.int32)


# Each position takes the best of the paths that reach it by a piece that ends there; from left to
# right, so that the positions before have theirs. A candidate must be strictly better, and longer
# last pieces come first: among equal sums the one with the longest last piece stays. Sums are taken
# in the order of the text. All three are the original library's, whose output this reproduces to
# the last tie.
# Cost: an addition and a comparison per entry of the groups at each position, hardly a branch that
# depends on the text but for long chains; 12 bytes of memory per byte of the longest segment, and 4
# of matches per byte of the text. With 80 k pieces 2 MB of mixed text take 16 ms, `trace` 6 and the
# scan 12 to 16; a walk along the trie from each position took 66 in all. Keeping only the sums, and
# finding the last pieces again in `trace`, saves 2 here and costs 5 there.
@kernel
def best_path(
    automaton: Automaton,
    scores: F64,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    best: F64,
    via: U32,
) -> None:
    """Fill `best` and `via` for one segment: the best way to each position, its sum and last entry.

    Args:
        scores: float64[entries], −inf where there is no piece.
        text, matches: see `bytepiece.kernels.automaton.scan`.
        start, stop: of the segment.
        best: float64[more than the segment's length], of finite numbers.
        via: uint32[more than the segment's length].
    """
    lengths = automaton.lengths
    singles = at(len(lengths) - 256)
    latest = 0.0  # best[position − 1]
    best[0] = latest
    for p in range(1, stop - start + 1):
        position = at(p)
        byte = at(start) + position - ONE
        group = matches[byte]
        top, last = -np.inf, ZERO
        while True:
            entry = at(GROUP) * at(group >> 2)
            first = best[position - at(lengths[entry])] + scores[entry]
            second = best[position - at(lengths[entry + ONE])] + scores[entry + ONE]
            third = best[position - at(lengths[entry + TWO])] + scores[entry + TWO]
            better = second > first
            first, chosen = (second, entry + ONE) if better else (first, entry)
            better = third > first
            first, chosen = (third, entry + TWO) if better else (first, chosen)
            better = first > top
            top, last = (first, chosen) if better else (top, last)
            if group & 1 == 0:
                break
            group = automaton.following[group >> 2]
        # The single byte comes last: it waits for the position just before.
        single = singles + at(text[byte])
        alone = latest + scores[single]
        better = alone > top
        latest, last = (alone, single) if better else (top, last)
        best[position], via[position] = latest, last


@kernel
def trace(
    automaton: Automaton, ids: U32, via: U32, length: Scalar, out: I32, filled: Scalar
) -> Scalar:
    """Append the ids (uint32[entries]) of the path that `via` holds to `out`; how full it is then.

    `out` has room for as many as the segment has bytes.
    """
    position = at(length)
    slot = at(filled) + position
    while position > ZERO:
        entry = at(via[position])
        slot -= ONE
        out[slot] = ids[entry]
        position -= at(automaton.lengths[entry])
    count = length + filled - np.int64(slot)
    for i in range(count):
        out[at(filled + i)] = out[slot + at(i)]
    return filled + count


def best_ids(
    automaton: Automaton, scores: F64, ids: U32, segments: Segments, low: int, high: int
) -> tuple[I32, I32]:
    """Encode the segments low…high − 1 by their best paths.

    Args:
        scores: float64[entries], −inf where there is no piece.
        ids: uint32[entries].

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], how many each has.
    """
    return ids_by(_best_ids, automaton, scores, ids, segments, low, high)


def ids_by(
    compiled: Callable[..., Scalar],
    automaton: Automaton,
    scores: npt.NDArray[Any],
    ids: U32,
    segments: Segments,
    low: int,
    high: int,
) -> tuple[I32, I32]:
    """As `best_ids`, by a kernel that takes what `_best_ids` does, and scores of its own type."""
    text, bounds = segments.stretch(low, high)
    out = np.empty(len(text), dtype=np.int32)
    counts = np.empty(high - low, dtype=np.int32)
    filled = compiled(automaton, scores, ids, text, bounds, out, counts)
    return out[:filled], counts


@kernel
def _best_ids(
    automaton: Automaton, scores: F64, ids: U32, text: U8, bounds: I64, out: I32, counts: I32
) -> Scalar:
    matches = np.empty(len(text), dtype=np.uint32)
    length = longest(bounds, 0, len(bounds) - 1)
    best = np.zeros(length + 1, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    scan(automaton, text, bounds, matches)
    filled = np.int64(0)
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        before = filled
        best_path(automaton, scores, text, matches, start, stop, best, via)
        filled = trace(automaton, ids, via, stop - start, out, filled)
        counts[segment] = filled - before
    return filled


class Tables(NamedTuple):
    """All that best paths need in few arrays, made by `pack`; `unpack` says what is where.

    Numba looks at each array that a kernel is called with, and for a short text that is a third of
    the work: with these three a call takes 6 µs, with the eight that they hold 7.

    Args:
        words: uint32[words], what has four bytes each, and in front where it is.
        scores: float64[entries].
        lengths: uint16[entries].
    """

    words: U32
    scores: F64
    lengths: U16


def pack(automaton: Automaton, scores: F64, ids: U32) -> Tables:
    """Put arrays together; they are copied."""
    arrays = [automaton.nodes, automaton.groups, automaton.following, automaton.pieces, ids]
    ends = offsets_of([8, *map(len, arrays)])
    head = np.array([automaton.deepest, 0, *ends[1:]], dtype=np.uint32)
    words = np.concatenate([head, *arrays])
    words.flags.writeable = False
    return Tables(words, scores, automaton.lengths)


def unpack(words: U32, scores: F64, lengths: U16) -> tuple[Automaton, F64, U32]:
    """The automaton, the scores and the ids by entry in tables, without a copy."""
    automaton = Automaton(
        words[words[2] : words[3]],
        words[words[3] : words[4]],
        words[words[4] : words[5]],
        lengths,
        words[words[5] : words[6]],
        np.int64(words[0]),
    )
    return automaton, scores, words[words[6] : words[7]]


_unpack = inlined(unpack)


def best_ids_of_text(tables: Tables, text: bytes, isolate_digits: bool) -> I32:
    """The ids of one text by its best path, without what only many texts need."""
    buffer = np.frombuffer(text, _BYTE)
    out = np.empty(len(text), _ID)
    return out[: _best_ids_of_text(*tables, buffer, isolate_digits, out)]


@kernel
def _best_ids_of_text(
    words: U32, scores: F64, lengths: U16, text: U8, isolate_digits: bool, out: I32
) -> Scalar:
    automaton, scores, ids = _unpack(words, scores, lengths)
    bounds = np.empty(len(text) + 1, dtype=np.int64)
    counts = np.empty(len(text), dtype=np.int32)
    bounds[0] = 0
    segments = 0
    while bounds[segments] < len(text):
        bounds[segments + 1] = segment_end(text, bounds[segments], len(text), isolate_digits, 0)
        segments += 1
    return _best_ids(automaton, scores, ids, text, bounds[: segments + 1], out, counts)
