"""Find the best path: the segmentation with the largest sum of scores."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F32, F64, I32, I64, U8, U16, U32, U64, offsets_of
from bytepiece.kernels.automaton import (
    Automaton,
    first_entry,
    goes_on,
    next_group,
    scan,
    single_entry,
)
from bytepiece.kernels.jit import UINT_1, UINT_2, Scalar, inlined, inner, kernel, uint
from bytepiece.kernels.paths import trace, windowed_path
from bytepiece.kernels.segments import Segments, longest_of, segments_of
from bytepiece.kernels.views import viewed
from bytepiece.kernels.windows import by_length, places

_UINT8, _UINT64, _INT32 = np.dtype(np.uint8), np.dtype(np.uint64), np.dtype(np.int32)


# Positions are visited from left to right. The best path to a position is the best of the paths
# whose last piece ends there. A candidate must be strictly better than the candidates before it,
# and candidates with longer last pieces come first, so among equal sums the longest last piece
# wins. Sums are added in the order of the text. The original library does the same three things. So
# this kernel finds the same path as the original library, even among ties.
# Cost: an addition and a comparison for each entry of the groups at each position. Hardly a branch
# depends on the text, except for long chains. Memory: 12 bytes per byte of the longest segment, and
# 4 bytes of matches per byte of the text; see `windowed_path` for long segments. With 80 k pieces,
# 2 MB of mixed text take 16 ms here, 6 in `trace` and 12 to 16 in the scan. A walk along the trie
# from each position took 66 in all. Keeping only the sums, and finding the last pieces again in
# `trace`, saves 2 ms here and costs 5 there.
@inner
def best_path(
    automaton: Automaton,
    scores: F64 | F32,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    best: F64 | F32,
    via: U32,
) -> None:
    """Find the best path to each position of one segment.

    Args:
        automaton: the automaton of the pieces.
        scores: [entries], float64 or float32, −inf for an entry without a piece.
        text, matches: see `bytepiece.kernels.automaton.scan`.
        start, stop: the bounds of the segment in the text.
        best: [more than the segment's length], of the type of `scores`, finite numbers, to be
            filled with the sum of each position's best path.
        via: uint32[more than the segment's length], to be filled with the last entry of each
            position's best path.
    """
    best[0] = 0.0
    best_path_on(automaton, scores, text, matches, start, stop, 0, best, via)


@inlined
def _best_of(
    lengths: U16, scores: F64 | F32, best: F64 | F32, position: Scalar, entry: Scalar
) -> tuple[Scalar, Scalar]:
    """Return the largest sum of the paths that end in a group, and the entry that it ends in.

    Args:
        lengths, scores, best: see `best_path`.
        position: where the paths end.
        entry: the first entry of the group.
    """
    first = best[position - uint(lengths[entry])] + scores[entry]
    second = best[position - uint(lengths[entry + UINT_1])] + scores[entry + UINT_1]
    third = best[position - uint(lengths[entry + UINT_2])] + scores[entry + UINT_2]
    better = second > first
    first, chosen = (second, entry + UINT_1) if better else (first, entry)
    better = third > first
    return (third, entry + UINT_2) if better else (first, chosen)


@inner
def best_path_on(
    automaton: Automaton,
    scores: F64 | F32,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    done: Scalar,
    best: F64 | F32,
    via: U32,
) -> None:
    """Do what `best_path` does, for the positions after `done`. The others are filled already.

    Scores and sums may be float32. Then sums are rounded to float32.
    """
    lengths = automaton.lengths
    latest: Scalar = best[done]  # best[position − 1]
    for p in range(done + 1, stop - start + 1):
        position = uint(p)
        byte = uint(start) + position - UINT_1
        group = matches[byte]
        # Not compared with -inf: the compiler makes a branch of that, which costs 4.5 ns per byte.
        top, last = _best_of(lengths, scores, best, position, first_entry(group))
        while goes_on(group):
            group = next_group(automaton, group)
            found, entry = _best_of(lengths, scores, best, position, first_entry(group))
            better = found > top
            top, last = (found, entry) if better else (top, last)
        # The single byte comes last, since its sum has to wait for the position just before.
        single = single_entry(automaton, text[byte])
        alone: Scalar = latest + scores[single]
        better = alone > top
        latest, last = (alone, single) if better else (top, last)
        best[position], via[position] = latest, last


class Scratch(NamedTuple):
    """Room to find best paths in.

    Args:
        matches: uint32[bytes].
        sums: [any number, more than the longest segment], finite numbers of the type of the scores.
        via: uint32[more than the longest segment].
    """

    matches: U32
    sums: npt.NDArray[Any]
    via: U32


def best_ids(
    automaton: Automaton, scores: F64, ids: U32, segments: Segments, low: int, high: int
) -> tuple[I32, I32]:
    """Encode the segments low…high − 1 by their best paths.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[entries], −inf for an entry without a piece.
        ids: uint32[entries].
        segments: the text.
        low, high: the number of the first segment, and one more than the number of the last.

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], the number of ids of each.
    """
    return ids_by(_best_ids, _extend, 1, automaton, scores, ids, segments, low, high)


def ids_by(
    compiled: Callable[..., Scalar],
    extend: Callable[..., object],
    kept: int,
    automaton: Automaton,
    scores: npt.NDArray[Any],
    ids: U32,
    segments: Segments,
    low: int,
    high: int,
) -> tuple[I32, I32]:
    """Encode like `best_ids`, but by given kernels.

    Args:
        compiled: a kernel that takes the parameters of `_best_ids`.
        extend: a kernel that takes the parameters of `_extend`.
        kept: how many numbers the kernels keep of each position.
        scores: [entries], in the type that the kernels take.
        automaton, ids, segments, low, high: see `best_ids`.
    """

    def encode_run(low: int, high: int) -> tuple[I32, I32]:
        text, bounds = segments.stretch(low, high)
        positions = longest_of(bounds) + 1
        sums = np.zeros((kept, positions), dtype=scores.dtype)
        matches, via = np.empty(len(text), dtype=np.uint32), np.empty(positions, dtype=np.uint32)
        out, counts = np.empty(len(text), dtype=np.int32), np.empty(high - low, dtype=np.int32)
        scratch = Scratch(matches, sums, via)
        filled = compiled(automaton, scores, ids, text, bounds, scratch, out, counts)
        return out[:filled], counts

    def encode_long(number: int) -> tuple[I32, I32]:
        text, _ = segments.stretch(number, number + 1)
        sums = np.zeros((kept, places(automaton)), dtype=scores.dtype)
        return windowed_path(partial(extend, automaton, scores), automaton, sums, ids, text)

    return by_length(encode_run, encode_long, segments, low, high)


@kernel
def _best_ids(
    automaton: Automaton,
    scores: F64,
    ids: U32,
    text: U8,
    bounds: I64,
    scratch: Scratch,
    out: I32,
    counts: I32,
) -> Scalar:
    """Fill `out` and `counts` with what `best_ids` returns, and return how many ids there are.

    Args:
        text: uint8[bytes], the segments.
        bounds: int64[segments + 1], where each segment begins, and the end.
        scratch: room to work in; `sums` is float64[1, …].
        out: int32[bytes], to be filled with ids.
        counts: int32[segments], to be filled with the number of ids of each segment.
        automaton, scores, ids: see `best_ids`.
    """
    matches, sums, via = scratch
    best = sums[0]
    scan(automaton, text, bounds, matches)
    filled = np.int64(0)
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        before = filled
        best_path(automaton, scores, text, matches, start, stop, best, via)
        filled = trace(automaton, ids, via, stop - start, out, filled)
        counts[segment] = filled - before
    return filled


@kernel
def _extend(
    automaton: Automaton,
    scores: F64,
    text: U8,
    matches: U32,
    bounds: I64,
    done: Scalar,
    sums: F64,
    via: U32,
) -> None:
    """Find the best paths in a window; see `windowed_path`."""
    length = bounds[1]
    scan(automaton, text[:length], bounds, matches)
    best_path_on(automaton, scores, text, matches, 0, length, done, sums[0], via)


def pack(automaton: Automaton, scores: F64, ids: U32) -> U64:
    """Copy the arrays that best paths need into one, which `unpack` splits.

    Numba inspects each array that a kernel is called with: a call with five arrays more takes 1 µs
    longer.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[entries], or empty if nobody needs them.
        ids: uint32[entries].

    Returns:
        uint64[entries], read-only: the length of the longest piece; for each array two uint32,
        where it begins and ends, counted in its own entries; and the arrays.
    """
    nodes, groups, following, lengths, pieces, deepest = automaton
    arrays: list[npt.NDArray[Any]] = [nodes, groups, following, lengths, pieces, ids, scores]
    ends = offsets_of([1 + len(arrays), *(-(-array.nbytes // 8) for array in arrays)])
    tables = np.zeros(ends[-1], dtype=np.uint64)
    tables[0] = deepest
    contents = tables.view(np.uint32)[2:]
    for number, array in enumerate(arrays):
        start = ends[number + 1] * 8 // array.itemsize
        contents[2 * number : 2 * number + 2] = start, start + len(array)
        tables.view(array.dtype)[start : start + len(array)] = array
    tables.flags.writeable = False
    return tables


def unpack(tables: U64) -> tuple[Automaton, F64, U32]:
    """Return the arguments of `pack` from its result, without copying them."""
    words = viewed(tables, np.uint32)
    automaton = Automaton(
        words[words[2] : words[3]],
        words[words[4] : words[5]],
        words[words[6] : words[7]],
        viewed(tables, np.uint16)[words[8] : words[9]],
        words[words[10] : words[11]],
        np.int64(tables[0]),
    )
    return (
        automaton,
        viewed(tables, np.float64)[words[14] : words[15]],
        words[words[12] : words[13]],
    )


unpacked = inlined(unpack)
"""For kernels that count no references: it returns arrays without counting them."""


def best_ids_of_text(tables: U64, text: bytes, digit_group: int) -> I32:
    """Return the ids of the best path of one text, without the work that only batches need.

    Args:
        tables: see `pack`.
        text: normalized.
        digit_group: see `bytepiece.TextRules`.
    """
    length = len(text)
    out = np.empty(2 * length, _INT32)
    filled = _best_ids_of_text(
        tables, np.frombuffer(text, _UINT8), digit_group, np.empty(3 * (length + 1), _UINT64), out
    )
    return out[:filled]


@kernel
def _best_ids_of_text(tables: U64, text: U8, digit_group: Scalar, room: U64, out: I32) -> Scalar:
    """Fill the first part of `out` with the ids, and return how many there are.

    Args:
        tables: see `pack`.
        text: uint8[bytes].
        digit_group: see `bytepiece.TextRules`.
        room: uint64[3 · (bytes + 1)], scratch, in rows of bytes + 1 places: the bounds of segments
            (int64), the sums (float64), and the matches and `via` (uint32).
        out: int32[2 · bytes], the ids, and how many each segment has.
    """
    automaton, scores, ids = unpacked(tables)
    length, size = len(text), len(text) + 1
    starts = viewed(room[:size], np.int64)
    bounds = starts[: segments_of(text, digit_group, starts) + 1]
    sums = viewed(room[size : 2 * size], np.float64)
    sums[:] = 0.0
    words = viewed(room[2 * size :], np.uint32)
    scratch = Scratch(words[:length], sums.reshape((1, size)), words[length:])
    return _best_ids(automaton, scores, ids, text, bounds, scratch, out[:length], out[length:])
