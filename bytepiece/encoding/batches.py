"""Many texts: made into segments while threads encode those before, and their ids into rows."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from bytepiece._arrays import I32, I64, cuts, offsets_of
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.segmentation import segment
from bytepiece.errors import ArgumentError
from bytepiece.inputs.arrow import Column
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.kernels.segments import Segments
from bytepiece.kernels.streams import Streams
from bytepiece.parallel import ordered_map
from bytepiece.rules.text import Text
from bytepiece.rules.text_rules import TextRules

Encode = Callable[[Segments, Streams, int, int], tuple[I32, I32]]
"""Encodes a run of segments: their ids, and how many each sample of each segment has."""

CHUNK = 1 << 21
"""Most bytes of text that one call of a kernel encodes, unless a segment has more. A kernel first
scans it all and then goes through it again; each time it finds other tables in the cache than it
needs. 2 MB of mixed text take 40 ms in one chunk, 56 in two, 66 in eight, and 76 in thirty-two."""
_FEW = 1 << 15
"""Texts that one thread takes together: to look at their lengths first costs 3 % of the time."""
_LEAST = 1 << 16
"""Bytes below which to share a text among more threads gains nothing."""


def _plan(texts: Sequence[Text] | Column, threads: int, samples: int) -> tuple[list[int], int]:
    """Which texts become segments together, from one number to the next; the size of a chunk."""
    if isinstance(texts, Column):
        size = chunk_size(int(texts.bounds[-1]), threads, samples)
        return cuts(texts.bounds, size), size
    if threads == 1 and len(texts) <= _FEW:
        return [0, len(texts)], chunk_size(0, 1, samples)
    try:
        bounds = offsets_of(map(len, texts))
    except Exception:  # whatever a text that is none may raise; `segment` says what it is
        bounds = np.arange(len(texts) + 1)
    size = chunk_size(int(bounds[-1]), threads, samples)
    return cuts(bounds, size), size


class Batch(NamedTuple):
    """Some documents: their segments, where these are cut into chunks, and what came of each chunk.

    Args:
        segments: of all the documents.
        cuts: numbers of segments, from 0 to how many there are.
        chunks: of each, int32[tokens], its ids, and how many each sample of each segment has.
    """

    segments: Segments
    cuts: list[int]
    chunks: list[tuple[I32, I32]]


def encode_texts(
    texts: Sequence[Text] | Column,
    rules: TextRules,
    marks: dict[str, Any],
    encode: Encode,
    streams: Streams,
    threads: int,
) -> Encoded:
    """The rows of some texts, whatever encodes them.

    Args:
        texts: one of each document.
        rules, marks: for `bytepiece.encoding.segmentation.segment`.
        encode: is called in threads.
        streams: of the documents.
        threads: how many; what comes out does not depend on it.
    """
    batches: list[Batch] = []

    def chunks() -> Iterator[tuple[Batch, Callable[[], tuple[I32, I32]]]]:
        together, size = _plan(texts, threads, streams.samples)
        for low, high in pairwise(together):
            some = texts if high - low == len(texts) else texts[low:high]
            segments = segment(some, rules, **marks)
            theirs = streams._replace(doc_ids=streams.doc_ids[low:high])
            if len(segments.document_starts) != len(theirs.doc_ids):
                raise ArgumentError("texts were changed while they were encoded")
            batch = Batch(segments, cuts(segments.bounds, size), [])
            batches.append(batch)
            for run in pairwise(batch.cuts):
                yield batch, partial(encode, segments, theirs, *run)

    for batch, ids in ordered_map(lambda chunk: (chunk[0], chunk[1]()), chunks(), threads):
        batch.chunks.append(ids)
    return assemble(batches, streams.samples)


def chunk_size(total: int, threads: int, samples: int) -> int:
    """Bytes for a chunk of a text of so many; it never changes what comes out.

    Args:
        threads: chunks are to be shared out among so many.
        samples: so many times the ids of a chunk are to be held at once.
    """
    size = CHUNK // samples
    if threads > 1:  # four for each, so that none waits long for the last
        size = min(size, total // (4 * threads))
    return min(max(size, _LEAST), CHUNK)


def assemble(batches: Sequence[Batch], samples: int) -> Encoded:
    """Put ids, which come segment by segment, into rows, and special tokens where they belong.

    Args:
        samples: the rows of a document.
    """
    tables = []
    for segments, ends, chunks in batches:
        lengths = np.zeros((len(segments.document_starts), samples), dtype=np.int64)
        for low, (_, counts) in zip(ends, chunks, strict=False):
            _add_lengths(lengths, segments, low, counts.reshape(-1, samples))
        tables.append(lengths)
    offsets = offsets_of(np.concatenate([np.empty(0, np.int64), *map(np.ravel, tables)]))
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
