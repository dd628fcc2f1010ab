"""Rows of ids as lines of decimal numbers."""

import numpy as np

from bytepiece._arrays import I32, I64, U8
from bytepiece.kernels.jit import UINT_1, UINT_2, UINT_3, UINT_4, Scalar, inlined, kernel, uint

_QUAD = uint(10_000)
_QUADS = np.append(np.indices((10,) * 4).reshape(4, -1).T + ord("0"), [0] * 4).astype(np.uint8)
"""The four digits of each number below 10,000, and four bytes that are only read along."""
LONGEST = 16
"""The bytes that an id may touch: ten digits, a separator, and what is copied beyond the digits."""
_SPACE, _NEWLINE = ord(" "), ord("\n")


@inlined
def _quad_length(number: Scalar) -> Scalar:
    """Return the number of digits of a number below 10,000; 0 has one."""
    ten, hundred, thousand = number >= uint(10), number >= uint(100), number >= uint(1000)
    return UINT_1 + uint(ten) + uint(hundred) + uint(thousand)


@inlined
def _copy_quad(out: U8, place: Scalar, number: Scalar, length: Scalar) -> Scalar:
    """Write the last `length` digits of a number below 10,000; return the place behind them."""
    begin = number * UINT_4 + UINT_4 - length
    one, two, three = _QUADS[begin], _QUADS[begin + UINT_1], _QUADS[begin + UINT_2]
    four = _QUADS[begin + UINT_3]
    out[place] = one
    out[place + UINT_1] = two
    out[place + UINT_2] = three
    out[place + UINT_3] = four
    return place + length


# The number of digits is no branch, because nobody can predict it: four bytes are always copied,
# and the next ones overwrite those that are too many. An id of more than four digits has two copies
# of four bytes, and one of more than eight has three.
@kernel
def write_rows(ids: I32, offsets: I64, done: I64, out: U8) -> Scalar:
    """Write rows of ids as lines of numbers with spaces between them, as far as there is room.

    Args:
        ids, offsets: the rows; see `Encoded`. No id is negative.
        done: int64[2], the number of ids and of rows that are written already; it is updated. A
            row counts when its line end is written.
        out: the room; at least `LONGEST` bytes.

    Returns:
        the number of bytes written.
    """
    place = uint(0)
    full = uint(len(out) - LONGEST)
    written, row = done[0], done[1]
    while row < len(offsets) - 1 and place <= full:
        end = offsets[uint(row + 1)]
        if written == end:  # a row without ids
            out[place] = _NEWLINE
            place += UINT_1
        while written < end and place <= full:
            number = uint(ids[uint(written)])
            high = number // _QUAD
            low = number - high * _QUAD
            if high >= _QUAD:
                top = high // _QUAD
                high -= top * _QUAD
                place = _copy_quad(out, place, top, _quad_length(top))
                place = _copy_quad(out, place, high, UINT_4)
                place = _copy_quad(out, place, low, UINT_4)
            elif high > uint(0):
                place = _copy_quad(out, place, high, _quad_length(high))
                place = _copy_quad(out, place, low, UINT_4)
            else:
                place = _copy_quad(out, place, low, _quad_length(low))
            written += 1
            out[place] = _NEWLINE if written == end else _SPACE
            place += UINT_1
        row += np.int64(written == end)
    done[0], done[1] = written, row
    return place
