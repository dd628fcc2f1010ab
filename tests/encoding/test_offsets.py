"""Spans in the given text where a model normalizes: they cover it, as in the other libraries."""

import json
import re
import unicodedata
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.reading import LINES, ODD, TEXTS, needs_protobuf, processor, trained
from support.strategies import BYTES, JIT, STRINGS

from bytepiece import TextRules, Tokenizer
from bytepiece.formats import from_huggingface, from_sentencepiece, to_huggingface

WAYS = st.sampled_from([{}, {"alpha": 0.0, "seed": 1}])
NASTY = TEXTS | STRINGS | st.text("ab ▁　\ne\u0301\u0302㍿ﬁ½각\u1100\u1161\u11a8<s>", max_size=20)
FIXED = [*ODD, *LINES[:80]] if JIT else [*(text[:300] for text in ODD), *LINES[:20]]
FORMS = [("NFC",), ("NFD",), ("NFKC",), ("NFKD", "NFC")]

SENTENCEPIECE = {
    "nmt_nfkc": {},
    "bytes": {"byte_fallback": True, "user_defined_symbols": "<user>,ＦＵ,é,▁▁"},
    "folded": {"normalization_rule_name": "nmt_nfkc_cf", "byte_fallback": True},
    "spaces": {"remove_extra_whitespaces": False},
    "no prefix": {"add_dummy_prefix": False, "byte_fallback": True},
    "suffix": {"treat_whitespace_as_suffix": True},
    "kept": {
        "normalization_rule_name": "identity",
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "byte_fallback": True,
    },
}
HUGGINGFACE = [
    "identity",
    "nmt_nfkc",
    "byte fallback",
    "first",
    "never",
    "across, whole",
    "no normalizer",
    "forms",
    "prepended",
    "both strips",
    "bytes, normalized",
    "bytes, prefix",
    "characters",
    "words",
    "words, no marks",
    "blanks",
    "ends",
]


@cache
def sentencepiece(name):
    """Return a tokenizer and SentencePiece with the same model."""
    content = trained(**SENTENCEPIECE[name])
    return Tokenizer(from_sentencepiece.from_bytes(content)), processor(content)


@cache
def huggingface(name):
    """Return a tokenizer and `tokenizers` with the same model."""
    tokenizers = pytest.importorskip("tokenizers", reason="its offsets are compared")
    from support.huggingface_files import files

    file = files()[name]
    theirs = tokenizers.Tokenizer.from_str(json.dumps(file))
    return Tokenizer(from_huggingface.from_document(file)), theirs


def with_forms(model, forms):
    return Tokenizer(replace(model, rules=TextRules(forms)))


def check_cover(tok, text, **how):
    """Check that the spans of an encoding cover a text in order, in bytes and in characters."""
    ids = tok.encode(text, allowed_special="all", add_eos=False, **how)
    found = tok.align(text, ids, "all")
    assert found.text == text
    sizes = len(text), len(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    if isinstance(text, bytes):
        sizes = len(text.decode("utf-8", "surrogateescape")), len(text)
    for spans, size in zip((found.char_spans, found.byte_spans), sizes, strict=True):
        covered = start = 0
        for low, high in spans.tolist():
            assert start <= low <= covered <= max(high, covered)
            assert low <= high <= size
            start, covered = low, max(high, covered)
        assert covered == (size if ids else 0)
    return ids, found.char_spans.tolist()


@pytest.mark.parametrize("forms", FORMS)
@given(NASTY | BYTES, WAYS)
def test_our_own_models_cover_the_text(model, forms, text, how):
    check_cover(with_forms(model, forms), text, **how)


@pytest.mark.parametrize("name", SENTENCEPIECE)
@given(NASTY | BYTES, WAYS)
def test_models_of_sentencepiece_cover_the_text(name, text, how):
    check_cover(sentencepiece(name)[0], text, **how)


@pytest.mark.parametrize("name", HUGGINGFACE)
@given(NASTY | BYTES, WAYS)
def test_models_of_tokenizers_cover_the_text(name, text, how):
    check_cover(huggingface(name)[0], text, **how)


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_known_ends(name):
    tok, _ = sentencepiece(name)
    assert tok.align("the cat sat", tok.encode("the cat sat")).char_spans[-1, 1] == 11
    assert tok.align("㍿ works", tok.encode("㍿ works")).char_spans[-1, 1] == 7


def test_spans_of_what_normalization_makes(model):
    tok = with_forms(model, ("NFKC",))
    text = "e\u0301 ㍿\ufb01"
    ids = tok.encode(text, add_bos=True, add_eos=True)
    found = tok.align(text, ids)
    # é comes from both characters; ㍿ becomes four characters of three bytes.
    company = [[3, 4]] * 12
    assert found.char_spans.tolist() == [[0, 0], [0, 2], [2, 3], *company, [4, 5], [4, 5], [5, 5]]
    assert found.byte_spans.tolist()[:3] == [[0, 0], [0, 3], [3, 4]]
    other = tok.align(text, ids, normalized=True)
    assert other.text == "é 株式会社fi"
    assert other.char_spans.tolist()[-3:] == [[6, 7], [7, 8], [8, 8]]


def test_invalid_bytes_keep_their_places(model):
    tok = with_forms(model, ("NFC",))
    raw = b"\xffe\xcc\x81\xe4\xbb\xed\xa0\x80"
    found = tok.align(raw, tok.encode(raw))
    assert found.text == raw
    assert found.byte_spans.tolist() == [[0, 1], [1, 4], [4, 6], [6, 7], [7, 8], [8, 9]]
    spans = tok.align("\ud800e\u0301", tok.encode("\ud800e\u0301"))
    assert spans.char_spans.tolist() == [[0, 1], [0, 1], [0, 1], [1, 3]]


def test_special_tokens_keep_the_places_of_their_names():
    tok, _ = sentencepiece("bytes")
    text = "  a </s>  b</s> </s>"
    ids = tok.encode(text, allowed_special="all")
    spans = tok.align(text, ids, "all").char_spans.tolist()
    shown = [text[low:high] for low, high in spans]
    # Removed text belongs to its own stretch, or if nothing is left of it, to the token before.
    assert shown == ["  a ", "</s>", "  b", "</s> ", "</s>"]


def check_sentencepiece(name, text):
    tok, theirs = sentencepiece(name)
    check_cover(tok, text)
    ids = tok.encode(text)
    spans = tok.align(text, ids).char_spans.tolist()
    pieces = theirs.encode(text, return_type="proto").pieces
    assert ids == [piece.id for piece in pieces]
    raw = text.encode()
    origins = [len(raw[:place].decode()) for place in theirs.Normalize(raw, with_offsets=True)[1]]
    done = 0
    for piece, (low, high) in zip(pieces, spans, strict=True):
        origin = origins[done]
        done += 1 if theirs.is_byte(piece.id) else len(piece.piece.encode())
        begin, end = (len(raw[:place].decode()) for place in (piece.begin, piece.end))
        # They leave out what is removed at both ends of the text.
        at_beginning = done == len(piece.piece.encode()) or origin == origins[0]
        assert begin == origin
        assert low == begin or (low == 0 and at_beginning)
        if origins[done - 1] == origins[done]:
            # If pieces share a part, they give it to the last of them, and we give it to all.
            end = next((place for place in origins[done:] if place > origins[done]), len(text))
        assert high in (end, len(text) if end == origins[-1] else end) or (high == begin)


@needs_protobuf
@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece_has_the_same_places(name):
    for text in FIXED:
        check_sentencepiece(name, text)


@needs_protobuf
@pytest.mark.parametrize("name", SENTENCEPIECE)
@given(TEXTS | st.text("ab ▁　\ne\u0301\u0302㍿ﬁ½각\u1100\u1161\u11a8", max_size=20))
def test_sentencepiece_has_the_same_places_in_any_text(name, text):
    check_sentencepiece(name, text)


def check_tokenizers(tok, theirs, text):
    """Check spans against theirs: equal, except for characters that theirs leave out."""
    ids, spans = check_cover(tok, text)
    row = theirs.encode(text, add_special_tokens=False)
    if ids != row.ids:
        return  # tests/formats/test_from_huggingface.py says where ids differ
    left_out = {*range(len(text))}.difference(*(range(*span) for span in row.offsets))
    following = [*row.offsets, (0, 0)][1:]
    rows = zip(row.tokens, spans, row.offsets, following, strict=True)
    for name, (low, high), (begin, end), word in rows:
        own = {*range(low, high)} - left_out
        if own == {*range(begin, end)}:
            continue
        if name == "▁":
            # A space that is put before a word. They give it the first character of the word. We
            # give it the spaces that are removed there, or all that the character is made from.
            assert own <= {*range(*word)}
        else:
            # They give a whole run of unknown characters to each of its bytes.
            assert re.fullmatch("<0x..>", name)
            assert own < {*range(begin, end)}


def readable(name, text):
    """Return a text without what tokenizers misplace.

    Where they remove a control character, all later places are wrong. A mark that they compose and
    decompose again gets the place of its letter.
    """
    text = unicodedata.normalize("NFC", text) if name == "forms" else text
    return re.sub(r"[\x00-\x08\x0e-\x1f\x7f\x8f\x9f\u200b-\u200f\ufeff]", "", text)


def marks_are_simple(text):
    """Return whether no mark changes places or joins the last letter of several.

    If one does, the places of tokenizers are wrong.
    """
    parts = [*map(partial(unicodedata.normalize, "NFKD"), text), "a"]
    for one, other in pairwise(parts):
        mark = unicodedata.combining(other[0])
        if mark and (len(one) > 1 or mark < unicodedata.combining(one)):
            return False
    return True


@pytest.mark.parametrize("name", HUGGINGFACE)
def test_tokenizers_have_the_same_places(name):
    for text in FIXED:
        check_tokenizers(*huggingface(name), readable(name, text))


@pytest.mark.parametrize("name", HUGGINGFACE)
@given(TEXTS | st.text("ab ▁　\ne\u0301㍿ﬁ½각<s>", max_size=20))
def test_tokenizers_have_the_same_places_in_any_text(name, text):
    assume(marks_are_simple(text))
    check_tokenizers(*huggingface(name), readable(name, text))


@pytest.mark.parametrize("forms", [(), *FORMS])
@given(TEXTS | st.text("ab \ne\u0301\u0302㍿ﬁ½각\u1100\u1161\u11a8", max_size=20))
def test_our_exports_have_the_same_places(model, forms, text):
    tokenizers = pytest.importorskip("tokenizers", reason="its offsets are compared")
    tok = with_forms(model, forms)
    theirs = tokenizers.Tokenizer.from_str(to_huggingface.to_json(tok.model))
    assume(marks_are_simple(text))
    check_tokenizers(tok, theirs, text)
