"""The numbers that the unigram trainer computes from expected counts: masses and losses."""

import math

import numpy as np

from bytepiece._arrays import F64, I64, U8
from bytepiece.kernels.automaton import Automaton, scan
from bytepiece.kernels.best_path import best_path
from bytepiece.kernels.jit import UINT_0, allocating, kernel, uint
from bytepiece.kernels.segments import longest
from bytepiece.training.growth import last_but_whole

_SERIES_FROM = 12.0


def masses(counts: F64, sparse: bool) -> F64:
    """Return the numbers that probabilities are proportional to, float64.

    Args:
        counts: float64[pieces], above 0.
        sparse: whether the numbers are exp(digamma(count)) instead of the counts. This is close to
            count − 1/2, so that rare pieces become rarer still. It is the step of variational
            Bayes with a Dirichlet prior whose parameter goes to 0 (Johnson 2010).
    """
    if not sparse:
        return counts
    found = np.empty(len(counts), dtype=np.float64)
    _fill_sparse(counts, found)
    return found


# From 12 on, five terms of the series in x − 1/2 are exact to 12 digits. Below,
# digamma(x) = digamma(x + 1) − 1/x leads there.
@kernel
def _fill_sparse(counts: F64, found: F64) -> None:
    for i in range(len(counts)):
        x, less = counts[i], 0.0
        while x < _SERIES_FROM:
            less += 1.0 / x
            x += 1.0
        y = x - 0.5
        square = 1.0 / (y * y)
        terms = 10313.0 / 2903040.0 - square * (5509121.0 / 1393459200.0)
        terms = 1.0 / 24.0 + square * (-37.0 / 5760.0 + square * terms)
        found[i] = (y + terms / y) * math.exp(-less)


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
@allocating
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
