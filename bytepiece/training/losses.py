"""What the likelihood of a text loses if a piece is dropped."""

import math

import numpy as np

from bytepiece._arrays import F64, I64, U8
from bytepiece.kernels.automaton import Automaton, scan
from bytepiece.kernels.best_path import best_path
from bytepiece.kernels.jit import UINT_0, kernel, uint
from bytepiece.kernels.segments import longest
from bytepiece.training.growth import last_but_whole


def losses(automaton: Automaton, flat: U8, offsets: I64, counts: F64) -> F64:
    """Return by how much the log likelihood falls without each piece, float64.

    The piece's count goes to the pieces on the best other segmentation of the piece. A single byte
    has no other.

    Args:
        automaton: the automaton of the pieces.
        flat, offsets: the pieces, end to end.
        counts: float64[pieces], above 0. Probabilities are proportional to them.
    """
    total = math.fsum(counts.tolist())
    logs = np.empty(len(counts), dtype=np.float64)
    _fill_logs(counts, total, logs)
    scores = automaton.by_entry(logs, -math.inf)
    found = np.empty(len(counts), dtype=np.float64)
    _fill_losses(automaton, scores, flat, offsets, counts, total, found)
    return found


@kernel
def _fill_logs(counts: F64, total: float, logs: F64) -> None:
    for piece in range(len(counts)):
        logs[piece] = math.log(counts[piece] / total)


# Cost: the best paths of all pieces.
@kernel
def _fill_losses(
    automaton: Automaton,
    scores: F64,
    flat: U8,
    offsets: I64,
    counts: F64,
    total: float,
    found: F64,
) -> None:
    length = longest(offsets, 0, len(counts))
    best = np.zeros(length + 1, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    matches = np.empty(len(flat), dtype=np.uint32)
    scan(automaton, flat, offsets, matches)
    for piece in range(len(counts)):
        start, stop = offsets[piece], offsets[piece + 1]
        if stop - start == 1:
            found[piece] = np.inf
            continue
        best_path(automaton, scores, flat, matches, start, stop, best, via)
        via[stop - start] = last_but_whole(automaton, scores, flat, matches, start, stop, best)
        other, tokens = 0.0, 0
        position = uint(stop - start)
        while position > UINT_0:
            entry = uint(via[position])
            other += math.log(counts[automaton.pieces[entry]] + counts[piece])
            tokens += 1
            position -= uint(automaton.lengths[entry])
        after = math.log(total + counts[piece] * (tokens - 1))
        own = math.log(counts[piece] / total)
        found[piece] = counts[piece] * (own - (other - tokens * after))
