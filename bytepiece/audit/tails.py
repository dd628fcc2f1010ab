"""Tails of distributions: the probability of a deviation at least as large as the one seen."""

import math
from collections.abc import Sequence

from bytepiece.errors import ArgumentError

try:
    from scipy import special
except ImportError:
    raise ArgumentError(
        "an audit needs scipy, which is not installed; pip install 'bytepiece[audit]'"
    ) from None


_SMALL = 1e-290


def gamma_tail(shape: float, x: float) -> float:
    """Return Q(shape, x) = Γ(shape, x) / Γ(shape), for any shape above 0."""
    tail = float(special.gammaincc(shape, max(x, 0.0)))
    if tail < _SMALL and math.isfinite(x):
        # gammaincc has no subnormal values. Q = x^shape · exp(−x) / Γ(shape) · U(1, shape + 1, x).
        front = math.exp(shape * math.log(x) - x - special.gammaln(shape))
        u = float(special.hyperu(1.0, shape + 1.0, x))
        tail = front * u if math.isfinite(u) else tail
    return tail


def chi_square_tail(statistic: float, degrees: float) -> float:
    """Return the probability that a chi-square variable is larger; degrees may be fractional."""
    return gamma_tail(degrees / 2, statistic / 2)


def normal_tails(z: float) -> float:
    """Return the probability that a standard normal variable is at least as far from 0 as z."""
    return float(special.erfc(abs(z) / math.sqrt(2)))


def binomial_probability(seen: int, draws: int, p: float) -> float:
    """Return the probability of exactly `seen` successes in `draws` trials; 0 < p < 1."""
    log_ways = special.gammaln([draws + 1, seen + 1, draws - seen + 1])
    log = log_ways[0] - log_ways[1] - log_ways[2]
    return math.exp(log + special.xlogy(seen, p) + special.xlog1py(draws - seen, -p))


def binomial_tails(seen: int, draws: int, p: float) -> float:
    """Return twice the smaller tail of a binomial, at most 1; both tails include `seen` itself."""
    if p <= 0.0 or p >= 1.0:
        return float(seen == (draws if p >= 1.0 else 0))
    # Not bdtr and bdtrc: with 9e7 draws they are off by 3e-7, these functions by 5e-14.
    at_most = special.betaincc(seen + 1, draws - seen, p) if seen < draws else 1.0
    at_least = special.betainc(seen, draws - seen + 1, p) if seen else 1.0
    return min(1.0, 2.0 * float(min(at_most, at_least)))


def smallest(ps: Sequence[float]) -> float:
    """Return the p-value of the smallest of several p-values (Šidák)."""
    least = min(ps)
    return 1.0 if least >= 1.0 else -math.expm1(len(ps) * math.log1p(-least))


def product(ps: Sequence[float]) -> float:
    """Return the p-value of the product of several p-values (Fisher)."""
    if min(ps) <= 0.0:
        return 0.0
    return gamma_tail(len(ps), -math.fsum(map(math.log, ps)))


def uniformity(ps: Sequence[float], *, conservative: bool = False) -> float:
    """Return the p-value of the hypothesis that numbers are uniform (Kolmogorov–Smirnov).

    Args:
        ps: the numbers.
        conservative: whether the numbers may be too large, so that only an excess of small numbers
            counts.

    The one-sided p-value is exact. The two-sided p-value is twice the smaller of both one-sided
    p-values. Its error is smaller than the square of the two-sided p-value.
    """
    n = len(ps)
    ordered = sorted(ps)
    small = max((i + 1) / n - p for i, p in enumerate(ordered))
    large = max(p - i / n for i, p in enumerate(ordered))
    if conservative:
        return _one_sided(n, small)
    return min(1.0, 2.0 * _one_sided(n, max(small, large)))


def _one_sided(n: int, distance: float) -> float:
    """Return the probability of a one-sided distance at least as large."""
    return float(special.smirnov(n, min(max(distance, 0.0), 1.0)))
