"""BPE: join the pairs of neighbours in a word, the pair with the lowest rank first.

Among pairs of one rank the leftmost is first. tiktoken, tokenizers and SentencePiece do the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32, U64
from bytepiece.kernels.jit import UINT_1, UINT_2, Scalar, inlined, kernel, uint
from bytepiece.kernels.segments import longest

NO_PIECE = (1 << 32) - 1
"""Stands for no piece."""
NO_PAIR = (1 << 64) - 1
"""Stands for a pair that is not joined: its rank is above all ranks."""
_NO_PAIR = np.uint64(NO_PAIR)
_LOW = np.uint64(0xFFFFFFFF)
_15, _32 = np.uint64(15), np.uint64(32)
# Hashes have 32 bits, so that no product is too large for a word of 64: NumPy warns of that.
_SEED, _BYTE_FACTOR, _FACTOR = np.uint64(0x811C9DC5), np.uint64(0x01000193), np.uint64(0x9E3779B1)
_LEFT_FACTOR, _RIGHT_FACTOR = np.uint64(0x85EBCA77), np.uint64(0xC2B2AE3D)
_FEW = 40
"""Most symbols of a word in which the lowest rank is searched anew for each join. A heap, which
longer words have, takes 1.2 times as long for 40 symbols."""
_LONGEST_KEPT = 128
"""Most bytes of a word that is looked up among the words before it."""
_MOST_KEPT = 1 << 15
"""Most words that are kept to be looked up."""


class BytePairs(NamedTuple):
    """The tables of a BPE vocabulary. Pieces have numbers, in the order of their ids.

    Args:
        text: uint8[bytes], all pieces end to end.
        bounds: int64[pieces + 1], where each piece begins, and the end.
        singles: uint32[256], the piece of each single byte.
        words: uint64[2^n], a hash table of the words that are one piece: the upper half of the
            word's hash, and the piece's number plus 1; 0 for an empty place.
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
def _hash(text: U8, start: Scalar, stop: Scalar) -> Scalar:
    found = _SEED
    for place in range(start, stop):
        found = ((found ^ np.uint64(text[uint(place)])) * _BYTE_FACTOR) & _LOW
    return (found ^ (found >> _15)) * _FACTOR


@inlined
def _same(text: U8, start: Scalar, stop: Scalar, other: U8, begin: Scalar) -> Scalar:
    """Return whether a word is the bytes of another text from `begin` on."""
    place, theirs = uint(start), uint(begin)
    while place < uint(stop) and text[place] == other[theirs]:
        place += UINT_1
        theirs += UINT_1
    return place == uint(stop)


@inlined
def _find(tables: BytePairs, text: U8, start: Scalar, stop: Scalar, key: Scalar) -> Scalar:
    """Return the piece that a word is by the table of words; `NO_PIECE` if it is none."""
    mask = uint(len(tables.words) - 1)
    place = key & mask
    while True:
        entry = tables.words[place]
        if entry == 0:
            return uint(NO_PIECE)
        if (entry ^ key) >> _32 == 0:
            piece = (entry & _LOW) - UINT_1
            begin = tables.bounds[piece]
            if tables.bounds[piece + UINT_1] - begin == stop - start and _same(
                text, start, stop, tables.text, begin
            ):
                return piece
        place = (place + UINT_1) & mask


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
    mask = uint(len(words) - 1)
    for piece in range(len(wanted)):
        if wanted[piece]:
            key = _hash(text, bounds[piece], bounds[piece + 1])
            place = key & mask
            while words[place] != 0:
                place = (place + UINT_1) & mask
            words[place] = (key >> _32) << _32 | uint(piece + 1)


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
            left = _find(tables, tables.text, start, middle, _hash(tables.text, start, middle))
            if left == NO_PIECE:
                continue
            right = _find(tables, tables.text, middle, stop, _hash(tables.text, middle, stop))
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
            piece = _find(tables, text, place, end, _hash(text, place, end))
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
def _join_few(pairs: U64, symbols: U32, values: U64, count: Scalar) -> Scalar:
    """Join the pairs of a short word in place, and return the number of symbols that are left.

    If one symbol is left, the second place still has the right symbol of the last pair.
    """
    for i in range(count - 1):
        values[uint(i)] = _pair(pairs, symbols[uint(i)], symbols[uint(i + 1)])
    while count > 1:
        best, at = _NO_PAIR >> _32, np.int64(-1)
        for i in range(count - 1):
            rank = values[uint(i)] >> _32
            if rank < best:
                best, at = rank, np.int64(i)
        if at < 0:
            break
        symbols[uint(at)] = values[uint(at)] & _LOW
        count -= 1
        for i in range(at + 1, count):
            symbols[uint(i)] = symbols[uint(i + 1)]
        for i in range(at + 1, count - 1):
            values[uint(i)] = values[uint(i + 1)]
        if at > 0:
            values[uint(at - 1)] = _pair(pairs, symbols[uint(at - 1)], symbols[uint(at)])
        if at < count - 1:
            values[uint(at)] = _pair(pairs, symbols[uint(at)], symbols[uint(at + 1)])
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


# An entry of the heap is a rank and the place of the pair's first symbol. It is out of date if the
# pair at this place has another rank by now. A pair that is gone has the rank of `NO_PAIR`.
@kernel
def _join_many(pairs: U64, symbols: U32, count: Scalar) -> Scalar:
    """Join the pairs of a long word like `_join_few`, in n · log n steps."""
    values = np.empty(count, dtype=np.uint64)
    following = np.arange(1, count + 1)
    before = np.arange(-1, count - 1)
    heap = np.empty(3 * count, dtype=np.uint64)
    size, gone = np.int64(0), np.int64(1)
    values[count - 1] = _NO_PAIR
    for i in range(count - 1):
        values[i] = _pair(pairs, symbols[i], symbols[i + 1])
        if values[i] != _NO_PAIR:
            heap[size] = (values[i] >> _32) << _32 | uint(i)
            size += 1
    for i in range(size // 2 - 1, -1, -1):
        _sink(heap, size, np.int64(i))
    while size > 0:
        entry = heap[0]
        size -= 1
        heap[0] = heap[size]
        if size > 1:
            _sink(heap, size, np.int64(0))
        at = np.int64(entry & _LOW)
        if values[at] == _NO_PAIR or values[at] >> _32 != entry >> _32:
            continue
        symbols[at] = values[at] & _LOW
        gone = following[at]
        values[gone] = _NO_PAIR
        following[at] = following[gone]
        if following[gone] < count:
            before[following[gone]] = at
        for first in (before[at], at):
            if first >= 0:
                values[first] = _NO_PAIR
                if following[first] < count:
                    values[first] = _pair(pairs, symbols[first], symbols[following[first]])
                if values[first] != _NO_PAIR:
                    _push(heap, size, (values[first] >> _32) << _32 | uint(first))
                    size += 1
    right = symbols[gone]
    left = np.int64(0)
    at = np.int64(0)
    while at < count:
        symbols[left] = symbols[at]
        left += 1
        at = following[at]
    if left == 1:
        symbols[1] = right
    return left


@kernel
def _join(pairs: U64, symbols: U32, values: U64, count: Scalar) -> Scalar:
    """Join the pairs of a word in place, and return the number of symbols that are left."""
    if count <= _FEW:
        return _join_few(pairs, symbols, values, count)
    return _join_many(pairs, symbols, count)


# When a pair of neighbours in a word is joined, everything in the bytes of the two has been joined
# in the order in which BPE joins these bytes alone. So the pair is the last one that BPE joins in
# these bytes alone, and any other pair that spells the piece is never joined.
@kernel
def last_pairs(tables: BytePairs, lefts: I64, rights: I64, values: U64) -> Scalar:
    """Find the last pair that BPE joins in each piece that it makes of the piece's bytes.

    Args:
        tables: the words are all pieces.
        lefts, rights, values: to be filled with the two pieces, and the rank with the new piece.

    Returns:
        the number of pairs.
    """
    pieces = len(lefts)
    length = longest(tables.bounds, 0, pieces)
    symbols = np.empty(length, dtype=np.uint32)
    values_of_few = np.empty(_FEW, dtype=np.uint64)
    found = np.int64(0)
    for piece in range(pieces):
        start, stop = tables.bounds[piece], tables.bounds[piece + 1]
        if stop - start <= 1:
            continue
        count = _symbols(tables, tables.text, start, stop, symbols)
        if _join(tables.pairs, symbols, values_of_few, count) > 1:
            continue
        right = symbols[1]
        middle = stop - tables.bounds[right + 1] + tables.bounds[right]
        key = _hash(tables.text, start, middle)
        left = _find(tables, tables.text, start, middle, key)
        lefts[found], rights[found] = left, right
        values[found] = _pair(tables.pairs, left, right)
        found += 1
    return found


# A word that is one piece is found in the table of words. Any other word may have occurred before
# in this text: then its pieces are copied. The words kept for this are places in the text itself,
# one for each hash, so they need no memory of their own and never change the result.
@kernel
def join_words(tables: BytePairs, ids: U32, text: U8, bounds: I64, out: I32, counts: I32) -> Scalar:
    """Encode words by BPE.

    Args:
        tables: the vocabulary.
        ids: uint32[pieces], what is stored for each piece.
        text: uint8[bytes].
        bounds: int64[words + 1], where each word begins, and the end.
        out: int32[bytes], to be filled with the ids, word after word.
        counts: int32[words], to be filled with the number of ids of each word.

    Returns:
        the number of all ids.
    """
    words = len(counts)
    length = longest(bounds, 0, words)
    symbols = np.empty(length, dtype=np.uint32)
    values = np.empty(_FEW, dtype=np.uint64)
    room = 64
    while room < words and room < _MOST_KEPT:
        room *= 2
    kept = np.full(room, -1, dtype=np.int64)  # for each hash the number of a word before
    begins = np.empty(room, dtype=np.int64)  # where the ids of that word begin
    filled = np.int64(0)
    for word in range(words):
        start, stop = bounds[word], bounds[word + 1]
        if stop - start <= 1:
            counts[word] = stop - start
            if stop > start:
                out[filled] = ids[tables.singles[text[uint(start)]]]
                filled += 1
            continue
        key = _hash(text, start, stop)
        piece = _find(tables, text, start, stop, key)
        if piece != NO_PIECE:
            out[filled] = ids[piece]
            filled += 1
            counts[word] = 1
            continue
        slot = (key >> _32) & uint(room - 1)
        if stop - start <= _LONGEST_KEPT:
            other = kept[slot]
            if other >= 0:
                begin = bounds[other]
                if bounds[other + 1] - begin == stop - start and _same(
                    text, start, stop, text, begin
                ):
                    for i in range(counts[other]):
                        out[filled + i] = out[begins[slot] + i]
                    filled += counts[other]
                    counts[word] = counts[other]
                    continue
            kept[slot], begins[slot] = word, filled
        count = _symbols(tables, text, start, stop, symbols)
        count = _join(tables.pairs, symbols, values, count)
        for i in range(count):
            out[filled] = ids[symbols[uint(i)]]
            filled += 1
        counts[word] = count
    return filled
