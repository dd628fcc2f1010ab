"""The frequent substrings of a text: the seeds from which the unigram trainer chooses pieces.

The suffixes of the text are sorted, each cut off at its segment's end and at the largest length of
a piece. Suffixes that begin with the same string are then neighbours. Each run of neighbours that
share a longer beginning than with the suffixes around them yields one seed: the longest beginning
that they share and that is allowed as a piece. All its shorter beginnings that are no seeds occur
at the same places as a seed, so that they would gain nothing.

A substring is allowed if it begins and ends at boundaries between characters, or is the beginning
of a single character. Suffixes are sorted bucket by bucket, by their first byte, since the keys of
a bucket take more memory than the text.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import I32, I64, U8, U16, U64, offsets_of
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.parallel import Engine
from bytepiece.training.corpus_reader import Block
from bytepiece.training.piece_counts import PieceCounts

_SHORT = 12
"""So few suffixes are sorted by insertion."""
_STACK = 1 << 12
"""The number of waiting ranges of suffixes. The shortest range goes first, so a stack of three
times the logarithm of the number of suffixes, for each eight bytes of depth, is enough."""


class SeedRules(NamedTuple):
    """The rules that say which substrings are seeds.

    Args:
        max_piece_length: in bytes.
        parts: whether a seed may be the beginning of a character.
        least: the smallest count.
        most: the largest number of seeds. Those with the largest count · length are taken.
    """

    max_piece_length: int
    parts: bool
    least: int
    most: int


class SegmentedText(NamedTuple):
    """A text in one piece, with what the sorting has to know of each byte.

    Args:
        text: uint8[bytes].
        left: uint16[bytes], the number of bytes up to the segment's end, or the largest length of a
            piece if that is less.
        weights: int64[bytes], the weight of each byte's segment, or int64[1] if all are equal.
    """

    text: U8
    left: U16
    weights: I64


def seeds(windows: Sequence[Block], rules: SeedRules, engine: Engine) -> PieceCounts:
    """Return the frequent substrings of more than one byte, in a fixed order.

    Args:
        windows: the text. No seed crosses the ends of its segments.
        rules: which substrings are seeds.
        engine: sorts buckets. The result does not depend on the engine.
    """
    text = _segmented(windows, rules.max_piece_length)
    starts = np.flatnonzero(text.text & 0xC0 != 0x80).astype(np.int32)
    starts = starts[np.argsort(text.text[starts], kind="stable")]
    ends = np.searchsorted(text.text[starts], np.arange(257))
    buckets = [starts[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True) if b > a]
    if not buckets:
        return PieceCounts(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.int64))
    found = dict(engine(partial(_bucket_seeds, text=text, rules=rules), buckets))
    places, lengths, counts = (
        np.concatenate([found[byte][i] for byte in sorted(found)]) for i in range(3)
    )
    chosen = _best(lengths, counts, rules.most)
    places, lengths, counts = places[chosen], lengths[chosen].astype(np.int64), counts[chosen]
    offsets = offsets_of(lengths)
    flat = np.empty(offsets[-1], dtype=np.uint8)
    _spell(text.text, places, offsets, flat)
    return PieceCounts(flat, offsets, counts)


def _segmented(windows: Sequence[Block], most: int) -> SegmentedText:
    text = np.concatenate([window.text for window in windows])
    lengths = np.concatenate([np.diff(window.bounds) for window in windows])
    weights = np.concatenate([window.weights for window in windows])
    left = np.empty(len(text), dtype=np.uint16)
    _fill_left(offsets_of(lengths), most, left)
    if weights.min() == weights.max():
        return SegmentedText(text, left, weights[:1])
    return SegmentedText(text, left, np.repeat(weights, lengths))


def _bucket_seeds(
    places: I32, text: SegmentedText, rules: SeedRules
) -> tuple[int, tuple[I32, U16, I64]]:
    """Return the first byte of a bucket, and its seeds: places, lengths and counts."""
    places = places.copy()
    _sort(text.text, text.left, places, rules.max_piece_length, np.empty(len(places), np.uint64))
    # Each run of neighbours has at least two suffixes, and each suffix is a run of its own.
    room = 2 * len(places)
    at, lengths = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.uint16)
    counts = np.empty(room, dtype=np.int64)
    number = _runs(*text, places, rules.parts, rules.least, at, lengths, counts)
    chosen = _best(lengths[:number], counts[:number], rules.most)
    return int(text.text[places[0]]), (at[chosen], lengths[chosen], counts[chosen])


def _best(lengths: U16, counts: I64, most: int) -> I64:
    """Return the numbers of the substrings with the largest scores, ascending. Ties stay out."""
    if len(counts) <= most:
        return np.arange(len(counts))
    scores = lengths * counts
    least = np.partition(scores, len(scores) - most - 1)[len(scores) - most - 1]
    return np.flatnonzero(scores > least)


@kernel
def _fill_left(bounds: I64, most: Scalar, left: U16) -> None:
    for segment in range(len(bounds) - 1):
        for place in range(bounds[segment], bounds[segment + 1]):
            left[place] = min(bounds[segment + 1] - place, most)


@kernel
def _key(text: U8, left: U16, place: Scalar, depth: Scalar) -> Scalar:
    """Return eight bytes of a suffix as a number; bytes beyond its end are 0."""
    key = np.uint64(0)
    for i in range(depth, min(depth + 8, np.int64(left[place]))):
        key |= np.uint64(text[place + i]) << np.uint64(56 - 8 * (i - depth))
    return key


@kernel
def _shared(text: U8, left: U16, a: Scalar, b: Scalar) -> Scalar:
    """Return the length of the longest string that two suffixes begin with."""
    most = min(np.int64(left[a]), np.int64(left[b]))
    length = 0
    while length < most and text[a + length] == text[b + length]:
        length += 1
    return length


# This is a quicksort that parts the suffixes by eight bytes at a time (Bentley and Sedgewick 1997).
# Suffixes with equal keys are sorted further by their next eight bytes. The pivots depend on the
# keys only.
@kernel
def _sort(text: U8, left: U16, places: I32, most: Scalar, keys: U64) -> None:
    """Sort suffixes by their bytes; `keys` is room for their keys."""
    for i in range(len(places)):
        keys[i] = _key(text, left, places[i], 0)
    lows = np.empty(_STACK, dtype=np.int64)
    highs = np.empty(_STACK, dtype=np.int64)
    depths = np.empty(_STACK, dtype=np.int64)
    lows[0], highs[0], depths[0] = 0, len(places), 0
    waiting = 1
    state = np.uint64(1)
    while waiting > 0:
        waiting -= 1
        low, high, depth = lows[waiting], highs[waiting], depths[waiting]
        if high - low <= _SHORT:
            _insert(text, left, places, keys, low, high, depth)
            continue
        # A pseudorandom pivot, so that no text makes the sort slow.
        state = (state * np.uint64(0x5851F42D) + np.uint64(0x14057B7F)) & np.uint64(0xFFFFFFFF)
        span = np.uint64(high - low)
        a = keys[low + np.int64(state % span)]
        b = keys[low + np.int64((state >> np.uint64(7)) % span)]
        c = keys[low + np.int64((state >> np.uint64(13)) % span)]
        pivot = max(min(a, b), min(max(a, b), c))
        less, i, more = low, low, high
        while i < more:
            if keys[i] < pivot:
                keys[i], keys[less] = keys[less], keys[i]
                places[i], places[less] = places[less], places[i]
                less += 1
                i += 1
            elif keys[i] > pivot:
                more -= 1
                keys[i], keys[more] = keys[more], keys[i]
                places[i], places[more] = places[more], places[i]
            else:
                i += 1
        first = waiting
        if less - low > 1:
            lows[waiting], highs[waiting], depths[waiting] = low, less, depth
            waiting += 1
        if high - more > 1:
            lows[waiting], highs[waiting], depths[waiting] = more, high, depth
            waiting += 1
        if more - less > 1 and depth + 8 < most:
            for i in range(less, more):
                keys[i] = _key(text, left, places[i], depth + 8)
            lows[waiting], highs[waiting], depths[waiting] = less, more, depth + 8
            waiting += 1
        for i in range(first + 1, waiting):
            for j in range(i, first, -1):
                if highs[j] - lows[j] > highs[j - 1] - lows[j - 1]:
                    lows[j], lows[j - 1] = lows[j - 1], lows[j]
                    highs[j], highs[j - 1] = highs[j - 1], highs[j]
                    depths[j], depths[j - 1] = depths[j - 1], depths[j]


@kernel
def _insert(
    text: U8, left: U16, places: I32, keys: U64, low: Scalar, high: Scalar, depth: Scalar
) -> None:
    """Sort a few suffixes that share their first `depth` bytes."""
    for i in range(low + 1, high):
        key, place = keys[i], places[i]
        j = i
        while j > low:
            before = places[j - 1]
            if keys[j - 1] < key:
                break
            if keys[j - 1] == key:
                shared = _shared(text, left, before, place)
                if shared == np.int64(left[before]):
                    break
                if shared < np.int64(left[place]) and text[before + shared] < text[place + shared]:
                    break
            keys[j], places[j] = keys[j - 1], before
            j -= 1
        keys[j], places[j] = key, place


@kernel
def _allowed(text: U8, place: Scalar, end: Scalar, least: Scalar, parts: bool) -> Scalar:
    """Return the longest allowed length of a substring, at most `end` and above `least`, or 0.

    Args:
        text: the whole text.
        place: where the substring begins, which is no place within a character.
        end: the length of a string that begins there within its segment. If more of the character
            follows, the string does not end at a boundary.
        least: the length must be above this one, and above 1.
        parts: whether it may be the beginning of a character.
    """
    lead = text[place]
    first = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if end < first:
        return end if parts and end > max(least, 1) else 0
    length = end
    while length > first:
        # The last character must be whole.
        tail = 1
        while tail < length and text[place + length - tail] & 0xC0 == 0x80:
            tail += 1
        last = text[place + length - tail]
        if tail == (1 if last < 0xC0 else 2 if last < 0xE0 else 3 if last < 0xF0 else 4):
            break
        length -= tail
    return length if length > max(least, 1) else 0


# Runs of neighbours that share a beginning are nested, so those that are still open lie on a stack.
# Cost: one comparison of each suffix with its neighbour.
@kernel
def _runs(
    text: U8,
    left: U16,
    weights: I64,
    places: I32,
    parts: bool,
    least: Scalar,
    at: I32,
    lengths: U16,
    counts: I64,
) -> Scalar:
    """Store the place, the length and the count of each seed. Return the number of seeds."""
    filled = 0
    shares = np.zeros(1 << 11, dtype=np.int64)  # the length that a run shares; 0 for everything
    sums = np.zeros(1 << 11, dtype=np.int64)
    open_runs = 1
    before = 0
    for i in range(len(places)):
        place = places[i]
        carried = weights[place] if len(weights) > 1 else weights[0]
        after = _shared(text, left, place, places[i + 1]) if i + 1 < len(places) else 0
        length = np.int64(left[place])
        outer = max(before, after)
        before = after
        # The suffix itself is a run, too. It is not on the stack.
        while True:
            if carried >= least and length > outer:
                allowed = _allowed(text, place, length, outer, parts)
                if allowed > 0:
                    at[filled], lengths[filled], counts[filled] = place, allowed, carried
                    filled += 1
            if shares[open_runs - 1] <= after:
                break
            open_runs -= 1
            carried += sums[open_runs]
            length = shares[open_runs]
            outer = max(after, shares[open_runs - 1])
        if shares[open_runs - 1] < after:
            shares[open_runs], sums[open_runs] = after, carried
            open_runs += 1
        else:
            sums[open_runs - 1] += carried
    return filled


@kernel
def _spell(text: U8, places: I32, offsets: I64, flat: U8) -> None:
    for i in range(len(places)):
        for k in range(offsets[i + 1] - offsets[i]):
            flat[offsets[i] + k] = text[places[i] + k]
