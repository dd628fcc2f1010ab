"""The spans of tokens in a text, checked against the text itself."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import STRINGS, TEXTS, make_model

from bytepiece import Model, SpecialToken, TextRules, Tokenizer
from bytepiece.errors import ArgumentError, VocabularyError
from bytepiece.rules.text import to_bytes

WAYS = [{}, {"alpha": 0.1, "seed": 1}]


def raw_of(text):
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


@given(TEXTS, st.sampled_from(WAYS), st.booleans())
def test_byte_spans_hold_the_pieces(tok, text, how, edges):
    ids = tok.encode(text, add_bos=edges, add_eos=edges, **how)
    found = tok.align(text, ids)
    assert found.text == (bytes(text) if isinstance(text, bytes) else text)
    raw = raw_of(found.text)
    assert [raw[low:high] for low, high in found.byte_spans] == [tok.decode_bytes([i]) for i in ids]
    assert found.byte_spans[:, 0].tolist() == [0, *found.byte_spans[:-1, 1].tolist()][: len(ids)]


@given(STRINGS, st.sampled_from(WAYS))
def test_character_spans_hold_the_characters_of_the_bytes(tok, text, how):
    found = tok.align(text, tok.encode(text, **how))
    owners = [i for i, char in enumerate(text) for _ in raw_of(char)]
    for (low, high), span in zip(found.byte_spans.tolist(), found.char_spans.tolist(), strict=True):
        assert span == [owners[low], owners[high - 1] + 1]


@given(st.binary(max_size=40))
def test_stray_bytes_are_characters(tok, text):
    found = tok.align(text, tok.encode(text, alpha=0.0, seed=1))
    chars = text.decode("utf-8", "surrogateescape")
    owners = [i for i, char in enumerate(chars) for _ in char.encode("utf-8", "surrogateescape")]
    for (low, high), span in zip(found.byte_spans.tolist(), found.char_spans.tolist(), strict=True):
        assert span == [owners[low], owners[high - 1] + 1]


@given(TEXTS)
def test_places_in_the_normalized_text(model, text):
    tok = Tokenizer(make_model(dict(zip(model.pieces, model.scores, strict=True)), rules=NFC))
    ids = tok.encode(text)
    found = tok.align(text, ids, normalized=True)
    raw = raw_of(found.text)
    assert [raw[low:high] for low, high in found.byte_spans] == [tok.decode_bytes([i]) for i in ids]
    assert type(found.text) is (str if isinstance(text, str) else bytes)
    assert raw_of(found.text) == to_bytes(text, ("NFC",))


NFC = TextRules(("NFC",))


def test_special_tokens_in_the_text_have_their_names_as_spans(tok):
    text = "é<eos>the<eos>"
    ids = tok.encode(text, add_bos=True, add_eos=True, allowed_special="all")
    found = tok.align(text, ids, allowed_special="all")
    shown = [text[low:high] for low, high in found.char_spans]
    assert shown == ["", "é", "<eos>", "the", "<eos>", ""]
    assert found.byte_spans[2].tolist() == [2, 7]


def test_a_name_that_is_plain_text_has_spans_of_its_pieces(tok):
    text = "a<eos>"
    found = tok.align(text, tok.encode(text, add_eos=True))
    assert found.byte_spans[-1].tolist() == [6, 6]
    assert "".join(text[low:high] for low, high in found.char_spans) == text


def test_names_beyond_ascii(model):
    specials = (SpecialToken("<｜fin｜>", 0, "eos"),)
    tok = Tokenizer(make_model({b"ab": -1.0}, special_tokens=specials))
    text = "ab<｜fin｜>é"
    found = tok.align(text, tok.encode(text, allowed_special="all", alpha=0, seed=1), ["<｜fin｜>"])
    assert "<｜fin｜>" in [text[low:high] for low, high in found.char_spans]


def test_an_empty_text_has_no_spans(tok):
    found = tok.align("", [])
    assert found.byte_spans.shape == found.char_spans.shape == (0, 2)
    assert found.byte_spans.dtype == found.char_spans.dtype == np.int64
    assert tok.align("", tok.encode("", add_bos=True)).char_spans.tolist() == [[0, 0]]


@pytest.mark.parametrize("text", ["the hat", "the", "the ca", "the cat "])
def test_ids_of_another_text_are_refused(tok, text):
    with pytest.raises(ArgumentError, match="no encoding"):
        tok.align(text, tok.encode("the cat"))


def test_unknown_ids_and_names_are_refused(tok):
    with pytest.raises(VocabularyError):
        tok.align("a", [10**9])
    with pytest.raises(ArgumentError, match="no special token"):
        tok.align("a", tok.encode("a"), ["<nope>"])


def with_unknown(known, also=()):
    """Return a tokenizer with ids for some bytes only; the others get the unknown token."""
    bytes_ = [bytes([byte]) for byte in range(256)]
    pieces = [*bytes_, *also]
    ids = [0 if piece in bytes_ and piece not in known else i + 2 for i, piece in enumerate(pieces)]
    scores = [-9.0 if len(piece) == 1 else -1.0 for piece in pieces]
    specials = (SpecialToken("<unk>", 0, "unknown"), SpecialToken("<eos>", 1, "eos"))
    return Tokenizer(Model(pieces, scores, ids, specials, TextRules(unknown="token")))


@given(
    st.text(alphabet="abxyé今<eos>", max_size=12).flatmap(
        lambda text: st.tuples(st.just(text), st.sampled_from(["", "<eos>", "<unk>"]))
    ),
    st.sampled_from([{}, {"alpha": 0.0, "seed": 1}, {"alpha": 0.1, "seed": 2}]),
)
def test_unknown_tokens_cover_the_bytes_between_other_tokens(parts, how):
    # Neither of the letters x and y has a piece, but the two together have one.
    tok = UNKNOWN
    text = parts[1].join([parts[0], *parts])
    ids = tok.encode(text, add_eos=True, allowed_special="all", **how)
    found = tok.align(text, ids, allowed_special="all")
    assert found.byte_spans[:, 0].tolist() == [0, *found.byte_spans[:-1, 1].tolist()]
    for id_, (low, high) in zip(ids, found.char_spans.tolist(), strict=True):
        piece = tok.id_to_piece(id_)
        stretch = text[low:high].replace("<unk>", "x")
        if id_ == 0:
            assert stretch.strip("xyé今<") == ""
            assert high > low
        else:
            assert stretch in (piece if isinstance(piece, str) else piece.decode(), "")


UNKNOWN = with_unknown([bytes([b]) for b in b"abeos>"], [b"xy", b"by", "é今".encode()])


def test_an_unknown_token_may_cover_a_part_of_a_character():
    tok = with_unknown([b"a", b"\xa9"])
    spans = tok.align("aéa", tok.encode("aéa")).byte_spans.tolist()
    assert spans == [[0, 1], [1, 2], [2, 3], [3, 4]]


def test_a_character_whose_only_entry_is_unused_is_unknown():
    tok = with_unknown([b"a"])
    tok = Tokenizer(dataclasses.replace(tok.model, aliases={500: b"x"}))
    assert tok.align("axya", tok.encode("axya")).char_spans.tolist() == [[0, 1], [1, 3], [3, 4]]


def test_unknown_tokens_that_do_not_fit_are_refused():
    # Each could end at many places. The search finds that none fits, without trying all ways.
    ids = [0, UNKNOWN.piece_to_id(b"xy")] * 40
    with pytest.raises(ArgumentError):
        UNKNOWN.align("xy" * 200, [*ids, UNKNOWN.piece_to_id(b"a")])
    assert len(UNKNOWN.align("xy" * 200, ids).byte_spans) == 80


def test_unknown_tokens_beside_the_written_name_of_the_unknown_token():
    # A name in the text is a token of its own, as in tokenizers, and does not join a run.
    ids = UNKNOWN.encode("xyx<unk>今\n", allowed_special="all")
    assert ids == [UNKNOWN.piece_to_id(b"xy"), 0, 0, 0]
    found = UNKNOWN.align("xyx<unk>今\n", ids, allowed_special="all")
    assert found.char_spans.tolist() == [[0, 2], [2, 3], [3, 8], [8, 10]]
