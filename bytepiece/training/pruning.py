"""Pruning for the BNLM trainer: from counted candidates to a vocabulary.

A dropped piece is cut, along the best path, into pieces that stay, and these inherit its count.
Source: the pruning of the original BytePiece.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, U8, offsets_of
from bytepiece._logarithms import logs_of
from bytepiece.kernels.automaton import Automaton, link, scan
from bytepiece.kernels.best_path import best_path
from bytepiece.kernels.jit import UINT_0, allocating, uint
from bytepiece.kernels.segments import longest
from bytepiece.kernels.trie import build
from bytepiece.parallel import ordered_map
from bytepiece.training.piece_counts import PieceCounts, select

_CHUNK = 1 << 16
"""The number of strings that one call of a kernel cuts."""

CountByPiece = dict[bytes, int]
"""The count of each piece."""


def prune(
    counted: PieceCounts,
    most: Sequence[int],
    min_count: int,
    max_piece_length: int,
    threads: int,
    done: Callable[[int, int], None],
    once: int = 1,
) -> list[CountByPiece]:
    """Prune candidates to vocabularies.

    Args:
        counted: the candidates.
        most: the largest number of pieces of each vocabulary, at least 256, in any order.
        min_count: drop pieces of two or more bytes with smaller counts.
        max_piece_length: drop pieces that have more bytes.
        threads: how many threads to use.
        done: called with the number of finished rounds and the number of rounds expected.
        once: the count of a single occurrence. A missing single byte gets this count.

    Returns:
        a vocabulary for each of `most`. It is smaller if there are fewer candidates.
    """
    progress = _RoundProgress(done, len(most))
    lengths = np.diff(counted.offsets)
    keep = (lengths <= max_piece_length) & (counted.counts >= min_count) | (lengths == 1)
    candidates = _Candidates(counted, np.flatnonzero(keep), once, threads)
    out = np.flatnonzero(~keep)
    candidates.inherit(
        PieceCounts(*select(counted.flat, counted.offsets, out), counted.counts[out])
    )
    progress.round()
    candidates.settle(progress)
    vocabularies: dict[int, CountByPiece] = {}
    for size in sorted(set(most), reverse=True):
        if candidates.shrink(size):
            candidates.settle(progress)
        vocabularies[size] = candidates.vocabulary()
    progress.finish()
    return [vocabularies[size] for size in most]


def with_pieces(
    vocabulary: CountByPiece, pieces: Sequence[bytes], most: int, once: int = 1
) -> CountByPiece:
    """Return the vocabulary with some pieces added. The rarest pieces make room for them.

    Args:
        vocabulary: the pieces and their counts.
        pieces: the pieces to add.
        most: the largest number of pieces afterwards.
        once: the count of a piece that is new.
    """
    counts = dict.fromkeys(pieces, once) | vocabulary
    others = [piece for piece in vocabulary if len(piece) > 1 and piece not in set(pieces)]
    others.sort(key=lambda piece: (vocabulary[piece], len(piece), piece))
    for piece in others[: max(len(counts) - most, 0)]:
        del counts[piece]
    return counts


class _RoundProgress:
    """Reports rounds. Their number is unknown, so about three rounds for each size are assumed."""

    def __init__(self, done: Callable[[int, int], None], sizes: int) -> None:
        self._done = done
        self._expected = 1 + 3 * (sizes + 1)
        self._rounds = 0

    def round(self) -> None:
        self._rounds += 1
        self._done(self._rounds, max(self._expected, self._rounds + 1))

    def finish(self) -> None:
        self._done(self._rounds, self._rounds)


class _Candidates:
    """The candidates that are left.

    The trie holds all pieces that ever were candidates; a dropped one has the count 0. Each round
    links a new automaton of the pieces that are left.
    """

    def __init__(
        self, counted: PieceCounts, kept: npt.NDArray[np.int64], once: int, threads: int
    ) -> None:
        counts = {
            counted.flat[counted.offsets[i] : counted.offsets[i + 1]].tobytes(): int(
                counted.counts[i]
            )
            for i in kept
        }
        for byte in range(256):
            counts.setdefault(bytes([byte]), once)
        self._pieces = sorted(counts)
        self._counts = np.array([counts[piece] for piece in self._pieces], dtype=np.int64)
        self._lengths = np.array([len(piece) for piece in self._pieces], dtype=np.int64)
        self._trie, self._nodes = build(self._pieces)
        self._threads = threads

    def vocabulary(self) -> CountByPiece:
        alive = np.flatnonzero(self._counts).tolist()
        return {self._pieces[i]: int(self._counts[i]) for i in alive}

    def inherit(self, dropped: PieceCounts) -> None:
        """Add the counts of dropped pieces to the pieces that they are cut into."""
        self._counts = self._counts + self._split(dropped)

    def settle(self, progress: _RoundProgress) -> None:
        """Cut the pieces themselves until each piece is its own best path."""
        size = 0
        while size != (size := int(np.count_nonzero(self._counts))):
            self._counts = self._split(self._counts_of(np.flatnonzero(self._counts)))
            progress.round()

    def shrink(self, most: int) -> bool:
        """Keep the single bytes and the most frequent pieces. Return whether any was dropped."""
        alive = np.flatnonzero(self._counts)
        if len(alive) <= most:
            return False
        lengths, counts = self._lengths[alive], self._counts[alive]
        order = alive[np.lexsort((alive, -lengths, -counts, lengths > 1))]
        dropped = self._counts_of(order[most:])
        self._counts[order[most:]] = 0
        self.inherit(dropped)
        return True

    def _counts_of(self, which: npt.NDArray[np.int64]) -> PieceCounts:
        offsets = offsets_of(self._lengths[which])
        joined = b"".join([self._pieces[i] for i in which.tolist()])
        return PieceCounts(np.frombuffer(joined, dtype=np.uint8), offsets, self._counts[which])

    def _split(self, strings: PieceCounts) -> npt.NDArray[np.int64]:
        """Return the count of each piece on the best paths of strings that have counts."""
        alive = self._counts > 0
        automaton = link(self._trie, np.where(alive, self._nodes, -1), self._lengths)
        logs = np.zeros(len(alive))
        logs[alive] = logs_of(self._counts[alive]) - math.log(self._counts.sum())
        scores = automaton.by_entry(logs, -math.inf)

        def counted_from(low: int) -> npt.NDArray[np.int64]:
            high = min(low + _CHUNK, len(strings.counts))
            counts = np.zeros(len(self._pieces), dtype=np.int64)
            offsets = strings.offsets[low : high + 1]
            flat = strings.flat[offsets[0] : offsets[-1]]
            count_paths(
                automaton, scores, flat, offsets - offsets[0], strings.counts[low:high], counts
            )
            return counts

        total = np.zeros(len(self._pieces), dtype=np.int64)
        for counts in ordered_map(
            counted_from, range(0, len(strings.counts), _CHUNK), self._threads
        ):
            total += counts
        return total


@allocating
def count_paths(
    automaton: Automaton, scores: F64, flat: U8, offsets: I64, weights: I64, counts: I64
) -> None:
    """Add the weight of each string to the counts of the pieces on its best path."""
    length = longest(offsets, 0, len(weights))
    best = np.zeros(length + 1, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    matches = np.empty(len(flat), dtype=np.uint32)
    scan(automaton, flat, offsets, matches)
    for i in range(len(weights)):
        start, stop = offsets[i], offsets[i + 1]
        best_path(automaton, scores, flat, matches, start, stop, best, via)
        position = uint(stop - start)
        while position > UINT_0:
            entry = uint(via[position])
            counts[automaton.pieces[entry]] += weights[i]
            position -= uint(automaton.lengths[entry])
