"""The choice of the documents to sample, and of their alphas: a pure function of each document."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.strategies import TEXTS

from bytepiece.encoding.options import LARGEST_ALPHAS, RANGE_STEPS, Sampler
from bytepiece.errors import ArgumentError

LINES = ["the cat and the hat", "", "今天天气" * 10, b"\xe4\xbb\xff\x00", "x\n\nthe hat"] * 20
# tests/encoding/test_bpe_samplers.py tests those that are for BPE models.
SAMPLERS = [name for name in get_args(Sampler) if name not in LARGEST_ALPHAS]


def rows(encoded):
    return [row.tolist() for row in encoded]


def decided(seed, epoch, doc_id):
    """Return the two uniforms that decide about a document, as docs/randomness.md says."""
    draw = reference.stream(seed, epoch, doc_id, 0, 0)
    return draw(2 * (2**32 - 1)), draw(2 * (2**32 - 1) + 1)


@pytest.mark.parametrize("sampler", SAMPLERS)
@given(seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**32 - 1), first=st.integers(0, 2**60))
def test_a_share_is_sampled_and_the_rest_gets_the_best_path(tok, sampler, seed, epoch, first):
    how = {"alpha": 0.1, "seed": seed, "epoch": epoch, "doc_id0": first, "sampler": sampler}
    best, drawn = rows(tok.encode_batch(LINES)), rows(tok.encode_batch(LINES, **how))
    expected = [
        drawn[i] if decided(seed, epoch, first + i)[0] < 0.3 else best[i] for i in range(len(LINES))
    ]
    assert rows(tok.encode_batch(LINES, sample_prob=0.3, **how)) == expected


@given(seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**32 - 1), first=st.integers(0, 2**60))
def test_a_range_gives_each_document_an_alpha_of_its_own(tok, seed, epoch, first):
    low, high = 0.05, 2.0
    how = {"seed": seed, "epoch": epoch}
    expected = []
    for i, text in enumerate(LINES):
        step = int(decided(seed, epoch, first + i)[1] * RANGE_STEPS)
        alpha = np.linspace(low, high, RANGE_STEPS)[step]
        expected.append(tok.encode(text, alpha=alpha, doc_id=first + i, **how))
    assert rows(tok.encode_batch(LINES, alpha=(low, high), doc_id0=first, **how)) == expected


def test_a_list_has_an_alpha_for_each_document(tok):
    alphas = [0.1, None, -1.0, 3.0, 0.1] * 20
    expected = [
        tok.encode(text, alpha=alpha, seed=5, doc_id=i)
        for i, (text, alpha) in enumerate(zip(LINES, alphas, strict=True))
    ]
    assert rows(tok.encode_batch(LINES, alpha=alphas, seed=5)) == expected
    array = np.array([-1.0 if alpha is None else alpha for alpha in alphas])
    assert rows(tok.encode_batch(LINES, alpha=array, seed=5)) == expected


@given(
    st.lists(TEXTS, max_size=8),
    st.sampled_from([{"alpha": 0.2}, {"alpha": (0.0, 1.0)}, {"alpha": (0.3, 0.3)}]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([1, 3]),
    st.integers(0, 2**64 - 10),
)
def test_any_batch_equals_one_by_one(tok, texts, how, sample_prob, samples, first):
    how = {**how, "sample_prob": sample_prob, "seed": 3, "add_eos": True}
    batch = tok.encode_batch(texts, doc_id0=first, samples=samples, threads=2, **how)
    assert rows(batch) == [
        tok.encode(text, doc_id=first + i, sample=j, **how)
        for i, text in enumerate(texts)
        for j in range(samples)
    ]


def test_the_deciding_uniforms_are_spread_evenly():
    draws = np.array([decided(7, 0, doc_id) for doc_id in range(2000)])
    assert abs(draws.mean(axis=0) - 0.5).max() < 0.02
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.05


def test_tokenize_takes_a_range_and_a_share_as_well(tok):
    for doc_id in range(20):
        how = {"alpha": (0.1, 0.2), "sample_prob": 0.5, "seed": 2, "doc_id": doc_id}
        assert tok.ids_to_pieces(tok.encode(LINES[0], **how)) == tok.tokenize(LINES[0], **how)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": (0.1,)}, "range"),
        ({"alpha": (0.2, 0.1)}, "range"),
        ({"alpha": (-0.1, 0.1)}, "range"),
        ({"alpha": (0.1, float("nan"))}, "finite"),
        ({"alpha": (0.1, "x")}, "finite"),
        ({"alpha": [0.1]}, "1 alphas for 100 texts"),
        ({"alpha": [[0.1]] * 100}, "alphas"),
        ({"alpha": [[0.1], [0.1, 0.2]] * 50}, "alphas"),
        ({"alpha": [float("inf")] * 100}, "finite"),
        ({"alpha": np.full((100, 1), 0.1)}, "alphas"),
        ({"alpha": "high"}, "alpha"),
        ({"alpha": {0.1}}, "alpha"),
        ({"alpha": 0.1, "sample_prob": 1.5}, "0…1"),
        ({"alpha": 0.1, "sample_prob": -0.1}, "0…1"),
        ({"alpha": 0.1, "sample_prob": float("nan")}, "0…1"),
        ({"alpha": 0.1, "sample_prob": True}, "number"),
        ({"sample_prob": "half"}, "number"),
    ],
)
def test_arguments_outside_their_range_are_refused(tok, options, message):
    with pytest.raises(ArgumentError, match=message):
        tok.encode_batch(LINES, **options)
