"""Tests of the audit's reference law, against enumerated paths and against SentencePiece."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.strategies import HARSH_SCORES, JIT, make_model, scores_of, texts_over, vocabularies

from bytepiece.adapters.base import NotPossibleError
from bytepiece.audit.law import (
    MOST_ENUMERATED,
    Edge,
    ReferenceLaw,
    byte_edges,
    character_edges,
    digit_cuts,
    moments_of,
    pieces_of,
)

ALPHAS = st.sampled_from([0.0, 0.1, 1.0, 3.0, 50.0])
TEXTS = texts_over(b"ab\xe4", 1, 8)


def law_of(text, scores, alpha, nbest_size=None):
    return ReferenceLaw(text, tuple(byte_edges(text, scores)), alpha, nbest_size)


def table(law):
    """Return the probability of each path."""
    paths = law.paths
    return {
        tuple(pieces_of(law.text, mask)): p
        for mask, p in zip(paths.masks.tolist(), paths.p.tolist(), strict=True)
    }


@given(vocabularies() | vocabularies(HARSH_SCORES), TEXTS, ALPHAS)
def test_every_path_has_the_probability_of_the_formula(scores, text, alpha):
    law = law_of(text, scores, alpha)
    wanted = reference.path_logs(text, scores, alpha)
    assert law.path_count == len(wanted)
    found = table(law)
    assert found.keys() == wanted.keys()
    numbers = {(e.start, e.end): number for number, e in enumerate(law.edges)}
    for path, log in wanted.items():
        ends = np.cumsum([0, *map(len, path)]).tolist()
        along = math.fsum(law.chain.log_p[numbers[edge]] for edge in pairwise(ends))
        allowed = 1e-12 * max(1.0, abs(alpha) * sum(abs(scores[piece]) for piece in path))
        assert abs(along - float(log)) <= allowed
        assert found[path] == pytest.approx(math.exp(log), rel=2 * allowed + 1e-12, abs=1e-300)


@given(vocabularies(), TEXTS, ALPHAS)
def test_moments_match_the_enumerated_paths(scores, text, alpha):
    law = law_of(text, scores, alpha)
    paths = law.paths
    for values, path_values in (
        (law.scores, paths.scores),
        (np.ones(len(law.edges)), paths.tokens.astype(float)),
    ):
        size = max(1.0, float(np.abs(path_values).max()))
        found, wanted = law.moments(values), moments_of(path_values, paths.p)
        for power, (moment, expected) in enumerate(zip(found, wanted, strict=True), 1):
            assert moment == pytest.approx(expected, abs=1e-10 * size**power)


@given(vocabularies(), TEXTS)
def test_marginals_match_the_enumerated_paths(scores, text):
    law = law_of(text, scores, 0.5)
    wanted = Counter()
    for path, p in table(law).items():
        for start, end in pairwise(np.cumsum([0, *map(len, path)]).tolist()):
            wanted[start, end] += p
    found = {(e.start, e.end): p for e, p in zip(law.edges, law.marginals, strict=True)}
    assert found == pytest.approx(wanted)


def test_probabilities_add_up_when_one_candidate_is_nearly_certain():
    law = law_of(b"ab", {b"a": -1.0, b"b": -1.0, b"ab": -1.0}, 50.0)
    assert law.chain.p.tolist()[0] == pytest.approx(math.exp(-50.0))
    assert law.chain.p.tolist()[1] == 1.0


def test_the_law_over_the_best_paths():
    scores = {b"a": -1.0, b"b": -2.5, b"c": -1.7, b"ab": -2.0, b"bc": -3.1, b"abc": -6.0}
    every = reference.path_logs(b"abc", scores, 1.0)
    best = sorted(every, key=every.get)[-3:]
    weights = {path: math.exp(0.3 * sum(scores[p] for p in path)) for path in best}
    wanted = {path: weight / sum(weights.values()) for path, weight in weights.items()}
    assert table(law_of(b"abc", scores, 0.3, 3)) == pytest.approx(wanted)
    assert len(law_of(b"abc", scores, 0.3, 9).paths.p) == 4


def test_a_tie_at_the_last_of_the_best_paths_is_refused():
    scores = {b"a": -1.0, b"b": -1.0, b"ab": -3.0, b"ba": -3.0}
    law = law_of(b"aba", scores, 1.0, 2)
    with pytest.raises(NotPossibleError, match="has an equal"):
        _ = law.paths
    assert len(law_of(b"aba", scores, 1.0, 1).paths.p) == 1


def test_too_many_paths_are_not_enumerated():
    scores = {b"a": -1.0, b"aa": -1.0}
    assert law_of(b"a" * 20, scores, 1.0).path_count > MOST_ENUMERATED
    assert law_of(b"a" * 20, scores, 1.0).paths is None
    with pytest.raises(NotPossibleError, match="short texts"):
        _ = law_of(b"a" * 20, scores, 1.0, 16).paths
    assert law_of(b"a" * 70, {b"a": -1.0}, 1.0).paths is None  # more bytes than a mask has bits


def test_no_edge_crosses_a_digit_boundary():
    text = "a12٣b".encode()
    assert digit_cuts(text, 0) == set()
    assert digit_cuts(text, 1) == {1, 2, 3, 5}
    assert digit_cuts(text, 3) == {1, 5}
    assert digit_cuts(b"1234ab56789", 3) == {0, 3, 4, 6, 9, 11}
    scores = dict.fromkeys([b"a", b"1", b"2", b"a1", b"12", "٣".encode(), b"\xd9", b"\xa3b"], -1.0)
    scores |= {b"\xa3": -1.0, b"b": -1.0}
    found = {text[e.start : e.end] for e in byte_edges(text, scores, digit_cuts(text, 1))}
    assert found == {b"a", b"1", b"2", "٣".encode(), b"\xd9", b"\xa3", b"b"}


def test_character_edges_worked_out_by_hand():
    pieces = {
        **dict.fromkeys([b"a", b"b", b" "], -3.0),
        b"a ": -2.0,
        "é".encode(): -4.0,
        "éa".encode(): -5.0,
        b"\xc3": -1.0,  # part of a character
        b"\xa9a": -1.0,
        b"\t": -1.0,  # SentencePiece represents it as a byte, not as a piece
        "é\0".encode(): -1.0,  # SentencePiece cannot represent it
        b"<unk>": -1.0,
    }
    found = character_edges("a é\t\0éab今".encode(), pieces)
    unknown = -5.0 - 10.0
    assert found == [
        Edge(0, 1, -3.0),
        Edge(0, 2, -2.0),
        Edge(1, 2, -3.0),
        Edge(2, 4, -4.0),
        Edge(4, 5, unknown),
        Edge(5, 6, unknown),
        Edge(6, 8, -4.0),
        Edge(6, 9, -5.0),
        Edge(8, 9, -3.0),
        Edge(9, 10, -3.0),
        Edge(10, 13, unknown),
    ]
    with pytest.raises(NotPossibleError, match="U\\+2581"):
        character_edges("a▁".encode(), pieces)


@pytest.mark.parametrize("alpha", [0.1, 0.3])
@pytest.mark.parametrize("text", ["今天天气", "a é\tb", "naïve <unk>", "👍 今a今"])
def test_sentencepiece_follows_the_law_over_characters(text, alpha):
    pytest.importorskip("sentencepiece")
    from bytepiece.adapters.sentencepiece import SentencePiece

    model = make_model(
        {
            "今".encode(): -4.0,
            "今天".encode(): -5.0,
            "天气".encode(): -4.5,
            "天".encode(): -3.0,
            "天天气".encode(): -7.0,
            b"\xe4\xbb": -1.0,
            b"\x8a\xe5": -1.0,
            " é".encode(): -6.0,
            b"na": -3.5,
            b"ve ": -4.0,
            b"<unk>": -1.0,
            "今a".encode(): -4.0,
        },
        byte_score=-6.0,
    )
    raw = text.encode()
    law = ReferenceLaw(raw, tuple(character_edges(raw, scores_of(model))), alpha)
    adapter = SentencePiece.from_model(model)
    counts = Counter()
    for row in adapter.pieces(adapter.sample(text, alpha, 20_000 if JIT else 4_000, 5).result):
        ends = [end for end in np.cumsum([*map(len, row)]).tolist() if law.boundaries[end]]
        counts[tuple(raw[start:end] for start, end in zip([0, *ends], ends, strict=False))] += 1
    assert reference.chi_square_tail(counts, table(law)) > 1e-5
