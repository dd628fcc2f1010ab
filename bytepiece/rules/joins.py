"""The pieces that pairs of pieces spell together, found for all pairs at once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U8, offsets_of

_BASE = 0x9E3779B97F4A7C15
_EMPTY = np.empty(0, dtype=np.int64)


def joined_numbers(pairs: npt.NDArray[np.integer], pieces: Sequence[bytes]) -> I64:
    """Return the number of the piece that each pair spells; −1 if it spells none.

    Args:
        pairs: the numbers of two pieces in each row.
        pieces: all different.

    >>> joined_numbers(np.array([[0, 1], [1, 0]]), [b"a", b"b", b"ab"]).tolist()
    [2, -1]
    """
    if not len(pairs):
        return _EMPTY
    text = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    bounds = offsets_of(map(len, pieces))
    # Most vocabularies have their longer pieces in the order of the pairs. Then nothing is
    # searched, which takes two thirds of the time.
    longer = np.flatnonzero(np.diff(bounds) > 1)
    if len(longer) == len(pairs):
        found = _checked(longer, pairs, text, bounds)
        if found.min() >= 0:
            return found
    return _checked(_of_equal_hash(pairs, text, bounds), pairs, text, bounds)


def _of_equal_hash(pairs: npt.NDArray[np.integer], text: U8, bounds: I64) -> I64:
    """Return for each pair the number of a piece, which has its hash if any piece has it."""
    # Sums of bytes times powers of a number, modulo 2^64, are hashes: the hash of two strings
    # together follows from theirs. Without an object for each pair this takes a fifth of the time.
    lengths = np.diff(bounds)
    powers = np.cumprod(np.full(int(lengths.max()), _BASE, dtype=np.uint64))
    to_end = bounds[1:].repeat(lengths) - 1 - np.arange(len(text))
    hashes = np.add.reduceat((text.astype(np.uint64) + np.uint64(1)) * powers[to_end], bounds[:-1])
    lefts, rights = pairs[:, 0], pairs[:, 1]
    wanted = hashes[lefts] * powers[lengths[rights] - 1] + hashes[rights]
    order, in_turn = np.argsort(hashes), np.argsort(wanted)
    found = np.empty(len(pairs), dtype=np.int64)
    # In ascending order, the search takes a third of the time.
    places = np.searchsorted(hashes[order], wanted[in_turn])
    found[in_turn] = order[np.minimum(places, len(order) - 1)]
    return found


def _checked(found: I64, pairs: npt.NDArray[np.integer], text: U8, bounds: I64) -> I64:
    """Return the numbers of pieces, −1 in place of those that their pair does not spell."""
    lengths = np.diff(bounds)
    lefts, rights = pairs[:, 0], pairs[:, 1]
    same = lengths[found] == lengths[lefts] + lengths[rights]
    numbers = np.flatnonzero(same)
    spelled = _gathered(text, bounds, np.column_stack([lefts[same], rights[same]]).ravel())
    differs = spelled != _gathered(text, bounds, found[same])
    same[numbers.repeat(lengths[found[same]])[differs]] = False
    return np.where(same, found, -1)


def _gathered(text: U8, bounds: I64, numbers: I64) -> U8:
    """Return the bytes of some pieces, end to end."""
    lengths = np.diff(bounds)[numbers]
    starts = offsets_of(lengths)
    gathered: U8 = text[np.arange(starts[-1]) + (bounds[numbers] - starts[:-1]).repeat(lengths)]
    return gathered
