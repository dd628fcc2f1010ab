"""The best path: the segmentation with the largest sum of scores."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, I32, U8, Scalar, at, kernel
from bytepiece.strings import longest
from bytepiece.text import Segments, segment_end
from bytepiece.trie import Trie, child


class Scores(NamedTuple):
    """Scores and ids where the trie's walks need them: at the node where a piece ends.

    Args:
        by_node: float64[nodes], the score of the piece that ends there; elsewhere 0, unused.
        ids: int32[nodes], the id of that piece; elsewhere 0, unused.
    """

    by_node: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int32]


# Every piece that starts at a position pushes its score to the position where it ends; positions
# from left to right, so that a position's own score is final before it is pushed on. The
# replacement is strict, and longer pieces arrive at an end before shorter ones: among equal sums
# the one with the longest last piece stays. Sums are taken in the order of the text. All three
# are the original library's, whose output this reproduces to the last tie.
# Cost: a trie step per byte of every common prefix of the text and a piece, and a comparison per
# piece that matches; memory 16 bytes per byte of the longest segment.
@kernel
def best_path(
    trie: Trie,
    scores: Scores,
    text: U8,
    start: Scalar,
    stop: Scalar,
    best: F64,
    origin: I32,
    via: I32,
) -> None:
    """Fill `best`, `origin` and `via` (scratch, each longer than the segment) for one segment.

    Position p of the segment is reached best by the piece that ends at node `via[p]` and begins at
    position `origin[p]`, with the score `best[p]`.
    """
    length = stop - start
    best[0] = 0.0
    for position in range(1, length + 1):
        best[at(position)] = -np.inf
    for position in range(length):
        here = best[at(position)]
        first = np.int64(text[at(start + position)])
        node = np.int64(1 + first)
        end = position + 1
        score = here + scores.by_node[at(node)]
        if score > best[at(end)]:
            best[at(end)] = score
            origin[at(end)] = position
            via[at(end)] = node
        if end == length:
            break
        node = np.int64(trie.pairs[at(first << 8 | text[at(start + end)])])
        while node:
            end += 1
            if trie.units[at(node), 1] & 1:
                score = here + scores.by_node[at(node)]
                if score > best[at(end)]:
                    best[at(end)] = score
                    origin[at(end)] = position
                    via[at(end)] = node
            if end == length:
                break
            node = child(trie.units, node, text[at(start + end)])


@kernel
def trace(ids: I32, origin: I32, via: I32, length: Scalar, out: I32, filled: Scalar) -> Scalar:
    """Append the ids of the path that `origin` and `via` hold to `out`; how full it is then."""
    count = 0
    position = np.int64(length)
    while position > 0:
        position = np.int64(origin[at(position)])
        count += 1
    slot = filled + count
    position = np.int64(length)
    while position > 0:
        slot -= 1
        out[at(slot)] = ids[at(via[at(position)])]
        position = np.int64(origin[at(position)])
    return filled + count


def best_ids_of_text(trie: Trie, scores: Scores, text: bytes, isolate_digits: bool) -> I32:
    """The ids of one text by its best path, without what only batches need."""
    buffer = np.frombuffer(text, dtype=np.uint8)
    out = np.empty(len(buffer), dtype=np.int32)
    return out[: _best_ids_of_text(trie, scores, buffer, isolate_digits, out)]


@kernel
def _best_ids_of_text(
    trie: Trie, scores: Scores, text: U8, isolate_digits: bool, out: I32
) -> Scalar:
    size = min(len(text), 1024)
    best = np.empty(size + 1, dtype=np.float64)
    origin = np.empty(size + 1, dtype=np.int32)
    via = np.empty(size + 1, dtype=np.int32)
    filled = 0
    start = np.int64(0)
    while start < len(text):
        stop = segment_end(text, start, len(text), isolate_digits, 0)
        if stop - start > size:
            size = stop - start
            best = np.empty(size + 1, dtype=np.float64)
            origin = np.empty(size + 1, dtype=np.int32)
            via = np.empty(size + 1, dtype=np.int32)
        best_path(trie, scores, text, start, stop, best, origin, via)
        filled = trace(scores.ids, origin, via, stop - start, out, filled)
        start = stop
    return filled


def best_ids(
    trie: Trie, scores: Scores, segments: Segments, low: int, high: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Encode the segments low…high − 1 by their best paths.

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], how many each has.
    """
    counts = np.empty(high - low, dtype=np.int32)
    out = np.empty(segments.bounds[high] - segments.bounds[low], dtype=np.int32)
    filled = _best_ids(trie, scores, segments, low, high, out, counts)
    return out[:filled].copy(), counts


@kernel
def _best_ids(
    trie: Trie, scores: Scores, segments: Segments, low: Scalar, high: Scalar, out: I32, counts: I32
) -> Scalar:
    length = longest(segments.bounds, low, high)
    best = np.empty(length + 1, dtype=np.float64)
    origin = np.empty(length + 1, dtype=np.int32)
    via = np.empty(length + 1, dtype=np.int32)
    filled = 0
    for segment in range(low, high):
        start, stop = segments.bounds[segment], segments.bounds[segment + 1]
        before = filled
        best_path(trie, scores, segments.text, start, stop, best, origin, via)
        filled = trace(scores.ids, origin, via, stop - start, out, filled)
        counts[segment - low] = filled - before
    return filled
