"""The texts of many rows of ids at once, for rows that lie end to end in one array."""

import marshal
import struct
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64, U8, cuts, offsets_of
from bytepiece.encoding.encoded import Encoded
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.kernels.jit import UINT_1, Scalar, kernel, uint

_TOGETHER = 1 << 18
"""About how many ids are decoded together."""
_SPARSE = 4
"""A table by id is made if there are at most this many times as many numbers as ids."""
_STEP = 8
"""The number of bytes that are copied together."""
_ENTRY = np.dtype([("kind", "u1"), ("value", "<i4")])
"""What marshal writes for an int or for the beginning of a list."""


class RowDecoder:
    """A table of the bytes that ids stand for. Immutable.

    Args:
        vocabulary: the vocabulary that has these ids.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        found = vocabulary.bytes_of
        self._whole = vocabulary.joins and vocabulary.size <= _SPARSE * len(found)
        every = range(vocabulary.size if self._whole else 0)
        pieces = [found.get(id_) for id_ in every]
        self._starts = offsets_of(len(piece or b"") for piece in pieces)
        self._present = np.array([piece is not None for piece in pieces], dtype=np.bool_)
        text = b"".join(piece or b"" for piece in pieces) + bytes(_STEP)
        self._text = np.frombuffer(text, dtype=np.uint8)

    def decode_batch(self, rows: Sequence[Iterable[int]]) -> list[str]:
        """Return the texts of many rows of ids, as `decode` does.

        Raises:
            ArgumentError: if a row is no series of whole numbers.
            VocabularyError: if an id is not in the vocabulary.
        """
        if not all(isinstance(row, list) for row in rows):
            return [self._vocabulary.decode(row) for row in rows]
        texts: list[str] = []
        offsets = offsets_of(map(len, rows))  # type: ignore[arg-type]
        for low, high in pairwise(cuts(offsets, _TOGETHER)):
            bounds = offsets[low : high + 1] - offsets[low]
            ids = _ids_of_lists(rows[low:high], bounds)  # type: ignore[arg-type]
            if ids is None:
                texts += map(self._vocabulary.decode, rows[low:high])
            else:
                texts += self.decode(Encoded(ids, bounds))
        return texts

    def decode(self, rows: Encoded) -> list[str]:
        """Return the texts of rows of ids; bytes that are not valid UTF-8 become U+FFFD.

        Raises:
            VocabularyError: if an id is not in the vocabulary.
        """
        texts: list[str] = []
        for low, high in pairwise(cuts(rows.offsets, _TOGETHER)):
            offsets = rows.offsets[low : high + 1]
            ids = rows.ids[offsets[0] : offsets[-1]]
            size = int(_size(ids, self._starts, self._present)) if self._whole else -1
            if size < 0:  # one by one, so that the message names the id
                some = map(rows.__getitem__, range(low, high))
                texts += map(self._vocabulary.decode, some)
                continue
            out = np.empty(size + len(offsets) - 1 + _STEP, dtype=np.uint8)
            ends = np.zeros(len(offsets), dtype=np.int64)
            _spell(ids, offsets - offsets[0], self._text, self._starts, out, ends)
            texts += _texts(out[: ends[-1]], ends)
        return texts


# `struct.pack` of all ids takes 39 ns per id, and this 27. A lookup in a dict and a join of bytes
# took 100.
def _ids_of_lists(rows: Sequence[list[int]], bounds: I64) -> I32 | None:
    """Return the ids in some lists as one array, or None if an id is no number or is too large.

    In version 2 of marshal's format, a list is the letter [ and its length in four bytes, and an
    int of 32 bits is the letter i and four bytes. Nothing else that may be in a list begins with
    the letter i, so the letters show whether all are such ints.
    """
    try:
        entries = np.frombuffer(marshal.dumps(list(rows), 2), dtype=_ENTRY)
        is_id = entries["kind"] == ord("i")
        if len(entries) == bounds[-1] + len(bounds) and np.count_nonzero(is_id) == bounds[-1]:
            ids: I32 = entries["value"][is_id].astype(np.int32, copy=False)
            return ids
    except ValueError:  # something that cannot be marshalled, or entries of other sizes
        pass
    try:  # numbers of other types, as those of NumPy
        return np.frombuffer(struct.pack(f"{bounds[-1]}i", *chain.from_iterable(rows)), np.int32)
    except struct.error:
        return None


# Splitting one str into all rows takes 0.2 µs for each row, and a str made from the bytes of each
# row 0.6.
def _texts(text: U8, ends: I64) -> list[str]:
    """Return the str of each row; the bytes of each row end with NUL, which is no part of it."""
    texts = str(text.data, "utf-8", "replace").split("\0")
    if len(texts) == len(ends):
        texts.pop()
        return texts
    raw = text.tobytes()  # there is a NUL in a row
    return [raw[a : b - 1].decode("utf-8", "replace") for a, b in pairwise(ends.tolist())]


@kernel
def _size(ids: I32, starts: I64, present: npt.NDArray[np.bool_]) -> Scalar:
    """Return the number of bytes that ids stand for, or −1 if an id is not in the vocabulary."""
    total = np.int64(0)
    for id_ in ids:
        if id_ < 0 or id_ >= len(present) or not present[id_]:
            return np.int64(-1)
        total += starts[id_ + 1] - starts[id_]
    return total


# Eight bytes are always copied, because most pieces have no more. The next piece overwrites those
# that are too many. So hardly a branch depends on the ids: 420 MB/s instead of 150.
@kernel
def _spell(ids: I32, offsets: I64, text: U8, starts: I64, out: U8, ends: I64) -> None:
    """Write down the bytes of rows of ids, and a NUL behind each row.

    Args:
        ids: the ids, all in the vocabulary.
        offsets: int64[rows + 1], where each row begins in `ids`, and the end.
        text: the bytes of all ids, and `_STEP` more.
        starts: int64[ids of the vocabulary + 1], where each one begins in `text`, and the end.
        out: the room for all bytes, one more for each row, and `_STEP` more.
        ends: int64[rows + 1], to be filled with the place where each row ends in `out`,
            with its NUL, from 1 on.
    """
    place = uint(0)
    for row in range(len(offsets) - 1):
        for i in range(offsets[row], offsets[row + 1]):
            id_ = uint(ids[i])
            begin = uint(starts[id_])
            length = uint(starts[id_ + UINT_1]) - begin
            for k in range(_STEP):
                out[place + uint(k)] = text[begin + uint(k)]
            for k in range(uint(_STEP), length):
                out[place + uint(k)] = text[begin + uint(k)]
            place += length
        out[place] = 0
        place += UINT_1
        ends[row + 1] = place
