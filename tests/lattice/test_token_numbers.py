"""The distribution of the number of tokens against enumeration, moments, and long texts."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.character_models import LETTERS, MAKERS, character_vocabularies
from support.lattices import OVERLAPPING, lattice_of
from support.reference import MP
from support.strategies import HARSH_SCORES, JIT, SCORES, overlapping, texts_over

ALPHAS = st.sampled_from([0.0, 0.5, 1.0, 50.0])


@given(overlapping(SCORES | HARSH_SCORES), texts_over(b"ab", 0, 9), ALPHAS)
def test_each_number_has_the_probability_of_its_paths(scores, text, alpha):
    found = lattice_of(scores, text, alpha).token_distribution()
    exact = Counter()
    for path, log in reference.path_logs(text, scores, alpha).items():
        exact[len(path)] += MP.exp(log)
    tolerance = 1e-12 * max(1.0, alpha * len(text) * max(map(abs, scores.values())))
    assert len(found) <= max(exact) + 1
    for number, p in exact.items():
        assert abs((found[number] if number < len(found) else 0.0) - p) <= tolerance
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


def check_moments(lattice):
    found = lattice.token_distribution()
    numbers = np.arange(len(found))
    mean = found @ numbers
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    assert mean == pytest.approx(lattice.expected_tokens(), rel=1e-9, abs=1e-9)
    variance = found @ (numbers - mean) ** 2
    assert variance == pytest.approx(lattice.token_variance(), rel=1e-6, abs=1e-6)


@given(MAKERS, character_vocabularies(), st.booleans(), st.text(LETTERS + "x今\n", max_size=12))
def test_a_run_of_unknown_characters_is_one_token(make, pieces, fallback, text):
    lattice = make(pieces, fallback).lattice(text, 0.3)
    check_moments(lattice)
    counts = Counter()
    for path in lattice.paths():
        counts[len(path.ids)] += path.probability
    found = lattice.token_distribution()
    assert counts == pytest.approx({n: found[n] for n in counts}, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("lines", [1, 40])
def test_long_texts(alpha, lines):
    length = (4000 if JIT else 200) // lines
    letters = np.random.default_rng(1).choice(list(b"ab"), (lines, length))
    text = b"\n".join(bytes(line.tolist()) for line in letters)
    check_moments(lattice_of(OVERLAPPING, text, alpha))
