"""SentencePiece's normalization of many texts at once.

The map of characters is a double array of Darts, as a .model file holds it: a unit with bit 31 is a
value, the place of a replacement; the others are nodes. The low byte of a node is the byte that
leads to it. Bits 10 to 30 and the scale in bit 9 give its offset, and the child by a byte is the
unit at node XOR offset XOR byte. Bit 8 says that a key ends at the node; its value is the child by
the byte 0.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, U32
from bytepiece.kernels.jit import UINT_1, Scalar, inlined, inner, kernel, uint
from bytepiece.kernels.trie import child

PLAIN, BLANK, LOOKED_UP = 0, 1, 2
"""Kinds of bytes. Before an ASCII byte, or at the end, a plain byte stays as it is, and so does a
blank, which is a space. The other bytes must be looked up."""
KEPT = -1
"""Stands for a replacement: the character stays as it is."""
_SPACE = np.uint8(0x20)


class CharacterTables(NamedTuple):
    """How characters are replaced, as flat arrays.

    Args:
        units: uint32[units], the double array; every child of a node lies in it.
        texts: uint8[bytes], the replacements, each with a NUL behind it; the last is U+FFFD.
        kinds: uint8[256], the kind of each byte.
        pairs: bool[4096], whether a key or a symbol or U+2581 may begin with two bytes, neither of
            them ASCII; see `pair_of`.
        symbols: int32[nodes, 2], the trie of the strings that stay as they are; see
            `bytepiece.kernels.trie`.
        most: the most bytes that one replacement, symbol or character may have.
    """

    units: npt.NDArray[np.uint32]
    texts: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint8]
    pairs: npt.NDArray[np.bool_]
    symbols: npt.NDArray[np.int32]
    most: int


@kernel
def offset(unit: Scalar) -> Scalar:
    """Return the offset of a node of the double array."""
    return np.int64(unit >> np.uint32(10)) << np.int64((unit & np.uint32(512)) >> np.uint32(6))


@kernel
def pair_of(first: Scalar, second: Scalar) -> Scalar:
    """Return the place of two bytes in `CharacterTables.pairs`."""
    return (uint(first) & uint(63)) << uint(6) | uint(second) & uint(63)


@inlined
def character_length(text: U8, position: Scalar, stop: Scalar) -> Scalar:
    """Return the length of the character at a position; 0 if the bytes there are not UTF-8."""
    lead = np.int64(text[position])
    if lead < 0x80:
        return 1
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if lead < 0xC2 or lead > 0xF4 or position + length > stop:
        return 0
    second = np.int64(text[position + 1])
    low, high = 0x80, 0xBF
    if lead == 0xE0:
        low = 0xA0
    elif lead == 0xED:
        high = 0x9F
    elif lead == 0xF0:
        low = 0x90
    elif lead == 0xF4:
        high = 0x8F
    if second < low or second > high:
        return 0
    for place in range(position + 2, position + length):
        if text[place] & 0xC0 != 0x80:
            return 0
    return length


@inner
def longest_key(units: U32, text: U8, position: Scalar, stop: Scalar) -> tuple[Scalar, Scalar]:
    """Return the length of the longest key at a position, 0 for none, and its value."""
    length, value = np.int64(0), np.int64(0)
    node = offset(units[0])
    for place in range(position, stop):
        byte = np.int64(text[place])
        node ^= byte
        unit = units[node]
        if np.int64(unit & np.uint32(0x800000FF)) != byte:
            break
        node ^= offset(unit)
        if unit & np.uint32(256):
            length, value = place + 1 - position, np.int64(units[node] & np.uint32(0x7FFFFFFF))
    return length, value


@inner
def _prefix(
    units: U32, symbols: I32, invalid: Scalar, text: U8, position: Scalar, stop: Scalar
) -> tuple[Scalar, Scalar]:
    """Return how many bytes are replaced together at a position, and their replacement.

    The replacement is its place in `texts`, or `KEPT`; `invalid` is the place of U+FFFD.
    """
    if len(symbols) > 1:
        node, length = np.int64(0), np.int64(0)
        for place in range(position, stop):
            node = child(symbols, node, text[place])
            if node == 0:
                break
            if symbols[node, 1] & 1:
                length = place + 1 - position
        if length:
            return length, np.int64(KEPT)
    length, value = longest_key(units, text, position, stop)
    if length:
        return length, value
    length = character_length(text, position, stop)
    return (length, np.int64(KEPT)) if length else (np.int64(1), np.int64(invalid))


@inner
def _copy(
    source: U8, start: Scalar, stop: Scalar, prev_space: Scalar, out: U8, filled: Scalar
) -> tuple[Scalar, Scalar]:
    """Append bytes to `out`, with a space for each U+2581.

    Args:
        source, start, stop: the bytes.
        prev_space: leave out spaces at their beginning.
        out, filled: where to put them.

    Returns:
        how many bytes `out` holds, and whether the last of these bytes is a space, or
        `prev_space` if nothing was left to append.
    """
    while prev_space and start < stop and source[start] == _SPACE:
        start += 1
    if start == stop:
        return filled, prev_space
    place = start
    while place < stop:
        if (
            source[place] == 0xE2
            and place + 2 < stop
            and source[place + 1] == 0x96
            and source[place + 2] == 0x81
        ):
            out[filled] = _SPACE
            place += 3
        else:
            out[filled] = source[place]
            place += 1
        filled += 1
    return filled, source[stop - 1] == _SPACE


@inlined
def _unchanged(
    kinds: U8,
    pairs: npt.NDArray[np.bool_],
    text: U8,
    position: Scalar,
    stop: Scalar,
    room: Scalar,
    squeezed: Scalar,
    prev_space: Scalar,
    out: U8,
    filled: Scalar,
) -> tuple[Scalar, Scalar, Scalar]:
    """Append the characters from a position on that stay as they are, as far as that is certain.

    Args:
        kinds, pairs: see `CharacterTables`.
        room: the most bytes that `out` may hold before a character.
        squeezed: leave out a space behind a space.
        prev_space: there is such a space before the position.
        text, position, stop, out, filled: the text, and where to put it.

    Returns:
        the position, how many bytes `out` holds, and `prev_space` there.
    """
    at, to = uint(position), uint(filled)
    # The byte behind may belong to the next string. It is looked up then, if need be.
    last = uint(max(min(stop, len(text) - 1, position + room - filled), 0))
    while at < last:
        byte = text[at]
        kind = kinds[byte]
        if kind == LOOKED_UP or text[at + UINT_1] >= 0x80:
            break
        blank = kind == BLANK
        out[to] = byte
        to += uint(not (blank and prev_space))
        prev_space = blank and squeezed
        at += UINT_1
    while at < last:
        byte = text[at]
        if byte < 0xC2 or pairs[pair_of(byte, text[at + UINT_1])]:
            break
        size = character_length(text, np.int64(at), stop)
        if size == 0 or np.int64(to) > room:
            break
        for _ in range(size):
            out[to] = text[at]
            to += UINT_1
            at += UINT_1
        prev_space = False
    return np.int64(at), np.int64(to), prev_space


# This repeats `Normalizer::Normalize` of SentencePiece 0.2.3 step by step; only the space takes
# the place of U+2581 at once. ASCII bytes that begin no key with another ASCII byte, and characters
# whose first two bytes begin no key, are copied without a look into the map.
# Cost: 4 ns for a byte of English, 6 for a byte of Chinese. Looking each character up in the map
# took 6 and 28 ns.
@kernel
def normalize(
    tables: CharacterTables,
    text: U8,
    bounds: I64,
    spaced: npt.NDArray[np.bool_],
    squeezed: Scalar,
    suffix: Scalar,
    out: U8,
    ends: I64,
) -> Scalar:
    """Normalize strings that lie end to end as SentencePiece does.

    Args:
        tables: how characters are replaced.
        text, bounds: the strings; see `offsets_of`.
        spaced: bool[strings], which strings get a space, unless they are empty.
        squeezed: remove spaces at both ends, and make one of several spaces.
        suffix: add the space behind a string, not before it.
        out: uint8, to be filled with the strings, end to end.
        ends: int64[strings + 1], to be filled with their bounds.

    Returns:
        how many bytes `out` holds, or −1 if it is too small.
    """
    units, texts, kinds, pairs, symbols, most = tables
    invalid = len(texts) - 4
    room = len(out) - most - 1
    filled = np.int64(0)
    ends[0] = 0
    for number in range(len(spaced)):
        position, stop = bounds[number], bounds[number + 1]
        begin = filled
        while squeezed and position < stop:
            if kinds[text[position]] == PLAIN and text[min(position + 1, stop - 1)] < 0x80:
                break
            length, value = _prefix(units, symbols, invalid, text, position, stop)
            if value == KEPT:
                if length > 1 or text[position] != _SPACE:
                    break
            elif texts[value] != _SPACE or texts[value + 1] != 0:
                break
            position += length
        if position < stop:
            if spaced[number] and not suffix:
                if filled > room:
                    return -1
                out[filled] = _SPACE
                filled += 1
            prev_space = squeezed
            while position < stop:
                if filled > room:
                    return -1
                position, filled, prev_space = _unchanged(
                    kinds, pairs, text, position, stop, room, squeezed, prev_space, out, filled
                )
                if position == stop:
                    break
                if filled > room:
                    return -1
                length, value = _prefix(units, symbols, invalid, text, position, stop)
                if value == KEPT:
                    filled, prev_space = _copy(
                        text, position, position + length, prev_space, out, filled
                    )
                else:
                    end = value
                    while texts[end] != 0:
                        end += 1
                    filled, prev_space = _copy(texts, value, end, prev_space, out, filled)
                prev_space = prev_space and squeezed
                position += length
            while squeezed and filled > begin and out[filled - 1] == _SPACE:
                filled -= 1
            if spaced[number] and suffix:
                if filled > room:
                    return -1
                out[filled] = _SPACE
                filled += 1
        ends[number + 1] = filled
    return filled


# Hugging Face's `Precompiled` replaces grapheme clusters. Where each cluster is a character, it
# replaces each character by the value of the shortest key that the character begins with. Texts in
# which this is not certain are left to Python: those with marks, a carriage return before a line
# feed, bytes that are not UTF-8, U+2581, or white space beyond ASCII that stays.
@kernel
def normalize_characters(
    tables: CharacterTables,
    uncertain: npt.NDArray[np.bool_],
    text: U8,
    bounds: I64,
    spaced: npt.NDArray[np.bool_],
    flags: tuple[Scalar, Scalar, Scalar, Scalar],
    out: U8,
    ends: I64,
    left: npt.NDArray[np.bool_],
) -> Scalar:
    """Normalize strings that lie end to end as the usual steps of a tokenizer.json do.

    Args:
        tables: how characters are replaced.
        uncertain: bool[code points], the characters that are left to Python.
        text, bounds: the strings; see `offsets_of`.
        spaced: bool[strings], which strings get a space in front, unless they are empty.
        flags: whether several spaces become one; whether white space at the end goes; whether
            spaces at both ends go; whether also a string that begins with a space gets one.
        out, ends: see `normalize`; a string that is left to Python is empty there.
        left: bool[strings], to be filled with which strings are left to Python.

    Returns:
        how many bytes `out` holds, or −1 if it is too small.
    """
    units, texts, kinds, pairs, _, most = tables
    squeezed, stripped, trimmed, prepended = flags
    room = len(out) - most - 1
    filled = np.int64(0)
    ends[0] = 0
    for number in range(len(spaced)):
        position, stop = bounds[number], bounds[number + 1]
        begin = filled = filled + spaced[number]
        prev_space = trimmed
        left[number] = False
        while position < stop:
            if filled > room:
                return -1
            position, filled, prev_space = _unchanged(
                kinds, pairs, text, position, stop, room, squeezed, prev_space, out, filled
            )
            if position == stop:
                break
            if filled > room:
                return -1
            length = character_length(text, position, stop)
            if length == 0 or uncertain[_code(text, position, length)]:
                left[number] = True
                break
            if text[position] == 0x0D and position + 1 < stop and text[position + 1] == 0x0A:
                left[number] = True
                break
            value = _shortest_key(units, text, position, length)
            if value == KEPT:
                filled, blank = _copy(text, position, position + length, prev_space, out, filled)
            else:
                end = value
                while texts[end] != 0:
                    end += 1
                filled, blank = _copy(texts, value, end, prev_space, out, filled)
            prev_space = blank and squeezed
            position += length
        if left[number]:
            filled = begin
        while stripped and filled > begin and out[filled - 1] in (9, 10, 11, 12, 13, 32):
            filled -= 1
        while trimmed and filled > begin and out[filled - 1] == _SPACE:
            filled -= 1
        if spaced[number] and filled > begin and (prepended or out[begin] != _SPACE):
            out[begin - 1] = _SPACE
        elif spaced[number]:  # the room for the space is not needed
            for place in range(begin, filled):
                out[place - 1] = out[place]
            filled -= 1
        ends[number + 1] = filled
    return filled


@inlined
def _code(text: U8, position: Scalar, length: Scalar) -> Scalar:
    """Return the code point of the character of a length at a position."""
    code = np.int64(text[position])
    if length > 1:
        code &= 0x7F >> length
    for place in range(position + 1, position + length):
        code = code << 6 | np.int64(text[place] & 0x3F)
    return code


@inlined
def _shortest_key(units: U32, text: U8, position: Scalar, length: Scalar) -> Scalar:
    """Return the value of the shortest key that a character begins with, or `KEPT`."""
    node = offset(units[0])
    for place in range(position, position + length):
        byte = np.int64(text[place])
        node ^= byte
        unit = units[node]
        if byte == 0 or np.int64(unit & np.uint32(0x800000FF)) != byte:
            break
        node ^= offset(unit)
        if unit & np.uint32(256):
            return np.int64(units[node] & np.uint32(0x7FFFFFFF))
    return np.int64(KEPT)
