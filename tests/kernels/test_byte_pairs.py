"""BPE joins the pairs of a word like the slow twin."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference, reference_bpe
from support.strategies import JIT, lists_of_pairs

from bytepiece import Model, Tokenizer
from bytepiece.errors import ModelError
from bytepiece.model import SpecialToken
from bytepiece.rules.merges import Merges
from bytepiece.rules.text_rules import TextRules
from bytepiece.rules.words import WordCut

BYTES = [bytes([byte]) for byte in range(256)]
WORDS = (WordCut(" ?[^ ]+"),)


def tokenizer(pieces, whole=False, words=WORDS, specials=(), **merges):
    """Return the tokenizer of all bytes, these pieces and special tokens; ids begin with 0."""
    every = [*BYTES, *pieces]
    tokens = tuple(SpecialToken(name, len(every) + n, "control") for n, name in enumerate(specials))
    return Tokenizer(
        Model(
            tuple(every),
            np.zeros(len(every)),
            np.arange(len(every)),
            tokens,
            TextRules(segment="text", words=words),
            merges=Merges(whole=whole, **merges),
        )
    )


def words_of(text):
    """Return the words of a text, by Python's own regular expressions."""
    return reference_bpe.cut(text, [found.span() for found in re.finditer(b" ?[^ ]+", text)])


def pieces_of(text, ranks, of_pair, whole=()):
    """Return the pieces of a text by the slow twin."""
    return [
        p for w in words_of(text) for p in reference_bpe.word_of_bytes(w, ranks, of_pair, whole)
    ]


@given(
    ranks=st.dictionaries(
        st.text("abc", min_size=2, max_size=5).map(str.encode), st.integers(0, 6), max_size=20
    ),
    texts=st.lists(st.text("abc", max_size=150).map(str.encode), max_size=4),
    whole=st.booleans(),
)
def test_ranks_of_pieces(ranks, texts, whole):
    pieces = list(ranks)
    tok = tokenizer(pieces, whole, ranks=[-1] * 256 + [ranks[piece] for piece in pieces])
    texts += [text * 2 for text in texts] + pieces
    together = b" ".join(texts)
    known = {*pieces} if whole else ()
    assert tok.tokenize(together) == pieces_of(together, ranks, False, known)
    rows = tok.encode_batch(texts)
    assert [row.tolist() for row in rows] == [tok.encode(text) for text in texts]


@given(
    lists_of_pairs([b"a", b"b", b"c"], 14),
    st.text("abc ", max_size=200).map(str.encode),
    st.booleans(),
)
def test_pairs(drawn, text, whole):
    pairs, pieces = drawn
    id_of = {piece: id_ for id_, piece in enumerate([*BYTES, *pieces])}
    tok = tokenizer(pieces, whole, pairs=[[id_of[left], id_of[right]] for left, right in pairs])
    ranks = {pair: rank for rank, pair in reversed(list(enumerate(pairs)))}
    text += b" " + b" ".join(pieces)
    assert tok.tokenize(text) == pieces_of(text, ranks, True, {*pieces} if whole else ())


def test_a_long_word_is_joined_in_little_time():
    powers = [b"a" * 2**n for n in range(1, 9)]
    tok = tokenizer(powers, ranks=[-1] * 256 + list(range(len(powers))))
    size = 1_000_000 if JIT else 3_000
    ids = tok.encode(b"a" * size)
    assert tok.decode_bytes(ids) == b"a" * size
    assert ids[: size // 256] == [256 + 7] * (size // 256)
    odd = tok.encode(b"a" * 1001)
    assert odd == [256 + 7] * 3 + [256 + 6, 256 + 5, 256 + 4, 256 + 2, ord("a")]


def test_a_piece_that_no_pair_makes_is_a_word_only_if_asked():
    pieces = [b"abc"]
    pairs = {"pairs": np.empty((0, 2), dtype=np.int32)}
    assert tokenizer(pieces, **pairs).tokenize("abc") == [b"a", b"b", b"c"]
    assert tokenizer(pieces, whole=True, **pairs).tokenize("abc") == [b"abc"]


def test_threads_and_batches_give_the_same():
    pieces = [b"th", b"he", b"the", b" the"]
    tok = tokenizer(pieces, ranks=[-1] * 256 + [3, 0, 2, 1])
    texts = [f"the hen {number} thethe" * (number % 7) for number in range(300)]
    rows = tok.encode_batch(texts, threads=3)
    assert [row.tolist() for row in rows] == [tok.encode(text) for text in texts]
    assert tok.decode_batch(rows) == texts


@pytest.mark.parametrize("words", [WORDS, (WordCut("[0-9]"), *WORDS), ()])
def test_one_text_is_encoded_as_in_a_batch(words):
    tok = tokenizer([b"th", b"he", b"the", b" the"], ranks=[-1] * 256 + [3, 0, 2, 1], words=words)
    texts = ["", " ", "the", "then 12the\n", b"the\xff\xe7 the", "的 thethe " * 9]
    for alpha in (None, 0.0, 0.7):
        options = {} if alpha is None else {"alpha": alpha, "seed": 5, "epoch": 2}
        rows = tok.encode_batch(texts, **options)
        for number, text in enumerate(texts):
            place = {} if alpha is None else {"doc_id": number}
            assert tok.encode(text, **options, **place) == rows[number].tolist()


def test_special_tokens_between_words():
    tok = tokenizer([b"th", b"the"], ranks=[-1] * 256 + [0, 1], specials=["<s>", "<t>"])
    text = "the <s>then<s><s> he<t>"
    ids = [257, 32, 258, 257, ord("n"), 258, 258, 32, ord("h"), ord("e"), 259]
    assert tok.encode(text, allowed_special="all") == ids
    rows = tok.encode_batch([text, "", "<s>", "the"] * 9, allowed_special="all", threads=2)
    assert [row.tolist() for row in rows] == [ids, [], [258], [257]] * 9


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "either pairs or ranks"),
        ({"pairs": [[0, 1]], "ranks": [0]}, "either pairs or ranks"),
        ({"pairs": [0, 1, 2]}, "whole numbers"),
        ({"pairs": [[0.5, 1]]}, "whole numbers"),
        ({"pairs": "ab"}, "whole numbers"),
        ({"pairs": [[1 << 40, 1]]}, "whole numbers"),
        ({"ranks": [[1], [2, 3]]}, "whole numbers"),
        ({"ranks": [-2]}, "whole numbers"),
        ({"ranks": [0]}, "1 ranks for 257 pieces"),
        ({"pairs": [[97, 999]]}, "no piece's id"),
        ({"pairs": [[97, 97]]}, "b'aa', which is not a piece"),
        ({"pairs": [[97, 98]], "whole": 1}, "true or false"),
    ],
)
def test_merges_are_checked(fields, message):
    with pytest.raises(ModelError, match=message):
        tokenizer([b"ab"], **{"whole": False, **fields})


@given(text=st.text("abc ", max_size=12).map(str.encode))
def test_samples_are_uniform_over_the_segmentations_of_the_words(text):
    pieces = [b"ab", b" a", b"abc", b"bc", b"cab"]
    tok = tokenizer(pieces, ranks=[-1] * 256 + [0, 1, 2, 3, 4])
    scores = dict.fromkeys([*BYTES, *pieces], 0.0)
    words = words_of(text)
    expected = math.prod(len(list(reference.segmentations(word, scores))) for word in words)
    lattice = tok.lattice(text, 0.7)
    assert lattice.n_paths() == expected
    assert lattice.log_z == pytest.approx(math.log(expected), abs=1e-12)
    row = tok.encode_batch([text], alpha=0.0, seed=5, log_probs=True)
    assert tok.decode_bytes(row[0]) == text
    assert row.log_probs[0] == pytest.approx(-math.log(expected), abs=1e-12)
