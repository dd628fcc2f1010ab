"""Perfect sampling: random segmentations that follow the exact law."""

import math
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I32, I64, U8, U32
from bytepiece.encoding.drawn import Drawn, room, score
from bytepiece.encoding.walk import SampleDraws, Sums, walk
from bytepiece.kernels.automaton import GROUP, Automaton, scan, single_entry
from bytepiece.kernels.characters import Known, hidden
from bytepiece.kernels.jit import UINT_0, Scalar, kernel, uint
from bytepiece.kernels.partition import (
    LOG_BASE,
    NEVER,
    Weights,
    backward,
    backward_on,
    mirror,
)
from bytepiece.kernels.segments import SegmentRun, Segments, longest_of, offset_of
from bytepiece.kernels.streams import DRAWS, Streams, sample_words
from bytepiece.kernels.windows import Window, by_length, carry, places, windows


def perfect_ids(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
    known: Known | None = None,
    log_z: F64 | None = None,
) -> Drawn:
    """Draw the segments low…high − 1 from P(path) = exp(alpha · Σ score) / Z, exactly.

    Args:
        automaton: the automaton of the reversed pieces.
        weights: the weights of the pieces at an alpha.
        ids: uint32[entries].
        segments: the text.
        streams: the random streams of the documents.
        low, high: the number of the first segment, and one more than the number of the last.
        known: the characters that single bytes must not spell, if there are any.
        log_z: float64[high − low], to be filled with log Z of each segment, if it is given.

    Source: Su, https://kexue.fm/archives/9811; forward filtering, backward sampling.
    """
    first = low
    logs = np.empty(0, dtype=np.float64) if log_z is None else log_z

    def encode_run(low: int, high: int) -> tuple[I32, I32]:
        run = segments.run(low, high)
        mirrored, bounds = mirror(run.text, run.bounds)
        singles = mirrored
        if known is not None:
            singles, _ = mirror(hidden(run.text, known), run.bounds)
        out, counts = room(run, streams)
        positions = longest_of(bounds) + 1
        sums = Sums(
            singles,
            np.empty(len(mirrored), dtype=np.uint32),
            np.zeros(positions, dtype=np.float64),
            np.zeros(positions, dtype=np.int64),
            np.empty(DRAWS, dtype=np.float64),
            np.empty(automaton.deepest + GROUP, dtype=np.float64),
        )
        filled = perfect_run(
            automaton,
            weights,
            ids,
            Mirrored(mirrored, bounds),
            sums,
            run,
            streams,
            out,
            counts,
            logs[low - first : high - first],
        )
        return out[:filled], counts

    def encode_long(number: int) -> tuple[I32, I32]:
        run = segments.run(number, number + 1)
        out, counts, log = _windowed_ids(automaton, weights, ids, run, streams, known)
        logs[number - first : number - first + 1] = log
        return out, counts

    return Drawn(*by_length(encode_run, encode_long, segments, low, high))


# The log-probability of a path is the sum of its pieces' log-weights minus log Z. A pass of its own
# adds up the log-weights. The walk is not touched, and is as fast as before without them.
# Cost: 2 ns per token.
def scored_ids(
    automaton: Automaton,
    weights: Weights,
    ids: I32,
    logs: F64,
    factor: float,
    segments: Segments,
    streams: Streams,
    low: int,
    high: int,
    known: Known | None = None,
) -> Drawn:
    """Draw segments as `perfect_ids` does, with their log-probabilities.

    Args:
        ids: int32[pieces].
        logs, factor: float64[pieces] and a number; their product is the natural logarithm of each
            piece's weight.
        automaton, weights, segments, streams, low, high, known: see `perfect_ids`.
    """
    log_z = np.empty(high - low, dtype=np.float64)
    numbers, counts, _ = perfect_ids(
        automaton, weights, automaton.pieces, segments, streams, low, high, known, log_z
    )
    sums = np.empty(len(counts), dtype=np.float64)
    score(numbers, counts, logs, ids, sums)
    return Drawn(numbers, counts, factor * sums - np.repeat(log_z, streams.samples))


class Mirrored(NamedTuple):
    """A run of segments from right to left.

    Args:
        text: uint8[bytes], in which pieces of several bytes are found.
        bounds: int64[segments + 1], where each segment begins, and the end.
    """

    text: U8
    bounds: I64


# First a backward pass, which all samples of a segment share. Then a walk from left to right that
# chooses each piece with probability weight · z[end] / z[begin], by one uniform number per token.
@kernel
def perfect_run(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    mirrored: Mirrored,
    sums: Sums,
    run: SegmentRun,
    streams: Streams,
    out: I32,
    counts: I32,
    log_z: F64,
) -> Scalar:
    """Fill `out`, `counts` and `log_z` as `perfect_ids` does, and return how many ids there are.

    Args:
        mirrored, run: the segments.
        sums: the mirrored text that single bytes are taken from, and scratch. There is a match for
            each byte. `z` and `exponents` have more places than the longest segment has bytes, and
            `z` holds finite numbers.
        log_z: not filled if it has no room.
        automaton, weights, ids, streams, out, counts: see `perfect_ids`.
    """
    text, bounds = mirrored
    singles, matches, z, exponents, _, _ = sums
    scan(automaton, text, bounds, matches)
    samples = streams.samples
    last = len(bounds) - 1
    filled = 0
    document = -1
    words = (UINT_0, UINT_0, UINT_0, UINT_0)
    for segment in range(last):
        start, stop = bounds[last - segment - 1], bounds[last - segment]
        offset = offset_of(run, segment)
        if stop - start > 1 or len(log_z) > 0:
            backward(automaton, weights, singles, matches, start, stop, z, exponents)
        if len(log_z) > 0:
            log_z[segment] = np.log(z[stop - start]) + exponents[stop - start] * LOG_BASE
        if stop - start == 1:  # many words of a BPE model are one byte, which needs no draw
            for sample in range(samples):
                out[filled] = ids[single_entry(automaton, singles[start])]
                counts[segment * samples + sample] = 1
                filled += 1
            continue
        for sample in range(samples):
            if samples > 1 or document != run.documents[segment]:
                document = run.documents[segment]
                words = sample_words(streams, document, sample)
            draws = SampleDraws(words, offset, filled)
            distance = uint(stop - start)
            _, count = walk(
                automaton,
                weights,
                ids,
                sums,
                start,
                distance,
                UINT_0,
                draws,
                0,
                out,
            )
            counts[segment * samples + sample] = count
            filled += count
    return filled


# The sums of a long segment are not kept. The backward pass goes over all windows and keeps what
# it needs to begin each of them again. Then the windows come once more, the last one first. The
# sums of one window are computed again, and all samples are drawn as far as it reaches. The numbers
# are the same as without windows.
# Cost: twice the time of the backward pass.
def _windowed_ids(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    run: SegmentRun,
    streams: Streams,
    known: Known | None,
) -> tuple[I32, I32, float]:
    """Draw one long segment, window by window. Return its ids, their counts, and log Z."""
    samples, length = streams.samples, len(run.text)
    number_of_places = places(automaton)
    all_singles = run.text if known is None else hidden(run.text, known)
    matches = np.empty(number_of_places, dtype=np.uint32)
    # An entry without a piece has weight 0, and 0 times a number is 0 only if the number is finite.
    z = np.zeros(number_of_places, dtype=np.float64)
    exponents = np.zeros(number_of_places, dtype=np.int64)
    z[0], exponents[0] = 1.0, 0
    since = int(UINT_0 if weights.plain else NEVER)
    every = list(windows(length, automaton))
    kept = []
    for number, window in enumerate(every):
        if number:
            before = every[number - 1]
            carry(z, before, window)
            carry(exponents, before, window)
            since = max(since - (window.low - before.low), 0)
        shared = slice(window.done + 1)
        kept.append((z[shared].copy(), exponents[shared].copy(), since))
        text, bounds = _mirrored(run.text, window)
        singles = text if known is None else _mirrored(all_singles, window)[0]
        since = int(
            _backward(
                automaton, weights, text, singles, bounds, matches, window.done, since, z, exponents
            )
        )
    whole = every[-1].length
    log_z = math.log(z[whole]) + int(exponents[whole]) * LOG_BASE
    uniforms = np.empty(DRAWS, dtype=np.float64)
    terms = np.empty(automaton.deepest + GROUP, dtype=np.float64)
    out = np.empty(samples * length, dtype=np.int32)
    counts = np.zeros(samples, dtype=np.int32)
    distances = np.full(samples, length, dtype=np.int64)
    for window, (before_z, before_exponents, since) in zip(every[::-1], kept[::-1], strict=True):
        text, bounds = _mirrored(run.text, window)
        singles = text if known is None else _mirrored(all_singles, window)[0]
        if window.stop < length:  # the sums of the last window are still there
            z[: window.done + 1], exponents[: window.done + 1] = before_z, before_exponents
            _backward(
                automaton, weights, text, singles, bounds, matches, window.done, since, z, exponents
            )
        sums = Sums(singles, matches, z, exponents, uniforms, terms)
        distances -= window.low
        _walk_window(
            automaton, weights, ids, sums, window.done, run, streams, distances, counts, out
        )
        distances += window.low
    if samples > 1:
        rows = out.reshape(samples, length)
        ids_of_rows = [row[:n] for row, n in zip(rows, counts, strict=True)]
        return np.concatenate(ids_of_rows), counts, log_z
    out.resize(counts[0], refcheck=False)  # so that it takes no memory beyond the ids
    return out, counts, log_z


def _mirrored(text: U8, window: Window) -> tuple[U8, I64]:
    """Return what `mirror` does for the text of a window, which is counted from the text's end."""
    some = text[len(text) - window.stop : len(text) - window.low]
    return mirror(some, np.array([0, len(some)], dtype=np.int64))


@kernel
def _backward(
    automaton: Automaton,
    weights: Weights,
    text: U8,
    singles: U8,
    bounds: I64,
    matches: U32,
    done: Scalar,
    since: Scalar,
    z: F64,
    exponents: I64,
) -> Scalar:
    """Find the matches and the sums of a window of mirrored text, and return `since`."""
    scan(automaton, text, bounds, matches)
    return backward_on(
        automaton, weights, singles, matches, 0, len(text), done, uint(since), z, exponents
    )


@kernel
def _walk_window(
    automaton: Automaton,
    weights: Weights,
    ids: U32,
    sums: Sums,
    done: Scalar,
    run: SegmentRun,
    streams: Streams,
    distances: I64,
    counts: I32,
    out: I32,
) -> None:
    """Draw all samples of a run's only segment down to the distance `done`.

    Args:
        distances: int64[samples], the distance of each sample, from the beginning of the window.
        counts: int32[samples], how many pieces of each sample are drawn.
        out: int32[samples · bytes], the ids, in a row for each sample.
    """
    for sample in range(streams.samples):
        words = sample_words(streams, run.documents[0], sample)
        draws = SampleDraws(words, offset_of(run, 0), sample * len(run.text))
        distance, count = walk(
            automaton,
            weights,
            ids,
            sums,
            0,
            uint(distances[sample]),
            uint(done),
            draws,
            np.int64(counts[sample]),
            out,
        )
        distances[sample], counts[sample] = np.int64(distance), count
