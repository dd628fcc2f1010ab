"""The byte n-gram language model: counts of all n-grams up to an order, and log probabilities."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U8, U64, offsets_of
from bytepiece._logarithms import logs_of
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.trie import Trie, build_sorted
from bytepiece.parallel import Engine
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import Block
from bytepiece.training.corpus_sample import by_chunk

MAX_ORDER = 7
"""The longest n-gram. An n-gram is a 64-bit key. Its up to seven bytes begin at the highest byte of
the key, and the lowest byte is its length. Keys are ordered like the byte strings."""


class NgramTable(NamedTuple):
    """The different keys of a text, ascending, and the sum of the weights of each key.

    The count of a shorter n-gram is the sum over the keys that begin with it.
    """

    keys: U64
    counts: I64


class NgramModel(NamedTuple):
    """The log P(last byte | bytes before it) of every n-gram that is frequent enough.

    Args:
        trie: the trie of the n-grams. It also holds all beginnings of its n-grams.
        logs: float64[nodes], the log probability at the node where an n-gram ends.
    """

    trie: Trie
    logs: npt.NDArray[np.float64]


def count(
    blocks: Iterable[Block],
    order: int,
    engine: Engine,
    checkpoint: Checkpoint,
    done: Callable[[int], None],
) -> NgramTable:
    """Count the n-gram that begins at each position: `order` bytes, or fewer at a segment's end.

    Args:
        blocks: the corpus. The weight of a segment is the weight of its positions.
        order: 2 … 7.
        engine: counts blocks.
        checkpoint: keeps the counts of a few blocks at a time.
        done: called with the number of bytes of each counted block.
    """
    together = _TableSum()
    for table in tables_of(blocks, order, engine, checkpoint, done):
        together.add(table)
    return together.table()


def tables_of(
    blocks: Iterable[Block],
    order: int,
    engine: Engine,
    checkpoint: Checkpoint,
    done: Callable[[int], None],
    wanted: slice = slice(None),
) -> Iterator[NgramTable]:
    """Yield the tables of a few blocks at a time; see `count`, and `by_chunk` for `wanted`."""

    def counted(chunk: list[Block]) -> Arrays:
        some = _TableSum()
        for table in engine(partial(count_block, order=order), chunk):
            some.add(table)
        keys, counts = some.table()
        return {"keys": keys.view(np.int64), "counts": counts}

    for kept in by_chunk("ngrams", blocks, counted, checkpoint, done, wanted):
        yield NgramTable(kept["keys"].view(np.uint64), kept["counts"])


def count_block(block: Block, order: int) -> NgramTable:
    """Count the keys of one block. The result depends on the arguments only."""
    keys = np.empty(len(block.text), dtype=np.uint64)
    _fill_keys(block.text, block.bounds, order, keys)
    weights = block.weights
    if weights.min() == weights.max():
        keys.sort()
        weights = weights[:1]
    else:  # the weights must be sorted with their keys, which takes three times as long
        order_of_keys = np.argsort(keys)
        keys = keys[order_of_keys]
        weights = np.repeat(weights, np.diff(block.bounds))[order_of_keys]
    counts = np.zeros(len(keys), dtype=np.int64)
    distinct = _count_runs(keys, weights, counts)
    return NgramTable(keys[:distinct].copy(), counts[:distinct].copy())


class _TableSum:
    """The sum of tables, in whatever order they arrive.

    Tables of similar size are merged, like digits in a binary counter. So each key is moved a
    logarithmic number of times.
    """

    def __init__(self) -> None:
        self._tables: list[NgramTable] = []

    def add(self, table: NgramTable) -> None:
        tables = self._tables
        tables.append(table)
        while len(tables) > 1 and len(tables[-2].keys) < 2 * len(tables[-1].keys):
            tables.append(_merge(*tables.pop(-2), *tables.pop()))

    def table(self) -> NgramTable:
        tables = self._tables
        while len(tables) > 1:
            tables.append(_merge(*tables.pop(-2), *tables.pop()))
        return tables[0] if tables else NgramTable(np.empty(0, np.uint64), np.empty(0, np.int64))


def model(keys: U64, counts: I64, order: int, min_count: int, once: int = 1) -> NgramModel:
    """Return the language model for the counts of `count`.

    Args:
        keys, counts: a table of n-grams.
        order: the length of its longest n-grams.
        min_count: a rarer n-gram of two or more bytes has no probability.
        once: the count of a single occurrence. A missing single byte gets this count.
    """
    # The keys that begin with a byte lie between the smallest keys of this byte and of the next.
    starts = np.searchsorted(keys, np.arange(256, dtype=np.uint64) << np.uint64(56))
    absent = np.flatnonzero(np.diff(starts, append=len(keys)) == 0).astype(np.uint64)
    keys, counts = _merge(
        keys, counts, absent << np.uint64(56) | np.uint64(1), np.full(len(absent), once)
    )
    # Go level by level. At each level, find the ranges of keys that begin with the same n-gram,
    # their sums, and the sums of the ranges that contain them.
    ranges = np.array([[0, len(keys)]], dtype=np.int64)
    sums = np.array([counts.sum()], dtype=np.int64)
    ngrams, logs = [], []
    for length in range(1, order + 1):
        ranges, parents, sums_below = _split(
            keys, counts, ranges, length, min_count if length > 1 else 1
        )
        mask = np.uint64((1 << 64) - (1 << (64 - 8 * length)))
        ngrams.append(keys[ranges[:, 0]] & mask | np.uint64(length))
        logs.append(logs_of(sums_below) - logs_of(sums)[parents])
        sums = sums_below
    everything = np.concatenate(ngrams)
    order_of_keys = np.argsort(everything)
    everything = everything[order_of_keys]
    trie, nodes = build_sorted(*_spelled(everything))
    by_node = np.full(len(trie.units), -np.inf)
    by_node[nodes] = np.concatenate(logs)[order_of_keys]
    return NgramModel(trie, by_node)


@kernel
def _fill_keys(text: U8, bounds: I64, order: Scalar, keys: U64) -> None:
    """Fill in the key of each position."""
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        window = np.uint64(0)
        length = 0
        # The loop runs from right to left, so that the window's highest byte is the byte at the
        # position.
        for position in range(stop - 1, start - 1, -1):
            window = window >> np.uint64(8) | np.uint64(text[position]) << np.uint64(56)
            if length < order:
                length += 1
            unused = np.uint64(64 - 8 * length)
            keys[position] = window >> unused << unused | np.uint64(length)


@kernel
def _count_runs(keys: U64, weights: I64, counts: I64) -> Scalar:
    """Move the different keys of sorted keys to the front, and count each. Return their number.

    There is one weight for each key, or a single weight for all.
    """
    filled = -1
    many = len(weights) > 1
    for i in range(len(keys)):
        if i == 0 or keys[i] != keys[filled]:
            filled += 1
            keys[filled] = keys[i]
        counts[filled] += weights[i] if many else weights[0]
    return filled + 1


def _merge(keys1: U64, counts1: I64, keys2: U64, counts2: I64) -> NgramTable:
    """Merge two sorted tables, and add the counts of keys that are in both."""
    keys = np.empty(len(keys1) + len(keys2), dtype=np.uint64)
    counts = np.empty(len(keys), dtype=np.int64)
    filled = _fill_merged(keys1, counts1, keys2, counts2, keys, counts)
    return NgramTable(keys[:filled].copy(), counts[:filled].copy())


@kernel
def _fill_merged(
    keys1: U64, counts1: I64, keys2: U64, counts2: I64, keys: U64, counts: I64
) -> Scalar:
    i = j = filled = 0
    while i < len(keys1) or j < len(keys2):
        if j == len(keys2) or (i < len(keys1) and keys1[i] <= keys2[j]):
            keys[filled], counts[filled] = keys1[i], counts1[i]
            if j < len(keys2) and keys1[i] == keys2[j]:
                counts[filled] += counts2[j]
                j += 1
            i += 1
        else:
            keys[filled], counts[filled] = keys2[j], counts2[j]
            j += 1
        filled += 1
    return filled


def _split(keys: U64, counts: I64, ranges: I64, length: int, least: int) -> tuple[I64, I64, I64]:
    """Split ranges of keys by byte number `length`. Keep parts with a sum of `least` or more.

    Returns:
        the parts, int64[parts, 2]; the number of the range that contains each part, and the sum of
        each part, int64[parts].
    """
    nothing = np.empty((0, 2), dtype=np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    count = _fill_split(keys, counts, ranges, length, least, *nothing)
    found = (
        np.empty((count, 2), dtype=np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
    )
    _fill_split(keys, counts, ranges, length, least, *found)
    return found


@kernel
def _fill_split(
    keys: U64,
    counts: I64,
    ranges: I64,
    length: Scalar,
    least: Scalar,
    parts: I64,
    parents: I64,
    sums: I64,
) -> Scalar:
    """Return the number of parts. Store the parts unless `parts` is empty."""
    shift = np.uint64(64 - 8 * length)
    filled = 0
    for parent in range(len(ranges)):
        i, stop = ranges[parent, 0], ranges[parent, 1]
        while i < stop:
            if np.int64(keys[i] & np.uint64(0xFF)) < length:
                i += 1
                continue
            begin = i
            prefix = keys[i] >> shift
            total = np.int64(0)
            while i < stop and keys[i] >> shift == prefix:
                total += counts[i]
                i += 1
            if total >= least:
                if len(parts) > 0:
                    parts[filled, 0], parts[filled, 1] = begin, i
                    parents[filled], sums[filled] = parent, total
                filled += 1
    return filled


def _spelled(keys: U64) -> tuple[U8, I64]:
    """Return the bytes of the keys, end to end, and the offsets."""
    offsets = offsets_of((keys & np.uint64(0xFF)).astype(np.int64))
    flat = np.empty(offsets[-1], dtype=np.uint8)
    _spell(keys, offsets, flat)
    return flat, offsets


@kernel
def _spell(keys: U64, offsets: I64, flat: U8) -> None:
    for i in range(len(keys)):
        for k in range(offsets[i + 1] - offsets[i]):
            flat[offsets[i] + k] = np.uint8(keys[i] >> np.uint64(56 - 8 * k) & np.uint64(0xFF))
