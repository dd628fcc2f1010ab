"""Encoded: the ids of a batch, row by row; and how rows come of segments encoded in chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bytepiece._jit import I32, I64, Scalar, kernel
from bytepiece.strings import offsets_of
from bytepiece.text import Segments

CHUNK = 1 << 21
"""Most bytes of text that one call of a kernel encodes, unless a segment has more. A kernel first
scans it all and then goes through it again; each time it finds other tables in the cache than it
needs. 2 MB of mixed text take 40 ms in one chunk, 56 in two, 66 in eight, and 76 in thirty-two."""
_LEAST = 1 << 16
"""Bytes below which to share a text among more threads gains nothing."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """The ids of a batch: flat, with the place where each row begins.

    Rows are in the order of documents and, within one, of samples. Indexing and iterating give
    one array per row.

    Args:
        ids: int32[tokens].
        offsets: int64[rows + 1].
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> npt.NDArray[np.int32]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        row %= len(self)
        return self.ids[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Encoded)
            and np.array_equal(self.ids, other.ids)
            and np.array_equal(self.offsets, other.offsets)
        )

    __hash__ = None  # type: ignore[assignment]


def cuts(bounds: I64, threads: int, samples: int) -> list[int]:
    """Where to cut segments into chunks. It never changes what comes out.

    Args:
        bounds: int64[segments + 1], where each segment begins.
        threads: chunks are to be shared out among so many.
        samples: so many times the ids of a chunk are to be held at once.

    Returns:
        numbers of segments, from 0 to how many there are.
    """
    segments = len(bounds) - 1
    size = CHUNK // samples
    if threads > 1:
        size = min(size, int(bounds[-1]) // (2 * threads))
    size = min(max(size, _LEAST), CHUNK)
    found = [0]
    while found[-1] < segments:
        low = found[-1]
        high = int(np.searchsorted(bounds, bounds[low] + size))
        found.append(min(max(high, low + 1), low + size, segments))
    return found


def assemble(
    segments: Segments, lows: Sequence[int], chunks: Sequence[tuple[I32, I32]], samples: int
) -> Encoded:
    """Put ids, which come segment by segment, into rows, and special tokens where they belong.

    Args:
        segments: what was encoded.
        lows: the first segment of each chunk.
        chunks: of each, its ids and how many each sample of each segment has.
        samples: the rows of a document.
    """
    documents = len(segments.document_starts)
    lengths = np.zeros((documents, samples), dtype=np.int64)
    for (_, counts), low in zip(chunks, lows, strict=True):
        _add_lengths(lengths, segments, low, counts.reshape(-1, samples))
    offsets = offsets_of(lengths.ravel())
    out = np.empty(offsets[-1], dtype=np.int32)
    ends = offsets[:-1].copy().reshape(documents, samples)
    for (ids, counts), low in zip(chunks, lows, strict=True):
        _fill(out, ends, segments, low, ids, counts.reshape(-1, samples))
    return Encoded(out, offsets)


def repeat(rows: Encoded, times: int) -> Encoded:
    """Each row as often as asked."""
    offsets = offsets_of(np.repeat(np.diff(rows.offsets), times))
    return Encoded(np.concatenate([np.tile(row, times) for row in rows] or [rows.ids]), offsets)


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
