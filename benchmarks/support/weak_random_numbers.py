"""The reason why the audit refutes the original library: its random numbers, not its algorithm.

At every position the algorithm makes one choice after another between the candidate it holds and
the next candidate. It takes a number for each choice from the C library's `rand()`. In glibc that
is x[n] = x[n − 3] + x[n − 31], so choices a few steps apart depend on each other. Here the same
algorithm is audited twice: with these numbers, and with good numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from bytepiece._arrays import F64, I64
from bytepiece.adapters.base import timed
from bytepiece.audit.counts import Draws
from bytepiece.audit.law import ReferenceLaw, byte_edges
from bytepiece.audit.samplers import AuditedSampler, LoadedSampler, piece_scores
from bytepiece.model import Model

_RAND_MAX = 2**31 - 1


def pcg(seed: int, count: int) -> I64:
    """Return good random numbers of 31 bits."""
    return np.random.default_rng(seed).integers(0, _RAND_MAX, count, endpoint=True)


def glibc(seed: int, count: int) -> I64:
    """Return the numbers of glibc's `rand()` (random_r.c, TYPE_3), given `srand`'s seed."""
    return _glibc(max(seed % 2**31, 1), count)


@njit
def _glibc(seed: int, count: int) -> I64:
    x = np.empty(count + 344, dtype=np.int64)
    x[0] = seed
    for n in range(1, 31):
        x[n] = 16807 * x[n - 1] % 2147483647
    for n in range(31, 34):
        x[n] = x[n - 31]
    for n in range(34, len(x)):
        x[n] = (x[n - 31] + x[n - 3]) % 4294967296
    return x[344:] >> 1


@njit
def _walk(
    starts: I64, ends: I64, weights: F64, numbers: I64, ids: I64, lengths: I64, size: int
) -> int:
    """Draw paths like `_tokenize` of the original's faster.pyx.

    The edges come in the order in which the original visits them.
    """
    log_z = np.empty(size + 1)
    route = np.empty(size + 1, dtype=np.int64)
    used = taken = 0
    for draw in range(len(lengths)):
        log_z[:] = -np.inf
        log_z[0] = 0.0
        for edge in range(len(starts)):
            end = ends[edge]
            new = log_z[starts[edge]] + weights[edge]
            more, less = max(new, log_z[end]), min(new, log_z[end])
            log_z[end] = more + math.log(1 + math.exp(less - more))
            if numbers[used] < math.exp(new - log_z[end]) * _RAND_MAX:
                route[end] = edge
            used += 1
        place, first = size, taken
        while place > 0:
            ids[taken] = route[place]
            place = starts[route[place]]
            taken += 1
        ids[first:taken] = ids[first:taken][::-1].copy()
        lengths[draw] = taken - first
    return taken


@dataclass(frozen=True)
class OriginalWith(AuditedSampler):
    """The original library's algorithm, with a chosen source of random numbers of 31 bits.

    Args:
        name: the name of the sampler in the report.
        numbers: returns random numbers, given a seed and their count.
    """

    name: str
    numbers: Callable[[int, int], I64]
    law = "over bytes"

    def version(self) -> str:
        """Return no version: the algorithm belongs to no library."""
        return ""

    def load(self, model: Model) -> LoadedSampler:
        """Return a sampler for a model, like the base class."""
        scores = piece_scores(model)

        def law(text: str, alpha: float) -> ReferenceLaw:
            raw = text.encode()
            return ReferenceLaw(raw, tuple(byte_edges(raw, scores)), alpha)

        def draw(text: str, alpha: float, count: int, seed: int) -> Draws:
            raw = text.encode()
            edges = sorted(byte_edges(raw, scores), key=lambda edge: (edge.end, edge.start))
            starts, ends = (np.array([edge[i] for edge in edges]) for i in (0, 1))
            weights = alpha * np.array([edge.score for edge in edges])
            ids = np.empty(count * len(raw), dtype=np.int64)
            lengths = np.empty(count, dtype=np.int64)

            def walk() -> int:
                numbers = self.numbers(seed, count * len(edges))
                return int(_walk(starts, ends, weights, numbers, ids, lengths, len(raw)))

            run = timed(walk)
            return Draws(
                ids[: run.result], lengths, lambda e: raw[starts[e] : ends[e]], run.seconds
            )

        return LoadedSampler(draw, law)


WEAK = OriginalWith("original's, rand()", glibc)
GOOD = OriginalWith("original's, PCG64", pcg)
