"""Expected numbers of tokens against sums of 60 digits, and against enumeration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support import reference_characters as twin
from support.character_models import LETTERS, MAKERS, character_vocabularies
from support.reference import MP
from support.strategies import (
    HARSH_SCORES,
    JIT,
    make_model,
    overlapping,
    scores_of,
    texts_over,
    vocabularies,
)

from bytepiece import Tokenizer
from bytepiece.encoding.segmentation import segment
from bytepiece.lattice.price import expected_tokens

ALPHAS = [0.0, 0.1, 0.5, 1.0, 2.0, 50.0]


def counted(tok, text, alpha, threads=1):
    return expected_tokens(tok._encoder, segment([text], tok.model.rules), alpha, threads)


def check(scores, text, alpha):
    exact = MP.fsum(reference.marginals(text, scores, alpha).values())
    found = counted(Tokenizer(make_model(scores)), text, alpha)
    size = max(1.0, alpha * len(text) * max(map(abs, scores.values())))
    assert abs(found - exact) <= 1e-12 * size


@given(overlapping(), texts_over(b"ab", 0, 40), st.sampled_from(ALPHAS))
def test_counts_agree_with_60_digits(scores, text, alpha):
    check(scores, text, alpha)


@given(vocabularies(HARSH_SCORES), texts_over(b"ab\xe4", 1, 25), st.sampled_from(ALPHAS))
def test_counts_of_harsh_scores(scores, text, alpha):
    check(scores, text, alpha)


@given(
    MAKERS,
    character_vocabularies(),
    st.booleans(),
    st.text(LETTERS, min_size=1, max_size=7),
    st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0]),
)
def test_a_run_of_unknown_characters_is_one_token(maker, pieces, fallback, text, alpha):
    _, logs = twin.law(text, pieces, min(pieces.values()) - 10.0, alpha)
    exact = MP.fsum(
        MP.exp(log) * len(twin.tokens(text, path, fallback)) for path, log in logs.items()
    )
    found = counted(maker(pieces, fallback), text, alpha)
    assert abs(found - exact) <= 1e-12 * max(1.0, alpha * 30 * len(text))


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_segments_and_threads(model, alpha):
    tok = Tokenizer(model)
    text = b"the cat and the hat\n\nthe rat sat\n" * (20_000 if JIT else 20)
    scores = scores_of(model)
    exact = sum(
        MP.fsum(reference.marginals(part, scores, alpha).values())
        for part in (b"the cat and the hat\n\n", b"the rat sat\n")
    ) * (len(text) // 33)
    found = counted(tok, text, alpha)
    assert abs(found - exact) <= 1e-12 * exact
    assert found == counted(tok, text, alpha, threads=3)


def test_texts_without_bytes_have_no_tokens(model):
    assert counted(Tokenizer(model), b"", 0.5) == 0.0


@pytest.mark.skipif(not JIT, reason="slow without the compiler")
def test_a_long_segment_of_one_letter():
    """The sums are far beyond a float64, and the count is known: half of all places are cut."""
    letters = {b"a" * n: -float(n) for n in range(1, 41)}
    tok = Tokenizer(make_model(letters))
    length = 100_000
    ways = [1]
    for n in range(1, 200):
        ways.append(sum(ways[max(n - 40, 0) :]))
    # Far from the ends, a boundary is followed by a piece of k bytes with probability r^-k.
    root = ways[-1] / ways[-2]
    mean = sum(k * root**-k for k in range(1, 41))
    assert counted(tok, b"a" * length, 0.0) == pytest.approx(length / mean, rel=1e-4)
    assert counted(tok, b"a" * length, 1.0) == pytest.approx(length / mean, rel=1e-4)
    assert np.isfinite(counted(tok, b"a" * length, 9.0))
