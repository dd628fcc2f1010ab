"""The texts of many rows of ids at once, for rows that lie end to end in one array."""

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

    # `struct` takes 50 ns per id. A lookup in a dict and a join of bytes took 100.
    def decode_batch(self, rows: Sequence[Iterable[int]]) -> list[str]:
        """Return the texts of many rows of ids, as `decode` does.

        Raises:
            ArgumentError: if a row is no series of whole numbers.
            VocabularyError: if an id is not in the vocabulary.
        """
        if not all(isinstance(row, list) for row in rows):
            return [self._vocabulary.decode(row) for row in rows]
        texts: list[str] = []
        lengths = list(map(len, rows))  # type: ignore[arg-type]
        for low, high in pairwise(cuts(offsets_of(lengths), _TOGETHER)):
            flat = list(chain.from_iterable(rows[low:high]))
            try:
                ids = np.frombuffer(struct.pack(f"{len(flat)}i", *flat), dtype=np.int32)
            except struct.error:  # an id is no number, or too large
                texts += map(self._vocabulary.decode, rows[low:high])
            else:
                texts += self.decode(Encoded(ids, offsets_of(lengths[low:high])))
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
            out = np.empty(size + _STEP, dtype=np.uint8)
            ends = np.zeros(len(offsets), dtype=np.int64)
            _spell(ids, offsets - offsets[0], self._text, self._starts, out, ends)
            text = out.tobytes()
            texts += [text[a:b].decode("utf-8", "replace") for a, b in pairwise(ends.tolist())]
        return texts


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
    """Write down the bytes of rows of ids.

    Args:
        ids: the ids, all in the vocabulary.
        offsets: int64[rows + 1], where each row begins in `ids`, and the end.
        text: the bytes of all ids, and `_STEP` more.
        starts: int64[ids of the vocabulary + 1], where each one begins in `text`, and the end.
        out: the room for all bytes, and `_STEP` more.
        ends: int64[rows + 1], to be filled with the place where each row ends in `out`, from 1 on.
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
        ends[row + 1] = place
