"""Tails of distributions: how probable it is to deviate at least as much."""

import math
from collections.abc import Sequence

import numpy as np

_EPSILON = 1e-15
_TINY = 1e-300
_WINDOW = 100_000
"""Terms of a binomial tail that are added up; they fall off within a few standard deviations."""


def gamma_tail(shape: float, x: float) -> float:
    """Q(shape, x) = Γ(shape, x) / Γ(shape), for any shape above 0.

    By the series of the lower integral where that is the smaller one, and else by Legendre's
    continued fraction, evaluated by Lentz's method (Numerical Recipes, 6.2). Relative error below
    1e-10 for shapes of thousands.
    """
    if x <= 0.0:
        return 1.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1.0:
        term = total = 1.0 / shape
        n = shape
        while term > total * _EPSILON:
            n += 1.0
            term *= x / n
            total += term
        return 1.0 - total * front
    b = x + 1.0 - shape
    c, d = 1.0 / _TINY, 1.0 / b
    fraction = d
    i, change = 0, 0.0
    while abs(change - 1.0) > _EPSILON:
        i += 1
        a = -i * (i - shape)
        b += 2.0
        d = 1.0 / _not_zero(a * d + b)
        c = _not_zero(b + a / c)
        change = c * d
        fraction *= change
    return front * fraction


def _not_zero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY


def chi_square_tail(statistic: float, degrees: float) -> float:
    """The probability that a chi-square variable is larger; degrees need not be whole."""
    return gamma_tail(degrees / 2, statistic / 2)


def normal_tails(z: float) -> float:
    """The probability that a standard normal variable is at least as far from 0."""
    return math.erfc(abs(z) / math.sqrt(2))


def log_binomial(seen: int, draws: int, p: float) -> float:
    """The logarithm of the probability of just so many of so many draws; 0 < p < 1."""
    return (
        math.lgamma(draws + 1)
        - math.lgamma(seen + 1)
        - math.lgamma(draws - seen + 1)
        + seen * math.log(p)
        + (draws - seen) * math.log1p(-p)
    )


def binomial_tails(seen: int, draws: int, p: float) -> float:
    """Twice the smaller of the tails of a binomial, each with the number seen in it; at most 1."""
    if p <= 0.0 or p >= 1.0:
        return float(seen == (draws if p >= 1.0 else 0))
    # Ratios of neighbours, away from the mean; the other tail is larger than 1/2 or so.
    if seen > draws * p:
        k = np.arange(seen, min(draws, seen + _WINDOW), dtype=np.float64)
        ratios = np.log((draws - k) / (k + 1)) + math.log(p) - math.log1p(-p)
    else:
        k = np.arange(seen, max(0, seen - _WINDOW), -1, dtype=np.float64)
        ratios = np.log(k / (draws - k + 1)) + math.log1p(-p) - math.log(p)
    terms = np.exp(np.append(0.0, np.cumsum(ratios)) + log_binomial(seen, draws, p))
    return min(1.0, 2.0 * float(terms.sum()))


def smallest(ps: Sequence[float]) -> float:
    """The probability that the smallest of so many p-values is as small (Šidák)."""
    least = min(ps)
    return 1.0 if least >= 1.0 else -math.expm1(len(ps) * math.log1p(-least))


def product(ps: Sequence[float]) -> float:
    """The probability that the product of so many p-values is as small (Fisher)."""
    if min(ps) <= 0.0:
        return 0.0
    return gamma_tail(len(ps), -math.fsum(map(math.log, ps)))


def uniformity(ps: Sequence[float], *, conservative: bool = False) -> float:
    """The probability that so many uniform numbers are as unevenly spread (Kolmogorov–Smirnov).

    Args:
        ps: the numbers.
        conservative: they may be too large, so that only an excess of small ones counts.

    Each one-sided probability is exact (Birnbaum and Tingey 1951); twice the smaller is the
    two-sided one up to a term that is smaller than its square.
    """
    n = len(ps)
    ordered = sorted(ps)
    small = max((i + 1) / n - p for i, p in enumerate(ordered))
    large = max(p - i / n for i, p in enumerate(ordered))
    if conservative:
        return _one_sided(n, small)
    return min(1.0, 2.0 * _one_sided(n, max(small, large)))


def _one_sided(n: int, d: float) -> float:
    if d <= 0.0:
        return 1.0
    if d >= 1.0:
        return 0.0
    terms = []
    for j in range(math.floor(n * (1 - d)) + 1):
        part = d + j / n
        if part < 1.0:
            log = math.log(math.comb(n, j)) + (j - 1) * math.log(part)
            terms.append(math.exp(log + (n - j) * math.log1p(-part)))
    return min(1.0, d * math.fsum(terms))
