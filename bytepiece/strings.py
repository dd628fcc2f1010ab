"""Strings of bytes: those that lie end to end in one array, and those that are text."""

from collections.abc import Iterable

import numpy as np

from bytepiece._jit import I64, Scalar, kernel


def offsets_of(lengths: Iterable[int]) -> I64:
    """Where strings of these lengths begin when they lie end to end, and the end; int64."""
    if not isinstance(lengths, np.ndarray):
        lengths = np.fromiter(lengths, dtype=np.int64)
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def cuts(bounds: I64, size: int) -> list[int]:
    """Where to cut strings that lie end to end into runs of about `size` bytes.

    Args:
        bounds: int64[strings + 1], where each begins, and the end.

    Returns:
        numbers of strings, from 0 to how many there are, no more than `size` apart.
    """
    strings = len(bounds) - 1
    found = [0]
    while found[-1] < strings:
        low = found[-1]
        high = int(np.searchsorted(bounds, bounds[low] + size))
        found.append(min(max(high, low + 1), low + size, strings))
    return found


@kernel
def longest(offsets: I64, low: Scalar, high: Scalar) -> Scalar:
    """The length of the longest of the strings low…high − 1 that lie end to end."""
    length = np.int64(0)
    for i in range(low, high):
        length = max(length, offsets[i + 1] - offsets[i])
    return length


def is_utf8(text: bytes) -> bool:
    """Whether bytes are UTF-8, and so whole characters."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
