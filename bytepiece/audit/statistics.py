"""The tests of one case: counts of draws against the exact law.

Frequencies are tested by G = 2 Σ n·log(n / expected), which unlike Pearson's sum of squares keeps
its tail where few draws are expected: one cell of it exceeds x with a probability of at most
2·exp(−x/2) by Chernoff's bound. Its distribution is the chi-square's times a factor near 1
(Williams 1976, https://doi.org/10.1093/biomet/63.1.33): for a multinomial of n draws into k cells

    1 + (Σ 1/p − 1) / (6·n·(k − 1)).

Given how many draws come to a boundary, what they do next is a multinomial of its own, whatever
happened before: so the G of all boundaries add up, and so do their means and variances.
"""

import math
from typing import NamedTuple

import numpy as np

from bytepiece.audit import tails
from bytepiece.audit.counts import F64, I64, Bools, Tally
from bytepiece.audit.law import Law, Moments, moments_of
from bytepiece.audit.results import Test
from bytepiece.lattice.chain import Chain, reach

LEAST = 10.0
"""Draws that a cell is to expect: alternatives that expect fewer are taken together."""
_MOST_SKEW = 0.02
_MOST_KURTOSIS = 0.01
"""Of a mean that is taken for normal: at five standard deviations its tail is then right within a
third, by Edgeworth's series."""


def rare_edges(law: Law, draws: int) -> Bools:
    """bool[edges], those that fewer than `LEAST` of the draws are expected to have."""
    rare: Bools = law.marginals * draws < LEAST
    return rare


def examine(tally: Tally) -> dict[str, Test]:
    """All the tests that make sense, by kind; see `results.Case`."""
    law = tally.law
    possible = tally.draws - tally.impossible
    tests: dict[str, Test] = {}
    if possible and law.paths is not None and tally.paths is not None:
        _put(tests, "paths", goodness(tally.paths, law.paths.p, possible))
    if possible and law.size is None:
        for kind, chain, counts in (
            ("transitions", law.chain, tally.edges),
            ("pairs", tally.pair_chain, tally.pairs),
        ):
            _put(tests, kind, chain_goodness(chain, counts, possible))
    if tally.impossible:
        tests["rare"] = Test(0.0, float(tally.impossible), 0)
    elif law.size is None:
        tests["rare"] = rare_test(tally)
    if possible:
        for kind, values in (("score", law.scores), ("tokens", np.ones(len(law.edges)))):
            total = float(tally.edges @ values)
            _put(tests, kind, mean_test(_moments(law, kind), total, possible))
    return tests


def _put(tests: dict[str, Test], kind: str, test: Test | None) -> None:
    if test is not None:
        tests[kind] = test


def _moments(law: Law, kind: str) -> Moments:
    if law.size is None:
        return law.moments(law.scores if kind == "score" else np.ones(len(law.edges)))
    assert law.paths is not None
    values = law.paths.scores if kind == "score" else law.paths.tokens.astype(np.float64)
    return moments_of(values, law.paths.p)


class _Fit(NamedTuple):
    """The G of a multinomial, or of several, with its mean and variance, and its degrees."""

    g: float
    mean: float
    variance: float
    degrees: int

    def test(self) -> Test | None:
        """Against the multiple of a chi-square that has this mean and variance."""
        if not self.degrees:
            return None
        scale = self.mean / self.variance
        return Test(tails.gamma_tail(self.mean * scale, self.g * scale), self.g, self.degrees)


def goodness(counts: I64, p: F64, draws: int) -> Test | None:
    """Draws from one multinomial; None if it has only one alternative that is not rare."""
    return _fit(counts, p, draws).test()


def chain_goodness(chain: Chain, counts: I64, draws: int) -> Test | None:
    """Draws of walks along a chain: what they do at each state.

    Args:
        chain: whose states without edges are ends of walks.
        counts: int64[edges].
        draws: how many walks.
    """
    expected = reach(chain) * draws
    fits = [
        _fit(counts[low:high], chain.p[low:high], float(expected[state]))
        for state, (low, high) in enumerate(zip(chain.first[:-1], chain.first[1:], strict=True))
        if high - low > 1 and expected[state] >= 2 * LEAST
    ]
    return _Fit(*map(sum, zip(*fits, strict=True))).test() if fits else None


def _fit(counts: I64, p: F64, expected: float) -> _Fit:
    """The G of the counts of alternatives, pooled, given their sum.

    Args:
        counts, p: of the alternatives.
        expected: how many draws the law expects to have to choose.
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
    """Where each cell begins, so that each expects enough; of ascending numbers."""
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


def rare_test(tally: Tally) -> Test:
    """Draws with an edge that is hardly ever to be drawn: how many, and how rare the rarest is.

    Both are exact: how many is binomial; and the rarest edge of all draws is so rare with the
    probability that not all of them avoid every edge as rare.
    """
    law, draws = tally.law, tally.draws
    share = touching(law.chain, rare_edges(law, draws))
    many = tails.binomial_tails(tally.with_rare, draws, share)
    drawn = law.marginals[tally.edges > 0].min()
    once = touching(law.chain, law.marginals <= drawn)
    rarest = 1.0 if once >= 1.0 else -math.expm1(draws * math.log1p(-once))
    return Test(min(1.0, 2.0 * min(many, rarest)), float(tally.with_rare), 0)


def touching(chain: Chain, edges: Bools) -> float:
    """The probability that a path has at least one of some edges; sums of positive numbers only."""
    probabilities = np.zeros(len(chain.first), dtype=np.float64)
    for start in reversed(range(len(chain.first) - 1)):
        here = slice(chain.first[start], chain.first[start + 1])
        reached = np.where(edges[here], 1.0, probabilities[chain.ends[here]])
        probabilities[start] = chain.p[here] @ reached
    return min(float(probabilities[0]), 1.0)


def mean_test(moments: Moments, total: float, draws: int) -> Test | None:
    """The mean of a number of each draw; None where it is not near enough to normal.

    Args:
        moments: of the number, by the law.
        total: its sum over all draws.
        draws: how many.
    """
    spread = math.sqrt(moments.variance)
    # A spread that rounding makes, of numbers that are all equal, is none.
    if spread <= 1e-9 * max(abs(moments.mean), 1.0):
        return None
    skew = abs(moments.third) / spread**3 / math.sqrt(draws)
    kurtosis = abs(moments.fourth / spread**4 - 3.0) / draws
    if skew > _MOST_SKEW or kurtosis > _MOST_KURTOSIS:
        return None
    z = (total - draws * moments.mean) / (spread * math.sqrt(draws))
    return Test(tails.normal_tails(z), z, 1)


def total_variation(counts: I64, p: F64, draws: int) -> float:
    """½ Σ |frequency − p|; draws that are none of the paths count in full."""
    elsewhere = draws - int(counts.sum())
    return 0.5 * (float(np.abs(counts / draws - p).sum()) + elsewhere / draws)


def expected_noise(p: F64, draws: int) -> float:
    """The mean of the total variation of draws from the law itself.

    By de Moivre's mean absolute deviation of a binomial: with m = ⌊n·p⌋ + 1 it is
    2·m·(1 − p)·P(m) (Diaconis and Zabell 1991, https://doi.org/10.1214/ss/1177011699).
    """
    deviations = []
    for q in p.tolist():
        m = math.floor(draws * q) + 1
        if 0.0 < q < 1.0 and m <= draws:
            pmf = tails.binomial_probability(m, draws, q)
            deviations.append(2.0 * m * (1.0 - q) * pmf)
    return 0.5 * math.fsum(deviations) / draws


def divergence(counts: I64, p: F64, draws: int) -> float:
    """Σ f·log(f / p) of the frequencies f, in nats; infinite if p of a path drawn underflows."""
    some = counts > 0
    frequencies = counts[some] / draws
    with np.errstate(divide="ignore"):
        return float(frequencies @ np.log(frequencies / p[some]))


def deviations(counts: I64, p: F64, draws: int) -> F64:
    """How far each count is from what is expected, in standard deviations.

    By the square root of a binomial's G, which a single draw of something rare does not inflate.
    """
    expected = draws * p
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.where(counts > 0, counts * np.log(counts / expected), 0.0)
        others = draws - counts
        unseen = np.where(others > 0, others * np.log(others / (draws - expected)), 0.0)
    squares: F64 = 2.0 * np.maximum(seen + unseen, 0.0)
    return np.sqrt(squares)
