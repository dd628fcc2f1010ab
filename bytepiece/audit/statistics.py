"""The tests of one case: counts of draws against the exact law.

Frequencies are tested by G = 2 Σ n·log(n / expected). Unlike Pearson's sum of squares, G has no
heavier tail if few draws are expected: by Chernoff's bound, one cell exceeds x with a probability
of at most 2·exp(−x/2). The distribution of G is a chi-square distribution times a factor near 1
(Williams 1976, https://doi.org/10.1093/biomet/63.1.33). For a multinomial of n draws into k cells,
it is

    1 + (Σ 1/p − 1) / (6·n·(k − 1)).

Given the number of draws that reach a boundary, their next steps are a multinomial, whatever steps
came before. So the values of G at all boundaries add up, and so do their means and variances.
"""

import math
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I64
from bytepiece.audit import tails
from bytepiece.audit.counts import Bools, DrawCounts
from bytepiece.audit.law import Moments, ReferenceLaw, moments_of
from bytepiece.audit.results import Test
from bytepiece.lattice.chain import Chain, reach

LEAST = 10.0
"""The fewest draws that a cell may expect. Alternatives that expect fewer share a cell."""
_MOST_SKEW = 0.02
_MOST_KURTOSIS = 0.01
"""The largest skew and kurtosis of a mean that counts as normal. By Edgeworth's series, its tail at
five standard deviations is then right within a third."""


def rare_edges(law: ReferenceLaw, draws: int) -> Bools:
    """Return bool[edges], True for edges that fewer than `LEAST` draws are expected to have."""
    rare: Bools = law.marginals * draws < LEAST
    return rare


def examine(counted: DrawCounts) -> dict[str, Test]:
    """Return the tests that make sense, by kind. See `results.Case`."""
    law = counted.law
    possible = counted.draws - counted.impossible
    tests: dict[str, Test] = {}
    if possible and law.paths is not None and counted.paths is not None:
        _put(tests, "paths", goodness(counted.paths, law.paths.p, possible))
    if possible and law.size is None:
        for kind, chain, counts in (
            ("transitions", law.chain, counted.edges),
            ("pairs", counted.pair_chain, counted.pairs),
        ):
            _put(tests, kind, chain_goodness(chain, counts, possible))
    if counted.impossible:
        tests["rare"] = Test(0.0, float(counted.impossible), 0)
    elif law.size is None:
        tests["rare"] = rare_test(counted)
    if possible:
        for kind, values in (("score", law.scores), ("tokens", np.ones(len(law.edges)))):
            total = float(counted.edges @ values)
            _put(tests, kind, mean_test(_moments(law, kind), total, possible))
    return tests


def _put(tests: dict[str, Test], kind: str, test: Test | None) -> None:
    if test is not None:
        tests[kind] = test


def _moments(law: ReferenceLaw, kind: str) -> Moments:
    if law.size is None:
        return law.moments(law.scores if kind == "score" else np.ones(len(law.edges)))
    assert law.paths is not None
    values = law.paths.scores if kind == "score" else law.paths.tokens.astype(np.float64)
    return moments_of(values, law.paths.p)


class _Fit(NamedTuple):
    """The G of one or several multinomials, with its mean, its variance and its degrees."""

    g: float
    mean: float
    variance: float
    degrees: int

    def test(self) -> Test | None:
        """Return the test against the multiple of a chi-square with this mean and variance."""
        if not self.degrees:
            return None
        scale = self.mean / self.variance
        return Test(tails.gamma_tail(self.mean * scale, self.g * scale), self.g, self.degrees)


def goodness(counts: I64, p: F64, draws: int) -> Test | None:
    """Test draws from one multinomial; return None if pooling leaves fewer than two cells."""
    return _fit(counts, p, draws).test()


def chain_goodness(chain: Chain, counts: I64, draws: int) -> Test | None:
    """Test the steps of walks along a chain, state by state.

    Args:
        chain: the law of the walks; a walk ends at a state without edges.
        counts: int64[edges], how often each edge was taken.
        draws: the number of walks.
    """
    expected = reach(chain) * draws
    fits = [
        _fit(counts[low:high], chain.p[low:high], float(expected[state]))
        for state, (low, high) in enumerate(zip(chain.first[:-1], chain.first[1:], strict=True))
        if high - low > 1 and expected[state] >= 2 * LEAST
    ]
    return _Fit(*map(sum, zip(*fits, strict=True))).test() if fits else None


def _fit(counts: I64, p: F64, expected: float) -> _Fit:
    """Return the G of the counts of alternatives. Rare alternatives are pooled.

    The sum of the counts is taken as given.

    Args:
        counts: the count of each alternative.
        p: the probability of each alternative.
        expected: the number of draws that, by the law, choose among these alternatives.
    """
    order = np.argsort(p, kind="stable")
    bounds = _pooled(p[order] * expected)
    total = int(counts.sum())
    if len(bounds) < 2 or total == 0:
        return _Fit(0.0, 0.0, 0.0, 0)
    seen = np.add.reduceat(counts[order], bounds)
    cells = np.add.reduceat(p[order], bounds)
    cells /= cells.sum()
    degrees = len(cells) - 1
    some = seen > 0
    g = 2.0 * float(seen[some] @ np.log(seen[some] / (total * cells[some])))
    factor = 1.0 + (float(np.sum(1.0 / cells)) - 1.0) / (6.0 * expected * degrees)
    return _Fit(max(g, 0.0), degrees * factor, 2.0 * degrees * factor**2, degrees)


def _pooled(expected: F64) -> list[int]:
    """Return where each cell begins. Each cell expects at least `LEAST` draws.

    Args:
        expected: how many draws each alternative expects, ascending.
    """
    bounds = []
    room = LEAST
    for place, number in enumerate(expected.tolist()):
        if room >= LEAST:
            bounds.append(place)
            room = 0.0
        room += number
    if room < LEAST and bounds:
        bounds.pop()
    return bounds


def rare_test(counted: DrawCounts) -> Test:
    """Test the draws with a rare edge: their number, and the rarity of the rarest edge.

    Both tests are exact. The number is binomial. The p-value of the rarest drawn edge is the
    probability that at least one draw has an edge that is as rare or rarer.
    """
    law, draws = counted.law, counted.draws
    share = touching(law.chain, rare_edges(law, draws))
    many = tails.binomial_tails(counted.with_rare, draws, share)
    drawn = law.marginals[counted.edges > 0].min()
    once = touching(law.chain, law.marginals <= drawn)
    rarest = 1.0 if once >= 1.0 else -math.expm1(draws * math.log1p(-once))
    return Test(min(1.0, 2.0 * min(many, rarest)), float(counted.with_rare), 0)


def touching(chain: Chain, edges: Bools) -> float:
    """Return the probability that a path has at least one of some edges.

    Only positive numbers are added, so small probabilities keep their digits.
    """
    probabilities = np.zeros(len(chain.first), dtype=np.float64)
    for start in reversed(range(len(chain.first) - 1)):
        here = slice(chain.first[start], chain.first[start + 1])
        reached = np.where(edges[here], 1.0, probabilities[chain.ends[here]])
        probabilities[start] = chain.p[here] @ reached
    return min(float(probabilities[0]), 1.0)


def mean_test(moments: Moments, total: float, draws: int) -> Test | None:
    """Test the mean over all draws of a number that each draw has.

    Return None if the distribution of the mean is too far from normal.

    Args:
        moments: the moments of the number by the law.
        total: the sum of the number over all draws.
        draws: the number of draws.
    """
    spread = math.sqrt(moments.variance)
    # If all numbers are equal, their spread is nothing but rounding errors.
    if spread <= 1e-9 * max(abs(moments.mean), 1.0):
        return None
    skew = abs(moments.third) / spread**3 / math.sqrt(draws)
    kurtosis = abs(moments.fourth / spread**4 - 3.0) / draws
    if skew > _MOST_SKEW or kurtosis > _MOST_KURTOSIS:
        return None
    z = (total - draws * moments.mean) / (spread * math.sqrt(draws))
    return Test(tails.normal_tails(z), z, 1)


def total_variation(counts: I64, p: F64, draws: int) -> float:
    """Return ½ Σ |frequency − p|; draws that are not paths count in full."""
    elsewhere = draws - int(counts.sum())
    return 0.5 * (float(np.abs(counts / draws - p).sum()) + elsewhere / draws)


def expected_noise(p: F64, draws: int) -> float:
    """Return the mean total variation of draws from the law itself.

    The mean absolute deviation of a binomial is 2·m·(1 − p)·P(m) with m = ⌊n·p⌋ + 1 (de Moivre;
    Diaconis and Zabell 1991, https://doi.org/10.1214/ss/1177011699).
    """
    deviations = []
    for q in p.tolist():
        m = math.floor(draws * q) + 1
        if 0.0 < q < 1.0 and m <= draws:
            pmf = tails.binomial_probability(m, draws, q)
            deviations.append(2.0 * m * (1.0 - q) * pmf)
    return 0.5 * math.fsum(deviations) / draws


def divergence(counts: I64, p: F64, draws: int) -> float:
    """Return Σ f·log(f / p) of the frequencies f, in nats; infinite if p of a drawn path is 0."""
    some = counts > 0
    frequencies = counts[some] / draws
    with np.errstate(divide="ignore"):
        return float(frequencies @ np.log(frequencies / p[some]))


def deviations(counts: I64, p: F64, draws: int) -> F64:
    """Return the distance of each count from its expectation, in standard deviations.

    It is the square root of a binomial's G, which a single draw of a rare path does not inflate.
    """
    expected = draws * p
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.where(counts > 0, counts * np.log(counts / expected), 0.0)
        others = draws - counts
        unseen = np.where(others > 0, others * np.log(others / (draws - expected)), 0.0)
    squares: F64 = 2.0 * np.maximum(seen + unseen, 0.0)
    return np.sqrt(squares)
