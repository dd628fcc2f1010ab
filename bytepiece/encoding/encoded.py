"""Encoded: the ids of a batch of texts, row by row."""

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I32, I64, offsets_of
from bytepiece._checks import is_whole
from bytepiece._messages import shown
from bytepiece.errors import ArgumentError
from bytepiece.inputs import arrow as columns
from bytepiece.kernels.jit import Scalar, kernel

Side = Literal["right", "left"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """The ids of a batch of texts, as one flat array, and the places where its rows begin.

    Rows follow the order of documents and, within a document, of samples. Indexing and iterating
    give one array per row.

    Args:
        ids: int32[tokens].
        offsets: int64[rows + 1].
        log_probs: float64[rows], the natural logarithm of each row's probability; None if it was
            not asked for, or if rows were truncated.
        inclusion: float64[rows], the inclusion probability of each row; None if rows were not drawn
            without replacement. See `bytepiece.Tokenizer.encode_batch`.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    log_probs: npt.NDArray[np.float64] | None = None
    inclusion: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> npt.NDArray[np.int32]:
        row = operator.index(row)
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        row %= len(self)
        return self.ids[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        return (self[row] for row in range(len(self)))

    def to_arrow(self) -> Any:
        """Return the rows as a `pyarrow.ListArray` of int32 that shares the memory of the ids.

        With more than 2^31 − 1 ids, it is a `pyarrow.LargeListArray`.

        Raises:
            ArgumentError: if pyarrow is not installed.
        """
        return columns.list_array(self.ids, self.offsets)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Encoded)
            and np.array_equal(self.ids, other.ids)
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.log_probs, other.log_probs)  # type: ignore[arg-type]
            and np.array_equal(self.inclusion, other.inclusion)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]

    def truncated(self, length: int, side: Side = "right", mark: int | None = None) -> "Encoded":
        """Return the rows, cut to at most `length` ids.

        Args:
            length: at least 0.
            side: the side where longer rows are cut.
            mark: an id that replaces the outermost id kept on that side, such as the id of <eos> on
                the right or of <bos> on the left.

        Raises:
            ArgumentError: if an argument is outside its range.

        >>> rows = Encoded(np.arange(7, dtype=np.int32), np.array([0, 5, 7]))
        >>> [row.tolist() for row in rows.truncated(3, mark=99)]
        [[0, 1, 99], [5, 6]]
        """
        _check_side(side)
        length = _checked_number(length, "length")
        if mark is not None:
            mark = _checked_number(mark, "mark")
        before = np.diff(self.offsets)
        after = np.minimum(before, length)
        offsets = offsets_of(after)
        starts = self.offsets[:-1] if side == "right" else self.offsets[1:] - after
        ids = self.ids[np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], after)]
        if mark is not None and length:
            cut = before > length
            ids[(offsets[1:] - 1 if side == "right" else offsets[:-1])[cut]] = mark
        return Encoded(ids, offsets)

    def padded(
        self, pad: int, length: int | None = None, multiple_of: int = 1, side: Side = "right"
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return the rows as a rectangular array.

        Args:
            pad: the id that fills rows up, such as the id of <pad>.
            length: the length of all rows; by default, the length of the longest row.
            multiple_of: the length is rounded up to a multiple of this number.
            side: the side where rows are filled up.

        Returns:
            int32[rows, length], the ids; bool[rows, length], False where rows are filled up.

        Raises:
            ArgumentError: if a row is longer than `length`, or an argument is outside its range.

        >>> ids, mask = Encoded(np.arange(1, 4, dtype=np.int32), np.array([0, 1, 3])).padded(0)
        >>> ids.tolist(), mask.tolist()
        ([[1, 0], [2, 3]], [[True, False], [True, True]])
        """
        _check_side(side)
        pad = _checked_number(pad, "pad")
        lengths = np.diff(self.offsets)
        longest = int(lengths.max(initial=0))
        length = longest if length is None else _checked_number(length, "length")
        multiple_of = _checked_number(multiple_of, "multiple_of", 1)
        if longest > length:
            raise ArgumentError(f"a row has {longest} ids, more than {length}; truncate them first")
        length += -length % multiple_of
        places = np.arange(length)
        filling = lengths if side == "right" else length - lengths
        mask = (places < filling[:, None]) == (side == "right")
        ids = np.full(mask.shape, pad, dtype=np.int32)
        ids[mask] = self.ids
        return ids, mask


def _check_side(side: str) -> None:
    if side not in get_args(Side):
        raise ArgumentError(f'side must be "right" or "left", not {side!r:.30}')


def _checked_number(value: int, name: str, least: int = 0) -> int:
    if not is_whole(value) or not least <= value < 1 << 31:
        raise ArgumentError(
            f"{name} must be a whole number of at least {least} and below 2^31, not {shown(value)}"
        )
    return int(value)


def repeat(rows: Encoded, times: int) -> Encoded:
    """Return rows with each row repeated `times` times."""
    offsets = offsets_of(np.repeat(np.diff(rows.offsets), times))
    return Encoded(np.concatenate([np.tile(row, times) for row in rows] or [rows.ids]), offsets)


def interleaved(parts: Iterable[tuple[I64, Encoded]], documents: int, samples: int) -> Encoded:
    """Put the rows of the parts of a batch into the order of its documents.

    Args:
        parts: for each part, the numbers of its documents, int64, ascending, and its rows.
        documents: the number of documents in the batch; each is in one part.
        samples: the number of rows per document.
    """
    parts = list(parts)
    lengths = np.zeros((documents, samples), dtype=np.int64)
    for numbers, rows in parts:
        lengths[numbers] = np.diff(rows.offsets).reshape(-1, samples)
    offsets = offsets_of(lengths.ravel())
    out = np.empty(offsets[-1], dtype=np.int32)
    for numbers, rows in parts:
        _place(rows.ids, rows.offsets, numbers, samples, offsets, out)
    log_probs: F64 | None = None
    if all(rows.log_probs is not None for _, rows in parts):
        table = np.empty((documents, samples), dtype=np.float64)
        for numbers, rows in parts:
            table[numbers] = rows.log_probs.reshape(-1, samples)  # type: ignore[union-attr]
        log_probs = table.ravel()
    return Encoded(out, offsets, log_probs)


@kernel
def _place(
    ids: I32, from_offsets: I64, numbers: I64, samples: Scalar, to_offsets: I64, out: I32
) -> None:
    """Copy the rows of some documents to their places in `out`."""
    for i in range(len(numbers)):
        # The rows of one document lie end to end in both arrays.
        start, stop = from_offsets[i * samples], from_offsets[(i + 1) * samples]
        place = to_offsets[numbers[i] * samples]
        for j in range(stop - start):
            out[place + j] = ids[start + j]


def without_runs(rows: Encoded, id_: int) -> Encoded:
    """Return rows in which each run of an id is shortened to one id.

    >>> without_runs(Encoded(np.array([5, 0, 0, 0, 6], np.int32), np.array([0, 3, 5])), 0).ids
    array([5, 0, 0, 6], dtype=int32)
    """
    ids, offsets = np.empty_like(rows.ids), np.empty_like(rows.offsets)
    filled = _shorten(rows.ids, rows.offsets, id_, ids, offsets)
    return Encoded(ids[:filled], offsets)


@kernel
def _shorten(ids: I32, offsets: I64, id_: Scalar, out: I32, ends: I64) -> Scalar:
    """Fill `out` and `ends` as `without_runs` does, and return how many ids there are."""
    filled = np.int64(0)
    ends[0] = 0
    for row in range(len(offsets) - 1):
        before = False
        for place in range(offsets[row], offsets[row + 1]):
            same = ids[place] == id_
            out[filled] = ids[place]
            filled += np.int64(not (same and before))
            before = same
        ends[row + 1] = filled
    return filled
