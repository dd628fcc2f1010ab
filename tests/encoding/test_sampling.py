"""Random segmentations: the law without any draw, then single draws, then counts of draws."""

from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.character_models import MAKERS
from support.kernels import for_python
from support.lattices import OVERLAPPING
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

from bytepiece import TextRules, Tokenizer
from bytepiece.encoding import walk
from bytepiece.encoding.walk import UNDECIDED
from bytepiece.errors import ArgumentError
from bytepiece.kernels import partition
from bytepiece.kernels.automaton import Automaton, scan
from bytepiece.kernels.partition import weights

draw_any, draw_plain = for_python(walk.draw_any), for_python(walk.draw_plain)
backward, scale = for_python(partition.backward), for_python(partition.scale)
edge_term = for_python(partition.edge_term)

ALPHABET = b"ab\xe4"
ALPHAS = [0.0, 0.1, 0.5, 1.0, 2.0, 50.0]
DRAWS = 50_000 if JIT else 2_000
STEP = 256 * MP.log(2)


class Lattice:
    """The sums that the kernels compute for one segment, with access to each edge."""

    def __init__(self, tok, text, alpha):
        (self.automaton, _), self.weights = tok._encoder.mirrored, tok._encoder.weights(alpha)
        self.text, self.length = np.frombuffer(text[::-1], dtype=np.uint8), len(text)
        self.matches = np.empty(len(text), dtype=np.uint32)
        scan(self.automaton, self.text, np.array([0, len(text)]), self.matches)
        by_distance = np.zeros(len(text) + 1), np.zeros(len(text) + 1, dtype=np.int64)
        backward(self.automaton, self.weights, self.text, self.matches, 0, len(text), *by_distance)
        self.by_distance = by_distance
        self.z, self.exponents = (values[::-1] for values in by_distance)  # by position
        self.pieces = [*tok.model.pieces, None]
        firsts = np.arange(0, 3 * len(self.pieces), 3)
        singles = len(self.automaton.pieces) - 256 + np.arange(256)
        self.entries = {
            self.pieces[self.automaton.pieces[entry]]: np.uint64(entry)
            for entry in (*firsts, *singles)
        }

    def log_z(self, position):
        return MP.log(float(self.z[position])) + int(self.exponents[position]) * STEP

    def edge(self, position, piece):
        """Return an edge's exact log-probability, and its probability as `draw_any` computes it."""
        distance = np.uint64(self.length - position)
        term, exponent = edge_term(
            self.automaton, self.weights, self.entries[piece], *self.by_distance, distance
        )
        steps = int(exponent) - int(self.exponents[position])
        exact = MP.log(float(term)) + steps * STEP - MP.log(float(self.z[position]))
        return exact, float(scale(term, steps)) / float(self.z[position])

    def draw(self, position, uniform):
        """Return the piece that a uniform draws at a position, by both kernels."""
        z, exponents = self.by_distance
        place = self.automaton, self.weights, self.text, self.matches, 0
        distance = np.uint64(self.length - position)
        terms = np.empty(2 + max(len(piece) for piece in self.pieces[:-1]))
        entry = draw_any(*place, distance, z, exponents, uniform, terms)
        quick, length = draw_plain(*place, distance, z, uniform)
        assert quick == UNDECIDED or (quick, length) == (entry, self.automaton.lengths[entry])
        return self.pieces[self.automaton.pieces[entry]]


def check_exact(scores, text, alpha):
    """Check that transition probabilities along each path multiply to exp(alpha · score) / Z."""
    lattice = Lattice(Tokenizer(make_model(scores)), text, alpha)
    expected = reference.path_logs(text, scores, alpha)
    edges = {}
    for path, log_p in expected.items():
        position, product = 0, MP.mpf(0)
        for piece in path:
            if (position, piece) not in edges:
                edges[position, piece] = lattice.edge(position, piece)
            product += edges[position, piece][0]
            position += len(piece)
        # Each rounding counts if scores have both signs, so the absolute values are added. For
        # scores of one sign this is the size of the sum.
        size = alpha * sum(abs(scores[piece]) for piece in path)
        assert abs(product - log_p) <= 1e-12 * max(1.0, size)
    for exact, summed in edges.values():
        # A term that is too small to change a sum may be 0.
        assert summed == pytest.approx(float(MP.exp(exact)), rel=1e-13, abs=1e-100)


# ---- the law, exactly


@given(vocabularies(), texts_over(ALPHABET, 1, 9))
@pytest.mark.parametrize("alpha", ALPHAS)
def test_paths_have_their_probabilities(alpha, scores, text):
    check_exact(scores, text, alpha)


@given(vocabularies(HARSH_SCORES), texts_over(ALPHABET, 1, 8), st.sampled_from(ALPHAS))
def test_paths_have_their_probabilities_where_weights_underflow(scores, text, alpha):
    check_exact(scores, text, alpha)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(
    "scores",
    [
        {b"a": -1.0, b"b": -1.0, b"ab": -800.0, b"ba": -2.0},
        {b"a": -800.0, b"b": -800.0, b"abab": -1.0},
        {b"a": log(1e-250), b"b": -1.0, b"aba": -1.0, b"abababa": -1.0},
        {b"a": log(1e-304), b"b": log(1e-304), b"ab": log(1e-304)},
        {b"a": -200.0, b"b": -200.0, b"ab": -200.0, b"bab": -400.0},
        {b"a": 700.0, b"b": -700.0, b"ab": 1.0, b"ba": 1000.0},
        {b"a": -1e4, b"b": -1e-4, b"ab": -5e3, b"abab": -1e4},
    ],
    ids=[
        "rare pair",
        "rare bytes",
        "byte of 1e-250 beside long pieces",
        "products of 1e-304",
        "-1e4 at alpha 50",
        "above one",
        "far apart",
    ],
)
def test_extreme_weights(scores, alpha):
    check_exact(scores, b"abababa", alpha)


@pytest.mark.parametrize(
    "scores",
    [
        {b"a": -(2.0**20), b"b": -(2.0**20), b"ab": -3.0},
        {b"a": -(2.0**20), b"b": -(2.0**20), b"ab": -(2.0**20)},
        {b"a": 2.0**19, b"b": 2.0**19, b"ab": 2.0**20},
    ],
    ids=["rare bytes", "rare everything", "far above one"],
)
def test_the_largest_exponents(scores):
    check_exact(scores, b"abab", 1024.0)


@given(vocabularies(HARSH_SCORES), st.integers(0, 2**32), st.sampled_from(ALPHAS))
def test_log_z_of_long_texts(scores, seed, alpha):
    text = bytes(np.random.default_rng(seed).choice(list(ALPHABET), 400).tolist())
    lattice = Lattice(Tokenizer(make_model(scores)), text, alpha)
    expected = reference.suffix_sums(text, scores, alpha)
    for position in range(0, 400, 80):
        log_z = MP.log(expected[position])
        assert abs(lattice.log_z(position) - log_z) <= 1e-12 * max(1, abs(log_z))


@given(st.lists(st.floats(-(2.0**20), 2.0**20), min_size=1, max_size=20), st.floats(0, 1024))
def test_a_weight_is_a_mantissa_and_an_exponent(logs, alpha):
    # The last entry stands for no piece.
    automaton = Automaton(*[np.empty(0)] * 4, np.arange(len(logs) + 1), 1)
    mantissas, exponents, plain = weights(automaton, np.array(logs), alpha)
    assert mantissas[-1] == exponents[-1] == 0
    assert plain == (not exponents.any())
    for score, mantissa, exponent in zip(logs, mantissas[:-1], exponents[:-1], strict=True):
        exact = MP.mpf(score) * alpha
        assert (mantissa < 0) == (exponent != 0)
        assert 2.0**-257 < abs(mantissa) < 2.0**128.1
        seen = MP.log(abs(float(mantissa))) + int(exponent) * STEP
        assert abs(seen - exact) <= 3e-14 + 3e-16 * abs(exact)


@pytest.mark.parametrize(("steps", "bits"), [(1, 256), (0, 0), (-1, -256), (-2, -512)])
def test_scaling_a_term_changes_only_its_exponent(steps, bits):
    assert scale(np.float64(1 / 3), steps) == np.ldexp(1 / 3, bits)


def test_a_term_that_is_scaled_down_too_far_is_0():
    for steps in (-3, -4, -(2**31)):
        assert scale(2.0**140, steps) == 0.0


@pytest.mark.parametrize("alpha", [2.0**30 / 8 * 1.001, 1e300, 1e308])
def test_an_alpha_too_large_is_refused(alpha, tok):
    with pytest.raises(ArgumentError, match="too large"):
        tok.encode("abc", alpha=alpha, seed=1)


# ---- a draw inverts the distribution


@given(vocabularies(SCORES | HARSH_SCORES), texts_over(ALPHABET, 1, 12), st.sampled_from(ALPHAS))
def test_a_draw_inverts_the_cumulated_probabilities(scores, text, alpha):
    lattice = Lattice(Tokenizer(make_model(scores)), text, alpha)
    for position in range(len(text)):
        low, weighty = MP.mpf(0), []
        for piece in reference.matches(text, position, scores):
            exact, summed = lattice.edge(position, piece)
            high = low + MP.exp(exact)
            weighty += [piece] if summed > 0 else []
            if high - low > 1e-6:
                for uniform in (low + 1e-9, (low + high) / 2, high - 1e-9):
                    assert lattice.draw(position, float(uniform)) == piece
            low = high
        assert abs(low - 1) < 1e-13
        assert lattice.draw(position, 0.0) == weighty[0]
        assert lattice.draw(position, 1 - 2.0**-53) in weighty


LONG = {b"a" * n: -0.3 * n - 1 for n in range(2, 13)} | {b"ba": -2.0, b"b": -1.5, b"a": -1.0}


@pytest.mark.parametrize("alpha", ALPHAS)
def test_chains_of_several_groups(alpha):
    """More pieces begin at a position than one group holds."""
    check_exact(LONG, b"aaaabaaaaaaa", alpha)
    text = b"a" * 40 + b"b" + b"a" * 25
    lattice = Lattice(Tokenizer(make_model(LONG)), text, alpha)
    for position in range(len(text)):
        low = MP.mpf(0)
        for piece in reference.matches(text, position, LONG):
            high = low + MP.exp(lattice.edge(position, piece)[0])
            if high - low > 1e-6:
                assert lattice.draw(position, float((low + high) / 2)) == piece
            low = high
        assert abs(low - 1) < 1e-13


@pytest.mark.parametrize(
    ("pieces", "uniform", "expected"),
    [
        ({b"a": -2000.0, b"ab": -1.0}, 0.0, b"ab"),
        ({b"a": -1.0, b"ab": -2000.0}, 1 - 2.0**-53, b"a"),
        ({b"a": -2000.0, b"ab": -2000.0, b"abc": -1.0}, 0.0, b"abc"),
        ({b"a": -2000.0, b"ab": -1.0, b"abc": -2000.0}, 1 - 2.0**-53, b"ab"),
    ],
)
def test_the_smallest_and_the_largest_uniform_draw_no_piece_without_weight(
    pieces, uniform, expected
):
    """Neither 0 draws it nor the rest that rounding leaves."""
    scores = {b"b": -1.0, b"c": -1.0} | pieces
    lattice = Lattice(Tokenizer(make_model(scores)), b"abc", 1.0)
    assert lattice.draw(0, float(uniform)) == expected


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ({b"a": -1.0, b"ab": -1.0, b"abc": -2000.0}, b"ab"),
        ({b"a": -1.0, b"ab": -1.0, b"abc": -1.0}, b"abc"),
    ],
)
def test_a_uniform_above_a_rounded_sum_draws_the_last_piece_with_weight(pieces, expected):
    lattice = Lattice(Tokenizer(make_model({b"b": -1.0, b"c": -1.0} | pieces)), b"abc", 1.0)
    lattice.z[0] *= 1 + 1e-15
    assert lattice.draw(0, 1 - 2.0**-53) == expected


def test_a_threshold_belongs_to_the_piece_above_it():
    """Four paths have equal weights. A piece has the uniforms below its threshold."""
    lattice = Lattice(Tokenizer(make_model({b"ab": -1.0, b"bc": -1.0, b"abc": -1.0})), b"abc", 0.0)
    picked = {u: lattice.draw(0, u) for u in (0.0, 0.25, 0.5, 0.75)}
    below = {u: lattice.draw(0, np.nextafter(u, 0.0)) for u in (0.5, 0.75, 1.0)}
    assert picked == {0.0: b"a", 0.25: b"a", 0.5: b"ab", 0.75: b"abc"}
    assert below == {0.5: b"a", 0.75: b"ab", 1.0: b"abc"}


# ---- whole encodings


@given(
    vocabularies(SCORES | INTEGER_SCORES),
    texts_over(ALPHABET + b"\n7", 0, 25),
    st.sampled_from(ALPHAS[:-1]),
    st.fixed_dictionaries(
        {
            "sampler": st.sampled_from(["perfect", "viterbi"]),
            "seed": st.integers(0, 2**64 - 1),
            "epoch": st.integers(0, 2**32 - 1),
            "doc_id": st.integers(0, 2**64 - 1),
        }
    ),
    st.integers(0, 2**32 - 1),
)
def test_encodings_equal_the_slow_twins(scores, text, alpha, place, number):
    model = make_model(scores)
    expected = reference.sample(text, scores_of(model), alpha, number=number, **place)
    assert Tokenizer(model).tokenize(text, alpha=alpha, sample=number, **place) == expected


@pytest.mark.parametrize("sampler", ["perfect", "viterbi"])
@pytest.mark.parametrize("digits", ["free", "each", "groups-of-three"])
def test_encodings_of_a_long_text_equal_the_slow_twins(model, sampler, digits):
    scores = scores_of(model)
    rules = TextRules(digits=digits)
    model = make_model(scores, rules=rules)
    text = "the cat and the hat... 今天天气\n\n12 the 3 👍👍\r\nthat\n".encode()
    text = text * (8 if JIT else 1) + b"\xe9\n\xe4\xbb\xff"
    place = {"seed": 11, "epoch": 2, "doc_id": 2**40, "sampler": sampler}
    expected = reference.sample(text, scores, 0.3, number=4, digit_group=rules.digit_group, **place)
    assert Tokenizer(model).tokenize(text, alpha=0.3, sample=4, **place) == expected


# These are test vectors for other implementations. The model has the 256 bytes with score -8, then
# these pieces; ids begin at 3.
GOLDEN_PIECES = {b"th": -4.0, b"the": -3.5, b"he": -5.0, b" c": -4.5, b"cat": -5.0, b"at": -4.0}
GOLDEN_TEXT = "the cat\n\nthat cat at the th\u00e9"


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        pytest.param(
            {},
            "260 262 264 13 13 259 264 262 264 35 264 35 260 35 259 198 172",
            id="best",
        ),
        pytest.param(
            {"alpha": 0.0, "seed": 0},
            "260 262 100 119 13 13 259 100 119 35 263 35 264 35 119 261 35 119 107 198 172",
            id="uniform",
        ),
        pytest.param(
            {"alpha": 0.1, "seed": 7, "epoch": 1, "doc_id": 42, "sample": 3},
            "119 261 35 263 13 13 119 107 264 35 263 35 264 35 260 35 259 198 172",
            id="perfect",
        ),
        pytest.param(
            {"alpha": 1.0, "seed": 2**64 - 1, "epoch": 2**32 - 1, "doc_id": 2**64 - 1},
            "260 262 264 13 13 259 264 262 264 35 264 35 260 35 259 198 172",
            id="largest numbers",
        ),
        pytest.param(
            {"alpha": 0.1, "seed": 7, "sampler": "viterbi"},
            "260 262 264 13 13 259 264 262 264 35 100 119 35 260 35 259 198 172",
            id="viterbi",
        ),
        pytest.param(
            {"alpha": 0.5, "seed": 7, "doc_id": 2**32, "sample": 1, "sampler": "viterbi"},
            "260 262 264 13 13 259 100 119 262 264 35 264 35 260 35 259 198 172",
            id="viterbi 0.5",
        ),
        pytest.param(
            {"alpha": 0.1, "seed": 7, "epoch": 1, "sampler": "nbest"},
            "260 262 100 119 13 13 259 264 262 264 35 264 35 259 104 35 259 198 172",
            id="nbest",
        ),
    ],
)
def test_encoding_vectors(arguments, ids):
    ids = [int(id_) for id_ in ids.split()]
    model = make_model(GOLDEN_PIECES, byte_score=-8.0)
    assert Tokenizer(model).encode(GOLDEN_TEXT, **arguments) == ids
    if "alpha" in arguments:
        numbered = {"number" if k == "sample" else k: v for k, v in arguments.items()}
        twin = reference.sample(GOLDEN_TEXT.encode(), scores_of(model), **numbered)
        assert [Tokenizer(model).piece_to_id(piece) for piece in twin] == ids


# ---- counts


def counts(tok, text, alpha, sampler, seed):
    """Count how often each path is drawn, by many samples of a document and by many documents."""
    options = {"alpha": alpha, "sampler": sampler, "seed": seed}
    by_sample = tok.encode_batch([text], samples=DRAWS // 2, **options)
    ids = np.arange(1, DRAWS // 2 + 1, dtype=np.uint64) << np.uint64(30)
    by_document = tok.encode_batch([text] * (DRAWS // 2), doc_ids=ids, **options)
    rows = [row.tolist() for batch in (by_sample, by_document) for row in batch]
    return Counter(tuple(tok.ids_to_pieces(row)) for row in rows)


def exact_law(text, scores, alpha):
    return {path: float(MP.exp(p)) for path, p in reference.path_logs(text, scores, alpha).items()}


LAWS = {"perfect": exact_law, "viterbi": reference.viterbi_law}


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0, 2.0])
@pytest.mark.parametrize("sampler", LAWS)
def test_counts_fit_the_law(sampler, alpha):
    text = b"ababab"
    tok = Tokenizer(make_model(OVERLAPPING))
    seen = counts(tok, text, alpha, sampler, seed=5)
    assert reference.chi_square_tail(seen, LAWS[sampler](text, OVERLAPPING, alpha)) > 0.001


@pytest.mark.parametrize("sampler", LAWS)
def test_the_two_laws_are_told_apart(sampler):
    """The counts of one sampler do not fit the law of the other, so the test above can fail."""
    text = b"ababab"
    tok = Tokenizer(make_model(OVERLAPPING))
    seen = counts(tok, text, 0.1, sampler, seed=5)
    other = LAWS["viterbi" if sampler == "perfect" else "perfect"](text, OVERLAPPING, 0.1)
    assert reference.chi_square_tail(seen, other) < 1e-9


@pytest.mark.parametrize(
    ("sampler", "shares"),
    [("perfect", (1 / 3, 1 / 3, 1 / 3)), ("viterbi", (1 / 4, 1 / 4, 1 / 2))],
)
def test_three_equal_candidates(sampler, shares):
    scores = {b"a": -1.0, b"b": -1.0, b"c": -1.0, b"bc": -2.0, b"abc": -3.0}
    paths = [(b"abc",), (b"a", b"bc"), (b"a", b"b", b"c")]
    law = dict(zip(paths, shares, strict=True))
    assert LAWS[sampler](b"abc", scores, 1.0) == pytest.approx(law)
    seen = counts(Tokenizer(make_model(scores)), b"abc", 1.0, sampler, seed=3)
    assert reference.chi_square_tail(seen, law) > 0.001


def test_viterbi_sampling_far_from_ties():
    """Score differences whose exponential overflows decide without a warning."""
    scores = {b"a": -1.0, b"b": -1.0, b"ab": -900.0}
    tok = Tokenizer(make_model(scores))
    for alpha in (50.0, 1e300):
        assert tok.tokenize(b"abab", alpha=alpha, seed=1, sampler="viterbi") == [b"a", b"b"] * 2
    tok = Tokenizer(make_model(scores | {b"ab": 900.0}))
    for alpha in (50.0, 1e300):
        assert tok.tokenize(b"abab", alpha=alpha, seed=1, sampler="viterbi") == [b"ab"] * 2


@given(MAKERS, st.booleans(), st.sampled_from([0.0, 1e-9, 0.001]), st.integers(0, 99))
def test_single_bytes_spell_no_known_character(maker, fallback, alpha, seed):
    tok = maker({" ": -1.0, "é": -9.0, "☃": -30.0, "é☃": -2.0}, fallback)
    for sampler in LAWS:
        options = {"alpha": alpha, "seed": seed, "sampler": sampler}
        assert set(tok.tokenize("é☃é", **options)) <= {"é".encode(), "☃".encode(), "é☃".encode()}


@pytest.mark.parametrize("sampler", LAWS)
def test_large_alphas_lead_to_the_best_path(tok, sampler):
    text = "the cat and the hat\n" * 3
    assert tok.encode(text, alpha=1e4, seed=1, sampler=sampler) == tok.encode(text)
