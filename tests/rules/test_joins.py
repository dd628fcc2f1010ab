"""The pieces that pairs spell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.rules.joins import joined_numbers

PIECES = st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=40, unique=True)


@given(PIECES, st.randoms(use_true_random=False))
def test_pairs_spell_pieces(pieces, rng):
    pairs = [[rng.randrange(len(pieces)) for _ in range(2)] for _ in range(30)]
    pieces += {pieces[a] + pieces[b] for a, b in pairs[::2]} - {*pieces}
    expected = [
        pieces.index(pieces[a] + pieces[b]) if pieces[a] + pieces[b] in pieces else -1
        for a, b in pairs
    ]
    assert joined_numbers(np.array(pairs), pieces).tolist() == expected


def test_equal_hashes_of_different_strings_are_told_apart():
    """The Thue-Morse word and its complement have equal hashes modulo 2^64."""
    words = [b"a", b"b"]
    for _ in range(9):
        words = [words[0] + words[1], words[1] + words[0]]
    half = len(words[0]) // 2
    pieces = [words[0][:half], words[0][half:], words[1]]
    assert joined_numbers(np.array([[0, 1]]), pieces).tolist() == [-1]
    assert joined_numbers(np.array([[1, 0]]), pieces).tolist() == [2]
    assert joined_numbers(np.empty((0, 2), dtype=np.int64), pieces).tolist() == []


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [([[0, 1], [1, 0]], [2, 3]), ([[1, 0], [0, 1]], [3, 2]), ([[0, 0], [1, 0]], [-1, 3])],
)
def test_pieces_in_the_order_of_the_pairs_or_in_another_one(pairs, expected):
    assert joined_numbers(np.array(pairs), [b"a", b"b", b"ab", b"ba"]).tolist() == expected
