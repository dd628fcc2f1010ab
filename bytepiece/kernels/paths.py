"""Paths that a kernel finds from left to right: their ids, and how much of them is settled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, U8, U16, U32
from bytepiece.kernels.automaton import Automaton
from bytepiece.kernels.jit import UINT_0, UINT_1, Scalar, kernel, uint
from bytepiece.kernels.windows import carry, places, windows

_MARK = np.uint32(1 << 31)
"""Marks a position. No entry has a number of this size."""


@kernel
def trace(
    automaton: Automaton, ids: U32, via: U32, length: Scalar, out: I32, filled: Scalar
) -> Scalar:
    """Append the ids of the path that `via` holds to `out`.

    Args:
        automaton: the automaton of the pieces.
        ids: uint32[entries].
        via: see `best_path`.
        length: the length of the segment.
        out: int32, with room for `length` ids from `filled` on.
        filled: how many ids `out` holds.

    Returns:
        how many ids `out` holds afterwards.
    """
    position = uint(length)
    slot = uint(filled) + position
    while position > UINT_0:
        entry = uint(via[position])
        slot -= UINT_1
        out[slot] = ids[entry]
        position -= uint(automaton.lengths[entry])
    count = length + filled - np.int64(slot)
    for i in range(count):
        out[uint(filled + i)] = out[slot + uint(i)]
    return filled + count


# All paths that are still alive come from one of the last positions, from which a piece may reach
# beyond the end. Going back, they soon have one position in common, and up to there the path is
# settled. So only the last entries after this position are kept. Some texts never settle: if the
# pieces are a and aa, the best path to an even position of aaaa… has no position in common with
# that to an odd one. So after a look back in vain, the next one comes when twice as many positions
# wait. Then all looks together take no more steps than there are bytes.
# Cost: as `best_path`; 2 MB of windows, and 4 bytes for each byte that is not settled.
def windowed_path(
    extend: Callable[..., object],
    automaton: Automaton,
    sums: npt.NDArray[Any],
    ids: U32,
    text: U8,
) -> tuple[I32, I32]:
    """Encode one long segment by its best path.

    Args:
        extend: finds the best path to each position of a window after the positions done already.
            It gets the text of the window and one byte more, room for matches, 0 and the length of
            the window in an array, how many positions are done, `sums`, and the last entry of each
            path.
        automaton: the automaton of the pieces.
        sums: [any number, places], what `extend` keeps of each
            position; at the position 0 it is 0.
        ids: uint32[entries].
        text: the segment.

    Returns:
        int32[tokens], the ids; int32[1], their number.
    """
    length = len(text)
    matches = np.empty(places(automaton), dtype=np.uint32)
    # The system provides memory only for the part that is written to.
    out, via = np.empty(length, dtype=np.int32), np.empty(length + 1, dtype=np.uint32)
    via[0] = 0
    base = filled = wait = 0  # where the path that is not settled begins
    before = None
    for window in windows(length, automaton):
        if before is not None:
            carry(sums, before, window)
        before = window
        some = text[window.low : window.stop + 1]
        bounds = np.array([0, window.length], dtype=np.int64)
        extend(some, matches, bounds, window.done, sums, via[window.low - base :])
        waiting = window.stop - base
        if window.stop == length:
            filled = trace(automaton, ids, via, waiting, out, filled)
        elif waiting >= wait:
            first = max(waiting - automaton.deepest + 1, 0)
            settled = int(_settled(automaton.lengths, via, first, waiting))
            filled = trace(automaton, ids, via, settled, out, filled)
            base += settled
            waiting -= settled
            wait = 2 * waiting
            via[1 : waiting + 1] = via[settled + 1 : settled + waiting + 1]
    out.resize(filled, refcheck=False)  # so that it takes no memory beyond the ids
    return out, np.array([filled], dtype=np.int32)


@kernel
def _settled(lengths: U16, via: U32, first: Scalar, last: Scalar) -> Scalar:
    """Return the last position that the paths to all positions first…last have in common."""
    for position in range(first, last + 1):
        via[position] |= _MARK
    paths = last + 1 - first
    position = last
    while True:
        if via[position] & _MARK:
            via[position] ^= _MARK
            if paths == 1:
                return position
            begin = position - np.int64(lengths[via[position]])
            if via[begin] & _MARK:
                paths -= 1
            else:
                via[begin] |= _MARK
        position -= 1
