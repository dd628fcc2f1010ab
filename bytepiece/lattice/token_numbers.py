"""The distribution of the number of a path's tokens."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from bytepiece._arrays import F64
from bytepiece.lattice.chain import Chain

_LEAST = 1e-40
"""At both ends of a distribution, probabilities below this number are left out. In a line of 16 kB,
this makes the rows of the recursion ten times shorter."""

_Row = tuple[int, F64]
"""The smallest number of tokens, and the probabilities of this number and of the next ones."""


# A path that has just one place to be, such as the end of a word, divides the tokens into two
# independent numbers. Their distributions are multiplied like polynomials.
# Cost: an operation of NumPy per edge, on a row as long as the numbers of tokens that are likely
# there. 1 kB of common text takes 5 ms. It is no kernel, since it would take longer to compile.
def distribution(chain: Chain, tokens: F64) -> F64:
    """Return float64[most tokens + 1], the probability of each number of tokens.

    Args:
        chain: the law of the path.
        tokens: float64[edges], the number of tokens that each edge adds, 0 or 1.
    """
    first, ends = chain.first.tolist(), chain.ends.tolist()
    p, added = chain.p.tolist(), tokens.astype(np.int64).tolist()
    nothing: _Row = (0, np.ones(1))
    parts: list[_Row] = []
    arriving: dict[int, list[tuple[float, _Row]]] = {0: [(1.0, nothing)]}
    for start in range(len(first) - 1):
        if start not in arriving:
            continue
        row = _sum(arriving.pop(start))
        if not arriving:
            parts.append(row)
            row = nothing
        for edge in range(first[start], first[start + 1]):
            after = row[0] + added[edge], row[1]
            arriving.setdefault(ends[edge], []).append((p[edge], after))
    parts += [_sum(rows) for rows in arriving.values()]
    while len(parts) > 1:  # in pairs, so that the factors of a product have about the same length
        pairs = zip_longest(parts[::2], parts[1::2], fillvalue=nothing)
        parts = [_product(left, right) for left, right in pairs]
    fewest, likely = parts[0] if parts else nothing
    return np.concatenate([np.zeros(fewest), likely])


def _sum(rows: Sequence[tuple[float, _Row]]) -> _Row:
    """Return the mixture of distributions, each with its weight."""
    low = min(fewest for _, (fewest, _) in rows)
    total = np.zeros(max(fewest + len(row) for _, (fewest, row) in rows) - low)
    for weight, (fewest, row) in rows:
        total[fewest - low : fewest - low + len(row)] += weight * row
    return _trimmed(low, total)


def _product(left: _Row, right: _Row) -> _Row:
    """Return the distribution of the sum of two independent numbers."""
    return _trimmed(left[0] + right[0], np.convolve(left[1], right[1]))


def _trimmed(fewest: int, row: F64) -> _Row:
    kept = np.flatnonzero(row >= _LEAST)
    if not kept.size:  # hardly any path comes here
        return fewest, np.zeros(1)
    return fewest + int(kept[0]), row[kept[0] : kept[-1] + 1]
