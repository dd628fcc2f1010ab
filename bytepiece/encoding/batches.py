"""Encode texts in batches.

While threads encode the chunks of one batch, the next batch is cut into segments. At the end, the
ids of all chunks are put into rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I32, I64, cuts, offsets_of
from bytepiece.encoding.drawn import Drawn
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.segmentation import Marks, segment
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.segments import Segments
from bytepiece.kernels.streams import Streams
from bytepiece.parallel import ordered_map
from bytepiece.rules.text import Text
from bytepiece.rules.text_rules import TextRules

EncodeRun = Callable[[Segments, Streams, int, int], Drawn]
"""A function that encodes the segments low…high − 1."""

CHUNK = 1 << 21
"""Most bytes of text that one call of a kernel encodes, unless one segment has more. A kernel first
scans the whole chunk and then goes through it again, and each pass has to load its tables into the
cache anew. 2 MB of mixed text take 40 ms in one chunk, 56 in two, 66 in eight, 76 in thirty-two."""
_FEW = 1 << 15
"""The largest number of texts that one thread encodes together without looking at their lengths.
Looking at the lengths would cost 3 % of the time."""
_LEAST = 1 << 16
"""Fewest bytes of a chunk: sharing less than this among threads gains nothing."""


def _plan(texts: Sequence[Text] | Column, threads: int, samples: int) -> tuple[list[int], int]:
    """Return where to divide the texts into batches, and the size of a chunk."""
    if isinstance(texts, Column):
        size = chunk_size(int(texts.bounds[-1]), threads, samples)
        return cuts(texts.bounds, size), size
    if threads == 1 and len(texts) <= _FEW:
        return [0, len(texts)], chunk_size(0, 1, samples)
    try:
        bounds = offsets_of(map(len, texts))
    except Exception:  # an item that is not a text may raise anything; `segment` says what it is
        bounds = np.arange(len(texts) + 1)
    size = chunk_size(int(bounds[-1]), threads, samples)
    return cuts(bounds, size), size


class SegmentedBatch(NamedTuple):
    """Documents that were segmented together, and the results of their chunks.

    Args:
        segments: the segments of all the documents.
        cuts: the number of the first segment of each chunk, and the number of segments.
        chunks: what each finished chunk gave.
    """

    segments: Segments
    cuts: list[int]
    chunks: list[Drawn]


def encode_texts(
    texts: Sequence[Text] | Column,
    rules: TextRules,
    marks: Marks,
    encode_run: EncodeRun,
    streams: Streams,
    threads: int,
    log_probs: bool = False,
) -> Encoded:
    """Encode texts by a given function and return their rows.

    Args:
        texts: one text per document.
        rules, marks: as for `segment`.
        encode_run: the function; threads call it.
        streams: the random streams of the documents.
        threads: how many threads to use; the result does not depend on it.
        log_probs: return the log-probability of each row, too. `encode_run` must compute them.
    """
    batches: list[SegmentedBatch] = []

    def chunks() -> Iterator[tuple[SegmentedBatch, Callable[[], Drawn]]]:
        together, size = _plan(texts, threads, streams.samples)
        for low, high in pairwise(together):
            some = texts if high - low == len(texts) else texts[low:high]
            segments = segment(some, rules, marks)
            theirs = streams._replace(doc_ids=streams.doc_ids[low:high])
            if len(segments.document_starts) != len(theirs.doc_ids):
                raise ArgumentError("texts were changed while they were encoded")
            even = _even_size(int(segments.bounds[-1]), size, streams.samples)
            batch = SegmentedBatch(segments, cuts(segments.bounds, even), [])
            batches.append(batch)
            for run in pairwise(batch.cuts):
                yield batch, partial(encode_run, segments, theirs, *run)

    for batch, drawn in ordered_map(lambda chunk: (chunk[0], chunk[1]()), chunks(), threads):
        batch.chunks.append(drawn)
    rows = assemble(batches, streams.samples)
    return replace(rows, log_probs=_log_probs(batches, streams.samples)) if log_probs else rows


def chunk_size(total: int, threads: int, samples: int) -> int:
    """Return how many bytes a chunk should have. The result of encoding never depends on it.

    Args:
        total: the bytes of all the text.
        threads: how many threads share the chunks.
        samples: how many samples of a chunk are held in memory at once.
    """
    size = CHUNK // samples
    if threads > 1:  # four chunks per thread, so that no thread waits long for the last chunk
        size = min(size, total // (4 * threads))
    return min(max(size, _LEAST), CHUNK)


def _even_size(total: int, size: int, samples: int) -> int:
    """Return the size of chunks of about `size` bytes that divide a batch evenly.

    Batches are planned by characters, so a batch may have more bytes than a chunk. If it were
    divided into a whole chunk and a rest, the rest would be small, and small chunks are slow: two
    threads took 5 to 8 % longer.

    Args:
        total: the bytes of the batch.
        size, samples: see `chunk_size`, which gives the size.
    """
    most = chunk_size(0, 1, samples)
    most += most // 8  # a batch ends with a whole text, so a full one has some bytes more
    count = max(round(total / size), -(-total // most), 1)
    return max(-(-total // count), _LEAST)


def assemble(batches: Sequence[SegmentedBatch], samples: int) -> Encoded:
    """Put ids, which come segment by segment, into rows, and special tokens into their places.

    Args:
        batches: all chunks of all batches, in order.
        samples: the number of rows per document.
    """
    tables = []
    for segments, ends, chunks in batches:
        lengths = np.zeros((len(segments.document_starts), samples), dtype=np.int64)
        for low, drawn in zip(ends, chunks, strict=False):
            _add_lengths(lengths, segments, low, drawn.counts.reshape(-1, samples))
        tables.append(lengths)
    offsets = offsets_of(np.concatenate([np.empty(0, np.int64), *map(np.ravel, tables)]))
    alone = [drawn.ids for batch in batches for drawn in batch.chunks] if samples == 1 else []
    if sum(map(len, alone)) == offsets[-1]:
        # There are no special tokens, and the ids are in order. The ids of a long segment are the
        # only ones that own their memory.
        if len(alone) == 1 and alone[0].flags.owndata:
            return Encoded(alone[0], offsets)
        return Encoded(np.concatenate([np.empty(0, np.int32), *alone]), offsets)
    out = np.empty(offsets[-1], dtype=np.int32)
    done = 0
    for (segments, ends, chunks), lengths in zip(batches, tables, strict=True):
        filled = offsets[done : done + lengths.size].copy().reshape(lengths.shape)
        for low, drawn in zip(ends, chunks, strict=False):
            _fill(out, filled, segments, low, drawn.ids, drawn.counts.reshape(-1, samples))
        done += lengths.size
    return Encoded(out, offsets)


def _log_probs(batches: Sequence[SegmentedBatch], samples: int) -> F64:
    """Return the log-probability of each row: the sum of those of its segments, in their order."""
    tables = [np.empty((0, samples), dtype=np.float64)]
    for segments, ends, chunks in batches:
        sums = np.zeros((len(segments.document_starts), samples), dtype=np.float64)
        for low, drawn in zip(ends, chunks, strict=False):
            assert drawn.log_p is not None  # for the type checker
            _add_logs(sums, segments, low, drawn.log_p.reshape(-1, samples))
        tables.append(sums)
    return np.concatenate(tables).ravel()


@kernel
def _add_logs(sums: F64, segments: Segments, low: Scalar, log_p: F64) -> None:
    for i in range(log_p.shape[0]):
        for sample in range(log_p.shape[1]):
            sums[segments.documents[low + i], sample] += log_p[i, sample]


@kernel
def _add_lengths(lengths: I64, segments: Segments, low: Scalar, counts: I32) -> None:
    for i in range(counts.shape[0]):
        special = segments.special[low + i] >= 0
        for sample in range(counts.shape[1]):
            lengths[segments.documents[low + i], sample] += counts[i, sample] + special


@kernel
def _fill(out: I32, ends: I64, segments: Segments, low: Scalar, ids: I32, counts: I32) -> None:
    taken = 0
    for i in range(counts.shape[0]):
        document = segments.documents[low + i]
        for sample in range(counts.shape[1]):
            end = ends[document, sample]
            if segments.special[low + i] >= 0:
                out[end] = segments.special[low + i]
                end += 1
            for _ in range(counts[i, sample]):
                out[end] = ids[taken]
                end += 1
                taken += 1
            ends[document, sample] = end
