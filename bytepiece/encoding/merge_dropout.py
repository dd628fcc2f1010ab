"""BPE-dropout: random segmentations that BPE gives if some of its joins are left out."""

import numpy as np

from bytepiece._arrays import F64, I32, U32, U64
from bytepiece.encoding.drawn import Drawn, room, uniform_of
from bytepiece.kernels.byte_pairs import NO_PAIR, BytePairs, _pair, _push, _sink, _symbols
from bytepiece.kernels.jit import Scalar, allocating, inlined, uint
from bytepiece.kernels.segments import SegmentRun, Segments, longest, offset_of
from bytepiece.kernels.streams import DRAWS, Streams, sample_words

_NO_PAIR = np.uint64(NO_PAIR)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_FEW = 40
"""Most symbols of a word whose pairs are searched anew for each draw; longer words have a heap."""


def dropout_ids(
    tables: BytePairs,
    ids: U32,
    alpha: float,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
) -> Drawn:
    """Draw the segments low…high − 1 by BPE-dropout.

    Args:
        tables: the tables of the model.
        ids: uint32[pieces], the id of each piece.
        alpha: the probability with which a pair is left out, 0 … 1.
        segments, streams, low, high: see `bytepiece.encoding.perfect.perfect_ids`.

    Source: Provilkov, Emelianenko, Voita, https://arxiv.org/abs/1910.13267.
    """
    run = segments.run(low, high)
    out, counts = room(run, streams)
    filled = _dropout_ids(tables, ids, alpha, run, streams, out, counts)
    return Drawn(out[:filled], counts)


# Before each join, every pair of neighbours that can be joined is left out with probability alpha,
# independently. Of the others, the pair of the lowest rank is joined, the leftmost first; if there
# is no other pair, the word is done. So the pairs are looked at in this order until one is not left
# out, with one draw for each. A word that is a piece as a whole gets no exception.
# Cost: 1 / (1 − alpha) draws for each join, and alpha^pairs more at the end. For each draw, the
# pairs of a short word are looked through; a long word takes the logarithm of its length.
@allocating
def _dropout_ids(
    tables: BytePairs,
    ids: U32,
    alpha: Scalar,
    run: SegmentRun,
    streams: Streams,
    out: I32,
    counts: I32,
) -> Scalar:
    """Fill `out` and `counts` as `dropout_ids` returns them, and return how many ids there are."""
    bounds = run.bounds
    length = longest(bounds, 0, len(bounds) - 1)
    begun = np.empty(length, dtype=np.uint32)
    symbols = np.empty(length, dtype=np.uint32)
    values = np.empty(_FEW, dtype=np.uint64)
    uniforms = np.empty(DRAWS, dtype=np.float64)
    samples = streams.samples
    filled = np.int64(0)
    for segment in range(len(bounds) - 1):
        begin = _symbols(tables, run.text, bounds[segment], bounds[segment + 1], begun)
        offset = offset_of(run, segment)
        for sample in range(samples):
            words = sample_words(streams, run.documents[segment], sample)
            symbols[:begin] = begun[:begin]
            if begin <= _FEW:
                count = _drop_few(
                    tables.pairs, symbols, values, begin, alpha, words, offset, uniforms
                )
            else:
                count = _drop_many(tables.pairs, symbols, begin, alpha, words, offset, uniforms)
            for i in range(count):
                out[filled] = ids[symbols[uint(i)]]
                filled += 1
            counts[segment * samples + sample] = count
    return filled


@inlined
def _drop_few(
    pairs: U64,
    symbols: U32,
    values: U64,
    count: Scalar,
    alpha: Scalar,
    words: tuple[Scalar, ...],
    offset: Scalar,
    uniforms: F64,
) -> Scalar:
    """Join the pairs of a short word in place, and return the number of symbols that are left."""
    for i in range(count - 1):
        values[uint(i)] = _pair(pairs, symbols[uint(i)], symbols[uint(i + 1)])
    draw = np.int64(0)
    least = np.uint64(0)  # of the pairs that are not yet left out: the rank, and the place
    while True:
        best = _NO_PAIR
        for i in range(count - 1):
            if values[uint(i)] != _NO_PAIR:
                key = (values[uint(i)] >> _32) << _32 | uint(i)
                if least <= key < best:
                    best = key
        if best == _NO_PAIR:
            return count
        uniform = uniform_of(words, offset, draw, uniforms)
        draw += 1
        if uniform < alpha:
            least = best + np.uint64(1)
            continue
        least = np.uint64(0)
        at = np.int64(best & _LOW)
        symbols[uint(at)] = values[uint(at)] & _LOW
        count -= 1
        for i in range(at + 1, count):
            symbols[uint(i)] = symbols[uint(i + 1)]
        for i in range(at + 1, count - 1):
            values[uint(i)] = values[uint(i + 1)]
        if at > 0:
            values[uint(at - 1)] = _pair(pairs, symbols[uint(at - 1)], symbols[uint(at)])
        if at < count - 1:
            values[uint(at)] = _pair(pairs, symbols[uint(at)], symbols[uint(at + 1)])


# The heap is that of `bytepiece.kernels.byte_pairs`. Entries that are left out wait aside until the
# next join.
@allocating
def _drop_many(
    pairs: U64,
    symbols: U32,
    count: Scalar,
    alpha: Scalar,
    words: tuple[Scalar, ...],
    offset: Scalar,
    uniforms: F64,
) -> Scalar:
    """Join the pairs of a long word like `_drop_few`."""
    values = np.empty(count, dtype=np.uint64)
    following = np.arange(1, count + 1)
    before = np.arange(-1, count - 1)
    heap = np.empty(3 * count, dtype=np.uint64)
    aside = np.empty(3 * count, dtype=np.uint64)
    size, waiting = np.int64(0), np.int64(0)
    values[count - 1] = _NO_PAIR
    for i in range(count - 1):
        values[i] = _pair(pairs, symbols[i], symbols[i + 1])
        if values[i] != _NO_PAIR:
            _push(heap, size, (values[i] >> _32) << _32 | uint(i))
            size += 1
    draw = np.int64(0)
    while size > 0:
        entry = heap[0]
        size -= 1
        heap[0] = heap[size]
        if size > 1:
            _sink(heap, size, np.int64(0))
        at = np.int64(entry & _LOW)
        if values[at] == _NO_PAIR or values[at] >> _32 != entry >> _32:
            continue  # out of date
        if size > 0 and heap[0] == entry:
            continue  # there twice
        uniform = uniform_of(words, offset, draw, uniforms)
        draw += 1
        if uniform < alpha:
            aside[waiting] = entry
            waiting += 1
            continue
        symbols[at] = values[at] & _LOW
        gone = following[at]
        values[gone] = _NO_PAIR
        following[at] = following[gone]
        if following[gone] < count:
            before[following[gone]] = at
        for first in (before[at], at):
            if first >= 0:
                values[first] = _NO_PAIR
                if following[first] < count:
                    values[first] = _pair(pairs, symbols[first], symbols[following[first]])
                if values[first] != _NO_PAIR:
                    _push(heap, size, (values[first] >> _32) << _32 | uint(first))
                    size += 1
        for i in range(waiting):
            _push(heap, size, aside[i])
            size += 1
        waiting = np.int64(0)
    left = np.int64(0)
    at = np.int64(0)
    while at < count:
        symbols[left] = symbols[at]
        left += 1
        at = following[at]
    return left
