"""Long segments, which are encoded window by window, so that memory does not grow with them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32
from bytepiece.kernels.automaton import Automaton
from bytepiece.kernels.segments import Segments

LONG = 1 << 21
"""A segment of more bytes is long. Other segments get arrays of their length."""
WINDOW = 1 << 19
"""The bytes of a window. No piece is longer."""


def by_length(
    encode_run: Callable[[int, int], tuple[I32, I32]],
    encode_long: Callable[[int], tuple[I32, I32]],
    segments: Segments,
    low: int,
    high: int,
) -> tuple[I32, I32]:
    """Encode the segments low…high − 1: long ones one by one, and others in runs.

    Args:
        encode_run: encodes the segments between two numbers; see `EncodeRun` for the result.
        encode_long: encodes the segment with a number.
        segments, low, high: the segments.

    Returns:
        the ids and the counts of all of them.
    """
    bounds = segments.bounds[low : high + 1]
    if bounds[-1] - bounds[0] <= LONG:
        return encode_run(low, high)
    parts = []
    for number in [*(low + np.flatnonzero(np.diff(bounds) > LONG)).tolist(), high]:
        if low < number:
            parts.append(encode_run(low, number))
        if number < high:
            parts.append(encode_long(number))
        low = number + 1
    if len(parts) == 1:
        return parts[0]
    ids, counts = zip(*parts, strict=True)
    return np.concatenate(ids), np.concatenate(counts)


class Window(NamedTuple):
    """A part of a long segment, and the bytes before it that the longest piece may reach back to.

    Args:
        low: where these bytes begin in the segment.
        done: how many bytes they are. A position of the window is counted from `low`, too.
        stop: where the window ends in the segment.
    """

    low: int
    done: int
    stop: int

    @property
    def length(self) -> int:
        """The number of bytes, with those before the window."""
        return self.stop - self.low


def places(automaton: Automaton) -> int:
    """Return how many positions a window may have, with those before it, and the position 0."""
    return WINDOW + automaton.deepest


def windows(length: int, automaton: Automaton) -> Iterator[Window]:
    """Yield the windows of a segment of a length, in order."""
    for begin in range(0, length, WINDOW):
        done = min(begin, automaton.deepest - 1)
        yield Window(begin - done, done, min(begin + WINDOW, length))


def carry(values: npt.NDArray[Any], before: Window, window: Window) -> None:
    """Move the values at positions that a window shares with the one before it.

    Args:
        values: [..., positions], filled for the window before; the positions 0…done of the next
            window are set.
        before, window: two neighbouring windows.
    """
    shift = window.low - before.low
    values[..., : window.done + 1] = values[..., shift : shift + window.done + 1]
