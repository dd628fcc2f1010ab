"""BPE: the tables of pieces and of the pairs that are joined, and how they are searched."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32, U64
from bytepiece.kernels.jit import UINT_1, UINT_2, Scalar, inlined, kernel, uint

NO_PIECE = (1 << 32) - 1
"""Stands for no piece."""
NO_PAIR = (1 << 64) - 1
"""Stands for a pair that is not joined: its rank is above all ranks."""
_NO_PAIR = np.uint64(NO_PAIR)
_LOW = np.uint64(0xFFFFFFFF)
_8, _32 = np.uint64(8), np.uint64(32)
_HEAD = 8
"""Bytes of a word that its place in the table of words holds."""
# Hashes have 32 bits, so that no product is too large for a word of 64: NumPy warns of that.
_SEED, _BYTE_FACTOR, _FACTOR = np.uint64(0x811C9DC5), np.uint64(0x01000193), np.uint64(0x9E3779B1)
_LEFT_FACTOR, _RIGHT_FACTOR = np.uint64(0x85EBCA77), np.uint64(0xC2B2AE3D)


class BytePairs(NamedTuple):
    """The tables of a BPE vocabulary. Pieces have numbers, in the order of their ids.

    Args:
        text: uint8[bytes], all pieces end to end.
        bounds: int64[pieces + 1], where each piece begins, and the end.
        singles: uint32[256], the piece of each single byte.
        words: uint64[2^n], a hash table of the words that are one piece. Each has two places: its
            first eight bytes, and its length above the piece's number plus 1; 0 if empty.
        pairs: uint64[2^m], a hash table of the pairs that are joined. Each has two places: the two
            pieces, and the rank with the piece that they become. `NO_PAIR` twice if empty.
        characters: 1 if a word begins as characters, those without a piece as bytes; 0 for bytes.
    """

    text: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]
    singles: npt.NDArray[np.uint32]
    words: npt.NDArray[np.uint64]
    pairs: npt.NDArray[np.uint64]
    characters: int


@inlined
def _head(text: U8, start: Scalar, stop: Scalar) -> Scalar:
    """Return the first eight bytes of a word as a number."""
    head = uint(0)
    for place in range(start, min(stop, start + _HEAD)):
        head = head << _8 | uint(text[uint(place)])
    return head


@inlined
def _hash(text: U8, start: Scalar, stop: Scalar, head: Scalar) -> Scalar:
    """Return the hash of a word that begins with some bytes; see `_head`."""
    found = (head & _LOW) * _FACTOR ^ (head >> _32) * _LEFT_FACTOR
    if stop - start > _HEAD:
        tail = _SEED
        for place in range(start + _HEAD, stop):
            tail = ((tail ^ uint(text[uint(place)])) * _BYTE_FACTOR) & _LOW
        found ^= tail * _RIGHT_FACTOR
    return found ^ (found >> _32)


@inlined
def _same(text: U8, start: Scalar, stop: Scalar, other: U8, begin: Scalar) -> Scalar:
    """Return whether a word is the bytes of another text from `begin` on."""
    place, theirs = uint(start), uint(begin)
    while place < uint(stop) and text[place] == other[theirs]:
        place += UINT_1
        theirs += UINT_1
    return place == uint(stop)


@inlined
def _find(
    tables: BytePairs, text: U8, start: Scalar, stop: Scalar, head: Scalar, key: Scalar
) -> Scalar:
    """Return the piece that a word is by the table of words; `NO_PIECE` if it is none.

    Args:
        tables: the tables.
        text, start, stop: the word.
        head, key: its first bytes and its hash.
    """
    words = tables.words
    mask = uint(len(words) - 2)
    length = uint(stop - start)
    place = key << UINT_1 & mask
    while True:
        entry = words[place + UINT_1]
        if entry == 0:
            return uint(NO_PIECE)
        if words[place] == head and entry >> _32 == length:
            piece = (entry & _LOW) - UINT_1
            # A short word is all in its head, so nothing else has to be looked at.
            if length <= _HEAD or _same(text, start, stop, tables.text, tables.bounds[piece]):
                return piece
        place = (place + UINT_2) & mask


@inlined
def _piece(tables: BytePairs, text: U8, start: Scalar, stop: Scalar) -> Scalar:
    """Return the piece that some bytes are by the table of words; `NO_PIECE` if they are none."""
    head = _head(text, start, stop)
    return _find(tables, text, start, stop, head, _hash(text, start, stop, head))


@inlined
def _place_of(left: Scalar, right: Scalar, mask: Scalar) -> Scalar:
    """Return where the search for a pair begins."""
    found = uint(left) * _LEFT_FACTOR ^ uint(right) * _RIGHT_FACTOR
    return (found ^ (found >> _32)) << UINT_1 & mask


@inlined
def _pair(pairs: U64, left: Scalar, right: Scalar) -> Scalar:
    """Return the rank of a pair with the piece that it becomes; `NO_PAIR` if it is not joined."""
    mask = uint(len(pairs) - 2)
    key = uint(left) << _32 | uint(right)
    place = _place_of(left, right, mask)
    while pairs[place] != key:
        if pairs[place] == _NO_PAIR:
            break
        place = (place + UINT_2) & mask
    return pairs[place + UINT_1]


# ---- tables


@kernel
def fill_words(text: U8, bounds: I64, wanted: U8, words: U64) -> None:
    """Fill the table of words with the wanted pieces."""
    mask = uint(len(words) - 2)
    for piece in range(len(wanted)):
        if wanted[piece]:
            start, stop = bounds[piece], bounds[piece + 1]
            head = _head(text, start, stop)
            place = _hash(text, start, stop, head) << UINT_1 & mask
            while words[place + UINT_1] != 0:
                place = (place + UINT_2) & mask
            words[place], words[place + UINT_1] = head, uint(stop - start) << _32 | uint(piece + 1)


@kernel
def fill_pairs(lefts: I64, rights: I64, values: U64, pairs: U64) -> None:
    """Fill the table of pairs. If a pair is given twice, the last one counts."""
    mask = uint(len(pairs) - 2)
    for number in range(len(lefts)):
        key = uint(lefts[number]) << _32 | uint(rights[number])
        place = _place_of(lefts[number], rights[number], mask)
        while pairs[place] != _NO_PAIR and pairs[place] != key:
            place = (place + UINT_2) & mask
        pairs[place], pairs[place + UINT_1] = key, values[number]


@kernel
def split_pairs(tables: BytePairs, ranks: I32, lefts: I64, rights: I64, values: U64) -> Scalar:
    """Find all pairs of pieces that spell a piece. Store those that there is room for.

    Args:
        tables: the words are all pieces; the pairs are not used.
        ranks: int32[pieces], the rank of each piece; −1 if no pair becomes it.
        lefts, rights, values: to be filled with the two pieces, and the rank with the new piece.

    Returns:
        the number of all pairs.
    """
    count = np.int64(0)
    for piece in range(len(ranks)):
        if ranks[piece] < 0:
            continue
        start, stop = tables.bounds[piece], tables.bounds[piece + 1]
        for middle in range(start + 1, stop):
            left = _piece(tables, tables.text, start, middle)
            if left == NO_PIECE:
                continue
            right = _piece(tables, tables.text, middle, stop)
            if right == NO_PIECE:
                continue
            if count < len(lefts):
                lefts[count], rights[count] = left, right
                values[count] = uint(ranks[piece]) << _32 | uint(piece)
            count += 1
    return count


# ---- words


@inlined
def _symbols(tables: BytePairs, text: U8, start: Scalar, stop: Scalar, symbols: U32) -> Scalar:
    """Store the symbols with which a word begins, and return their number."""
    count = np.int64(0)
    place = start
    while place < stop:
        end = place + 1
        if tables.characters and text[uint(place)] >= 0xC0:
            while end < stop and text[uint(end)] & 0xC0 == 0x80:
                end += 1
            piece = _piece(tables, text, place, end)
            if piece != NO_PIECE:
                symbols[count] = piece
                count += 1
                place = end
                continue
        while place < end:
            symbols[count] = tables.singles[text[uint(place)]]
            count += 1
            place += 1
    return count


@inlined
def _sink(heap: U64, size: Scalar, place: Scalar) -> None:
    """Move the entry of a heap at a place down to where it belongs."""
    entry = heap[uint(place)]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap[uint(child + 1)] < heap[uint(child)]:
            child += 1
        if heap[uint(child)] >= entry:
            break
        heap[uint(place)] = heap[uint(child)]
        place = child
    heap[uint(place)] = entry


@inlined
def _push(heap: U64, size: Scalar, entry: Scalar) -> None:
    place = size
    while place > 0 and heap[uint((place - 1) // 2)] > entry:
        heap[uint(place)] = heap[uint((place - 1) // 2)]
        place = (place - 1) // 2
    heap[uint(place)] = entry
