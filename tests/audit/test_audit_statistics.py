"""Tests of the audit's statistics.

Tails are compared with arithmetic of 60 digits, counts with counts by hand, and p-values with
simulated draws.
"""

import math
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from support import reference
from support.strategies import JIT

from bytepiece.audit import tails
from bytepiece.audit.counts import DrawCounts, Draws, pair_chain
from bytepiece.audit.law import Moments, ReferenceLaw, byte_edges, character_edges, pieces_of
from bytepiece.audit.statistics import (
    chain_goodness,
    deviations,
    examine,
    expected_noise,
    goodness,
    mean_test,
    rare_edges,
    total_variation,
    touching,
)

MP = reference.MP
SCORES = {
    b"a": -2.1,
    b"b": -2.6,
    b"c": -1.7,
    b"ab": -3.3,
    b"bc": -2.2,
    b"ca": -4.0,
    b"abc": -5.1,
    b"bca": -4.4,
    b"cab": -5.5,
}
TEXT = b"abcabca"


def law_of(text=TEXT, alpha=0.2, scores=SCORES):
    return ReferenceLaw(text, tuple(byte_edges(text, scores)), alpha)


def draws_of(rows):
    """Return draws from rows of pieces, one row for each draw."""
    pieces = sorted({piece for row in rows for piece in row})
    ids = [pieces.index(piece) for row in rows for piece in row]
    lengths = np.array(list(map(len, rows)), dtype=np.int64)
    return Draws(np.array(ids, dtype=np.int64), lengths, pieces.__getitem__, 0.0)


def counts_of(law, rows, rare=None):
    counted = DrawCounts(law, np.zeros(len(law.edges), bool) if rare is None else rare)
    counted.add(draws_of(rows))
    return counted


# ---- tails


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 100, 101, 2000, 9999, 2.7, 0.4])
@pytest.mark.parametrize("spread", [-3.0, -0.5, 0.0, 0.1, 1.0, 4.0, 6.0, 20.0, 36.0])
def test_chi_square_tail(degrees, spread):
    statistic = degrees + spread * math.sqrt(2 * degrees)
    for x in (statistic, statistic + max(spread, 0.0) ** 2):
        if x > 0:
            wanted = mpmath.gammainc(
                mpmath.mpf(degrees) / 2, mpmath.mpf(x) / 2, mpmath.inf, regularized=True
            )
            assert tails.chi_square_tail(x, degrees) == pytest.approx(float(wanted), rel=1e-10)


def test_chi_square_tail_of_very_large_statistics():
    for degrees in (1, 2, 50, 5000):
        x = degrees + 1380.0 + 40 * math.sqrt(degrees)
        wanted = float(mpmath.gammainc(degrees / 2, x / 2, mpmath.inf, regularized=True))
        assert wanted < 1e-200
        assert tails.chi_square_tail(x, degrees) == pytest.approx(wanted, rel=1e-10, abs=0.0)
    assert tails.chi_square_tail(0.0, 3) == 1.0
    assert tails.chi_square_tail(1e6, 3) == 0.0


@pytest.mark.parametrize(
    ("seen", "draws", "p"),
    [
        *((0, 100, 1e-9), (1, 10**6, 1e-12), (30, 100, 0.2), (10, 100, 0.2), (20, 100, 0.2)),
        *((0, 1000, 0.01), (5200, 10**6, 0.005), (4900, 10**6, 0.005), (100, 100, 0.9)),
    ],
)
def test_binomial_tails(seen, draws, p):
    q = MP.mpf(p)
    low = MP.fsum(MP.binomial(draws, k) * q**k * (1 - q) ** (draws - k) for k in range(seen + 1))
    here = MP.binomial(draws, seen) * q**seen * (1 - q) ** (draws - seen)
    wanted = min(1.0, float(2 * min(low, 1 - low + here)))
    assert tails.binomial_tails(seen, draws, p) == pytest.approx(wanted, rel=1e-7)


def test_binomial_tails_of_certain_outcomes():
    assert tails.binomial_tails(0, 10, 0.0) == tails.binomial_tails(10, 10, 1.0) == 1.0
    assert tails.binomial_tails(1, 10, 0.0) == tails.binomial_tails(9, 10, 1.0) == 0.0


def test_p_values_are_combined():
    assert tails.smallest([0.3]) == pytest.approx(0.3)
    assert tails.smallest([0.5, 1e-20]) == pytest.approx(2e-20)
    assert tails.smallest([1.0, 1.0]) == 1.0
    assert tails.product([0.3]) == pytest.approx(0.3)
    assert tails.product([0.1, 0.2]) == pytest.approx(0.02 * (1 - math.log(0.02)))
    assert tails.product([0.5, 0.0]) == 0.0


def test_uniformity_of_one_value():
    assert tails.uniformity([0.01]) == pytest.approx(0.02)
    assert tails.uniformity([0.99]) == pytest.approx(0.02)
    assert tails.uniformity([0.5]) == 1.0
    assert tails.uniformity([0.01], conservative=True) == pytest.approx(0.01)


def test_p_values_of_uniformity_are_uniform():
    rng = np.random.default_rng(1)
    for n in (3, 20):
        found = np.array([tails.uniformity(rng.random(n).tolist()) for _ in range(4000)])
        for level in (0.02, 0.2):
            assert np.mean(found <= level) == pytest.approx(level, abs=4 * math.sqrt(level / 4000))


def test_uniformity_refutes_values_that_are_too_small_or_too_large():
    assert tails.uniformity([0.001] * 5) < 1e-13
    assert tails.uniformity([0.999] * 5) < 1e-13
    assert tails.uniformity([1.0] * 5, conservative=True) == 1.0
    assert tails.uniformity([0.0] * 300) == 0.0
    assert tails.uniformity(np.linspace(0, 1, 300).tolist()) == 1.0


# ---- counts


def test_counts_worked_out_by_hand():
    law = law_of(b"abc")
    rows = [[b"abc"], [b"a", b"bc"], [b"ab", b"c"], [b"a", b"bc"], [b"a", b"b", b"c"]]
    rare = np.array([law.text[e.start : e.end] == b"b" for e in law.edges])
    counted = counts_of(law, rows, rare)
    counts = {law.text[e.start : e.end]: n for e, n in zip(law.edges, counted.edges, strict=True)}
    assert counts == {b"a": 3, b"ab": 1, b"abc": 1, b"b": 1, b"bc": 2, b"c": 2}
    assert (counted.draws, counted.impossible, counted.with_rare) == (5, 0, 1)
    paths = {
        tuple(pieces_of(b"abc", mask)): n
        for mask, n in zip(law.paths.masks.tolist(), counted.paths, strict=True)
    }
    assert paths == {(b"abc",): 1, (b"a", b"bc"): 2, (b"ab", b"c"): 1, (b"a", b"b", b"c"): 1}
    pieces = [law.text[e.start : e.end] for e in law.edges]
    pairs = {}
    for state, (low, high) in enumerate(pairwise(counted.pair_chain.first)):
        for arc in range(low, high):
            before = pieces[state - 1] if state else b""
            pairs[before, pieces[counted.pair_chain.ends[arc] - 1]] = counted.pairs[arc]
    assert pairs == {
        (b"", b"a"): 3,
        (b"", b"ab"): 1,
        (b"", b"abc"): 1,
        (b"a", b"b"): 1,
        (b"a", b"bc"): 2,
        (b"ab", b"c"): 1,
        (b"b", b"c"): 1,
    }


@pytest.mark.parametrize(
    "row",
    [
        [],
        [b"ab"],
        [b"abcd"],
        [b"abc", b"c"],
        [b"abc", b""],
        [b"", b"abc"],
        [b"a", b"xx"],
        [b"b", b"a", b"c"],
        [b"a", b"bcabcabc"],
        [b"abc", b"a", b"b", b"c"],
        [b"ab", b"\xffc"],
    ],
)
def test_impossible_draws_are_counted(row):
    counted = counts_of(law_of(b"abc"), [[b"abc"], row, [b"a", b"bc"]])
    assert counted.draws == 3
    assert counted.impossible == 1
    assert list(counted.examples) == [tuple(row)]
    assert counted.edges.sum() == 3
    assert counted.paths.sum() == 2
    assert examine(counted)["rare"].p == 0.0


def test_only_impossible_draws():
    for rows in ([[]], [[b"abd"]], [[b"x"], []]):
        counted = counts_of(law_of(b"abc"), rows)
        assert counted.impossible == counted.draws
        assert {kind: test.p for kind, test in examine(counted).items()} == {"rare": 0.0}


def test_a_piece_outside_the_law_is_impossible():
    law = law_of(b"abc", scores={b"a": -1.0, b"b": -1.0, b"c": -1.0, b"bc": -1.0})
    assert counts_of(law, [[b"ab", b"c"], [b"a", b"bc"]]).impossible == 1


def test_bytes_of_an_unknown_character_count_as_one_edge():
    text = "aéb".encode()
    law = ReferenceLaw(text, tuple(character_edges(text, {b"a": -1.0, b"b": -1.0})), 1.0)
    counted = counts_of(law, [[b"a", b"\xc3", b"\xa9", b"b"], [b"a", b"\xc3\xa9", b"b"]])
    assert counted.impossible == 0
    assert counted.edges.tolist() == [2, 2, 2]
    assert counts_of(law, [[b"a\xc3", b"\xa9", b"b"]]).impossible == 1


def test_counts_do_not_depend_on_batches():
    law = law_of()
    rows = sampled(law, 300, np.random.default_rng(3))
    rare = rare_edges(law, 300)
    at_once, in_parts = counts_of(law, rows, rare), DrawCounts(law, rare)
    for row in rows:
        in_parts.add(draws_of([row]))
    for name in ("edges", "pairs", "paths", "with_rare", "draws"):
        assert np.array_equal(getattr(at_once, name), getattr(in_parts, name))


def test_a_pair_has_the_probability_of_its_second_edge():
    law = law_of()
    pairs = pair_chain(law.chain)
    assert len(pairs.first) == len(law.edges) + 2
    for state in range(len(law.edges) + 1):
        row = pairs.p[pairs.first[state] : pairs.first[state + 1]]
        at_end = state and law.edges[state - 1].end == len(TEXT)
        assert row.sum() == pytest.approx(0.0 if at_end else 1.0)


# ---- tests


def sampled(law, count, rng, p=None):
    """Draw rows of pieces from the law, or from other probabilities of its paths."""
    pieces = [pieces_of(law.text, mask) for mask in law.paths.masks.tolist()]
    p = law.paths.p if p is None else p
    return [pieces[number] for number in rng.choice(len(p), count, p=p / p.sum())]


def test_p_values_are_uniform_if_the_law_is_followed():
    rng = np.random.default_rng(7)
    law = law_of()
    experiments = 400 if JIT else 40
    found = {}
    for _ in range(experiments):
        counted = counts_of(law, sampled(law, 1000, rng), rare_edges(law, 1000))
        for kind, test in examine(counted).items():
            found.setdefault(kind, []).append(test.p)
    assert found.keys() == {"paths", "transitions", "pairs", "rare", "score", "tokens"}
    for kind, ps in found.items():
        assert tails.uniformity(ps, conservative=kind == "rare") > 1e-3, kind
        p_of_share = tails.binomial_tails(sum(p < 0.05 for p in ps), experiments, 0.05)
        assert p_of_share > 1e-3 or np.mean(np.array(ps) < 0.05) < 0.05, kind


def test_the_tail_of_g_holds_where_few_draws_are_expected():
    # Each cell expects the smallest number of draws that is allowed. Here Pearson's statistic would
    # exceed its limits too often.
    rng = np.random.default_rng(8)
    p = np.array([0.01] * 20 + [0.8])
    counts = rng.multinomial(1000, p, 30_000)
    ps = np.array([goodness(row, p, 1000).p for row in counts[: 30_000 if JIT else 3_000]])
    for level in (0.1, 0.01, 0.001):
        assert np.mean(ps < level) < level + 4 * math.sqrt(level / len(ps))
        assert np.mean(ps < level) > level - 4 * math.sqrt(level / len(ps))


@pytest.mark.parametrize("kind", ["paths", "transitions", "pairs", "score", "tokens"])
def test_every_kind_of_test_finds_a_wrong_law(kind):
    law = law_of()
    tilted = law.paths.p * np.exp(0.3 * law.paths.tokens)
    rows = sampled(law, 2000, np.random.default_rng(9), tilted)
    assert examine(counts_of(law, rows, rare_edges(law, 2000)))[kind].p < 1e-6


def test_pairs_find_what_transitions_cannot():
    law = law_of(b"aaaa", 1.0, {b"a": -1.0, b"aa": -2.0})
    # A piece of two bytes follows a piece of two bytes too often, but the frequency of each edge
    # agrees with the law.
    change = {(1, 1, 1, 1): 1, (2, 1, 1): -1, (1, 1, 2): -1, (2, 2): 1}
    shapes = [tuple(map(len, pieces_of(law.text, mask))) for mask in law.paths.masks.tolist()]
    p = law.paths.p + 0.03 * np.array([change.get(shape, 0) for shape in shapes])
    tests = examine(counts_of(law, sampled(law, 4000, np.random.default_rng(4), p)))
    assert tests["pairs"].p < 1e-6
    assert tests["transitions"].p > 1e-3


def test_one_absurd_draw_refutes():
    scores = {b"a": -1.0, b"b": -60.0, b"ab": -2.0}
    law = law_of(b"aba", 1.0, scores)
    rows = [[b"ab", b"a"]] * 5000
    assert examine(counts_of(law, rows, rare_edges(law, 5000)))["rare"].p == 1.0
    rows[7] = [b"a", b"b", b"a"]
    assert examine(counts_of(law, rows, rare_edges(law, 5001)))["rare"].p < 1e-20
    law = law_of(b"aba", 50.0, scores)  # the probability of the absurd draw underflows float64
    assert examine(counts_of(law, rows, rare_edges(law, 5001)))["rare"].p == 0.0


def test_touching_is_the_sum_over_paths_with_an_edge():
    law = law_of()
    for edges in ([0], [1, 3], [0, 1, 2]):
        chosen = np.isin(np.arange(len(law.edges)), edges)
        spans = {(law.edges[e].start, law.edges[e].end) for e in edges}
        wanted = 0.0
        for mask, p in zip(law.paths.masks.tolist(), law.paths.p.tolist(), strict=True):
            ends = np.cumsum([0, *map(len, pieces_of(TEXT, mask))]).tolist()
            wanted += p * bool(spans & set(pairwise(ends)))
        assert touching(law.chain, chosen) == pytest.approx(wanted)


def test_one_possible_outcome_is_not_tested():
    law = law_of(b"cb", 1.0)
    assert set(examine(counts_of(law, [[b"c", b"b"]] * 500))) == {"rare"}
    assert goodness(np.array([500]), np.array([1.0]), 500) is None
    assert chain_goodness(law.chain, np.array([500, 500]), 500) is None


def test_means_are_tested_only_if_they_are_nearly_normal():
    normal = Moments(0.0, 1.0, 0.0, 3.0)
    assert mean_test(normal, 30.0, 100).p == pytest.approx(math.erfc(3 / math.sqrt(2)))
    assert mean_test(Moments(0.0, 1.0, 3.0, 12.0), 0.0, 1000) is None
    assert mean_test(Moments(0.0, 1.0, 0.0, 300.0), 0.0, 1000) is None
    assert mean_test(Moments(-40.0, 1e-22, 0.0, 0.0), -4000.0, 100) is None


def test_expected_noise_of_the_total_variation():
    p, draws = np.array([0.5, 0.3, 0.15, 0.0499, 1e-4]), 40
    wanted = 0.0
    for q in map(MP.mpf, p.tolist()):
        for k in range(draws + 1):
            pmf = MP.binomial(draws, k) * q**k * (1 - q) ** (draws - k)
            wanted += pmf * abs(MP.mpf(k) / draws - q) / 2
    assert expected_noise(p, draws) == pytest.approx(float(wanted), rel=1e-10)
    assert expected_noise(np.array([1.0, 0.0]), 10) == 0.0
    assert total_variation(np.array([6, 2]), np.array([0.75, 0.25]), 10) == pytest.approx(0.2)


def test_deviations_in_standard_deviations():
    found = deviations(np.array([520, 480, 0]), np.array([0.5, 0.5, 0.0]), 1000)
    assert found == pytest.approx([20 / math.sqrt(250)] * 2 + [0.0], rel=1e-2)
    assert deviations(np.array([1]), np.array([0.0]), 10)[0] == math.inf
