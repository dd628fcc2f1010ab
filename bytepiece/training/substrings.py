"""The frequent substrings of a text: the seeds from which the unigram trainer chooses pieces.

The suffixes of the text are sorted, each cut off at its segment's end and at the largest length of
a piece. Suffixes that begin with the same string are then neighbours. Each run of neighbours that
share a longer beginning than with the suffixes around them yields at most one seed: the longest
beginning that they share and that is allowed as a piece. Its shorter beginnings occur at the same
places, so they would gain nothing. If the same character stands before all of these places, the
string is no seed either, because the string with this character is one.

A substring is allowed if it begins and ends at boundaries between characters, or is the beginning
of a single character. Suffixes are sorted bucket by bucket, by their first byte, since the keys of
a bucket take more memory than the text.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import I32, I64, U8, U16, U32, U64, offsets_of
from bytepiece.kernels.jit import Scalar, allocating, inner, kernel
from bytepiece.kernels.segments import longest_of
from bytepiece.parallel import Engine
from bytepiece.rules.text import is_utf8
from bytepiece.training.corpus_reader import Block
from bytepiece.training.piece_counts import PieceCounts, select

_STEP = 7
"""The bytes of a string that one key holds. The lowest byte of the key is their number, so keys
are ordered like the strings, even if these contain null bytes."""
_SHORT = 12
"""So few suffixes are sorted by insertion."""
_STACK = 1 << 12
"""The number of waiting ranges of suffixes. The shortest range goes first, so a stack of three
times the logarithm of the number of suffixes, for each key's bytes of depth, is enough."""


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
        numbers: uint32[bytes], the place of each byte's weight in `weights`; uint32[1] if all
            weights are equal.
        weights: int64[different weights of segments].
    """

    text: U8
    left: U16
    numbers: U32
    weights: I64


def seeds(
    windows: Sequence[Block], rules: SeedRules, engine: Engine, done: Callable[[int], object]
) -> PieceCounts:
    """Return the frequent substrings of more than one byte, in a fixed order.

    Args:
        windows: the text. No seed crosses the ends of its segments.
        rules: which substrings are seeds.
        engine: sorts buckets. The result does not depend on the engine.
        done: called with the number of suffixes in each sorted bucket.
    """
    text = _segmented(windows, rules.max_piece_length)
    found = {}
    for bucket in engine(partial(_bucket_seeds, text=text, rules=rules), _buckets(text.text)):
        found[bucket.byte] = bucket
        done(bucket.suffixes)
    buckets = [found[byte] for byte in sorted(found)]
    places = np.concatenate([np.empty(0, np.int32), *(bucket.places for bucket in buckets)])
    lengths = np.concatenate([np.empty(0, np.uint16), *(bucket.lengths for bucket in buckets)])
    counts = np.concatenate([np.empty(0, np.int64), *(bucket.counts for bucket in buckets)])
    chosen = best(lengths, counts, rules.most)
    places, lengths, counts = places[chosen], lengths[chosen].astype(np.int64), counts[chosen]
    offsets = offsets_of(lengths)
    flat = np.empty(offsets[-1], dtype=np.uint8)
    _spell(text.text, places, offsets, flat)
    if all(is_utf8(window.text.tobytes()) for window in windows):
        return PieceCounts(flat, offsets, counts)
    spelled, ends = flat.tobytes(), offsets.tolist()
    valid = [_is_valid(spelled[a:b]) for a, b in pairwise(ends)]
    which = np.flatnonzero(valid)
    return PieceCounts(*select(flat, offsets, which), counts[which])


def sorted_order(flat: U8, offsets: I64) -> I64:
    """Return the numbers of strings that lie end to end, in the order of the strings."""
    left = np.empty(len(flat), dtype=np.uint16)
    _fill_left(offsets, longest_of(offsets), left)
    places = offsets[:-1].astype(np.int32)
    _sort(flat, left, places, np.empty(len(places), np.uint64))
    return np.searchsorted(offsets, places)


def _is_valid(seed: bytes) -> bool:
    """Return whether bytes are whole characters, or the beginning of one."""
    begins = len(seed) < _character(seed[0]) and all(byte & 0xC0 == 0x80 for byte in seed[1:])
    return begins or is_utf8(seed)


def _segmented(windows: Sequence[Block], most: int) -> SegmentedText:
    text = np.concatenate([window.text for window in windows])
    lengths = np.concatenate([np.diff(window.bounds) for window in windows])
    all_weights = np.concatenate([window.weights for window in windows])
    left = np.empty(len(text), dtype=np.uint16)
    _fill_left(offsets_of(lengths), most, left)
    weights, places = np.unique(all_weights, return_inverse=True)
    numbers: U32 = places.astype(np.uint32)
    numbers = numbers[:1] if len(weights) == 1 else np.repeat(numbers, lengths)
    return SegmentedText(text, left, numbers, weights)


def _buckets(text: U8) -> Iterator[I32]:
    """Yield the places of each byte that may begin a character."""
    present = np.bincount(text, minlength=256) > 0
    for byte in np.flatnonzero(present).tolist():
        if byte & 0xC0 != 0x80:
            yield np.flatnonzero(text == byte).astype(np.int32)


class BucketSeeds(NamedTuple):
    """The seeds that begin with one byte.

    Args:
        byte: the byte.
        suffixes: the number of suffixes in the bucket.
        places: int32[seeds], where each seed occurs.
        lengths: uint16[seeds].
        counts: int64[seeds].
    """

    byte: int
    suffixes: int
    places: I32
    lengths: U16
    counts: I64


def _bucket_seeds(places: I32, text: SegmentedText, rules: SeedRules) -> BucketSeeds:
    """Return the seeds that begin at some places of the same byte."""
    _sort(text.text, text.left, places, np.empty(len(places), np.uint64))
    # Each run of neighbours has at least two suffixes, and each suffix is a run of its own.
    room = 2 * len(places)
    at, lengths = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.uint16)
    counts = np.empty(room, dtype=np.int64)
    limits = np.array([rules.parts, rules.max_piece_length, rules.least], dtype=np.int64)
    number = _runs(*text, places, limits, at, lengths, counts)
    chosen = best(lengths[:number], counts[:number], rules.most)
    byte = int(text.text[places[0]])
    return BucketSeeds(byte, len(places), at[chosen], lengths[chosen], counts[chosen])


def best(lengths: U16 | I64, counts: I64, most: int) -> I64:
    """Return the numbers of the substrings with the largest count · length, ascending.

    There are at most `most` of them. Substrings that are equally good as one that has no room have
    no room either.
    """
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


@inner
def _key(text: U8, left: U16, place: Scalar, depth: Scalar) -> Scalar:
    """Return some bytes of a suffix, after the first `depth`, and their number as one number."""
    key = np.uint64(max(min(np.int64(left[place]) - depth, _STEP), 0))
    for i in range(depth, min(depth + _STEP, np.int64(left[place]))):
        key |= np.uint64(text[place + i]) << np.uint64(56 - 8 * (i - depth))
    return key


@inner
def _shared(text: U8, left: U16, a: Scalar, b: Scalar) -> Scalar:
    """Return the length of the longest string that two suffixes begin with."""
    most = min(np.int64(left[a]), np.int64(left[b]))
    length = 0
    while length < most and text[a + length] == text[b + length]:
        length += 1
    return length


# This is a quicksort that parts the suffixes by seven bytes at a time (Bentley and Sedgewick 1997).
# Suffixes with equal keys are sorted further by their next seven bytes, unless they have ended.
@allocating
def _sort(text: U8, left: U16, places: I32, keys: U64) -> None:
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
        if more - less > 1 and pivot & np.uint64(0xFF) == np.uint64(_STEP):
            for i in range(less, more):
                keys[i] = _key(text, left, places[i], depth + _STEP)
            lows[waiting], highs[waiting], depths[waiting] = less, more, depth + _STEP
            waiting += 1
        for i in range(first + 1, waiting):
            for j in range(i, first, -1):
                if highs[j] - lows[j] > highs[j - 1] - lows[j - 1]:
                    lows[j], lows[j - 1] = lows[j - 1], lows[j]
                    highs[j], highs[j - 1] = highs[j - 1], highs[j]
                    depths[j], depths[j - 1] = depths[j - 1], depths[j]


@inner
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
def _character(lead: Scalar) -> Scalar:
    """Return the length of the character that begins with a byte."""
    return 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


@inner
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
    first = _character(text[place])
    if end < first:
        return end if parts and end > max(least, 1) else 0
    length = end
    while length > first:
        # The last character must be whole.
        tail = 1
        while tail < length and text[place + length - tail] & 0xC0 == 0x80:
            tail += 1
        if tail == _character(text[place + length - tail]):
            break
        length -= tail
    return length if length > max(least, 1) else 0


@inner
def _before(text: U8, left: U16, place: Scalar) -> Scalar:
    """Return the bytes of the character before a place as a number; −1 if there is none."""
    if place == 0 or left[place - 1] == 1:
        return np.int64(-1)
    start = place - 1
    while place - start < 4 and start > 0 and left[start - 1] != 1 and text[start] & 0xC0 == 0x80:
        start -= 1
    if place - start != _character(text[start]):
        return np.int64(-1)
    found = np.int64(0)
    for i in range(start, place):
        found = found << 8 | np.int64(text[i])
    return found


# Runs of neighbours that share a beginning are nested, so those that are still open lie on a stack.
# Cost: one comparison of each suffix with its neighbour.
@allocating
def _runs(
    text: U8,
    left: U16,
    numbers: U32,
    weights: I64,
    places: I32,
    limits: I64,
    at: I32,
    lengths: U16,
    counts: I64,
) -> Scalar:
    """Store the place, the length and the count of each seed. Return the number of seeds."""
    parts, most, least = limits[0] != 0, limits[1], limits[2]
    filled = 0
    shares = np.zeros(1 << 11, dtype=np.int64)  # the length that a run shares; 0 for everything
    sums = np.zeros(1 << 11, dtype=np.int64)
    befores = np.zeros(1 << 11, dtype=np.int64)  # the character before all places of a run, or −1
    befores[0] = -1
    open_runs = 1
    outside = 0
    for i in range(len(places)):
        place = places[i]
        carried = weights[numbers[place] if len(numbers) > 1 else 0]
        after = _shared(text, left, place, places[i + 1]) if i + 1 < len(places) else 0
        length = np.int64(left[place])
        outer = max(outside, after)
        outside = after
        before = _before(text, left, place)
        # The suffix itself is a run, too. It is not on the stack.
        while True:
            if carried >= least and length > outer:
                allowed = _allowed(text, place, length, outer, parts)
                longer = allowed + 1 + (before > 0xFF) + (before > 0xFFFF) + (before > 0xFFFFFF)
                part = allowed < _character(text[place])
                if allowed > 0 and (before < 0 or longer > most or part):
                    at[filled], lengths[filled], counts[filled] = place, allowed, carried
                    filled += 1
            if shares[open_runs - 1] <= after:
                break
            open_runs -= 1
            carried += sums[open_runs]
            if befores[open_runs] != before:
                before = np.int64(-1)
            length = shares[open_runs]
            outer = max(after, shares[open_runs - 1])
        if shares[open_runs - 1] < after:
            shares[open_runs], sums[open_runs], befores[open_runs] = after, carried, before
            open_runs += 1
        else:
            sums[open_runs - 1] += carried
            if befores[open_runs - 1] != before:
                befores[open_runs - 1] = -1
    return filled


@kernel
def _spell(text: U8, places: I32, offsets: I64, flat: U8) -> None:
    for i in range(len(places)):
        for k in range(offsets[i + 1] - offsets[i]):
            flat[offsets[i] + k] = text[places[i] + k]
