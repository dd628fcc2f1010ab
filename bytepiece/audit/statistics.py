"""The tests of one case: the counts of draws against the exact law.

Frequencies are tested by G = 2 Σ n·log(n / expected). Large values of G stay as improbable as they
should be even if few draws are expected: by Chernoff's bound, the G of one cell exceeds x with a
probability of at most 2·exp(−x/2). Pearson's statistic, the sum of squares, does not have this
property. The distribution of G is a chi-square distribution times a factor near 1 (Williams 1976,
https://doi.org/10.1093/biomet/63.1.33). For a multinomial of n draws into k cells, the factor is

    1 + (Σ 1/p − 1) / (6·n·(k − 1)).

Given the number of draws that reach a boundary, the next steps of these draws are a multinomial,
whatever their earlier steps were. So the values of G at all boundaries add up, and their means and
variances add up too.
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
"""The smallest number of draws that a cell may expect. Alternatives that expect fewer draws share a
cell."""
_MOST_SKEW = 0.02
_MOST_KURTOSIS = 0.01
"""The largest skew and excess kurtosis of a mean that counts as normal. By Edgeworth's series, the
tail of such a mean at five standard deviations is within a third of the normal tail."""


def rare_edges(law: ReferenceLaw, draws: int) -> Bools:
    """Return bool[edges], True for edges that are expected in fewer than `LEAST` draws."""
    rare: Bools = law.marginals * draws < LEAST
    return rare


def examine(counted: DrawCounts) -> dict[str, Test]:
    """Return the tests that are possible with these counts, by kind; see `results.Case`."""
    law = counted.law
    possible = counted.draws - counted.impossible
    tests: dict[str, Test] = {}
    if possible and law.paths is not None and counted.paths is not None:
        _put(tests, "paths", goodness(counted.paths, law.paths.p, possible))
    if possible and law.is_walk:
        for kind, chain, counts in (
            ("transitions", law.chain, counted.edges),
            ("pairs", counted.pair_chain, counted.pairs),
        ):
            _put(tests, kind, chain_goodness(chain, counts, possible))
    if counted.impossible:
        tests["rare"] = Test(0.0, float(counted.impossible), 0)
    elif law.is_walk:
        tests["rare"] = rare_test(counted)
    if possible:
        for kind, values in (("score", law.scores), ("tokens", np.ones(len(law.edges)))):
            total = float(counted.edges @ values)
            _put(tests, kind, mean_test(_moments(law, kind), total, possible))
    return tests


def _put(tests: dict[str, Test], kind: str, test: Test | None) -> None:
    """Store a test under its kind, unless it is None."""
    if test is not None:
        tests[kind] = test


def _moments(law: ReferenceLaw, kind: str) -> Moments:
    """Return the moments of a path's score or of its number of pieces ("score" or "tokens")."""
    if law.is_walk:
        return law.moments(law.scores if kind == "score" else np.ones(len(law.edges)))
    assert law.paths is not None
    values = law.paths.scores if kind == "score" else law.paths.tokens.astype(np.float64)
    return moments_of(values, law.paths.p)


class _Fit(NamedTuple):
    """The G of one or several multinomials, with its mean, variance and degrees of freedom."""

    g: float
    mean: float
    variance: float
    degrees: int

    def test(self) -> Test | None:
        """Return the test; None without degrees of freedom.

        By the law, G is a chi-square variable times a factor, with this mean and variance.
        """
        if not self.degrees:
            return None
        scale = self.mean / self.variance
        return Test(tails.gamma_tail(self.mean * scale, self.g * scale), self.g, self.degrees)


def goodness(counts: I64, p: F64, draws: int) -> Test | None:
    """Test draws from one multinomial; return None if pooling leaves fewer than two cells.

    Args:
        counts: int64[alternatives], the number of draws of each alternative.
        p: float64[alternatives], the probability of each alternative.
        draws: the number of draws.
    """
    return _fit(counts, p, draws).test()


def chain_goodness(chain: Chain, counts: I64, draws: int) -> Test | None:
    """Test the steps of walks along a chain, state by state.

    Args:
        chain: the law of the walks. A walk ends at a state without edges.
        counts: int64[edges], how many walks took each edge.
        draws: the number of walks.

    Returns:
        the test of all states together; None if no state has enough draws and alternatives.
    """
    expected = reach(chain) * draws
    fits = [
        _fit(counts[low:high], chain.p[low:high], float(expected[state]))
        for state, (low, high) in enumerate(zip(chain.first[:-1], chain.first[1:], strict=True))
        if high - low > 1 and expected[state] >= 2 * LEAST
    ]
    return _Fit(*map(sum, zip(*fits, strict=True))).test() if fits else None


def _fit(counts: I64, p: F64, expected: float) -> _Fit:
    """Return the G of counts, given the sum of the counts. Rare alternatives share a cell.

    Args:
        counts: int64[alternatives], the number of draws of each alternative.
        p: float64[alternatives], the probability of each alternative.
        expected: the number of draws that choose among these alternatives, as the law expects.
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
    """Put alternatives into cells; return the number of the first alternative of each cell.

    Args:
        expected: float64[alternatives], ascending, the number of draws that each alternative
            expects. The sum over each cell must be at least `LEAST`.
    """
    bounds = []
    in_cell = LEAST
    for alternative, draws in enumerate(expected.tolist()):
        if in_cell >= LEAST:
            bounds.append(alternative)
            in_cell = 0.0
        in_cell += draws
    if in_cell < LEAST and bounds:
        bounds.pop()  # the last alternatives join the cell before
    return bounds


def rare_test(counted: DrawCounts) -> Test:
    """Test the number of draws with a rare edge, and how rare the rarest drawn edge is.

    Both tests are exact. The number is binomial. The p-value of the rarest drawn edge is the
    probability that at least one draw has an edge that is as rare or rarer.
    """
    law, draws = counted.law, counted.draws
    p_rare = touching(law.chain, rare_edges(law, draws))
    number_p = tails.binomial_tails(counted.with_rare, draws, p_rare)
    rarest = law.marginals[counted.edges > 0].min()
    p_as_rare = touching(law.chain, law.marginals <= rarest)
    rarest_p = 1.0 if p_as_rare >= 1.0 else -math.expm1(draws * math.log1p(-p_as_rare))
    return Test(min(1.0, 2.0 * min(number_p, rarest_p)), float(counted.with_rare), 0)


def touching(chain: Chain, edges: Bools) -> float:
    """Return the probability that a path has at least one of some edges.

    All terms of the sums are positive, so a tiny probability keeps its precision.

    Args:
        chain: the law of the path.
        edges: bool[edges], True for the edges in question.
    """
    probabilities = np.zeros(len(chain.first), dtype=np.float64)
    for start in reversed(range(len(chain.first) - 1)):
        here = slice(chain.first[start], chain.first[start + 1])
        reached = np.where(edges[here], 1.0, probabilities[chain.ends[here]])
        probabilities[start] = chain.p[here] @ reached
    return min(float(probabilities[0]), 1.0)


def mean_test(moments: Moments, total: float, draws: int) -> Test | None:
    """Test the mean of a property of the draws, such as the score.

    Args:
        moments: the moments of the property by the law.
        total: the sum of the property over all draws.
        draws: the number of draws.

    Returns:
        the test; None if the mean is not nearly normal, or the property is the same for all paths.
    """
    spread = math.sqrt(moments.variance)
    # If all paths have the same value, the spread consists of rounding errors.
    if spread <= 1e-9 * max(abs(moments.mean), 1.0):
        return None
    skew = abs(moments.third) / spread**3 / math.sqrt(draws)
    kurtosis = abs(moments.fourth / spread**4 - 3.0) / draws
    if skew > _MOST_SKEW or kurtosis > _MOST_KURTOSIS:
        return None
    z = (total - draws * moments.mean) / (spread * math.sqrt(draws))
    return Test(tails.normal_tails(z), z, 1)


def total_variation(counts: I64, p: F64, draws: int) -> float:
    """Return ½ Σ |frequency − p| over all paths. Impossible draws count as paths with p = 0."""
    impossible = draws - int(counts.sum())
    return 0.5 * (float(np.abs(counts / draws - p).sum()) + impossible / draws)


def expected_noise(p: F64, draws: int) -> float:
    """Return the mean total variation of a sampler that follows the law.

    The mean absolute deviation of a binomial variable is 2·m·(1 − p)·P(m) with m = ⌊n·p⌋ + 1
    (de Moivre; Diaconis and Zabell 1991, https://doi.org/10.1214/ss/1177011699).
    """
    deviations = []
    for q in p.tolist():
        m = math.floor(draws * q) + 1
        if 0.0 < q < 1.0 and m <= draws:
            pmf = tails.binomial_probability(m, draws, q)
            deviations.append(2.0 * m * (1.0 - q) * pmf)
    return 0.5 * math.fsum(deviations) / draws


def divergence(counts: I64, p: F64, draws: int) -> float:
    """Return Σ f·log(f / p) over all frequencies f, in nats; infinite if a drawn path has p = 0."""
    some = counts > 0
    frequencies = counts[some] / draws
    with np.errstate(divide="ignore"):
        return float(frequencies @ np.log(frequencies / p[some]))


def deviations(counts: I64, p: F64, draws: int) -> F64:
    """Return the distance of each count from its expectation, in standard deviations.

    The distance is the square root of a binomial's G. A single draw of a rare path does not inflate
    it.
    """
    expected = draws * p
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.where(counts > 0, counts * np.log(counts / expected), 0.0)
        others = draws - counts
        unseen = np.where(others > 0, others * np.log(others / (draws - expected)), 0.0)
    squares: F64 = 2.0 * np.maximum(seen + unseen, 0.0)
    return np.sqrt(squares)
