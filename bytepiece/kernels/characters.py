"""The characters that single bytes may spell.

In some models of other libraries, single bytes stand for characters without a piece, and only for
such characters.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import U8
from bytepiece.kernels.jit import Scalar, inlined, kernel

Known = npt.NDArray[np.bool_]
"""bool[code points], True for each character of more than one byte that has a piece of its own."""

HIDDEN = 0xFF
"""The byte that takes the place of the first byte of a character that single bytes must not spell.
No character contains it."""
_CODE_POINTS = 0x110000


def known_characters(pieces: Iterable[bytes]) -> Known:
    r"""Return which characters have a piece of their own.

    >>> np.flatnonzero(known_characters(["é".encode(), b"a", "éé".encode(), b"\xff"])).tolist()
    [233]
    """
    known = np.zeros(_CODE_POINTS, dtype=np.bool_)
    for piece in pieces:
        if 2 <= len(piece) <= 4:
            character = piece.decode("utf-8", "ignore")
            if len(character) == 1 and len(character.encode()) == len(piece):
                known[ord(character)] = True
    return known


def alone(text: U8, known: Known | None, whole: bool = False) -> U8:
    """Return, for each byte of a text, how many bytes the piece of a single byte covers there.

    Args:
        text: uint8[bytes].
        known: the characters that single bytes must not spell; None for no such character.
        whole: the first byte of any other character covers the whole character.

    Returns:
        uint8[bytes], usually 1; 0 for every byte of a known character and, with `whole`, for
        every byte of an unknown character except its first byte.

    >>> text = np.frombuffer("aéü".encode(), dtype=np.uint8)
    >>> known = known_characters(["é".encode()])
    >>> alone(text, known).tolist(), alone(text, known, whole=True).tolist()
    ([1, 0, 0, 1, 1], [1, 0, 0, 2, 0])
    """
    covered = np.ones(len(text), dtype=np.uint8)
    if known is not None:
        _fill_alone(text, known, whole, covered)
    return covered


@kernel
def _fill_alone(text: U8, known: Known, whole: Scalar, covered: U8) -> None:
    start = 0
    while start < len(text):
        length, is_known = _character(text, start, known)
        if is_known:
            covered[start : start + length] = 0
        elif whole and text[start] >= 0xC0:
            covered[start : start + length] = 0
            covered[start] = length
        start += length


@kernel
def _hide(text: U8, known: Known, changed: U8) -> None:
    start = 0
    while start < len(text):
        if text[start] < 0x80 and start + 1 < len(text) and text[start + 1] < 0x80:
            start += 1
            continue
        length, is_known = _character(text, start, known)
        if is_known and text[start] >= 0xC0:
            changed[start] = HIDDEN
        start += length


@inlined
def _character(text: U8, start: Scalar, known: Known) -> tuple[Scalar, Scalar]:
    """Return the length of the character at a place, with stray bytes, and whether it is known."""
    lead = np.int64(text[start])
    stop = start + 1
    # At most 255 bytes, so that their number fits. Longer runs are not UTF-8.
    while stop < min(len(text), start + 255) and text[stop] & 0xC0 == 0x80:
        stop += 1
    length = stop - start
    least, code = 1 << 30, np.int64(0)
    if length == 2 and lead >> 5 == 0b110:
        least, code = 0x80, lead & 0x1F
    elif length == 3 and lead >> 4 == 0b1110:
        least, code = 0x800, lead & 0x0F
    elif length == 4 and lead >> 3 == 0b11110:
        least, code = 0x10000, lead & 0x07
    for i in range(start + 1, stop):
        code = (code << 6 | np.int64(text[i] & 0x3F)) & 0x1FFFFF
    return length, least <= code < len(known) and known[code]


def hidden(text: U8, known: Known) -> U8:
    """Return a text in which `HIDDEN` replaces the first byte of each known character."""
    changed: U8 = text.copy()
    _hide(text, known, changed)
    changed.flags.writeable = False
    return changed
