"""Counts of different strings that arrive one by one, as many strings as fit in a number of bytes.

If all fit, the counts are exact. If not, rare strings are dropped. A string stays if its count is
at least u · rate, where u is a number from 0 to 1 that is made of the string's own bytes. So a
string with the count c stays with the probability c / rate, and always if c is at least the rate.
If a string stays and its count is below the rate, it stands for dropped strings, too, and should
weigh as much as the rate. The rate is doubled until the strings fit.

Which strings stay depends only on the sequence of strings, and not on threads or restarts.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from bytepiece._arrays import I32, I64, U8, cuts
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.training.corpus_reader import Block
from bytepiece.training.piece_counts import hash_of

_SMALLEST = 1 << 12
_PER_STRING = 28
"""The bytes that a string takes besides its own: its offset, its count, and three slots."""
_ROOM = 3, 4
"""After dropping, at most this part of the room is taken, so that new strings have room."""
_BLOCK = 1 << 18
"""About how many bytes of different strings are in a block."""


class SampledCounts:
    """Counts of different strings.

    Args:
        most: the largest number of bytes that the table may take.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.rate = 1
        """The strings with a smaller count are a sample; see the module."""
        self._number = 0
        self._flat = np.empty(_SMALLEST, dtype=np.uint8)
        self._offsets = np.zeros(_SMALLEST + 1, dtype=np.int64)
        self._counts = np.empty(_SMALLEST, dtype=np.int64)
        self._slots = np.zeros(2 * _SMALLEST, dtype=np.int32)

    @property
    def size(self) -> int:
        """About how many bytes the table takes."""
        return int(self._offsets[self._number]) + _PER_STRING * self._number

    def add(self, strings: Block) -> None:
        """Count the segments of a block, each as often as its weight says."""
        self._reserve(len(strings.weights), len(strings.text))
        self._number = _add(
            strings.text,
            strings.bounds,
            strings.weights,
            self._flat,
            self._offsets,
            self._counts,
            self._slots,
            self._number,
        )
        if self.size <= self._most:
            return
        self._drop()
        while self.size > self._most * _ROOM[0] // _ROOM[1]:
            self.rate *= 2
            self._drop()

    def blocks(self) -> list[Block]:
        """Return the strings that stay, as segments whose counts are their weights.

        Nothing can be added later.
        """
        self._drop()
        self._slots = np.empty(0, dtype=np.int32)
        # Arrays are made smaller in place: a copy would need the same memory once more.
        self._flat.resize(self._offsets[self._number], refcheck=False)
        self._offsets.resize(self._number + 1, refcheck=False)
        self._counts.resize(self._number, refcheck=False)
        found = []
        for low, high in pairwise(cuts(self._offsets, _BLOCK)):
            bounds = self._offsets[low : high + 1]
            text = self._flat[bounds[0] : bounds[-1]]
            found.append(Block(text, bounds - bounds[0], self._counts[low:high]))
        return found

    def _reserve(self, strings: int, size: int) -> None:
        """Make room for some more strings with some more bytes."""
        number = self._number + strings
        used = int(self._offsets[self._number]) + size
        # Arrays grow in place, so that large ones are not copied.
        if used > len(self._flat):
            self._flat.resize(max(used, 2 * len(self._flat)), refcheck=False)
        if number > len(self._counts):
            number = max(number, 2 * len(self._counts))
            self._counts.resize(number, refcheck=False)
            self._offsets.resize(number + 1, refcheck=False)
        slots = len(self._slots)
        while slots < 2 * len(self._counts):
            slots *= 2
        if slots > len(self._slots):
            self._slots = np.zeros(slots, dtype=np.int32)
            _fill_slots(self._flat, self._offsets, self._number, self._slots)

    def _drop(self) -> None:
        if self.rate > 1:
            arrays = self._flat, self._offsets, self._counts
            self._number = _keep(*arrays, self._number, self.rate)
            self._slots[:] = 0
            _fill_slots(self._flat, self._offsets, self._number, self._slots)


def standing_for(blocks: Iterable[Block], rate: int) -> list[Block]:
    """Return blocks of strings in which a string also weighs as much as those that it stands for.

    Args:
        blocks: the strings that stay.
        rate: the rate of their table.
    """
    return [Block(one.text, one.bounds, np.maximum(one.weights, rate)) for one in blocks]


# An open hash table, as for `count_strings`.
@kernel
def _add(
    text: U8,
    bounds: I64,
    weights: I64,
    flat: U8,
    offsets: I64,
    counts: I64,
    slots: I32,
    number: Scalar,
) -> Scalar:
    """Count strings in arrays that have room for them. Return how many different ones there are."""
    mask = np.int64(len(slots) - 1)
    for i in range(len(weights)):
        start, stop = bounds[i], bounds[i + 1]
        slot = np.int64(hash_of(text, start, stop)) & mask
        while True:
            known = np.int64(slots[slot]) - 1
            if known < 0:
                end = offsets[number]
                for k in range(stop - start):
                    flat[end + k] = text[start + k]
                offsets[number + 1] = end + stop - start
                counts[number] = weights[i]
                number += 1
                slots[slot] = number
                break
            other = offsets[known]
            if offsets[known + 1] - other == stop - start:
                same = True
                for k in range(stop - start):
                    if flat[other + k] != text[start + k]:
                        same = False
                        break
                if same:
                    counts[known] += weights[i]
                    break
            slot = (slot + 1) & mask
    return number


@kernel
def _fill_slots(flat: U8, offsets: I64, number: Scalar, slots: I32) -> None:
    """Fill in the slots of different strings. All slots are 0 before."""
    mask = np.int64(len(slots) - 1)
    for i in range(number):
        slot = np.int64(hash_of(flat, offsets[i], offsets[i + 1])) & mask
        while slots[slot] != 0:
            slot = (slot + 1) & mask
        slots[slot] = i + 1


@kernel
def _keep(flat: U8, offsets: I64, counts: I64, number: Scalar, rate: Scalar) -> Scalar:
    """Move the strings that stay to the beginning. Return how many stay."""
    kept = 0
    for i in range(number):
        start, stop = offsets[i], offsets[i + 1]
        place = (np.float64(hash_of(flat, start, stop)) + 0.5) / 4294967296.0
        if np.float64(counts[i]) < place * np.float64(rate):
            continue
        end = offsets[kept]
        for k in range(stop - start):
            flat[end + k] = flat[start + k]
        counts[kept] = counts[i]
        kept += 1
        offsets[kept] = end + stop - start
    return kept
