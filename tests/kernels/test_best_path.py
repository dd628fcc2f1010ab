"""The best path is the best of all segmentations, also among ties."""

import numpy as np
import pytest
from hypothesis import given
from support import reference, reference_texts
from support.strategies import (
    INTEGER_SCORES,
    JIT,
    SCORES,
    make_model,
    scores_of,
    texts_over,
    vocabularies,
)

from bytepiece import TextRules, Tokenizer
from bytepiece.rules.text import to_bytes

ALPHABET = b"ab\xe4"


@given(vocabularies(INTEGER_SCORES), texts_over(ALPHABET, 1, 10))
def test_best_of_all_segmentations_with_ties(scores, text):
    tok = Tokenizer(make_model(scores))
    assert tuple(tok.tokenize(text)) == reference.best_by_enumeration(text, scores)


@given(vocabularies(INTEGER_SCORES | SCORES), texts_over(ALPHABET, 1, 60))
def test_the_best_path_equals_the_slow_twin(scores, text):
    tok = Tokenizer(make_model(scores))
    assert tuple(tok.tokenize(text)) == reference.best_path(text, scores)


@given(vocabularies(INTEGER_SCORES), texts_over(ALPHABET, 1, 8))
def test_the_twin_equals_enumeration(scores, text):
    assert reference.best_path(text, scores) == reference.best_by_enumeration(text, scores)


@pytest.mark.parametrize(
    ("pieces", "path"),
    [
        ({b"ab": -2.0}, [b"ab"]),
        ({b"ab": -2.0, b"bc": -2.0}, [b"a", b"bc"]),
        ({b"ab": -2.0, b"bc": -2.0, b"abc": -3.0}, [b"abc"]),
        ({b"bc": -2.0, b"abc": -3.0000000000000004}, [b"a", b"bc"]),
    ],
    ids=["whole", "longest last piece", "longest of all", "one bit less is no tie"],
)
def test_among_equal_sums_the_longest_last_piece_wins(pieces, path):
    tok = Tokenizer(make_model({b"a": -1.0, b"b": -1.0, b"c": -1.0} | pieces))
    assert tok.tokenize(b"".join(path)) == path


def test_scores_are_added_in_the_order_of_the_text():
    """(0.1 + 0.2) + 0.3 and 0.1 + (0.2 + 0.3) differ in the last bit, and the bit decides here."""
    scores = {b"a": -0.1, b"b": -0.2, b"c": -0.3, b"abc": -0.1 + -0.2 + -0.3}
    tok = Tokenizer(make_model(scores))
    assert tok.tokenize(b"abc") == [b"abc"]
    assert -0.1 + (-0.2 + -0.3) > -0.1 + -0.2 + -0.3
    tok = Tokenizer(make_model(scores | {b"abc": -0.1 + (-0.2 + -0.3)}))
    assert tok.tokenize(b"abc") == [b"abc"]
    assert Tokenizer(make_model(scores | {b"abc": -0.61})).tokenize(b"abc") == [b"a", b"b", b"c"]


@pytest.mark.parametrize("digits", ["free", "each", "groups-of-three"])
@pytest.mark.parametrize("steps", [(), ("NFC",)])
def test_each_segment_is_encoded_by_itself(model, digits, steps):
    """`encode`, which has a faster way for one text, agrees with `encode_batch`."""
    scores = scores_of(model) | {b"1": -9.0, b"12": -1.0, b" 3": -1.0, b"23": -1.0}
    rules = TextRules(normalization=steps, digits=digits)
    tok = Tokenizer(make_model(scores, rules=rules))
    text = "the hat\n\nand 12 the 3 cat 12323\n12\nthe 今天٣e\u0301\n" * (20 if JIT else 2)
    text = text.encode() + b"\xff"
    segments = reference_texts.segments(to_bytes(text, steps), rules.digit_group)
    expected = [p for s in segments for p in reference.best_path(s, scores)]
    assert tok.tokenize(text) == expected
    for row in tok.encode_batch([text, text]):
        assert tok.ids_to_pieces(row.tolist()) == expected


@pytest.mark.parametrize("size", [1023, 1024, 1025, 1500])
def test_a_long_segment_is_scanned_in_lanes(size, monkeypatch):
    """It is encoded as one short text first, then like all other texts."""
    scores = {b"a" * n: -0.9 * n for n in (1, 2, 3, 7, 300)} | {
        b"b": -2.0,
        b"ab": -2.5,
        b"ba": -2.4,
    }
    tok = Tokenizer(make_model(scores))
    random = np.random.default_rng(size)
    text = bytes(random.choice([*b"aaaaaaab"], size - 500).tolist()) + b"a" * 500
    expected = list(reference.best_path(text, scores))
    assert tok.tokenize(text) == expected
    monkeypatch.setattr("bytepiece.encoding.batches.CHUNK", 100)
    assert tok.tokenize(text) == expected
