"""BPE: join the pairs of neighbours in a word, the pair with the lowest rank first.

Among pairs of one rank the leftmost is first. tiktoken, tokenizers and SentencePiece do the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32, U64
from bytepiece.kernels.byte_pairs import (
    NO_PAIR,
    NO_PIECE,
    BytePairs,
    _find,
    _hash,
    _head,
    _pair,
    _place_of,
    _push,
    _sink,
    _symbols,
)
from bytepiece.kernels.jit import (
    UINT_0,
    UINT_1,
    UINT_2,
    UINT_3,
    UINT_4,
    Scalar,
    allocating,
    inlined,
    kernel,
    uint,
)
from bytepiece.kernels.segments import longest

_NO_PAIR = np.uint64(NO_PAIR)
_LOW, _31, _32 = np.uint64(0xFFFFFFFF), np.uint64(31), np.uint64(32)
_6, _15, _63 = np.uint64(6), np.uint64(15), np.uint64(63)
_FEW = 40
"""Most symbols of a word in which the lowest rank is searched anew for each join; a multiple of
eight. Longer words have a heap."""


class Joins(NamedTuple):
    """The tables of a BPE vocabulary for deterministic encoding.

    Args:
        tables: the pieces, and the pairs that are joined.
        prejoined: uint32[65536], for each character of two or three bytes, by its code point, a
            piece that BPE always makes of its first bytes: 4 · piece + the number of these bytes;
            0 for none. It is not used if words begin as characters.
        filter: uint64[2^n], a bit for the hash of each pair. Most neighbours are no pair, and these
            bits say so without a look at the large table.
    """

    tables: BytePairs
    prejoined: npt.NDArray[np.uint32]
    filter: npt.NDArray[np.uint64]


class JoinRoom(NamedTuple):
    """Room for the symbols of a word while they are joined.

    Args:
        symbols: uint32[symbols], the pieces.
        values: uint64[symbols], what each symbol becomes with the one after it.
        heap: uint64[3 · symbols], ranks with places.
        following, before: int64[symbols], the places of the neighbours of each symbol.
    """

    symbols: npt.NDArray[np.uint32]
    values: npt.NDArray[np.uint64]
    heap: npt.NDArray[np.uint64]
    following: npt.NDArray[np.int64]
    before: npt.NDArray[np.int64]


@inlined
def _bit_of(filter_: U64, left: Scalar, right: Scalar) -> Scalar:
    """Return the number of the bit of a pair."""
    return _place_of(left, right, uint(128 * len(filter_) - 2)) >> UINT_1


@kernel
def fill_filter(lefts: I64, rights: I64, filter_: U64) -> None:
    """Set the bits of some pairs."""
    for number in range(len(lefts)):
        bit = _bit_of(filter_, lefts[number], rights[number])
        filter_[bit >> _6] |= UINT_1 << (bit & _63)


@inlined
def _value(pairs: U64, filter_: U64, left: Scalar, right: Scalar) -> Scalar:
    """Return what two symbols become, with its rank; `NO_PAIR` if they are not joined."""
    bit = _bit_of(filter_, left, right)
    if filter_[bit >> _6] >> (bit & _63) & UINT_1:
        return _pair(pairs, left, right)
    return _NO_PAIR


@inlined
def _character(text: U8, place: Scalar, end: Scalar) -> tuple[Scalar, Scalar]:
    """Return the code point and the length of the character of two or three bytes at a place.

    The length is 0 if no such character is there, or if it is followed by a byte that belongs to a
    character before. All numbers are uint64.
    """
    lead, length = uint(text[place]), UINT_2 + uint(text[place] >= 0xE0)
    if lead < 0xC2 or lead >= 0xF0 or place + length > end:
        return UINT_0, UINT_0
    code, valid = lead & _15, UINT_1
    if length == UINT_2:
        code = lead & _31
    for i in range(1, length):
        byte = uint(text[place + uint(i)])
        code = code << _6 | byte & _63
        valid &= uint(byte >> _6 == UINT_2)
    if length == UINT_3:
        valid &= uint(code >= 0x800)
    if place + length < end:
        valid &= uint(uint(text[place + length]) >> _6 != UINT_2)
    return code, length * valid


# See `bytepiece.encoding.prejoined`.
@inlined
def _first_symbols(joins: Joins, text: U8, start: Scalar, stop: Scalar, symbols: U32) -> Scalar:
    """Store symbols that BPE makes of a word in any case, and return their number."""
    tables, prejoined = joins.tables, joins.prejoined
    if tables.characters:
        return _symbols(tables, text, start, stop, symbols)
    count, place, end = UINT_0, uint(start), uint(stop)
    before = uint(0x80)
    while place < end:
        covered, length = UINT_0, UINT_1
        if before >= 0x80 and text[place] >= 0x80:
            code, length = _character(text, place, end)
            if length > 0:
                entry = uint(prejoined[code])
                covered = entry & UINT_3
                symbols[count] = entry >> UINT_2
        if covered == 0:
            length = UINT_1
        else:
            count += UINT_1
        if covered < length:
            symbols[count] = tables.singles[text[place + length - UINT_1]]
            count += UINT_1
        place += length
        before = uint(text[place - UINT_1])
    return np.int64(count)


@inlined
def _first_values(joins: Joins, room: JoinRoom, count: Scalar) -> None:
    """Store what the symbols with which a word begins become with their neighbours."""
    symbols, values = room.symbols, room.values
    for i in range(count - 1):
        place = uint(i)
        values[place] = _value(
            joins.tables.pairs, joins.filter, symbols[place], symbols[place + UINT_1]
        )


# Each symbol keeps its place. The lowest rank is found eight places at a time without a branch,
# since the processor would mispredict it.
@inlined
def _join_few(pairs: U64, filter_: U64, room: JoinRoom, count: Scalar) -> Scalar:
    """Join the pairs of a short word, and return the place of the last symbol joined to another."""
    symbols, values, keys, following, before = room
    for i in range(count):
        place = uint(i)
        following[place], before[place] = i + 1, i - 1
        keys[place] = (values[place] >> _32) << _32 | place
    padded = (count + 6) // 8 * 8
    for i in range(count - 1, padded):
        keys[uint(i)] = _NO_PAIR
    gone = np.int64(1)
    while True:
        best = _NO_PAIR
        for i in range(0, padded, 8):
            a = uint(i)
            b = a + UINT_4
            low = min(keys[a], keys[a + UINT_1], keys[a + UINT_2], keys[a + UINT_3])
            high = min(keys[b], keys[b + UINT_1], keys[b + UINT_2], keys[b + UINT_3])
            best = min(best, low, high)
        if best >> _32 == _LOW:
            return gone
        at = best & _LOW
        symbol = uint(values[at] & _LOW)
        symbols[at] = symbol
        gone = following[at]
        keys[uint(gone)] = _NO_PAIR
        after = following[uint(gone)]
        following[at] = after
        value = _NO_PAIR
        if after < count:
            before[uint(after)] = np.int64(at)
            value = _value(pairs, filter_, symbol, symbols[uint(after)])
            values[at] = value
        keys[at] = (value >> _32) << _32 | at
        if before[at] >= 0:
            first = uint(before[at])
            value = _value(pairs, filter_, symbols[first], symbol)
            values[first] = value
            keys[first] = (value >> _32) << _32 | first


# An entry of the heap is a rank and the place of the pair's first symbol. It is out of date if the
# pair at this place has another rank by now. A pair that is gone has the rank of `NO_PAIR`.
@inlined
def _join_many(pairs: U64, filter_: U64, room: JoinRoom, count: Scalar) -> Scalar:
    """Join the pairs of a long word like `_join_few`, in n · log n steps."""
    symbols, values, heap, following, before = room
    size, gone = np.int64(0), np.int64(1)
    values[uint(count - 1)] = _NO_PAIR
    for i in range(count):
        place = uint(i)
        following[place], before[place] = i + 1, i - 1
        if values[place] != _NO_PAIR:
            heap[uint(size)] = (values[place] >> _32) << _32 | place
            size += 1
    for i in range(size // 2 - 1, -1, -1):
        _sink(heap, size, np.int64(i))
    while size > 0:
        entry = heap[0]
        size -= 1
        heap[0] = heap[uint(size)]
        if size > 1:
            _sink(heap, size, np.int64(0))
        at = entry & _LOW
        if values[at] == _NO_PAIR or values[at] >> _32 != entry >> _32:
            continue
        symbols[at] = values[at] & _LOW
        gone = following[at]
        values[uint(gone)] = _NO_PAIR
        following[at] = following[uint(gone)]
        if following[at] < count:
            before[uint(following[at])] = np.int64(at)
        for one in (before[at], np.int64(at)):
            if one >= 0:
                first = uint(one)
                value = _NO_PAIR
                if following[first] < count:
                    value = _value(pairs, filter_, symbols[first], symbols[uint(following[first])])
                values[first] = value
                if value != _NO_PAIR:
                    _push(heap, size, (value >> _32) << _32 | first)
                    size += 1
    return gone


@inlined
def _join(joins: Joins, text: U8, start: Scalar, stop: Scalar, room: JoinRoom) -> Scalar:
    """Store the symbols of a word after all joins, and return their number.

    If one symbol is left, the second place has the right symbol of the last pair.
    """
    tables, symbols = joins.tables, room.symbols
    count = _first_symbols(joins, text, start, stop, symbols)
    _first_values(joins, room, count)
    if count <= _FEW:
        gone = _join_few(tables.pairs, joins.filter, room, count)
    else:
        gone = _join_many(tables.pairs, joins.filter, room, count)
    right = symbols[uint(gone)]
    left, at = np.int64(0), np.int64(0)
    while at < count:
        symbols[uint(left)] = symbols[uint(at)]
        left += 1
        at = room.following[uint(at)]
    if left == 1:
        symbols[UINT_1] = right
    return left


@allocating
def _room_for(length: Scalar) -> JoinRoom:
    """Return room for words of up to `length` bytes."""
    size = max(length, _FEW) + 1
    return JoinRoom(
        np.empty(size, dtype=np.uint32),
        np.empty(size, dtype=np.uint64),
        np.empty(3 * size, dtype=np.uint64),
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.int64),
    )


# When a pair of neighbours in a word is joined, everything in the bytes of the two has been joined
# in the order in which BPE joins these bytes alone. So the pair is the last one that BPE joins in
# these bytes alone, and any other pair that spells the piece is never joined.
@allocating
def last_joins(joins: Joins, rights: I64) -> None:
    """Find the last pair that BPE joins in each piece.

    Args:
        joins: the tables with all pairs.
        rights: int64[pieces], to be filled with the right half of the last pair; −1 if BPE does not
            make the piece of the piece's bytes, or if nothing is joined.
    """
    bounds = joins.tables.bounds
    room = _room_for(longest(bounds, 0, len(rights)))
    for piece in range(len(rights)):
        rights[piece] = -1
        start, stop = bounds[piece], bounds[piece + 1]
        if stop - start > 1:
            count = _symbols(joins.tables, joins.tables.text, start, stop, room.symbols)
            if count > 1 and _join(joins, joins.tables.text, start, stop, room) == 1:
                rights[piece] = room.symbols[1]


# All words are searched before any is joined: the processor cannot predict which words are pieces,
# and a mispredicted branch would stop the search for the words behind it.
@inlined
def _join_words(
    joins: Joins, ids: U32, text: U8, bounds: I64, out: I32, counts: I32, room: JoinRoom
) -> Scalar:
    """Fill `out` and `counts` as `join_words` does."""
    tables = joins.tables
    for word in range(len(counts)):
        start, stop = bounds[word], bounds[word + 1]
        piece = uint(NO_PIECE)
        if stop - start > 1:
            head = _head(text, start, stop)
            piece = _find(tables, text, start, stop, head, _hash(text, start, stop, head))
        elif stop > start:
            piece = uint(tables.singles[text[uint(start)]])
        counts[word] = np.int32(piece)
    filled = UINT_0
    for word in range(len(counts)):
        count = np.int64(bounds[word] < bounds[word + 1])  # a special token has no bytes
        if counts[word] >= 0:
            out[filled] = ids[uint(counts[word])]
            filled += UINT_1
        elif count > 0:
            count = _join(joins, text, bounds[word], bounds[word + 1], room)
            for i in range(count):
                out[filled] = ids[room.symbols[uint(i)]]
                filled += UINT_1
        counts[word] = count
    return filled


# Words that occurred before in the text are not kept, since joining a word takes hardly longer
# than finding it again: 4 % of the bytes of mixed text are such words.
@allocating
def join_words(joins: Joins, ids: U32, text: U8, bounds: I64, out: I32, counts: I32) -> Scalar:
    """Encode words by BPE.

    Args:
        joins: the vocabulary.
        ids: uint32[pieces], what is stored for each piece.
        text: uint8[bytes].
        bounds: int64[words + 1], where each word begins, and the end.
        out: int32[bytes], to be filled with the ids, word after word.
        counts: int32[words], to be filled with the number of ids of each word.

    Returns:
        the number of all ids.
    """
    room = _room_for(longest(bounds, 0, len(counts)))
    return np.int64(_join_words(joins, ids, text, bounds, out, counts, room))
