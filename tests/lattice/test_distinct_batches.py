"""Batches of different segmentations, drawn without replacement."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.character_models import LETTERS, MAKERS, character_vocabularies
from support.lattices import OVERLAPPING
from support.strategies import JIT, make_model, overlapping, texts_over

from bytepiece import Tokenizer


@given(
    overlapping(),
    st.lists(texts_over(b"ab\n", 0, 7), min_size=1, max_size=4),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.integers(1, 12),
    st.integers(0, 2**64 - 1),
)
def test_a_text_has_the_rows_of_its_lattice(scores, texts, alpha, k, seed):
    tok = Tokenizer(make_model(scores))
    rows = tok.encode_batch(texts, alpha=alpha, seed=seed, samples=k, replace=False, add_eos=True)
    assert len(rows) == k * len(texts)
    for number, text in enumerate(texts):
        lattice = tok.lattice(text, alpha)
        paths = lattice.n_paths()
        some = slice(number * k, (number + 1) * k)
        found = [tuple(row.tolist()[:-1]) for row in list(rows)[some]]
        log_p, inclusion = rows.log_probs[some].tolist(), rows.inclusion[some].tolist()
        drawn = min(k, paths)
        assert len(set(found[:drawn])) == drawn
        assert found[drawn:] == [()] * (k - drawn)
        assert log_p[drawn:] == [-math.inf] * (k - drawn)
        assert inclusion[drawn:] == [1.0] * (k - drawn)
        exact = [lattice.log_prob(path) for path in found[:drawn]]
        assert log_p[:drawn] == pytest.approx(exact, abs=1e-12)
        if paths <= k:
            assert math.fsum(map(math.exp, log_p)) == pytest.approx(1.0)
            assert inclusion == [1.0] * k
        if number == 0:
            expected = lattice.sample_without_replacement(k, seed)
            assert [path.ids for path in expected.segmentations] == found[:drawn]
            assert expected.inclusion.tolist() == inclusion[:drawn]
        if b"\n" not in text:
            logs = reference.path_logs(text, scores, alpha)
            for path, log in zip(found[:drawn], log_p, strict=False):
                size = max(1.0, alpha * len(text) * 30)
                assert abs(log - logs[tuple(tok.ids_to_pieces(path))]) <= 1e-12 * size


def test_weighted_rows_estimate_sums_over_all_segmentations():
    """Σ f / inclusion is unbiased, whatever f is (Kool et al.)."""
    tok = Tokenizer(make_model(OVERLAPPING))
    text = b"ababab"
    exact = sum(0.3 ** len(path) for path in reference.segmentations(text, OVERLAPPING))
    draws = 4_000 if JIT else 200
    rows = tok.encode_batch([text] * draws, alpha=0.5, seed=3, samples=4, replace=False)
    lengths = np.diff(rows.offsets)
    estimates = (0.3**lengths / rows.inclusion).reshape(draws, 4).sum(axis=1)
    error = estimates.std() / math.sqrt(draws)
    assert abs(estimates.mean() - exact) < 4 * error
    assert error < exact / (60 if JIT else 10)
    # The weights of the law add up to 1 on average, too.
    weights = np.exp(rows.log_probs) / rows.inclusion
    totals = weights.reshape(draws, 4).sum(axis=1)
    assert abs(totals.mean() - 1) < 4 * totals.std() / math.sqrt(draws)


def test_documents_are_drawn_independently_of_each_other_and_of_threads(tok):
    texts = ["the cat and the hat", "", "the hat...\n\n今天", "at"] * 5
    options = {"alpha": 0.2, "seed": 8, "epoch": 2, "samples": 3, "replace": False}
    options |= {"add_bos": True, "allowed_special": "all"}
    rows = tok.encode_batch(texts, **options)
    assert rows == tok.encode_batch(texts, threads=3, log_probs=True, **options)
    for number in (0, 2, 19):
        one = tok.encode_batch([texts[number]], doc_id0=number, **options)
        some = slice(3 * number, 3 * number + 3)
        assert [row.tolist() for row in one] == [row.tolist() for row in list(rows)[some]]
        assert one.log_probs.tolist() == rows.log_probs[some].tolist()
        assert one.inclusion.tolist() == rows.inclusion[some].tolist()
    changed = [{"seed": 9}, {"epoch": 3}, {"doc_id0": 1}]
    for change in changed:
        assert rows != tok.encode_batch(texts, **(options | change))


def test_fewer_rows_are_the_first_of_many(tok):
    many = tok.encode_batch(["the cat and the hat"], alpha=0.2, seed=1, samples=9, replace=False)
    few = tok.encode_batch(["the cat and the hat"], alpha=0.2, seed=1, samples=4, replace=False)
    assert [row.tolist() for row in few] == [row.tolist() for row in many][:4]
    assert few.log_probs.tolist() == many.log_probs[:4].tolist()
    assert np.all(few.inclusion < many.inclusion[:4])


def test_special_tokens_have_their_places(tok):
    text = "<eos>the cat<eos><pad>\nthe hat<eos>"
    options = {"allowed_special": "all", "add_bos": True, "add_eos": True}
    best = tok.encode(text, **options)
    rows = tok.encode_batch([text], alpha=0.1, seed=1, samples=6, replace=False, **options)
    assert len({tuple(row.tolist()) for row in rows}) == 6
    assert all(tok.canonical(row) == best for row in rows)


@pytest.mark.parametrize("alphas", [(0.0, 1.0), [0.0, 5.0, 0.5]])
def test_each_document_has_its_alpha(alphas):
    tok = Tokenizer(make_model(OVERLAPPING))
    texts = [b"abab", b"bab", b"ababab"]
    rows = tok.encode_batch(texts, alpha=alphas, seed=1, samples=2, replace=False)
    values = np.linspace(*alphas, 16) if isinstance(alphas, tuple) else None
    for number, row in enumerate(rows):
        among = [alphas[number // 2]] if values is None else values
        text, ids = texts[number // 2], row.tolist()
        logs = [tok.lattice(text, float(alpha)).log_prob(ids) for alpha in among]
        assert min(abs(rows.log_probs[number] - log) for log in logs) < 1e-12


@given(MAKERS, character_vocabularies(), st.booleans(), st.text(LETTERS, min_size=1, max_size=7))
def test_models_over_characters(maker, pieces, fallback, text):
    tok = maker(pieces, fallback)
    rows = tok.encode_batch([text], alpha=0.5, seed=6, samples=5, replace=False)
    drawn = tok.lattice(text, 0.5).sample_without_replacement(5, seed=6)
    found = [tuple(row.tolist()) for row in rows][: len(drawn.segmentations)]
    assert found == [path.ids for path in drawn.segmentations]


def test_columns_and_nulls(tok):
    arrow = pytest.importorskip("pyarrow", reason="pip install pyarrow")
    options = {"alpha": 0.2, "seed": 8, "samples": 3, "replace": False, "add_bos": True}
    rows = tok.encode_batch(arrow.array(["the cat", None, "at"]), **options)
    expected = tok.encode_batch(["the cat", "", "at"], **options)
    kept = [0, 1, 2, 6, 7, 8]
    assert [rows[i].tolist() for i in kept] == [expected[i].tolist() for i in kept]
    assert rows.log_probs.tolist() == expected.log_probs.tolist()
    assert [len(rows[i]) for i in (3, 4, 5)] == [0, 0, 0]
