"""The numbers of a lattice against enumeration or 60 digits, and the arguments of its methods."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import reference, reference_texts
from support.lattices import OVERLAPPING, lattice_of
from support.reference import MP
from support.strategies import (
    HARSH_SCORES,
    INTEGER_SCORES,
    JIT,
    SCORES,
    make_model,
    scores_of,
    texts_over,
    vocabularies,
)
from support.strategies import (
    overlapping as overlapping_scores,
)

from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.lattice import chain

ALPHABET = b"ab\xe4"
ALPHAS = [0.0, 0.1, 0.5, 1.0, 2.0, 50.0, 1000.0]


def random_text(alphabet, length):
    return bytes(np.random.default_rng(1).choice(list(alphabet), length).tolist())


# ---- numbers


def size_of(scores, text, alpha):
    """Return the size of the terms of a sum; the rounding error is proportional to it."""
    return max(1.0, alpha * len(text) * max(map(abs, scores.values())))


def check_numbers(scores, text, alpha):
    """Compare every number of a lattice with the slow twins."""
    lattice = lattice_of(scores, text, alpha)
    tolerance = 1e-12 * size_of(scores, text, alpha)
    z = reference.suffix_sums(text, scores, alpha)[0]
    assert abs(lattice.log_z - MP.log(z)) <= tolerance
    assert abs(lattice.entropy() - reference.entropy(text, scores, alpha)) <= tolerance
    exact = reference.marginals(text, scores, alpha)
    seen = lattice.marginals()
    edges = list(zip(seen.starts.tolist(), seen.ends.tolist(), strict=True))
    assert edges == sorted(exact)
    reached = lattice.boundary_probs()
    for position in range(len(text)):
        here = [p for (start, _), p in exact.items() if start == position]
        assert abs(reached[position] - MP.fsum(here)) <= tolerance
    assert reached[-1] == pytest.approx(1.0, abs=1e-13)
    model = make_model(scores)
    pieces = dict(zip(model.ids.tolist(), model.pieces, strict=True))
    for (start, end), id_, p in zip(edges, seen.ids.tolist(), seen.probabilities, strict=True):
        assert pieces[id_] == text[start:end]
        assert abs(p - exact[start, end]) <= tolerance
    mean = MP.fsum(exact.values())
    assert abs(lattice.expected_tokens() - mean) <= tolerance
    score = MP.fsum(p * scores[text[start:end]] for (start, end), p in exact.items())
    # The mean score is as large as the scores, even if alpha is small.
    assert abs(lattice.expected_score() - score) <= tolerance * size_of(scores, text, 1.0)


@given(overlapping_scores(), texts_over(b"ab", 0, 40), st.sampled_from(ALPHAS))
def test_numbers_agree_with_60_digits(scores, text, alpha):
    check_numbers(scores, text, alpha)


@given(overlapping_scores(HARSH_SCORES), texts_over(b"ab", 1, 20), st.sampled_from(ALPHAS))
def test_numbers_agree_where_weights_underflow(scores, text, alpha):
    check_numbers(scores, text, alpha)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_numbers_of_a_long_text(alpha):
    text = random_text(b"ab", 3_000 if JIT else 200)
    check_numbers(OVERLAPPING, text, alpha)


@given(vocabularies(), texts_over(ALPHABET, 0, 40), st.sampled_from(ALPHAS))
def test_numbers_of_texts_with_few_paths(scores, text, alpha):
    check_numbers(scores, text, alpha)


def test_most_of_these_texts_have_many_paths():
    counts = []

    @given(overlapping_scores(), texts_over(b"ab", 5, 9))
    def collect(scores, text):
        counts.append(reference.count_paths(text, scores))

    collect()
    assert sum(count > 5 for count in counts) > 0.6 * len(counts)


@given(
    overlapping_scores(SCORES | INTEGER_SCORES), texts_over(b"ab", 1, 9), st.sampled_from(ALPHAS)
)
def test_enumerated_paths_have_their_probabilities(scores, text, alpha):
    lattice = lattice_of(scores, text, alpha)
    exact = reference.path_logs(text, scores, alpha)
    paths = list(lattice.paths())
    assert [path.pieces for path in paths] == list(reference.segmentations(text, scores))
    assert lattice.n_paths() == len(paths)
    tolerance = 1e-12 * size_of(scores, text, alpha)
    for path in paths:
        assert abs(path.log_prob - exact[path.pieces]) <= tolerance
        assert lattice.log_prob(path.pieces) == lattice.log_prob(path.ids) == path.log_prob
    assert math.fsum(path.probability for path in paths) == pytest.approx(1.0, abs=1e-12)
    tokens = [(path.probability, len(path.pieces)) for path in paths]
    mean = math.fsum(p * n for p, n in tokens)
    assert lattice.token_variance() == pytest.approx(
        math.fsum(p * (n - mean) ** 2 for p, n in tokens), abs=1e-11
    )
    sums = [(path.probability, math.fsum(scores[p] for p in path.pieces)) for path in paths]
    mean = math.fsum(p * s for p, s in sums)
    assert lattice.score_variance() == pytest.approx(
        math.fsum(p * (s - mean) ** 2 for p, s in sums), rel=1e-9, abs=1e-9
    )


def test_entropy_in_both_units(overlapping):
    logs = [path.log_prob for path in overlapping.paths()]
    nats = -math.fsum(math.exp(log) * log for log in logs)
    assert overlapping.entropy() == pytest.approx(nats, rel=1e-13)
    assert overlapping.entropy("bits") == pytest.approx(nats / math.log(2), rel=1e-13)


def test_small_entropies_keep_their_digits():
    """The logarithm of a probability just below 1 would lose all of them."""
    scores = {b"a": -20.0, b"b": -20.0, b"ab": -1.0}
    exact = reference.entropy(b"ab", scores, 1.0)
    assert lattice_of(scores, b"ab").entropy() == pytest.approx(float(exact), rel=1e-13, abs=0)


def test_the_numbers_of_lines_add_up(tok):
    lines = ["the cat\n", "...\n\n", "the hat and the hat"]
    whole = tok.lattice("".join(lines), 0.3)
    parts = [tok.lattice(line, 0.3) for line in lines]
    assert whole.log_z == pytest.approx(sum(part.log_z for part in parts), rel=1e-14)
    assert whole.entropy() == pytest.approx(sum(part.entropy() for part in parts), rel=1e-14)
    assert whole.n_paths() == math.prod(part.n_paths() for part in parts)
    assert whole.token_variance() == pytest.approx(sum(p.token_variance() for p in parts), rel=1e-9)
    assert whole.marginals().probabilities.tolist() == pytest.approx(
        np.concatenate([part.marginals().probabilities for part in parts]).tolist(), rel=1e-13
    )


@pytest.mark.parametrize("text", ["", b""])
def test_an_empty_text_has_one_segmentation(tok, text):
    lattice = tok.lattice(text)
    assert (lattice.log_z, lattice.entropy(), lattice.n_paths()) == (0.0, 0.0, 1)
    assert lattice.best() == lattice.nbest(5)[0] == next(lattice.paths()) == ((), (), 0.0)
    assert (lattice.expected_tokens(), lattice.token_variance()) == (0.0, 0.0)
    assert lattice.boundary_probs().tolist() == [1.0]
    assert lattice.marginals().ids.size == 0
    assert lattice.sample(3, seed=1).offsets.tolist() == [0, 0, 0, 0]
    assert lattice.sample_without_replacement(2, seed=1).segmentations == [((), (), 0.0)]
    assert lattice.log_prob([]) == 0.0
    assert lattice.alpha_for_entropy(0.0) >= 0.0


@pytest.mark.parametrize("line_ends", [True, False])
def test_paths_of_long_texts_are_counted_exactly(line_ends):
    text = random_text(b"abaxb\n" if line_ends else b"abaxb", 10_000 if JIT else 500)
    scores = scores_of(make_model(OVERLAPPING | {b"b\n": -1.0, b"\n\n\n": -1.0}))
    # No piece crosses the end of a line, so the counts of the segments multiply.
    expected = math.prod(
        reference.count_paths(segment, scores) for segment in reference_texts.segments(text)
    )
    lattice = lattice_of(scores, text, 0.0)
    assert lattice.n_paths() == expected
    assert lattice.log_z == pytest.approx(math.log(expected), rel=1e-13)


def test_the_paths_of_a_text_without_a_common_boundary_are_counted():
    """The count keeps a long number only until no edge needs it."""
    scores = {b"a": -1.0, b"aa": -1.0, b"aaaaaaa": -1.0}
    text = b"a" * (20_000 if JIT else 2_000)
    assert lattice_of(scores, text, 0.0).n_paths() == reference.count_paths(text, scores)


def test_the_numbers_of_a_large_text_are_stable():
    text = b"the cat and the hat " * (50_000 if JIT else 50)
    scores = {b"the": -3.5, b"the ": -3.0, b"at": -4.25, b" hat": -5.5, b" ": -2.0, b"cat": -9.0}
    for alpha in (0.0, 0.1, 1000.0):
        lattice = lattice_of(scores, text, alpha)
        assert np.isfinite([lattice.log_z, lattice.entropy(), lattice.token_variance()]).all()
        total = lattice.marginals().probabilities.sum()
        assert total == pytest.approx(lattice.expected_tokens(), rel=1e-11)
        assert lattice.boundary_probs()[-1] == pytest.approx(1.0, abs=1e-10)


# ---- alpha for an entropy


@given(vocabularies(SCORES), texts_over(ALPHABET, 2, 30), st.floats(0.01, 1.0))
def test_alpha_for_entropy_reaches_it(scores, text, share):
    lattice = lattice_of(scores, text)
    highest = math.log(lattice.n_paths())
    assume(highest > 0)
    tops = [path.log_prob for path in lattice.nbest(2)]
    assume(tops[0] - tops[1] > 1e-3)
    alpha = lattice.alpha_for_entropy(share * highest)
    reached = lattice_of(scores, text, alpha).entropy()
    assert reached == pytest.approx(share * highest, rel=1e-9, abs=1e-12)


def test_alpha_for_the_largest_and_the_smallest_entropy(overlapping):
    highest = math.log(overlapping.n_paths())
    for h in (highest, highest * (1 + 5e-13), highest * (1 - 5e-13)):
        assert overlapping.alpha_for_entropy(h) == 0.0
    sharp = overlapping.alpha_for_entropy(0.0)
    assert lattice_of(OVERLAPPING, b"ababab", sharp).entropy() <= 1e-11
    near = overlapping.alpha_for_entropy(highest - 1e-9)
    assert 0 < near < 1e-3


def test_alpha_for_the_highest_entropy_of_a_large_text():
    lattice = lattice_of(OVERLAPPING, b"ab" * (50_000 if JIT else 500))
    assert lattice.alpha_for_entropy(math.log(lattice.n_paths())) == 0.0


def test_alpha_for_the_entropy_of_equally_good_paths():
    lattice = lattice_of({b"a": -1.0, b"b": -1.0, b"ab": -2.0}, b"ab")
    assert lattice.alpha_for_entropy(math.log(2)) == 0.0


@pytest.mark.parametrize("h", [-0.1, math.nan, math.inf, "1", 1e9, 10**400, True])
def test_entropies_that_no_alpha_reaches_are_refused(overlapping, h):
    with pytest.raises(ArgumentError, match="entropy"):
        overlapping.alpha_for_entropy(h)


def test_an_entropy_below_that_of_equally_good_paths_is_refused():
    lattice = lattice_of({b"a": -1.0, b"b": -1.0, b"ab": -2.0}, b"ab")
    with pytest.raises(ArgumentError, match="equally good"):
        lattice.alpha_for_entropy(0.5)


def test_an_entropy_that_needs_too_large_an_alpha_is_refused():
    lattice = lattice_of({b"a": -1.0, b"b": -1.0, b"ab": -2.00001, b"c": -1e6}, b"ab")
    with pytest.raises(ArgumentError, match="largest that is tried"):
        lattice.alpha_for_entropy(1e-6)


# ---- arguments


@pytest.mark.parametrize("alpha", [math.nan, math.inf, -0.1, "0.1", None, 10**400])
def test_alpha_must_be_a_number_of_at_least_0(tok, alpha):
    with pytest.raises(ArgumentError, match="alpha"):
        tok.lattice("the cat", alpha)


def test_an_alpha_that_is_too_large_is_refused(tok):
    with pytest.raises(ArgumentError, match="too large"):
        tok.lattice("the cat", 1e300)


@pytest.mark.parametrize("k", [0, -1, 1.5, "2", True])
@pytest.mark.parametrize("method", ["nbest", "sample", "sample_without_replacement"])
def test_numbers_of_paths_must_be_positive(overlapping, method, k):
    with pytest.raises(ArgumentError, match="at least 1"):
        getattr(overlapping, method)(k)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ([b"ab", b"ab"], "ends at byte 4 of 6"),
        ([b"ab", b"ab", b"ab", b"ab"], "at byte 6"),
        ([b"ab", b"ba", b"ab"], "at byte 2 it has b'ba', and the text b'ab'"),
        ([b"abab", b"ab"], "b'abab' is not in the vocabulary"),
        ([b"", b"ab", b"ab", b"ab"], "a piece is empty"),
        ([], "ends at byte 0 of 6"),
        ([1], "special token"),
        (b"ababab", "a list of pieces or ids"),
        ("ababab", "a list of pieces or ids"),
        (5, "a list of pieces or ids"),
    ],
)
def test_a_path_that_is_no_segmentation_is_refused(overlapping, path, message):
    with pytest.raises(ArgumentError, match=message):
        overlapping.log_prob(path)


def test_a_piece_across_two_lines_is_no_segmentation():
    lattice = lattice_of({b"a\na": -1.0}, b"a\na")
    with pytest.raises(ArgumentError, match="two lines"):
        lattice.log_prob([b"a\na"])


def test_no_piece_is_part_of_an_empty_text(tok):
    for path, message in [([b""], "empty"), ([b"a"], "at byte 0")]:
        with pytest.raises(ArgumentError, match=message):
            tok.lattice("").log_prob(path)


def test_unknown_ids_are_refused(overlapping):
    with pytest.raises(VocabularyError):
        overlapping.log_prob([10**6])


def test_segmentations_may_be_given_in_any_form(overlapping):
    best = overlapping.best()
    as_text = [piece.decode() for piece in best.pieces]
    numbers = np.array(best.ids)
    for path in (best.pieces, best.ids, as_text, numbers, iter(best.ids)):
        assert overlapping.log_prob(path) == best.log_prob


def test_too_many_paths_to_enumerate_are_refused(overlapping):
    count = overlapping.n_paths()
    assert len(list(overlapping.paths(limit=count))) == count
    with pytest.raises(ArgumentError, match=f"more than {count - 1} segmentations"):
        overlapping.paths(limit=count - 1)
    lines = lattice_of(OVERLAPPING, b"ababab\n" * 40)
    with pytest.raises(ArgumentError, match="1000000 segmentations"):
        lines.paths()


def test_too_many_best_paths_are_refused():
    with pytest.raises(ArgumentError, match="2 GB"):
        lattice_of(OVERLAPPING, b"ab" * 10_000).nbest(10**6)


def test_too_many_edges_are_refused(overlapping, monkeypatch):
    edges = len(overlapping.marginals().ids)
    monkeypatch.setattr(chain, "MOST_EDGES", edges)
    lattice_of(OVERLAPPING, b"ababab")
    monkeypatch.setattr(chain, "MOST_EDGES", edges - 1)
    with pytest.raises(ArgumentError, match=f"{edges} edges"):
        lattice_of(OVERLAPPING, b"ababab")


def test_an_unknown_unit_of_entropy_is_refused(overlapping):
    with pytest.raises(ArgumentError, match="unit"):
        overlapping.entropy("dits")


def test_lattices_are_pickled_and_shown(overlapping):
    again = pickle.loads(pickle.dumps(overlapping))
    assert (again.log_z, again.alpha, again.text) == (overlapping.log_z, 0.5, b"ababab")
    assert repr(again) == "<bytepiece.Lattice: 6 bytes, alpha 0.5>"


def test_a_lattice_has_the_normalized_text(model):
    tok = Tokenizer(make_model({"é".encode(): -3.0}))
    assert tok.lattice("e\u0301").text == "e\u0301".encode()


def test_a_lattice_cannot_be_changed(overlapping):
    before = overlapping.entropy(), overlapping.n_paths()
    for array in overlapping.marginals():
        array[:] = 0
    overlapping.boundary_probs()[:] = 0
    assert (overlapping.entropy(), overlapping.n_paths()) == before
    with pytest.raises(AttributeError):
        overlapping.alpha = 1.0


def test_a_lattice_keeps_a_copy_of_its_text(tok):
    given = bytearray(b"the hat")
    lattice = tok.lattice(given)
    best = lattice.best()
    given[:] = b"the cat"
    assert lattice.best() == best
    assert pickle.loads(pickle.dumps(tok.lattice(memoryview(b"the hat")))).best() == best


@pytest.mark.parametrize("limit", [None, "3", math.nan, 0, -1])
def test_limits_that_are_no_whole_numbers_are_refused(overlapping, limit):
    with pytest.raises(ArgumentError, match="limit must be a whole number"):
        overlapping.paths(limit)


def test_rounding_errors_do_not_pass_from_line_to_line():
    lattice = lattice_of(OVERLAPPING, b"ababab\n" * 2_000, 0.0)
    begins = lattice.boundary_probs()[::7]
    assert begins.tolist() == [1.0] * 2_001


def test_weights_just_above_one_keep_all_digits():
    text = b"a" * 10_000
    lattice = lattice_of({b"a": 1e-9}, text)
    assert lattice.log_z == pytest.approx(1e-5, rel=1e-12, abs=1e-12)
