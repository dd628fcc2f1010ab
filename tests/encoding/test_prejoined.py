"""BPE that begins with characters gives what BPE gives that begins with bytes."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from support import reference_bpe
from support.strategies import lists_of_pairs

from bytepiece import Model, Tokenizer
from bytepiece.encoding.bpe import joins
from bytepiece.rules.merges import Merges
from bytepiece.rules.text_rules import TextRules

SINGLES = [bytes([byte]) for byte in b"a\xc3\xa9\xe7\x9a\x84\xe0\xda"]
PARTS = [
    *SINGLES,
    *map(str.encode, "éÄڄ皃的皩"),
    b"\xe7\x9a",
    b"\x9a\x84",
    b"\xe0\x9a\x84",  # a long form of a character with a shorter one
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=60).map(b"".join)


def tokenizer(pieces, **merges):
    """Return the tokenizer of all bytes and these pieces; a text is one word."""
    every = [*map(bytes, zip(range(256))), *pieces]
    scores, ids, rules = np.zeros(len(every)), np.arange(len(every)), TextRules(segment="text")
    return Tokenizer(Model(tuple(every), scores, ids, (), rules, merges=Merges(**merges)))


@given(
    ranks=st.dictionaries(
        st.lists(st.sampled_from(SINGLES), min_size=2, max_size=6).map(b"".join)
        | st.lists(st.sampled_from(PARTS), min_size=2, max_size=3).map(b"".join)
        | st.sampled_from([part for part in PARTS if len(part) > 1]),
        st.integers(0, 9),
        max_size=20,
    ),
    text=TEXTS,
)
@example(ranks={b"\xe7\x9a": 0, "的".encode(): 2, b"\xa9\xe7\x9a": 1}, text="é的".encode())
@example(ranks={b"\xe7\x9a": 1, "的".encode(): 2, b"\xa9\xe7": 0}, text="é的".encode())
@example(ranks={b"\xe7\x9a": 0, "的".encode(): 1, b"a\xe7": 0}, text="a的".encode())
@example(ranks={b"\xe7\x9a": 1, "的".encode(): 3, b"\x84a": 2}, text="的a".encode())
@example(ranks={b"\x9a\x84": 1, "的".encode(): 2, b"\x84a": 0}, text="的a".encode())
@example(ranks={b"\x9a\x84": 1, "的".encode(): 3, b"\xa9\xe7": 2}, text="é的".encode())
@example(ranks={b"\xe7\x9a": 1, b"\x9a\x84": 0}, text="的".encode())
@example(ranks={"é".encode(): 1, b"\xa9a": 0}, text="éa".encode())
@example(
    ranks={
        b"\xe7\x9a": 0,
        "的".encode(): 100,
        "é".encode(): 1,
        "é的".encode(): 5,
        "aé".encode(): 50,
    },
    text="aé的".encode(),
)
@example(
    ranks={"é".encode(): 100, b"\xa9z": 200, "éĩ".encode(): 5, "ĩ".encode(): 3}
    | {"ĩũ".encode(): 50, "ũ".encode(): 2},
    text="éĩũ".encode(),
)
@example(
    ranks={b"\xe7\x9a": 9, b"\xe7\x9aa": 1, b"\xa9\xe7\x9a": 2, "é".encode(): 8},
    text="é皃".encode(),
)
@example(ranks={b"\x9a\x84": 0, b"\xe0\x9a\x84": 1}, text="ڄ".encode())
@example(ranks={b"\xe0\x82": 0}, text="\x80x".encode())
def test_ranks_of_pieces(ranks, text):
    tok = tokenizer(ranks, ranks=[-1] * 256 + list(ranks.values()))
    assert tok.tokenize(text) == reference_bpe.word_of_bytes(text, ranks, False, ())


@given(lists_of_pairs(SINGLES, 16), TEXTS)
def test_pairs(drawn, text):
    pairs, pieces = drawn
    id_of = {piece: id_ for id_, piece in enumerate([*map(bytes, zip(range(256))), *pieces])}
    tok = tokenizer(pieces, pairs=[[id_of[left], id_of[right]] for left, right in pairs])
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    assert tok.tokenize(text) == reference_bpe.word_of_bytes(text, ranks, True, ())


def test_characters_and_beginnings_of_characters_are_found():
    ranks = {b"\xc3\xa9": 0, b"\xe7\x9a": 1, "的".encode(): 2}
    tok = tokenizer(ranks, ranks=[-1] * 256 + list(ranks.values()))
    found = joins(tok.model).prejoined
    assert found[ord("é")] == 4 * 256 + 2
    assert found[ord("的")] == 4 * 258 + 3
    assert found[ord("皃")] == 4 * 257 + 2
    assert np.count_nonzero(found) == 1 + 64


def test_a_pair_across_an_end_that_comes_first_is_respected():
    ranks = {b"\xe7\x9a": 1, "的".encode(): 2, b"\xa9\xe7": 0, b"\x84\xc3": 1}
    tok = tokenizer(ranks, ranks=[-1] * 256 + list(ranks.values()))
    assert np.count_nonzero(joins(tok.model).prejoined) == 0
