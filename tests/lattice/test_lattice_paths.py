"""The paths of a lattice: the best ones against enumeration, and draws against their law."""

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.lattices import OVERLAPPING, lattice_of
from support.strategies import (
    HARSH_SCORES,
    INTEGER_SCORES,
    JIT,
    SCORES,
    TEXTS,
    make_model,
    texts_over,
    vocabularies,
)
from support.strategies import (
    overlapping as overlapping_scores,
)

from bytepiece import Tokenizer
from bytepiece.rules.text import to_bytes

ALPHAS = [0.0, 0.1, 0.5, 1.0, 2.0, 50.0, 1000.0]


# ---- the best paths


@given(overlapping_scores(SCORES | INTEGER_SCORES), texts_over(b"ab", 0, 9), st.integers(1, 40))
def test_nbest_equals_the_sorted_enumeration(scores, text, k):
    expected = reference.sorted_paths(text, scores)[:k]
    found = [path.pieces for path in lattice_of(scores, text, 0.7).nbest(k)]
    assert found == expected
    assert found[0] == reference.best_path(text, scores)
    totals = [reference.total(path, scores) for path in found]
    assert totals == sorted(totals, reverse=True)


@given(overlapping_scores(INTEGER_SCORES), st.lists(texts_over(b"ab", 1, 3), max_size=4), st.data())
def test_nbest_of_several_lines(scores, lines, data):
    """Among equal sums, the path with the better last line comes first."""
    k = data.draw(st.integers(1, 60))
    text = b"".join(line + b"\n" for line in lines)
    scores = scores | {b"\n": -1.0, b"b\n": -2.0}
    combined = [((), 0.0, ())]
    for line in lines:
        ranked = list(enumerate(reference.sorted_paths(line + b"\n", scores)))
        combined = [
            (before + path, total + reference.total(path, scores), (rank, *ranks))
            for before, total, ranks in combined
            for rank, path in ranked
        ]
    combined.sort(key=lambda found: (-found[1], found[2]))
    found = lattice_of(scores, text).nbest(k)
    assert [path.pieces for path in found] == [path for path, _, _ in combined[:k]]


@given(vocabularies(SCORES | INTEGER_SCORES, b"the cat\n"), TEXTS, st.sampled_from(ALPHAS))
def test_the_best_path_equals_the_encoding(scores, text, alpha):
    tok = Tokenizer(make_model(scores))
    lattice = tok.lattice(text, alpha)
    best = lattice.best()
    assert list(best.ids) == tok.encode(text)
    assert b"".join(best.pieces) == lattice.text == to_bytes(text)
    assert lattice.nbest(1) == [best]
    assert lattice.nbest(3)[0] == best


def test_nbest_gives_all_paths_if_more_are_asked_for(overlapping):
    assert len(overlapping.nbest(10**5)) == overlapping.n_paths()


# ---- draws


def test_samples_equal_those_of_encode(tok):
    text = "the cat and the hat\n\nthe"
    rows = tok.lattice(text, 0.2).sample(4, seed=9)
    expected = [tok.encode(text, alpha=0.2, seed=9, sample=i) for i in range(4)]
    assert [row.tolist() for row in rows] == expected
    assert tok.lattice(text, 0.2).sample(4) != tok.lattice(text, 0.2).sample(4)


@given(
    overlapping_scores(SCORES | HARSH_SCORES),
    texts_over(b"ab", 0, 9),
    st.sampled_from([0.0, 0.1, 1.0, 3.0]),
    st.integers(1, 12),
    st.integers(0, 2**64 - 1),
)
def test_draws_without_replacement_equal_the_slow_twin(scores, text, alpha, k, seed):
    draw = reference.stream(seed, 0, 0, 0, 0)
    paths, tops = reference.without_replacement(text, scores, alpha, k, draw)
    drawn = lattice_of(scores, text, alpha).sample_without_replacement(k, seed)
    assert [path.pieces for path in drawn.segmentations] == paths
    found = [*drawn.gumbels, drawn.threshold][: len(tops)]
    assert found == pytest.approx(tops, rel=1e-9, abs=1e-9)
    assert (drawn.threshold == -math.inf) == (len(tops) == len(paths))


# These are test vectors for other implementations, with the model in docs/lattice.md.
def test_vectors_of_draws_without_replacement():
    pieces = {b"th": -6.0, b"he": -6.0, b"the": -7.0, b"e ": -7.5}
    lattice = Tokenizer(make_model(pieces, byte_score=-5.0)).lattice("the the", 0.5)
    drawn = lattice.sample_without_replacement(3, seed=1)
    shown = [b"|".join(path.pieces) for path in drawn.segmentations]
    assert shown == [b"the| |the", b"th|e |the", b"the| |t|he"]
    assert drawn.gumbels.round(9).tolist() == [-1.110017244, -1.306490643, -2.078217133]


def test_draws_without_replacement_follow_plackett_and_luce():
    """P(i, then j, then k) = p_i · p_j / (1 − p_i) · p_k / (1 − p_i − p_j)."""
    lattice = lattice_of(OVERLAPPING, b"abab", 0.5)
    p = {path.pieces: path.probability for path in lattice.paths()}
    law = {
        (a, b, c): p[a] * p[b] / (1 - p[a]) * p[c] / (1 - p[a] - p[b])
        for a, b, c in permutations(p, 3)
    }
    assert math.fsum(law.values()) == pytest.approx(1.0)
    seen = Counter()
    for seed in range(20_000 if JIT else 500):
        drawn = lattice.sample_without_replacement(3, seed)
        seen[tuple(path.pieces for path in drawn.segmentations)] += 1
    assert reference.chi_square_tail(seen, law) > 0.001


def test_the_numbers_beside_draws_without_replacement(overlapping):
    more = overlapping.sample_without_replacement(9, seed=3)
    drawn = overlapping.sample_without_replacement(8, seed=3)
    assert drawn.segmentations == more.segmentations[:8]
    assert drawn.threshold == more.gumbels[8] < drawn.gumbels[-1]
    assert np.all(np.diff(drawn.gumbels) < 0)
    logs = np.array([path.log_prob for path in drawn.segmentations])
    assert drawn.inclusion == pytest.approx(1 - np.exp(-np.exp(logs - drawn.threshold)))
    assert len(set(drawn.segmentations)) == 8
    for path in drawn.segmentations:
        assert overlapping.log_prob(path.pieces) == path.log_prob


def test_perturbed_log_probabilities_are_gumbel_distributed():
    """The largest one has the location log Σ P = 0, whichever path has it."""
    lattice = lattice_of(OVERLAPPING, b"ababab", 0.5)
    seeds = 4_000 if JIT else 400
    tops = sorted(lattice.sample_without_replacement(1, seed).gumbels[0] for seed in range(seeds))
    expected = [math.exp(-math.exp(-top)) for top in tops]
    distance = max(abs(p - (i + 0.5) / seeds) for i, p in enumerate(expected))
    assert distance < 1.95 / math.sqrt(seeds)  # Kolmogorov and Smirnov: probability 0.001


def test_weighted_draws_without_replacement_estimate_means():
    """The sum Σ P / inclusion · f is unbiased (Kool et al.)."""
    lattice = lattice_of(OVERLAPPING, b"ababab", 0.5)
    estimates = []
    for seed in range(4_000 if JIT else 200):
        drawn = lattice.sample_without_replacement(4, seed)
        weights = [path.probability for path in drawn.segmentations] / drawn.inclusion
        estimates.append(weights @ [len(path.pieces) for path in drawn.segmentations])
    error = np.std(estimates) / math.sqrt(len(estimates))
    assert abs(np.mean(estimates) - lattice.expected_tokens()) < 4 * error


def test_draws_without_replacement_end_after_all_paths(overlapping):
    drawn = overlapping.sample_without_replacement(10**4, seed=1)
    assert drawn.threshold == -math.inf
    assert drawn.inclusion.tolist() == [1.0] * overlapping.n_paths()
    assert set(drawn.segmentations) == set(overlapping.paths())


def test_paths_without_weight_come_last():
    """Their log-probabilities are finite, but their probabilities underflow."""
    lattice = lattice_of({b"a": -2000.0, b"b": -2000.0, b"ab": -1.0}, b"abab")
    drawn = lattice.sample_without_replacement(9, seed=1)
    assert [len(path.pieces) for path in drawn.segmentations] == [2, 3, 3, 4]
    assert drawn.segmentations[-1].log_prob == pytest.approx(-7998.0)


@pytest.mark.parametrize("seed", range(5))
def test_fewer_draws_without_replacement_are_the_first_of_many(seed):
    """The search drops nodes that cannot be among the k largest; that changes no draw."""
    lattice = lattice_of(OVERLAPPING, b"ab" * 2000, 0.5)
    many = lattice.sample_without_replacement(60, seed)
    for k in (1, 5, 40, 59):
        few = lattice.sample_without_replacement(k, seed)
        assert few.segmentations == many.segmentations[:k]
        assert few.threshold == many.gumbels[k]
    assert np.all(np.diff(many.gumbels) < 0)


@pytest.mark.parametrize("k", [2, 3, 9])
def test_inclusion_probabilities_of_paths_far_apart(k):
    lattice = lattice_of({b"a": -2000.0, b"b": -2000.0, b"ab": -1.0}, b"abab")
    drawn = lattice.sample_without_replacement(k, seed=1)
    assert drawn.inclusion[0] == 1.0
    assert np.all((drawn.inclusion >= 0) & (drawn.inclusion <= 1))
