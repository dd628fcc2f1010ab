"""Find the best path as SentencePiece does, with sums in float32.

In a long text such a sum has few digits left for the difference between two paths, and rounding
decides which of them wins. So sums are rounded where SentencePiece rounds them. As in
SentencePiece, the sum of a path starts again from 0 where it has become large.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F32, F64, I32, I64, U8, U32
from bytepiece.kernels.automaton import (
    GROUP,
    Automaton,
    first_entry,
    goes_on,
    next_group,
    scan,
    single_entry,
)
from bytepiece.kernels.best_path import Scratch, best_path, best_path_on, ids_by
from bytepiece.kernels.jit import UINT_0, UINT_1, Scalar, inner, kernel, uint
from bytepiece.kernels.paths import trace
from bytepiece.kernels.segments import Segments

_FEW = 64
"""The fewest positions for which it is worth choosing a kernel."""
_ROUNDING = 0.004
"""How much rounding to float32 changes a sum of at most `_LARGE`, at most."""
_LARGE = np.float32(100_000.0)
"""A sum above this size starts again from 0, as in sentencepiece 0.2.3. Earlier releases let sums
grow."""


class Scores32(NamedTuple):
    """Scores in float32.

    Args:
        scores: float32[entries], −inf for an entry without a piece.
        largest: the largest size of a score.
    """

    scores: npt.NDArray[np.float32]
    largest: float

    @classmethod
    def of(cls, scores: F64) -> "Scores32":
        """Return scores by entry in float32."""
        return cls(scores.astype(np.float32), float(np.abs(scores[scores > -np.inf]).max()))


def best_ids(
    automaton: Automaton, scores: Scores32, ids: U32, segments: Segments, low: int, high: int
) -> tuple[I32, I32]:
    """Encode the segments low…high − 1 by SentencePiece's best paths.

    Args:
        scores: the scores by entry.
        automaton, ids, segments, low, high: see `bytepiece.kernels.best_path.best_ids`. The
            segments are valid UTF-8.

    Returns:
        int32[tokens], the ids, segment after segment; int32[high − low], the number of ids of each.
    """
    compiled, extend = partial(_best_ids, scores.largest), partial(_extend, scores.largest)
    return ids_by(compiled, extend, 2, automaton, scores.scores, ids, segments, low, high)


@kernel
def _best_ids(
    largest: Scalar,
    automaton: Automaton,
    scores: F32,
    ids: U32,
    text: U8,
    bounds: I64,
    scratch: Scratch,
    out: I32,
    counts: I32,
) -> Scalar:
    """Do what `bytepiece.kernels.best_path._best_ids` does; `sums` is float32[2, …]."""
    matches, sums, via = scratch
    best, taken = sums[0], sums[1]
    scan(automaton, text, bounds, matches)
    filled = np.int64(0)
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        before = filled
        # The first step of `_best_path`, in short.
        if (largest + _ROUNDING) * (stop - start) <= _LARGE:
            best_path(automaton, scores, text, matches, start, stop, best, via)
        else:
            best[0] = taken[0] = 0.0
            both = best, taken
            _best_path(largest, automaton, scores, text, matches, start, stop, 0, both, via)
        filled = trace(automaton, ids, via, stop - start, out, filled)
        counts[segment] = filled - before
    return filled


# Where sums are far from the size at which they start again, this is `best_path_on` with sums in
# float32. The distance to that size says for how many positions they stay far from it. Where sums
# are near it, and as far behind it as the longest piece reaches, the slow kernel takes over.
# Cost: as `best_path_on`; with the slow kernel everywhere 2 MB of mixed text took 50 ms instead of
# 16.
@inner
def _best_path(
    largest: Scalar,
    automaton: Automaton,
    scores: F32,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    done: Scalar,
    sums: tuple[F32, F32],
    via: U32,
) -> None:
    """Do what `_best_path_on` does, faster.

    Args:
        largest: see `Scores32`.
        automaton, scores, text, matches, start, stop, done, sums, via: see `_best_path_on`.
    """
    best, taken = sums
    while start + done < stop:
        peak, quiet = np.float64(0.0), True
        for position in range(max(done - automaton.deepest, 0), done + 1):
            peak = max(peak, np.float64(abs(best[position])))
            quiet = quiet and taken[position] == 0.0
        sure = np.int64((_LARGE - peak) / (largest + _ROUNDING))
        end = min(done + (sure if quiet and sure >= _FEW else _FEW), stop - start)
        if quiet and sure >= _FEW:
            best_path_on(automaton, scores, text, matches, start, start + end, done, best, via)
            taken[done + 1 : end + 1] = 0.0
        else:
            _best_path_on(automaton, scores, text, matches, start, start + end, done, sums, via)
        done = end


# SentencePiece goes forward from each character to the ends of the pieces that begin there. Where
# the sum at a character is large, SentencePiece subtracts this sum from itself and from all sums
# that it has found further on. Here each position looks back instead, at the longest piece first.
# So before each piece, the best sum found so far is reduced by the amounts that were subtracted
# between the beginning of the piece before it and its own beginning.
# Cost: three times the time of `best_path_on`, because each entry has a branch.
@inner
def _best_path_on(
    automaton: Automaton,
    scores: F32,
    text: U8,
    matches: U32,
    start: Scalar,
    stop: Scalar,
    done: Scalar,
    sums: tuple[F32, F32],
    via: U32,
) -> None:
    """Find the best path to each position of one segment, after the positions filled already.

    Args:
        done: the positions up to this one are filled.
        sums: float32, the sum of each position's best path; and float32, the amount that is
            subtracted at each position.
        automaton, scores, text, matches, start, stop, via: see
            `bytepiece.kernels.best_path.best_path`.
    """
    lengths = automaton.lengths
    best, taken = sums
    # The last position where something was subtracted, as far back as a piece may begin.
    latest = UINT_0
    for p in range(max(done + 1 - automaton.deepest, 0), done + 1):
        if taken[p] != 0.0:
            latest = uint(p)
    for p in range(done + 1, stop - start + 1):
        position = uint(p)
        byte = uint(start) + position - UINT_1
        group = matches[byte]
        top, last = -np.inf, UINT_0
        counted = UINT_0
        while True:
            entry = first_entry(group)
            for _ in range(GROUP):
                if scores[entry] > -np.inf:
                    begin = position - uint(lengths[entry])
                    top, counted = _moved(top, taken, counted, begin, latest)
                    candidate = np.float32(best[begin] + scores[entry])
                    if candidate > top:
                        top, last = np.float64(candidate), entry
                entry += UINT_1
            if not goes_on(group):
                break
            group = next_group(automaton, group)
        top, counted = _moved(top, taken, counted, position - UINT_1, latest)
        single = single_entry(automaton, text[byte])
        candidate = np.float32(best[position - UINT_1] + scores[single])
        if candidate > top:
            top, last = np.float64(candidate), single
        best[position], via[position] = top, last
        taken[position] = 0.0
        # SentencePiece tests the size of a sum only where a character begins. What happens at the
        # end of the segment changes nothing.
        begins = byte + UINT_1 < uint(len(text)) and text[byte + UINT_1] & 0xC0 != 0x80
        if begins and abs(best[position]) > _LARGE:
            taken[position], best[position] = best[position], 0.0
            latest = position


@kernel
def _extend(
    largest: Scalar,
    automaton: Automaton,
    scores: F32,
    text: U8,
    matches: U32,
    bounds: I64,
    done: Scalar,
    sums: F32,
    via: U32,
) -> None:
    """Find the best paths in a window; see `windowed_path`."""
    length = bounds[1]
    scan(automaton, text[:length], bounds, matches)
    both = sums[0], sums[1]
    _best_path(largest, automaton, scores, text, matches, 0, length, done, both, via)


@inner
def _moved(
    top: Scalar, taken: F32, counted: Scalar, begin: Scalar, latest: Scalar
) -> tuple[Scalar, Scalar]:
    """Return `top` less the amounts subtracted after `counted` up to `begin`; and `begin`."""
    if latest > counted and top > -np.inf:
        for position in range(counted + UINT_1, begin + UINT_1):
            if taken[position] != 0.0:
                top = np.float64(np.float32(np.float32(top) - taken[position]))
    return top, begin
