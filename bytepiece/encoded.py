"""Encoded: the ids of a batch of texts, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bytepiece.strings import offsets_of


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


def repeat(rows: Encoded, times: int) -> Encoded:
    """Each row as often as asked."""
    offsets = offsets_of(np.repeat(np.diff(rows.offsets), times))
    return Encoded(np.concatenate([np.tile(row, times) for row in rows] or [rows.ids]), offsets)


def without_runs(rows: Encoded, id_: int) -> Encoded:
    """The rows with each run of this id in one of them made one.

    >>> without_runs(Encoded(np.array([5, 0, 0, 0, 6], np.int32), np.array([0, 3, 5])), 0).ids
    array([5, 0, 0, 6], dtype=int32)
    """
    kept = np.ones(len(rows.ids), dtype=np.bool_)
    kept[1:] = (rows.ids[1:] != id_) | (rows.ids[:-1] != id_)
    kept[rows.offsets[:-1][np.diff(rows.offsets) > 0]] = True
    return Encoded(rows.ids[kept], offsets_of(kept)[rows.offsets])
