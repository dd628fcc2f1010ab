"""Many rows of ids decoded at once: the same texts and errors as row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import make_model

from bytepiece import SpecialToken, Tokenizer
from bytepiece.encoding import spelling
from bytepiece.encoding.encoded import Encoded
from bytepiece.errors import ArgumentError, VocabularyError

TEXTS = ["the cat, the hat", "", "naïve 今天", "a long piece: " + "long" * 9, "\n"]
PIECES = {b"the": 1.0, b"long" * 9: 2.0, "今天".encode(): 1.5}


def rows_of(rows):
    """Return lists of ids as `Encoded`."""
    offsets = np.cumsum([0, *map(len, rows)])
    return Encoded(np.array([id_ for row in rows for id_ in row], dtype=np.int32), offsets)


@pytest.mark.parametrize("together", [1, 7, 1 << 18])
def test_rows_are_decoded_as_one_by_one(together, monkeypatch):
    monkeypatch.setattr(spelling, "_TOGETHER", together)
    tok = Tokenizer(make_model(PIECES))
    rows = tok.encode_batch([*TEXTS, b"stray \xe4\xbb"], add_eos=True)
    expected = [tok.decode(row) for row in rows]
    assert expected == [*TEXTS, "stray �"]
    assert tok.decode_batch(rows) == expected
    assert tok.decode_batch([row.tolist() for row in rows]) == expected
    assert tok.decode_batch(tuple(row.tolist()) for row in rows) == expected
    assert tok.decode_batch(iter(rows)) == expected


@given(st.lists(st.lists(st.sampled_from(b"a\n\0\x80\xa0\xbf\xc3\xe0\xe4\xed\xf0\xf4\xff"))))
def test_bytes_that_are_not_utf_8_are_decoded_as_one_by_one(rows):
    tok = Tokenizer(make_model({}))
    ids = [[tok.encode(bytes([byte]))[0] for byte in row] for row in rows]
    expected = [bytes(row).decode("utf-8", "replace") for row in rows]
    assert tok.decode_batch(rows_of(ids)) == tok.decode_batch(ids) == expected


@pytest.mark.parametrize("kind", [int, np.int64, np.int32, np.uint8])
def test_lists_may_hold_numbers_of_numpy(kind):
    tok = Tokenizer(make_model({}))
    rows = [list(map(kind, tok.encode(text))) for text in ("ab", "", "c")]
    assert tok.decode_batch(rows) == ["ab", "", "c"]


def test_no_rows_and_empty_rows():
    tok = Tokenizer(make_model(PIECES))
    assert tok.decode_batch([]) == tok.decode_batch(rows_of([])) == []
    assert tok.decode_batch([[], []]) == tok.decode_batch(rows_of([[], []])) == ["", ""]


@pytest.mark.parametrize("id_", [-1, 5, 10**6])
def test_a_bad_id_in_an_array_is_named(id_):
    tok = Tokenizer(make_model({}))
    gap = Tokenizer(make_model({}, special_tokens=(SpecialToken("<x>", 300, "control"),)))
    for some, bad in ((tok, id_ if id_ != 5 else 10**6), (gap, 299)):
        known = int(some.model.ids[0])
        with pytest.raises(VocabularyError, match=f"the id {bad} is not"):
            some.decode_batch(rows_of([[known], [known, bad]]))


@pytest.mark.parametrize("id_", [97.0, None, "a", 1 << 40, [], [97], "iiii", b"i", object()])
def test_a_bad_id_in_a_list_is_refused(id_):
    tok = Tokenizer(make_model({}))
    with pytest.raises((ArgumentError, VocabularyError)):
        tok.decode_batch([[97], [97, id_]])


def test_ids_with_large_gaps_need_no_table():
    tok = Tokenizer(make_model({}, special_tokens=(SpecialToken("<x>", 1 << 23, "control"),)))
    rows = tok.encode_batch(["abc"])
    assert tok.decode_batch(rows) == tok.decode_batch([[*rows[0].tolist(), 1 << 23]]) == ["abc"]
