"""Characters that BPE always joins from their bytes before anything happens at their ends.

Most words that are no pieces are in scripts whose characters have several bytes. If encoding begins
with characters instead of bytes, it has a quarter of the joins. That must not change the result.

A symbol at an end of a character waits there until it is joined to its neighbour in the character.
Meanwhile a pair across the end, of this symbol and one of another character, may be joined first.
It is not if its rank is above the ranks of all joins in the character up to that one, since BPE
joins the lowest rank first. So a character is always joined as if it was alone if this holds for
all pairs of the vocabulary that could lie across its ends. Nor may a pair of the character itself
have a rank below one of these joins: it would be joined before other pairs that come first while
there are only bytes. Usual vocabularies have no such pairs, since pieces are made of earlier ones.

There are fewer of these pairs, and more such characters, if encoding begins with characters only
where the byte before is beyond ASCII, or none, and where the byte behind begins a character, or is
none. With cl100k the share of such characters in Chinese text grows from 30 % to 58 % that way.
Another 32 % begin with two bytes that are always joined.
"""

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U32, U64
from bytepiece.kernels.byte_pairs import NO_PIECE, BytePairs

_NEVER = 1 << 32
"""A rank above all ranks."""
_SHIFT = np.uint64(32)


def prejoined_characters(tables: BytePairs, lefts: I64, rights: I64, values: U64) -> U32:
    """Return the pieces that BPE always makes of the first bytes of characters.

    Args:
        tables: the pieces.
        lefts, rights, values: the pairs that are joined; see `bytepiece.encoding.bpe`. No two of
            them become the same piece.

    Returns:
        uint32[65536]; see `bytepiece.kernels.word_joins.Joins.prejoined`.
    """
    text, bounds = tables.text.astype(np.int64), tables.bounds
    lengths, first, last = np.diff(bounds), text[bounds[:-1]], text[bounds[1:] - 1]
    follows = first & 0xC0 == 0x80
    joined, ranks = (values & np.uint64(NO_PIECE)).astype(np.int64), (values >> _SHIFT).astype("i8")
    left, right, rank = (np.full(len(lengths), -1) for _ in range(3))
    left[joined], right[joined], rank[joined] = lefts, rights, ranks

    def lowest(pieces: I64, wanted: npt.NDArray[np.bool_]) -> I64:
        """Return for each piece the lowest rank of the wanted pairs with it."""
        found = np.full(len(lengths), _NEVER)
        np.minimum.at(found, pieces[wanted], ranks[wanted])
        return found

    every = np.ones(len(ranks), dtype=np.bool_)
    itself = np.minimum(lowest(lefts, every), lowest(rights, every))
    before = lowest(rights, last[lefts] >= 0x80)
    within, behind = lowest(lefts, follows[rights]), lowest(lefts, ~follows[rights])
    found = np.zeros(1 << 16, dtype=np.uint32)

    two = np.flatnonzero((lengths == 2) & (rank >= 0) & (last & 0xC0 == 0x80))
    two = two[np.minimum(before[left[two]], itself[two]) > rank[two]]
    begins = two[(first[two] >> 4 == 0xE) & (within[right[two]] > rank[two])]
    begins = begins[_no_long_form(first[begins], last[begins])]
    codes = (first[begins] & 0xF) << 6 | last[begins] & 0x3F
    found.reshape(1 << 10, 1 << 6)[codes] = (4 * begins + 2)[:, None]
    whole = two[(first[two] >> 5 == 6) & (behind[right[two]] > rank[two])]
    found[(first[whole] & 0x1F) << 6 | last[whole] & 0x3F] = 4 * whole + 2

    three = np.flatnonzero((lengths == 3) & (rank >= 0) & (first >> 4 == 0xE))
    middle = text[bounds[three] + 1]
    a, b = left[three], right[three]
    latest = np.maximum(rank[three], np.maximum(rank[a], rank[b]))
    kept = (middle & 0xC0 == 0x80) & (last[three] & 0xC0 == 0x80)
    kept &= _no_long_form(first[three], middle)
    kept &= (before[a] > latest) & (behind[b] > latest) & (itself[three] > latest)
    kept &= (lengths[a] == 1) | (before[left[a]] > rank[a])
    kept &= (lengths[b] == 1) | (behind[right[b]] > rank[b])
    codes = (first[three] & 0xF) << 12 | (middle & 0x3F) << 6 | last[three] & 0x3F
    found[codes[kept]] = (4 * three + 3)[kept]
    return found


def _no_long_form(first: I64, second: I64) -> npt.NDArray[np.bool_]:
    """Return whether three bytes that begin so can be a character that two bytes cannot spell."""
    return (first > 0xE0) | (second >= 0xA0)
