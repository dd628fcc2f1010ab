"""Encode texts in batches.

While threads encode the chunks of one batch, the next batch is cut into segments. At the end, the
ids of all chunks are put into rows.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import I32, I64, cuts, offsets_of
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

EncodeRun = Callable[[Segments, Streams, int, int], tuple[I32, I32]]
"""A function that encodes the segments low…high − 1. It returns their ids, and the number of ids of
each sample of each segment."""

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
        chunks: for each finished chunk its ids, int32[tokens], and the number of ids of each sample
            of each segment.
    """

    segments: Segments
    cuts: list[int]
    chunks: list[tuple[I32, I32]]


def encode_texts(
    texts: Sequence[Text] | Column,
    rules: TextRules,
    marks: Marks,
    encode_run: EncodeRun,
    streams: Streams,
    threads: int,
) -> Encoded:
    """Encode texts by a given function and return their rows.

    Args:
        texts: one text per document.
        rules, marks: as for `segment`.
        encode_run: the function; threads call it.
        streams: the random streams of the documents.
        threads: how many threads to use; the result does not depend on it.
    """
    batches: list[SegmentedBatch] = []

    def chunks() -> Iterator[tuple[SegmentedBatch, Callable[[], tuple[I32, I32]]]]:
        together, size = _plan(texts, threads, streams.samples)
        for low, high in pairwise(together):
            some = texts if high - low == len(texts) else texts[low:high]
            segments = segment(some, rules, marks)
            theirs = streams._replace(doc_ids=streams.doc_ids[low:high])
            if len(segments.document_starts) != len(theirs.doc_ids):
                raise ArgumentError("texts were changed while they were encoded")
            batch = SegmentedBatch(segments, cuts(segments.bounds, size), [])
            batches.append(batch)
            for run in pairwise(batch.cuts):
                yield batch, partial(encode_run, segments, theirs, *run)

    for batch, ids in ordered_map(lambda chunk: (chunk[0], chunk[1]()), chunks(), threads):
        batch.chunks.append(ids)
    return assemble(batches, streams.samples)


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


def assemble(batches: Sequence[SegmentedBatch], samples: int) -> Encoded:
    """Put ids, which come segment by segment, into rows, and special tokens into their places.

    Args:
        batches: all chunks of all batches, in order.
        samples: the number of rows per document.
    """
    tables = []
    for segments, ends, chunks in batches:
        lengths = np.zeros((len(segments.document_starts), samples), dtype=np.int64)
        for low, (_, counts) in zip(ends, chunks, strict=False):
            _add_lengths(lengths, segments, low, counts.reshape(-1, samples))
        tables.append(lengths)
    offsets = offsets_of(np.concatenate([np.empty(0, np.int64), *map(np.ravel, tables)]))
    alone = [ids for _, _, chunks in batches for ids, _ in chunks] if samples == 1 else []
    if len(alone) == 1 and alone[0].flags.owndata and len(alone[0]) == offsets[-1]:
        # There are no special tokens, and the ids are in order. The ids of a long segment are the
        # only ones that own their memory.
        return Encoded(alone[0], offsets)
    out = np.empty(offsets[-1], dtype=np.int32)
    done = 0
    for (segments, ends, chunks), lengths in zip(batches, tables, strict=True):
        filled = offsets[done : done + lengths.size].copy().reshape(lengths.shape)
        for low, (ids, counts) in zip(ends, chunks, strict=False):
            _fill(out, filled, segments, low, ids, counts.reshape(-1, samples))
        done += lengths.size
    return Encoded(out, offsets)


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
