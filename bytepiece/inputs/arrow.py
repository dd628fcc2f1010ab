"""Columns of Arrow. Their texts lie end to end, so no text needs a Python object of its own."""

from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import cuts, offsets_of
from bytepiece.errors import ArgumentError

_TEXTS = ("string", "large_string", "string_view")
_BYTES = ("binary", "large_binary", "binary_view", "fixed_size_binary")

_TOGETHER = 1 << 20
"""About how many bytes of texts are copied at a time when texts are asked for one by one."""
_MOST = (1 << 31) - 1
"""The largest number of ids in the rows of a `pyarrow.ListArray` together."""


class Column:
    """The texts of a column. A slice of it is a column, too, and shares its memory.

    Args:
        array: a `pyarrow.ChunkedArray` of any type of strings or bytes. A null counts as an empty
            text.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        lengths = map(_lengths, array.chunks)
        self.bounds = offsets_of(np.concatenate([np.empty(0, np.int64), *lengths]))
        """int64[texts + 1], where each text begins if all are laid end to end, and the end."""
        self.present = array.is_valid().to_numpy() if array.null_count else None
        """bool[texts], False for a null; None if the column has no null."""

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> "Column": ...
    def __getitem__(self, place: int | slice) -> "bytes | Column":
        if isinstance(place, slice):
            return Column(self._array[place])
        return next(iter(Column(self._array.slice(range(len(self))[place], 1))))

    def __iter__(self) -> Iterator[bytes]:
        for low, high in pairwise(cuts(self.bounds, _TOGETHER)):
            text, bounds = self[low:high].flat()
            raw = text.tobytes()
            yield from (raw[start:stop] for start, stop in pairwise(bounds.tolist()))

    def select(self, numbers: npt.NDArray[np.int64]) -> "Column":
        """Return a column of some of the texts.

        Args:
            numbers: the numbers of the texts, ascending.
        """
        chosen = np.zeros(len(self), dtype=np.bool_)
        chosen[numbers] = True
        arrow = pyarrow()
        laid = arrow.chunked_array(map(_laid, self._array.chunks), arrow.large_binary())
        return Column(laid.filter(arrow.array(chosen)))

    def flat(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return the texts end to end, the beginning of each, and the end of the last.

        Strings and bytes in a single chunk without nulls are not copied. Others are copied.
        """
        arrow = pyarrow()
        laid = [_filled(_laid(chunk), b"") for chunk in self._array.chunks]
        array = laid[0] if len(laid) == 1 else arrow.concat_arrays(laid) if laid else None
        if array is None or not self.bounds[-1]:
            return np.frombuffer(b"", np.uint8), np.zeros_like(self.bounds)
        _, offsets, data = array.buffers()
        bounds = np.frombuffer(offsets, np.int64, len(array) + 1, 8 * array.offset)
        # The array is read-only, like the arrays of all other texts, because a kernel is compiled
        # once more for writable arrays.
        text = np.frombuffer(memoryview(data).toreadonly(), np.uint8)
        return text[bounds[0] : bounds[-1]], bounds - bounds[0]


def is_arrow(texts: object) -> bool:
    """Return whether an object offers Arrow's interface, as pyarrow's and polars's objects do."""
    return hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "__arrow_c_array__")


def chunked(texts: Any) -> Any:
    """Return a column as a `pyarrow.ChunkedArray` of strings or bytes.

    Args:
        texts: an object for which `is_arrow` is true.

    Raises:
        ArgumentError: if the column holds something other than text, or if pyarrow is missing.
    """
    arrow = pyarrow()
    texts = any_column(texts)
    held = texts.type
    if arrow.types.is_null(held):
        return texts.cast(arrow.large_binary())
    if not is_text(held.value_type if arrow.types.is_dictionary(held) else held):
        raise ArgumentError(
            f"the column holds {held!s:.60}, not text; give one of strings or bytes"
        )
    if arrow.types.is_dictionary(held) and any(c.dictionary.null_count for c in texts.chunks):
        # Nulls of the dictionary are not counted among the nulls of the column.
        return arrow.chunked_array(map(_laid, texts.chunks), arrow.large_binary())
    return texts


def any_column(values: Any) -> Any:
    """Return a column of any type as a `pyarrow.ChunkedArray`.

    Args:
        values: an object for which `is_arrow` is true.

    Raises:
        ArgumentError: if it is not a column, or if pyarrow is missing.
    """
    arrow = pyarrow()
    try:
        if isinstance(values, arrow.ChunkedArray):
            return values
        single = hasattr(values, "__arrow_c_array__")
        return arrow.chunked_array([arrow.array(values)] if single else values)
    except (arrow.ArrowException, TypeError) as error:
        raise ArgumentError(
            f"this is not a column of Arrow: {' '.join(str(error).split())}"
        ) from None


def is_text(held: Any) -> bool:
    """Return whether an Arrow type is a type of strings or bytes."""
    types = pyarrow().types
    # Some of these types do not exist in every release.
    return any(getattr(types, f"is_{name}", lambda _: False)(held) for name in _TEXTS + _BYTES)


def list_array(
    ids: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_] | None = None,
) -> Any:
    """Return rows of ids as a `pyarrow.ListArray`, or a `LargeListArray` if the ids are too many.

    Args:
        ids: int32[tokens]; they are not copied.
        offsets: int64[rows + 1].
        present: bool[rows]; False makes the row null.
    """
    arrow = pyarrow()
    large = offsets[-1] > _MOST
    kind = arrow.LargeListArray if large else arrow.ListArray
    places = arrow.array(offsets if large else offsets.astype(np.int32))
    mask = None if present is None else arrow.array(~present)
    return kind.from_arrays(places, arrow.array(ids), mask=mask)


def pyarrow() -> Any:
    """Import and return pyarrow, which only columns need.

    Raises:
        ArgumentError: if it is missing.
    """
    try:
        return import_module("pyarrow")
    except ImportError:
        raise ArgumentError(
            "Arrow and Parquet need a package that is not there; pip install pyarrow"
        ) from None


def _lengths(array: Any) -> npt.NDArray[np.int64]:
    """Return the number of bytes of each text in a `pyarrow.Array`."""
    if str(array.type).endswith("_view"):  # a view has 16 bytes; the first four are the length
        views = np.frombuffer(array.buffers()[1], np.int32)[::4]
        lengths = views[array.offset : array.offset + len(array)].astype(np.int64)
        return np.where(array.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    counted = import_module("pyarrow.compute").binary_length(_laid(array))
    filled: npt.NDArray[np.int64] = _filled(counted, 0).to_numpy()
    return filled


def _laid(array: Any) -> Any:
    """Return a `pyarrow.Array` whose texts lie end to end; bytes of nulls may lie between them."""
    arrow = pyarrow()
    if arrow.types.is_dictionary(array.type):
        return array.dictionary.cast(arrow.large_binary()).take(array.indices)
    return array.cast(arrow.large_binary())


def _filled(array: Any, value: Any) -> Any:
    """Return an array with a value in place of each null."""
    return array.fill_null(value) if array.null_count else array
