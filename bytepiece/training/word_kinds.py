"""The kinds of characters that words are made of: letters, numbers, white space, and others."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U8, offsets_of
from bytepiece.kernels.jit import Scalar, inner, kernel
from bytepiece.rules.unicode_categories import CATEGORIES, category_runs

Bools = npt.NDArray[np.bool_]

LETTER, NUMBER, OTHER, SPACE = 1, 2, 4, 8
"""The kinds. Marks, such as accents, are letters. Other characters are mostly punctuation."""
_LED, _QUOTED = 16, 32
"""Bits of shapes: a blank leads the piece, and it has apostrophes."""
_WITHIN = np.zeros(64, dtype=np.bool_)
"""Whether a piece of a shape lies within one word."""
_SHAPES = [0, SPACE, LETTER, NUMBER, OTHER, _QUOTED, LETTER | _QUOTED, OTHER | _QUOTED]
_WITHIN[[*_SHAPES, *(_LED | shape for shape in _SHAPES)]] = True
_OF_CATEGORY = {"L": LETTER, "M": LETTER, "N": NUMBER, "Z": SPACE}
_SPACES = b"\t\n\v\f\r "
_CODE_POINTS = 0x110000
_APOSTROPHE, _QUOTE = 0x27, 0x2019
BLANK = 0x20


@cache
def kinds() -> U8:
    """Return uint8[code points], the kind of each character."""
    starts, numbers = category_runs()
    of_number = np.array([_OF_CATEGORY.get(name[0], OTHER) for name in CATEGORIES], dtype=np.uint8)
    found = np.repeat(of_number[numbers], np.diff(starts, append=_CODE_POINTS))
    found[list(_SPACES)] = SPACE
    return found


@inner
def character(text: U8, start: Scalar, stop: Scalar) -> tuple[Scalar, Scalar]:
    """Return the code point at a place, and its length in bytes; −1 and 1 if it is no UTF-8."""
    lead = np.int64(text[start])
    if lead < 0x80:
        return lead, np.int64(1)
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if lead < 0xC2 or lead > 0xF4 or start + length > stop:
        return np.int64(-1), np.int64(1)
    code = lead & (0x7F >> length)
    for i in range(start + 1, start + length):
        byte = np.int64(text[i])
        if byte & 0xC0 != 0x80:
            return np.int64(-1), np.int64(1)
        code = code << 6 | byte & 0x3F
    least = 0x80 if length == 2 else 0x800 if length == 3 else 0x10000
    if code < least or code >= _CODE_POINTS or 0xD800 <= code < 0xE000:
        return np.int64(-1), np.int64(1)
    return code, np.int64(length)


@inner
def kind_of(code: Scalar, table: U8) -> Scalar:
    """Return the kind of a code point. Text that is no UTF-8 counts as letters."""
    return np.int64(table[code]) if code >= 0 else np.int64(LETTER)


@inner
def is_apostrophe(code: Scalar) -> Scalar:
    """Return whether a character belongs to a word if it stands between letters."""
    return code in (_APOSTROPHE, _QUOTE)


@inner
def fill_word_starts(text: U8, start: Scalar, stop: Scalar, table: U8, begins: Bools) -> None:
    """Fill in which bytes of a segment a word begins with, except for the first byte.

    Args:
        text: the text.
        start, stop: where the segment begins and ends.
        table: `kinds()`.
        begins: bool[bytes of the segment].
    """
    code, length = character(text, start, stop)
    last, last_code, i = kind_of(code, table), code, start + length
    begins[: stop - start] = False
    while i < stop:
        code, length = character(text, i, stop)
        kind = kind_of(code, table)
        after = 0
        if i + length < stop:
            after = kind_of(character(text, i + length, stop)[0], table)
        if is_apostrophe(code) and last == LETTER and after == LETTER:
            kind = np.int64(LETTER)
        if kind == SPACE:
            # The last blank of some white space belongs to the word that follows.
            begin = last != SPACE or (code == BLANK and after not in (0, SPACE))
        elif last == SPACE:
            begin = last_code != BLANK
        else:
            begin = kind != last
        begins[i - start] = begin
        last, last_code = kind, code
        i += length


def shapes_of(flat: U8, offsets: I64) -> U8:
    """Return what `join_within_word` needs to know of pieces: some bits for each piece.

    Args:
        flat: the bytes of all pieces, end to end.
        offsets: int64[pieces + 1], where each piece begins, and the end.
    """
    shapes = np.empty(len(offsets) - 1, dtype=np.uint8)
    _fill_shapes(flat, offsets, kinds(), shapes)
    return shapes


@kernel
def _fill_shapes(flat: U8, offsets: I64, table: U8, shapes: U8) -> None:
    for piece in range(len(offsets) - 1):
        start, stop = offsets[piece], offsets[piece + 1]
        led = flat[start] == BLANK
        shape, i = 0, start + 1 if led else start
        while i < stop:
            code, length = character(flat, i, stop)
            shape |= _QUOTED if is_apostrophe(code) else kind_of(code, table)
            i += length
        # A blank and more white space make white space; the blank leads anything else.
        shapes[piece] = shape | _LED if led and shape & SPACE == 0 else shape


def join_within_word(left: U8, right: U8) -> Bools:
    """Return whether the strings that pairs of pieces make lie within one word.

    Args:
        left, right: uint8[pairs], the shapes of the pieces.
    """
    # A piece that is one blank has the shape _LED.
    joined = left | right
    blanks = (right == _LED) & (joined | SPACE == SPACE | _LED)
    found: Bools = _WITHIN[joined] & ((right & _LED == 0) | blanks)
    return found


def all_within_words(pieces: Sequence[bytes]) -> bool:
    """Return whether each piece lies within one word, at least between the right characters."""
    flat = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    return bool(_WITHIN[shapes_of(flat, offsets_of(map(len, pieces)))].all())
