"""Counts of pieces and of pairs of neighbouring pieces along the best paths of a text.

The text is counted in windows. A key that occurs n times in a window gets the count 16 · n^(3/4),
rounded down, times the mean weight of its occurrences. The counts of the windows are added up. So a
name that fills one book weighs less than an equally frequent phrase that occurs everywhere. Such a
phrase is more likely to occur in an unseen text. The counts are whole numbers, so their sums are
exact and the same in any order.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, U8
from bytepiece.kernels.automaton import Automaton, scan
from bytepiece.kernels.best_path import best_path
from bytepiece.kernels.jit import UINT_0, UINT_1, Scalar, allocating, inner, kernel, uint
from bytepiece.kernels.segments import longest
from bytepiece.training.corpus_reader import Block
from bytepiece.training.word_kinds import Bools, fill_word_starts, kinds

COUNT_OF_ONE = 16
"""The count of a key that occurs once in a window."""
_PIECE_BITS = 24
_HASH_BITS = 40
_SMALLEST_TABLE = 1 << 12
NEWLINE = 0x0A


class ScoredAutomaton(NamedTuple):
    """The automaton and the scores of some pieces. They decide how a text is counted.

    Args:
        automaton: the automaton of the pieces.
        scores: float64[entries], see `bytepiece.kernels.best_path.best_path`.
        pieces: the number of pieces.
    """

    automaton: Automaton
    scores: npt.NDArray[np.float64]
    pieces: int


class WindowCounts(NamedTuple):
    """The counts of one window.

    Args:
        tokens: the number of tokens on its best paths.
        pieces: int64[pieces], the count of each piece.
        pairs: two arrays int64[different pairs]: keys (see `split_pairs`) in the order of their
            hashes, and their counts.
    """

    tokens: int
    pieces: npt.NDArray[np.int64]
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def split_pairs(keys: I64) -> tuple[I64, I64]:
    """Return the numbers of the left pieces and of the right pieces of pairs."""
    return keys >> _PIECE_BITS, keys & ((1 << _PIECE_BITS) - 1)


@cache
def _powers(most: int) -> I64:
    """Return int64[most + 1]: the count of a key for each number n of occurrences."""
    roots = [math.isqrt(math.isqrt(n**3 * COUNT_OF_ONE**4)) for n in range(most + 1)]
    return np.array(roots, dtype=np.int64)


def count(
    window: Block,
    state: ScoredAutomaton,
    with_pairs: bool = True,
    superwords: bool = False,
    damped: bool = True,
) -> WindowCounts:
    """Count a window. The result depends on the arguments only.

    Args:
        window: the window.
        state: decides the best paths.
        with_pairs: whether pairs are counted.
        superwords: count a pair only where it lies within one word or is several whole words; see
            `bytepiece.training.words`.
        damped: whether n occurrences count less than n times one. If not, the weights say how much
            an occurrence counts.
    """
    segments, weights = len(window.bounds) - 1, window.weights
    factors = weights if weights.min() < weights.max() else weights[:1]
    often, sums = np.zeros((2, state.pieces), dtype=np.int64)
    joined = np.empty(segments, dtype=np.int64)
    pairs = np.empty(len(window.text) if with_pairs else 0, dtype=np.int64)
    automaton, scores, _ = state
    table = kinds() if superwords else np.empty(0, dtype=np.uint8)
    arrays = window.text, window.bounds, factors, table, often, sums, joined, pairs
    tokens = _trace_keys(automaton, scores, *arrays)
    # No pair occurs more often than its pieces.
    powers = _powers(1 << int(often.max(initial=1)).bit_length() if damped else 0)
    _fill_counts(often, sums, factors, powers)
    if not with_pairs:
        return WindowCounts(tokens, sums, (pairs, pairs))
    pairs = pairs[: joined.sum()]
    if len(factors) > 1:
        factors = np.repeat(factors, joined)
    slots = np.zeros(_table_size(len(pairs)), dtype=np.int32)
    distinct, often, added = np.empty((3, len(pairs)), dtype=np.int64)
    order = np.empty(_distinct(pairs, factors, slots, distinct, often, added) + 1, dtype=np.int64)
    _sort(slots, order)
    order = order[:-1]
    added = added[order]
    _fill_counts(often[order], added, factors, powers)
    return WindowCounts(tokens, sums, (distinct[order], added))


@kernel
def _fill_counts(often: I64, sums: I64, weights: I64, powers: I64) -> None:
    """Turn the weights of keys into counts.

    Args:
        often: int64[keys], how often each key occurs.
        sums: int64[keys], the weights of the occurrences, added up; not used if there is a single
            weight. The counts take their place.
        weights: the weights of the occurrences, or a single weight for all.
        powers: see `_powers`; a single number if counts are not damped.
    """
    for i in range(len(often)):
        n = often[i]
        if len(weights) == 1:
            sums[i] = weights[0] * (powers[uint(n)] if len(powers) > 1 else n)
        elif len(powers) > 1 and n > 0:
            # This is sums · power // n, in an order that keeps products small.
            power = powers[uint(n)]
            sums[i] = sums[i] // n * power + sums[i] % n * power // n


def _table_size(keys: int) -> int:
    """Return a power of two that leaves at least two slots for each key."""
    return max(_SMALLEST_TABLE, 1 << (2 * keys - 1).bit_length())


# Cost: the best path, and for each token two additions and a store.
@allocating
def _trace_keys(
    automaton: Automaton,
    scores: F64,
    text: U8,
    bounds: I64,
    weights: I64,
    table: U8,
    often: I64,
    sums: I64,
    joined: I64,
    pairs: I64,
) -> Scalar:
    """Count the pieces of the best paths, and fill in the pairs.

    Args:
        automaton, scores: the pieces.
        text, bounds: the segments.
        weights: one for each segment, or a single one for all, which is not added up.
        table: `kinds()` for superwords, otherwise empty; see `count`.
        often: int64[pieces], to be increased by the number of occurrences.
        sums: int64[pieces], to be increased by the weights of the occurrences.
        joined: int64[segments], to be filled with the number of pairs of each segment.
        pairs: to be filled with the keys of the pairs. If it is empty, there are none.

    Returns:
        the number of tokens.
    """
    length = longest(bounds, 0, len(bounds) - 1)
    best = np.zeros(length + 1, dtype=np.float64)
    via = np.empty(length + 1, dtype=np.uint32)
    matches = np.empty(len(text), dtype=np.uint32)
    superwords = len(table) > 0
    begins = np.empty(length + 1 if superwords else 0, dtype=np.int64)
    is_start = np.empty(length if superwords else 0, dtype=np.bool_)
    scan(automaton, text, bounds, matches)
    tokens, filled = 0, 0
    many, with_pairs = len(weights) > 1, len(pairs) > 0
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        best_path(automaton, scores, text, matches, start, stop, best, via)
        position = uint(stop - start)
        if superwords:
            fill_word_starts(text, start, stop, table, is_start)
            _words(is_start, stop - start, begins)
        weight = weights[segment] if many else np.int64(0)
        right, end = np.int64(-1), position
        before = filled
        while position > UINT_0:
            entry = uint(via[position])
            piece = automaton.pieces[entry]
            left = np.int64(piece)
            often[piece] += 1
            sums[piece] += weight
            tokens += 1
            begin = position - uint(automaton.lengths[entry])
            # The pair takes the bytes from `begin` to `end`.
            if with_pairs and right >= 0 and (not superwords or _fits(begins, begin, end)):
                pairs[filled] = left << _PIECE_BITS | right
                filled += 1
            right, end = left, position
            position = begin
        joined[segment] = filled - before
    return tokens


@inner
def _words(is_start: Bools, length: Scalar, begins: I64) -> None:
    """Fill in for each byte of a segment where its word begins. A word begins at the end, too."""
    begin = 0
    for i in range(length):
        if is_start[i]:
            begin = i
        begins[i] = begin
    begins[length] = length


@inner
def _fits(begins: I64, begin: Scalar, end: Scalar) -> Scalar:
    """Return whether some bytes lie within one word or are several whole words."""
    within = begins[end - UINT_1] <= np.int64(begin)
    return within or (begins[begin] == np.int64(begin) and begins[end] == np.int64(end))


@inner
def _slot(key: Scalar, shift: Scalar) -> Scalar:
    """Return the slot of a key below 2^48: the first bits of its hash.

    The hash multiplies 32 bits by 32 bits, so that NumPy warns of no overflow in interpreted
    kernels.
    """
    low, high = uint(key) & uint(0xFFFFFFFF), uint(key) >> uint(32)
    mixed = low * uint(0x9E3779B1) ^ high * uint(0x85EBCA6B) ^ low >> uint(15)
    return ((mixed ^ mixed >> uint(29)) & uint((1 << _HASH_BITS) - 1)) >> shift


@inner
def _shift_of(slots: Scalar) -> Scalar:
    """Return by how much `_slot` shifts a hash for a table of this many slots, a power of two."""
    shift = uint(_HASH_BITS)
    while slots > 1:
        slots, shift = slots // 2, shift - UINT_1
    return shift


# The hash table holds indices into `distinct` instead of keys. It then takes only 0.3 MB for a
# window, and fits in the cache.
@kernel
def _distinct(keys: I64, weights: I64, slots: I32, distinct: I64, often: I64, sums: I64) -> Scalar:
    """Find the different keys, the number of occurrences of each, and its sum of weights.

    Args:
        keys: the keys of pieces or of pairs, in the order of the text.
        weights: one for each key, or a single one for all.
        slots: zeros; their number is a power of two. Filled with 1 + the place of a key.
        distinct, often: filled in.
        sums: filled in, except if there is a single weight.

    Returns:
        the number of different keys.
    """
    many = len(weights) > 1
    mask, shift = uint(len(slots) - 1), _shift_of(len(slots))
    filled = 0
    for i in range(len(keys)):
        slot = _slot(keys[i], shift)
        while slots[slot] != 0 and distinct[slots[slot] - 1] != keys[i]:
            slot = (slot + UINT_1) & mask
        if slots[slot] == 0:
            distinct[filled], often[filled] = keys[i], 0
            if many:
                sums[filled] = 0
            filled += 1
            slots[slot] = filled
        place = slots[slot] - 1
        often[place] += 1
        if many:
            sums[place] += weights[i]
    return filled


# Keys that arrive in the order of their hashes walk through the large table of `PairSums` from one
# end to the other. With its size known at the beginning, adding then takes half the time.
@kernel
def _sort(slots: I32, order: I64) -> None:
    """Fill in the places of keys in the order of their slots. One more number is not used."""
    filled = 0
    for slot in range(len(slots)):
        # There is no branch, because no processor could predict it.
        order[filled] = slots[slot] - 1
        filled += 1 if slots[slot] != 0 else 0


class TooManyError(Exception):
    """Raised if there are more different keys than fit."""


class PairSums:
    """Sums by key. They are exact, whatever the order of the additions.

    The sums are in an open hash table of 16 bytes a slot. It is doubled when two thirds are full.

    Args:
        most: the largest number of different keys.
        expected: about how many different keys there will be.
    """

    def __init__(self, most: int, expected: int = 0) -> None:
        self._most = most
        self.different = 0
        """The number of different keys."""
        self._reserve(min(most, expected))

    def _reserve(self, number: int) -> None:
        """Make an empty table with room for a number of keys."""
        size = _SMALLEST_TABLE
        while 3 * number > 2 * size:
            size *= 2
        self._keys = np.empty(size, dtype=np.int64)
        self._sums = np.zeros(size, dtype=np.int64)

    def add(self, keys: I64, numbers: I64) -> None:
        """Add a number to the sum of each key.

        Args:
            keys: 0 … 2^48 − 1.
            numbers: one for each key, at least 1.

        Raises:
            TooManyError: if there are too many keys, counting the new ones.
        """
        needed = self.different + len(keys)
        if 3 * needed > 2 * len(self._keys):
            kept, sums = self.items()
            self._reserve(needed)
            _add(kept, sums, self._keys, self._sums)
        self.different += _add(keys, numbers, self._keys, self._sums)
        if self.different > self._most:
            raise TooManyError

    def items(self, least: int = 1) -> tuple[I64, I64]:
        """Return the keys with sums of at least `least`, in no particular order, and the sums."""
        chosen = np.flatnonzero(self._sums >= least)
        return self._keys[chosen], self._sums[chosen]


@kernel
def _add(keys: I64, numbers: I64, table: I64, sums: I64) -> Scalar:
    """Add numbers to the sums of keys, in a table with room for them. Return how many are new.

    A slot whose sum is 0 is empty.
    """
    mask, shift = uint(len(table) - 1), _shift_of(len(table))
    new = 0
    for i in range(len(keys)):
        slot = _slot(keys[i], shift)
        while sums[slot] != 0 and table[slot] != keys[i]:
            slot = (slot + UINT_1) & mask
        if sums[slot] == 0:
            table[slot] = keys[i]
            new += 1
        sums[slot] += numbers[i]
    return new


class TotalCounts(NamedTuple):
    """The sum of the counts of windows.

    Args:
        tokens: the number of tokens on the best paths.
        pieces: int64[pieces], the count of each piece.
        pairs: the counts of the pairs.
    """

    tokens: int
    pieces: npt.NDArray[np.int64]
    pairs: PairSums


def total(
    counts: Iterable[WindowCounts], pieces: int, most: int = 0, expected: int = 0
) -> TotalCounts:
    """Add up the counts of windows, in any order.

    Args:
        counts: made with the same state.
        pieces: the number of pieces.
        most: the largest number of different pairs.
        expected: about how many different pairs there will be.

    Raises:
        TooManyError: if there are more pairs. This does not depend on the order either.
    """
    tokens = 0
    sums = np.zeros(pieces, dtype=np.int64)
    pairs = PairSums(most, expected)
    for one in counts:
        tokens += one.tokens
        sums += one.pieces
        pairs.add(*one.pairs)
    return TotalCounts(tokens, sums, pairs)
