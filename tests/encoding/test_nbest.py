"""N-best sampling: a draw from the n best paths, as Kudo proposed it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference, reference_texts
from support.lattices import OVERLAPPING
from support.strategies import (
    INTEGER_SCORES,
    JIT,
    SCORES,
    make_model,
    overlapping,
    scores_of,
    texts_over,
)

from bytepiece import Tokenizer
from bytepiece.errors import ArgumentError


@given(
    overlapping(SCORES | INTEGER_SCORES),
    texts_over(b"aabb\n", 0, 10),
    st.sampled_from([0.0, 0.1, 1.0, 2.0]),
    st.integers(1, 30),
    st.integers(0, 2**64 - 1),
)
def test_draws_equal_the_slow_twin(scores, text, alpha, n, seed):
    model = make_model(scores)
    expected = [
        piece
        for offset, segment in located(reference_texts.segments(text))
        for piece in reference.nbest_path(
            segment, scores_of(model), alpha, reference.stream(seed, 0, 0, 0, offset), n
        )
    ]
    drawn = Tokenizer(model).tokenize(text, alpha=alpha, seed=seed, sampler="nbest", nbest_size=n)
    assert drawn == expected


def test_scores_far_below_zero_do_not_underflow():
    """The weights are exponentials of differences from the best score."""
    tok = Tokenizer(make_model({b"a": -10.0, b"b": -10.0, b"ab": -20.0}))
    line = "ab" * 1_000
    drawn = {tuple(tok.encode(line, alpha=1.0, seed=s, sampler="nbest")) for s in range(40)}
    assert len(drawn) > 10


def located(segments):
    """Yield each segment with its offset in the text."""
    offset = 0
    for segment in segments:
        yield offset, segment
        offset += len(segment)


@pytest.mark.parametrize("n", [1, 2, 5, 1000])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_counts_fit_the_law_of_the_best_paths(n, alpha):
    tok = Tokenizer(make_model(OVERLAPPING))
    text = b"ababab"
    best = reference.sorted_paths(text, OVERLAPPING)[:n]
    weights = [np.exp(alpha * reference.total(path, OVERLAPPING)) for path in best]
    law = {path: weight / sum(weights) for path, weight in zip(best, weights, strict=True)}
    draws = 20_000 if JIT else 1_000
    options = {"sampler": "nbest", "nbest_size": n, "samples": draws}
    rows = tok.encode_batch([text], alpha=alpha, seed=1, **options)
    seen = Counter(tuple(tok.ids_to_pieces(row.tolist())) for row in rows)
    if n == 1:
        assert seen == {best[0]: draws}
    else:
        assert reference.chi_square_tail(seen, law) > 0.001


def test_the_best_path_alone_is_the_encoding(tok):
    text = "the cat and the hat...\n\n今天 the\n"
    for seed in range(5):
        drawn = tok.encode(text, alpha=0.0, seed=seed, sampler="nbest", nbest_size=1)
        assert drawn == tok.encode(text)


def test_each_line_has_its_own_best_paths(tok):
    """With two paths for each of many lines, nearly all draws of the text differ."""
    text = "the cat\n" * 50
    drawn = {
        tuple(tok.encode(text, alpha=0.0, seed=seed, sampler="nbest", nbest_size=2))
        for seed in range(20)
    }
    assert len(drawn) == 20


def test_batches_and_threads_change_nothing(tok):
    texts = ["the cat\n\nthat hat", "", "...", "今天天气"] * 500
    options = {"alpha": 0.1, "seed": 5, "sampler": "nbest", "nbest_size": 8}
    alone = tok.encode_batch(texts, samples=2, **options)
    assert alone == tok.encode_batch(texts, samples=2, threads=3, **options)
    for document in (0, 3, 1999):
        for sample in (0, 1):
            expected = tok.encode(texts[document], doc_id=document, sample=sample, **options)
            assert alone[2 * document + sample].tolist() == expected


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None, 2**20 + 1])
def test_sizes_outside_the_range_are_refused(tok, size):
    with pytest.raises(ArgumentError, match="nbest_size"):
        tok.encode("a", alpha=0.1, sampler="nbest", nbest_size=size)


def test_more_paths_of_a_long_line_than_memory_holds_are_refused(tok):
    with pytest.raises(ArgumentError, match="2 GB of memory; ask for fewer"):
        tok.encode("a" * 1000, alpha=0.1, sampler="nbest", nbest_size=2**20)
