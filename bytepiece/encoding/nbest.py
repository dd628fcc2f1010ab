"""The n best segmentations of a segment, and Kudo's sampler, which draws one of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8, U32
from bytepiece.encoding.drawn import Drawn, room
from bytepiece.errors import ArgumentError
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    scan,
    single_entry,
)
from bytepiece.kernels.characters import Known, alone
from bytepiece.kernels.jit import Scalar, allocating, inner, uint
from bytepiece.kernels.segments import SegmentRun, Segments, longest_of, offset_of
from bytepiece.kernels.streams import Streams, sample_words, uniforms

_ROOM = 1 << 27
"""The most paths held at once, at all positions of a segment together: 2 GB of memory."""


class BestPaths(NamedTuple):
    """The n best paths to each position of a segment, the best first.

    Args:
        sums: float64[more than the segment's length, n], the sum of scores of each path.
        via: uint32[same], the last entry of each path.
        ranks: int32[same], the rank of each path without its last entry, among the paths to the
            position where this entry begins.
        found: int64[more than the segment's length], the number of paths to each position, up to n.
    """

    sums: npt.NDArray[np.float64]
    via: npt.NDArray[np.uint32]
    ranks: npt.NDArray[np.int32]
    found: npt.NDArray[np.int64]


def paths_for(length: int, n: int) -> BestPaths:
    """Return room for the n best paths of segments of up to `length` bytes.

    Raises:
        ArgumentError: if that would take too much memory.
    """
    if (length + 1) * n > _ROOM:
        raise ArgumentError(
            f"the {n} best segmentations of a line of {length} bytes take more than 2 GB of "
            f"memory; ask for fewer, or cut the text into shorter lines"
        )
    shape = (length + 1, n)
    return BestPaths(
        np.empty(shape, dtype=np.float64),
        np.empty(shape, dtype=np.uint32),
        np.empty(shape, dtype=np.int32),
        np.empty(length + 1, dtype=np.int64),
    )


# This is `bytepiece.kernels.best_path.best_path` with n paths to each position. Sums are added in
# the same order, and among equal sums the path with the longest last piece comes first, so the
# first path is the best path. The paths that end with one and the same piece are sorted already. So
# the next path is the best among the next candidates of all pieces.
# Cost: at each position, n additions and comparisons for each piece that ends there.
@inner
def best_paths(
    automaton: Automaton,
    scores: F64,
    text: U8,
    matches: U32,
    covered: U8,
    start: Scalar,
    stop: Scalar,
    entries: U32,
    nexts: I64,
    paths: BestPaths,
) -> None:
    """Fill `paths` for one segment.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[entries], −inf for an entry without a piece.
        text, matches: see `bytepiece.kernels.automaton.scan`.
        covered: 0 for a byte whose single piece must not be used; see
            `bytepiece.kernels.characters.alone`.
        start, stop: the bounds of the segment in the text.
        entries, nexts: scratch, longer than the longest piece.
        paths: to be filled.
    """
    lengths = automaton.lengths
    paths.sums[0, 0], paths.found[0] = 0.0, 1
    for position in range(1, stop - start + 1):
        byte = start + position - 1
        count = 0
        group = matches[byte]
        while True:
            for i in range(GROUP):
                entry = first_entry(group) + uint(i)
                if scores[entry] > -np.inf:
                    entries[count], nexts[count] = entry, 0
                    count += 1
            if not goes_on(group):
                break
            group = next_group(automaton, group)
        if covered[byte] > 0:
            entries[count], nexts[count] = single_entry(automaton, text[byte]), 0
            count += 1
        found = 0
        while found < paths.sums.shape[1]:
            top, chosen = -np.inf, -1
            for i in range(count):
                begin = position - np.int64(lengths[entries[i]])
                if nexts[i] < paths.found[begin]:
                    candidate = paths.sums[begin, nexts[i]] + scores[entries[i]]
                    if candidate > top:
                        top, chosen = candidate, i
            if chosen < 0:
                break
            paths.sums[position, found] = top
            paths.via[position, found] = entries[chosen]
            paths.ranks[position, found] = nexts[chosen]
            nexts[chosen] += 1
            found += 1
        paths.found[position] = found


@inner
def trace_rank(
    automaton: Automaton,
    values: U32,
    paths: BestPaths,
    length: Scalar,
    rank: Scalar,
    out: I32,
    filled: Scalar,
) -> Scalar:
    """Append the values of one path's pieces to `out`.

    Args:
        automaton: the automaton of the pieces.
        values: uint32[entries], such as ids.
        paths: the paths of the segment.
        length: the length of the segment.
        rank: which of the paths to take.
        out: int32, with room for `length` values from `filled` on.
        filled: how many values `out` holds.

    Returns:
        how many values `out` holds afterwards.
    """
    position = length
    slot = filled + length
    while position > 0:
        entry = paths.via[position, rank]
        slot -= 1
        out[slot] = values[entry]
        rank = paths.ranks[position, rank]
        position -= np.int64(automaton.lengths[entry])
    count = filled + length - slot
    for i in range(count):
        out[filled + i] = out[slot + i]
    return filled + count


def nbest_ids(
    automaton: Automaton,
    scores: F64,
    ids: U32,
    alpha: float,
    n: int,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
    known: Known | None = None,
) -> Drawn:
    """Draw the segments low…high − 1 from P(path) ∝ exp(alpha · Σ score) over the n best paths.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[entries], −inf for an entry without a piece.
        ids: uint32[entries].
        alpha: the exponent.
        n: how many paths of each segment to draw from; all if the segment has fewer.
        segments, streams, low, high, known: see `bytepiece.encoding.perfect.perfect_ids`.

    Returns:
        the ids with their log-probabilities, which are those among the n best paths.

    Raises:
        ArgumentError: if a segment is too long for n paths.

    Source: Kudo, https://arxiv.org/abs/1804.10959, section 3.2, with a finite l, per segment.
    """
    run = segments.run(low, high)
    out, counts = room(run, streams)
    paths = paths_for(longest_of(run.bounds), n)
    covered = alone(run.text, known)
    log_p = np.empty(len(counts), dtype=np.float64)
    drawn = out, counts, log_p
    filled = _nbest_ids(automaton, scores, ids, alpha, run, covered, streams, paths, drawn)
    return Drawn(out[:filled], counts, log_p)


# Draw 0 of a segment chooses its path. Lower uniform numbers choose better paths.
@allocating
def _nbest_ids(
    automaton: Automaton,
    scores: F64,
    ids: U32,
    alpha: Scalar,
    run: SegmentRun,
    covered: U8,
    streams: Streams,
    paths: BestPaths,
    drawn: tuple[I32, I32, F64],
) -> Scalar:
    """Fill `drawn` with what `nbest_ids` returns, and return how many ids there are."""
    text, bounds = run.text, run.bounds
    out, counts, log_p = drawn
    matches = np.empty(len(text), dtype=np.uint32)
    entries = np.empty(automaton.deepest + GROUP, dtype=np.uint32)
    nexts = np.empty(automaton.deepest + GROUP, dtype=np.int64)
    cumulated = np.empty(paths.sums.shape[1], dtype=np.float64)
    scan(automaton, text, bounds, matches)
    filled = 0
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        length = stop - start
        offset = offset_of(run, segment)
        best_paths(automaton, scores, text, matches, covered, start, stop, entries, nexts, paths)
        total = 0.0
        for rank in range(paths.found[length]):
            total += np.exp(alpha * (paths.sums[length, rank] - paths.sums[length, 0]))
            cumulated[rank] = total
        for sample in range(streams.samples):
            words = sample_words(streams, run.documents[segment], sample)
            goal = uniforms(words, offset, np.uint64(0))[0] * total
            rank = 0
            # If rounding brings the goal up to the sum, the last path is chosen.
            while cumulated[rank] <= goal and rank < paths.found[length] - 1:
                rank += 1
            before = filled
            filled = trace_rank(automaton, ids, paths, length, rank, out, filled)
            row = segment * streams.samples + sample
            counts[row] = filled - before
            difference = paths.sums[length, rank] - paths.sums[length, 0]
            log_p[row] = alpha * difference - np.log(total)
    return filled


def nbest_of_segments(
    automaton: Automaton,
    scores: F64,
    segments: Sequence[U8],
    n: int,
    known: Known | None = None,
) -> list[I32]:
    """Return the n best paths of a text that is cut into segments, the best first.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[entries], −inf for an entry without a piece.
        segments: uint8[bytes] each.
        n: how many paths to find; fewer are returned if the text has fewer.
        known: see `bytepiece.encoding.perfect.perfect_ids`.

    Returns:
        for each path int32[tokens], the numbers of its pieces.

    Raises:
        ArgumentError: if a segment is too long for n paths.
    """
    sums = np.zeros(1)
    steps = []
    for text in segments:
        theirs, rows = _best_of_segment(automaton, scores, n, text, alone(text, known))
        sums, befores, ranks = _best_sums(sums, theirs, n)
        steps.append((befores, ranks, rows))
    found = []
    for last in range(len(sums)):
        rank = last
        parts = [np.empty(0, dtype=np.int32)]
        for befores, ranks, rows in reversed(steps):
            parts.append(rows[ranks[rank]])
            rank = befores[rank]
        found.append(np.concatenate(parts[::-1]))
    return found


def _best_sums(firsts: F64, seconds: F64, k: int) -> tuple[F64, I64, I64]:
    """Return the k largest sums of two numbers, and the places of the two numbers of each sum.

    One number comes from each of two descending rows. Take the sum of number i of one row and
    number j of the other. The numbers up to i and up to j have (i + 1) · (j + 1) sums, and none of
    these is smaller. So the sum can only be among the first k if (i + 1) · (j + 1) ≤ k.
    """
    i = np.arange(min(len(firsts), k))
    partners = np.minimum(k // (i + 1), len(seconds))
    i = np.repeat(i, partners)
    j = np.arange(len(i)) - np.repeat(np.cumsum(partners) - partners, partners)
    sums = firsts[i] + seconds[j]
    order = np.lexsort((i, j, -sums))[:k]
    return sums[order], i[order], j[order]


def _best_of_segment(
    automaton: Automaton, scores: F64, n: int, text: U8, covered: U8
) -> tuple[F64, list[I32]]:
    """Return the sums of scores of a segment's n best paths, and the numbers of their pieces."""
    n = min(n, 1 << min(len(text) - 1, 62))  # a text has no more segmentations than that
    paths = paths_for(len(text), n)
    out = np.empty(n * len(text), dtype=np.int32)
    ends = np.zeros(n + 1, dtype=np.int64)
    found = _nbest_of_segment(automaton, scores, automaton.pieces, text, covered, paths, out, ends)
    rows = [out[low:high].copy() for low, high in pairwise(ends[: found + 1].tolist())]
    return paths.sums[len(text), :found].copy(), rows


@allocating
def _nbest_of_segment(
    automaton: Automaton,
    scores: F64,
    numbers: U32,
    text: U8,
    covered: U8,
    paths: BestPaths,
    out: I32,
    ends: I64,
) -> Scalar:
    matches = np.empty(len(text), dtype=np.uint32)
    entries = np.empty(automaton.deepest + GROUP, dtype=np.uint32)
    nexts = np.empty(automaton.deepest + GROUP, dtype=np.int64)
    scan(automaton, text, np.array([0, len(text)], dtype=np.int64), matches)
    best_paths(automaton, scores, text, matches, covered, 0, len(text), entries, nexts, paths)
    found = paths.found[len(text)]
    for rank in range(found):
        ends[rank + 1] = trace_rank(automaton, numbers, paths, len(text), rank, out, ends[rank])
    return found
