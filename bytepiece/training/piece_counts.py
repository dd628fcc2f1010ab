"""Counts of different byte strings."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U8, offsets_of
from bytepiece.kernels.jit import Scalar, allocating, inlined, kernel


class PieceCounts(NamedTuple):
    """Different byte strings, in the order of their first occurrence, and their counts.

    Args:
        flat: uint8[bytes], the strings end to end.
        offsets: int64[strings + 1], the beginning of each string, and the end of the last.
        counts: int64[strings].
    """

    flat: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def count_strings(
    flat: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> PieceCounts:
    """Count byte strings that lie end to end. Each string adds its own count to the total."""
    firsts = np.empty(len(counts), dtype=np.int64)
    sums = np.empty(len(counts), dtype=np.int64)
    distinct = _count_strings(flat, offsets, counts, firsts, sums)
    return PieceCounts(*select(flat, offsets, firsts[:distinct]), sums[:distinct].copy())


def select(flat: U8, offsets: I64, which: I64) -> tuple[U8, I64]:
    """Choose some of the strings that lie end to end. Return these, again end to end."""
    new_offsets = offsets_of(np.diff(offsets)[which])
    gathered = np.empty(new_offsets[-1], dtype=np.uint8)
    _gather(flat, offsets, which, gathered, new_offsets)
    return gathered, new_offsets


@kernel
def _gather(flat: U8, offsets: I64, which: I64, gathered: U8, new_offsets: I64) -> None:
    for i in range(len(which)):
        for k in range(new_offsets[i + 1] - new_offsets[i]):
            gathered[new_offsets[i] + k] = flat[offsets[which[i]] + k]


def join_counts(several: list[PieceCounts]) -> PieceCounts:
    """Add up counts. The result is exact, and the same for any grouping of the same sequence."""
    return count_strings(
        np.concatenate([t.flat for t in several]),
        offsets_of(np.concatenate([np.diff(t.offsets) for t in several])),
        np.concatenate([t.counts for t in several]),
    )


def join_all_counts(several: Iterable[PieceCounts]) -> PieceCounts:
    """Add up counts that arrive one by one.

    New counts are kept apart until together they are four times as large as the sum so far. Then
    they are all added to the sum. So each string is moved a logarithmic number of times.
    """
    total = count_strings(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.int64))
    waiting: list[PieceCounts] = []
    for one in several:
        waiting.append(one)
        if sum(len(t.counts) for t in waiting) >= 4 * len(total.counts):
            total = join_counts([total, *waiting])
            waiting = []
    return join_counts([total, *waiting])


@inlined
def hash_of(text: U8, start: Scalar, stop: Scalar) -> Scalar:
    """Return the hash of a string that lies in a text, below 2^32."""
    hashed = np.uint64(stop - start)
    for k in range(start, stop):
        # 32 bits times 32 bits, so that NumPy warns of no overflow in interpreted kernels.
        hashed = (hashed ^ np.uint64(text[k])) * np.uint64(0x9E3779B1)
        hashed = (hashed ^ hashed >> np.uint64(32)) & np.uint64(0xFFFFFFFF)
    return hashed


# An open hash table of the places where strings first occur. The strings themselves are compared,
# so equal hashes do no harm. The table has at least two slots for each string.
@allocating
def _count_strings(flat: U8, offsets: I64, counts: I64, firsts: I64, sums: I64) -> Scalar:
    """Find each different string's first place and sum of counts. Return how many there are."""
    strings = len(counts)
    bits = 8
    while 1 << bits < 2 * strings:
        bits += 1
    mask = np.int64((1 << bits) - 1)
    slots = np.zeros(1 << bits, dtype=np.int32)  # 1 + the place of a string in `firsts`
    distinct = 0
    for i in range(strings):
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        slot = np.int64(hash_of(flat, start, start + length)) & mask
        while True:
            known = np.int64(slots[slot]) - 1
            if known < 0:
                slots[slot] = distinct + 1
                firsts[distinct], sums[distinct] = i, counts[i]
                distinct += 1
                break
            other = offsets[firsts[known]]
            if offsets[firsts[known] + 1] - other == length:
                same = True
                for k in range(length):
                    if flat[other + k] != flat[start + k]:
                        same = False
                        break
                if same:
                    sums[known] += counts[i]
                    break
            slot = (slot + 1) & mask
    return distinct
