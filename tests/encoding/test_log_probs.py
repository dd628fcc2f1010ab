"""The log-probabilities of samples in batches, against enumeration and 60 digits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.character_models import LETTERS, MAKERS, character_vocabularies
from support.lattices import OVERLAPPING
from support.reading import BYTES
from support.reference import MP
from support.strategies import (
    HARSH_SCORES,
    JIT,
    SCORES,
    make_model,
    overlapping,
    scores_of,
    texts_over,
)

from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError
from bytepiece.formats import from_huggingface
from bytepiece.kernels import windows

ALPHAS = [0.0, 0.1, 1.0, 3.0, 50.0]


def exact_logs(text, scores, alpha, sampler="perfect", n=64):
    """Return the log-probability of each path of one segment."""
    if sampler == "perfect":
        return reference.path_logs(text, scores, alpha)
    paths = reference.sorted_paths(text, scores)[:n]
    logs = [MP.mpf(alpha) * MP.fsum(scores[piece] for piece in path) for path in paths]
    log_z = MP.log(MP.fsum(map(MP.exp, logs)))
    return {path: log - log_z for path, log in zip(paths, logs, strict=True)}


def size_of(scores, text, alpha):
    """Return the size of the terms of a sum; the rounding error is proportional to it."""
    return max(1.0, alpha * len(text) * max(map(abs, scores.values())))


@given(
    overlapping(SCORES | HARSH_SCORES),
    st.lists(texts_over(b"ab", 0, 8), min_size=1, max_size=4),
    st.sampled_from(ALPHAS),
    st.sampled_from(["perfect", "nbest"]),
    st.integers(0, 2**64 - 1),
)
def test_they_equal_the_enumeration(scores, texts, alpha, sampler, seed):
    tok = Tokenizer(make_model(scores))
    options = {"alpha": alpha, "seed": seed, "samples": 3, "sampler": sampler, "nbest_size": 5}
    rows = tok.encode_batch(texts, add_bos=True, log_probs=True, **options)
    plain = tok.encode_batch(texts, add_bos=True, **options)
    assert [row.tolist() for row in rows] == [row.tolist() for row in plain]
    assert plain.log_probs is rows.inclusion is None
    assert rows.log_probs.dtype == np.float64
    for number, row in enumerate(rows):
        text = texts[number // 3]
        path = tuple(tok.ids_to_pieces(row[1:].tolist()))
        exact = exact_logs(text, scores, alpha, sampler, 5)[path]
        assert abs(rows.log_probs[number] - exact) <= 1e-12 * size_of(scores, text, alpha)


@given(
    overlapping(), st.lists(texts_over(b"ab", 1, 4), max_size=5), st.sampled_from([0.0, 0.5, 2.0])
)
def test_those_of_lines_add_up(scores, lines, alpha):
    scores = scores_of(make_model(scores | {b"\n": -1.0, b"b\n": -2.0}))
    text = b"".join(line + b"\n" for line in lines)
    tok = Tokenizer(make_model(scores))
    rows = tok.encode_batch([text, b"a", text], alpha=alpha, seed=1, samples=2, log_probs=True)
    lattice = tok.lattice(text, alpha)
    for number in (0, 1, 4, 5):
        expected = lattice.log_prob(rows[number].tolist())
        assert rows.log_probs[number] == pytest.approx(expected, abs=1e-11)


def test_special_tokens_change_nothing(tok):
    texts = ["the cat<eos>and the hat\n<eos>", "", "<eos>"]
    options = {"alpha": 0.3, "seed": 3, "samples": 4, "log_probs": True}
    rows = tok.encode_batch(texts, allowed_special="all", add_bos=True, add_eos=True, **options)
    parts = [["the cat", "and the hat\n"], [], []]
    special = [1, 2]
    for number, row in enumerate(rows):
        ids = iter([i for i in row.tolist() if i not in special])
        expected = 0.0
        for part in parts[number // 4]:
            taken = []
            while len(b"".join(tok.ids_to_pieces(taken))) < len(part):
                taken.append(next(ids))
            expected += tok.lattice(part, 0.3).log_prob(taken)
        assert next(ids, None) is None
        assert rows.log_probs[number] == pytest.approx(expected, abs=1e-12)


@given(MAKERS, character_vocabularies(), st.booleans(), st.text(LETTERS, min_size=1, max_size=7))
def test_models_over_characters(maker, pieces, fallback, text):
    """The probability of a path is that of the lattice, also with unknown characters."""
    tok = maker(pieces, fallback)
    lattice = tok.lattice(text, 0.5)
    known = {}
    for path in lattice.paths():
        known.setdefault(path.ids, []).append(path.log_prob)
    rows = tok.encode_batch([text], alpha=0.5, seed=1, samples=8, log_probs=True)
    for row, log_prob in zip(rows, rows.log_probs, strict=True):
        assert min(abs(log_prob - one) for one in known[tuple(row.tolist())]) < 1e-11


def test_a_byte_that_no_character_contains():
    """Its weight is lowered, since it hides single bytes; the lattice has the same law."""
    vocab = [["<unk>", 0.0], ["a", -2.0], ["ba", -3.0], *([name, 0.0] for name, _, _ in BYTES)]
    model = {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": True}
    tok = Tokenizer(from_huggingface.from_document({"model": model}))
    lattice = tok.lattice(b"a\xffba", 0.5)
    assert lattice.log_z < -900
    rows = tok.encode_batch([lattice.text], alpha=0.5, seed=1, samples=4, log_probs=True)
    for row, log_prob in zip(rows, rows.log_probs, strict=True):
        assert log_prob == pytest.approx(lattice.log_prob(row.tolist()), abs=1e-10)


def test_long_segments_have_the_same_log_probabilities(tok, monkeypatch):
    text = ("the cat and the hat " * (200 if JIT else 6)).encode()
    texts = [text, b"the\n" + text + b"\nthe cat", b"the"]
    options = {"alpha": 0.2, "seed": 5, "log_probs": True}
    for samples in (1, 3):
        expected = tok.encode_batch(texts, samples=samples, **options)
        with monkeypatch.context() as patched:
            patched.setattr(windows, "LONG", 40)
            patched.setattr(windows, "WINDOW", 20)
            assert tok.encode_batch(texts, samples=samples, **options) == expected


@pytest.mark.parametrize("sampler", ["perfect", "nbest"])
def test_batches_and_threads_change_nothing(tok, sampler, monkeypatch):
    monkeypatch.setattr("bytepiece.encoding.batches._LEAST", 100)
    texts = ["the cat\n\nthat hat", "", "...", "今天天气"] * 50
    options = {"seed": 5, "sampler": sampler, "nbest_size": 8, "log_probs": True}
    alone = tok.encode_batch(texts, samples=2, alpha=0.2, **options)
    assert alone == tok.encode_batch(texts, samples=2, alpha=0.2, threads=3, **options)
    for document in (0, 3, 199):
        one = tok.encode_batch([texts[document]], doc_id0=document, samples=2, alpha=0.2, **options)
        assert one.log_probs.tolist() == alone.log_probs[2 * document :][:2].tolist()


@pytest.mark.parametrize("alphas", [(0.1, 2.0), [0.0, 1.0, 0.5, 1.0]])
def test_each_document_has_the_law_of_its_alpha(alphas):
    tok = Tokenizer(make_model(OVERLAPPING))
    texts = [b"abab", b"ba", b"bab", b"ababab"]
    rows = tok.encode_batch(texts, alpha=alphas, seed=1, samples=2, log_probs=True)
    values = alphas if isinstance(alphas, list) else np.linspace(*alphas, 16)
    for number, row in enumerate(rows):
        text, log_prob = texts[number // 2], rows.log_probs[number]
        among = [values[number // 2]] if isinstance(alphas, list) else values
        logs = [tok.lattice(text, float(alpha)).log_prob(row.tolist()) for alpha in among]
        assert min(abs(log_prob - log) for log in logs) < 1e-12


def test_importance_weights_estimate_sums_over_all_segmentations():
    """E[f / P] = Σ f, for a function f whose sum the enumeration gives."""
    tok = Tokenizer(make_model(OVERLAPPING))
    text = b"ababab"

    def f(path):
        return 0.3 ** len(path)

    exact = sum(f(path) for path in reference.segmentations(text, OVERLAPPING))
    draws = 20_000 if JIT else 1000
    rows = tok.encode_batch([text], alpha=0.7, seed=1, samples=draws, log_probs=True)
    found = np.array([f(row) for row in rows]) / np.exp(rows.log_probs)
    assert abs(found.mean() - exact) < 4 * found.std() / math.sqrt(draws)
    assert found.std() / found.mean() < 1.0


def test_a_batch_without_texts(tok):
    for options in ({"alpha": 0.1}, {"alpha": []}, {"alpha": 0.1, "replace": False}):
        rows = tok.encode_batch([], log_probs=True, **options)
        assert (len(rows), rows.log_probs.tolist()) == (0, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "log_probs=True needs an alpha of at least 0 for each text"),
        ({"alpha": -1}, "alpha of at least 0"),
        ({"alpha": [0.1, None]}, "alpha of at least 0"),
        ({"alpha": 0.1, "sample_prob": 0.999}, "sample_prob 1"),
        ({"alpha": 0.1, "sampler": "viterbi"}, "following all its choices"),
        ({"replace": False}, "replace=False needs an alpha"),
        ({"alpha": 0.1, "replace": False, "sampler": "viterbi"}, "replace=False needs the sampler"),
        ({"alpha": 0.1, "replace": False, "sampler": "nbest"}, 'not "nbest"'),
        (
            {"alpha": 0.1, "replace": False, "samples": 0},
            "samples must be a whole number of at least 1, not 0",
        ),
        ({"alpha": 0.1, "replace": False, "threads": 0}, "threads must be"),
    ],
)
def test_rows_without_a_known_probability_are_refused(tok, options, message):
    with pytest.raises(ArgumentError, match=message):
        tok.encode_batch(["the", "cat"], log_probs=True, **options)


def test_truncated_rows_have_no_log_probability(tok):
    rows = tok.encode_batch(["the cat"], alpha=0.0, seed=1, samples=2, log_probs=True)
    assert rows.truncated(1).log_probs is None
    without = tok.encode_batch(["the cat"], alpha=0.0, seed=1, samples=2)
    assert rows != without
    assert rows.ids.tolist() == without.ids.tolist()
