"""Canonical ids: those of the best path of the bytes that ids stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.character_models import LETTERS, MAKERS, character_vocabularies
from support.reading import needs_protobuf, trained
from support.strategies import JIT, SCORES, TEXTS, make_model, models, vocabularies

from bytepiece import TextRules, Tokenizer
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.formats import from_sentencepiece


@given(models(), TEXTS, st.sampled_from([None, 0.0, 1.0]))
def test_any_ids_of_a_text_have_its_encoding_as_canonical_ids(model, text, alpha):
    tok = Tokenizer(model)
    ids = tok.encode(text, alpha=alpha, seed=1)
    best = tok.encode(text)
    assert tok.canonical(ids) == best
    assert tok.is_canonical(ids) == (ids == best)
    assert tok.is_canonical(best)


@given(
    st.data(),
    vocabularies(SCORES),
    st.sampled_from([(), ("NFC",), ("NFKC",)]),
    st.sampled_from(["free", "each", "groups-of-three"]),
)
def test_any_ids_have_the_encoding_of_their_bytes_as_canonical_ids(data, scores, steps, digits):
    scores |= {"é".encode(): -1.0, b"e": -2.0, "\u0301".encode(): -2.0, b"12": -1.0, b"\n": -3.0}
    rules = TextRules(normalization=steps, digits=digits)
    tok = Tokenizer(make_model(scores, rules=rules))
    pieces = data.draw(st.lists(st.sampled_from(sorted(scores)), max_size=9))
    ids = tok.pieces_to_ids(pieces)
    expected = tok.encode(b"".join(pieces))
    assert tok.canonical(ids) == expected
    assert tok.is_canonical(ids) == (ids == expected)


def test_special_tokens_stay_where_they_are(tok):
    text = "<eos>the cat<eos><pad>and the\n\nhat"
    options = {"add_bos": True, "add_eos": True, "allowed_special": "all"}
    best = tok.encode(text, **options)
    assert tok.is_canonical(best)
    assert tok.canonical(tok.encode(text, alpha=0.0, seed=1, **options)) == best
    assert tok.canonical([1, 2, 0]) == [1, 2, 0]
    assert tok.canonical([]) == []
    # A name that is plain text stays plain text.
    assert tok.is_canonical(tok.encode("<eos>"))


def test_no_piece_crosses_a_special_token(tok):
    the, cat = tok.encode("the "), tok.encode("cat")
    assert tok.canonical([*the, 2, *cat]) == [*the, 2, *cat]
    assert tok.canonical([*the, *cat]) == tok.encode("the cat")


@given(MAKERS, character_vocabularies(), st.booleans(), st.text(LETTERS + "\n", max_size=9))
def test_models_over_characters(maker, pieces, fallback, text):
    """Unknown tokens stay, too, since they do not say for which characters they stand."""
    tok = maker(pieces, fallback)
    best = tok.encode(text)
    assert tok.is_canonical(best)
    for seed in range(3):
        ids = tok.encode(text, alpha=0.0, seed=seed)
        assert tok.decode(tok.canonical(ids)) == tok.decode(ids)
        if fallback or tok.model.special_id("unknown") not in ids:
            assert tok.canonical(ids) == best


@needs_protobuf
@pytest.mark.skipif(not JIT, reason="the model is of a usual size")
@pytest.mark.parametrize("rule", ["nmt_nfkc", "identity"])
def test_a_model_that_puts_a_space_before_a_text(rule):
    tok = Tokenizer(from_sentencepiece.from_bytes(trained(normalization_rule_name=rule)))
    for text in ("the law of a text", "  two  spaces ", "☃ the ☃", "", " "):
        best = tok.encode(text, add_bos=True, add_eos=True)
        assert tok.is_canonical(best)
        assert tok.canonical(tok.encode(text, alpha=0.0, seed=1)) == best[1:-1]


def test_any_series_of_ids_will_do(tok):
    ids = tok.encode("the cat")
    for given_ids in (np.array(ids, dtype=np.int32), tuple(ids), iter(ids)):
        assert tok.is_canonical(given_ids)
    assert tok.canonical(np.array(ids)) == ids


def test_ids_that_are_not_in_the_vocabulary_are_refused(tok):
    for method in (tok.canonical, tok.is_canonical):
        with pytest.raises(VocabularyError, match="99999"):
            method([99999])
        with pytest.raises(ArgumentError, match="whole numbers"):
            method(["the"])
