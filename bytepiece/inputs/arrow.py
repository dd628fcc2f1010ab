"""Columns of Arrow: texts that lie end to end already, read without a Python object for each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from importlib import import_module
from itertools import pairwise
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import offsets_of
from bytepiece.errors import ArgumentError
from bytepiece.rules.text import Text

_TEXTS = ("string", "large_string", "string_view")
_BYTES = ("binary", "large_binary", "binary_view", "fixed_size_binary")

_MOST = (1 << 31) - 1
"""Values that the rows of a `pyarrow.ListArray` have together, at most."""


class Column:
    """Texts of a column. Slices of it are columns, too, and share its memory.

    Args:
        array: a `pyarrow.ChunkedArray` of strings or bytes, of any of these types. A null is a text
            without bytes.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        lengths = map(_lengths, array.chunks)
        self.bounds = offsets_of(np.concatenate([np.empty(0, np.int64), *lengths]))
        """int64[texts + 1], where each text begins if they lie end to end, and the end."""
        self.present = array.is_valid().to_numpy() if array.null_count else None
        """bool[texts], False for a null; None if there is none."""

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
        text, bounds = self.flat()
        raw = text.tobytes()
        return (raw[low:high] for low, high in pairwise(bounds.tolist()))

    def select(self, numbers: npt.NDArray[np.int64]) -> "Column":
        """A column of some of the texts.

        Args:
            numbers: ascending.
        """
        chosen = np.zeros(len(self), dtype=np.bool_)
        chosen[numbers] = True
        arrow = pyarrow()
        laid = arrow.chunked_array(map(_laid, self._array.chunks), arrow.large_binary())
        return Column(laid.filter(arrow.array(chosen)))

    def flat(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The texts end to end, and where in that each begins, and the end.

        Strings and bytes of one chunk without nulls are not copied; all else is laid so.
        """
        arrow = pyarrow()
        laid = [_filled(_laid(chunk), b"") for chunk in self._array.chunks]
        array = laid[0] if len(laid) == 1 else arrow.concat_arrays(laid) if laid else None
        if array is None or not self.bounds[-1]:
            return np.frombuffer(b"", np.uint8), np.zeros_like(self.bounds)
        _, offsets, data = array.buffers()
        bounds = np.frombuffer(offsets, np.int64, len(array) + 1, 8 * array.offset)
        # Not to be written, as that of other texts: kernels are compiled for each kind of array.
        text = np.frombuffer(memoryview(data).toreadonly(), np.uint8)
        return text[bounds[0] : bounds[-1]], bounds - bounds[0]


def texts_or_column(texts: Iterable[Text]) -> Sequence[Text] | Column:
    """Return texts as a list, a tuple or a column.

    Raises:
        ArgumentError: if they are none of these and not an iterable of texts.
    """
    if is_arrow(texts):
        return Column(chunked(texts))
    if isinstance(texts, (str, bytes, Mapping, Set)) or not isinstance(texts, Iterable):
        raise ArgumentError(
            f"texts must be a list or other series of texts, not {type(texts).__name__}"
        )
    # A list is not even copied: touching 28,000 texts once more takes 3 % of the time.
    return texts if isinstance(texts, (list, tuple)) else list(texts)


def is_arrow(texts: object) -> bool:
    """Whether an object hands out its data as Arrow does: of pyarrow, of polars, of others."""
    return hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "__arrow_c_array__")


def chunked(texts: Any) -> Any:
    """A column as a `pyarrow.ChunkedArray` of strings or bytes.

    Args:
        texts: what `is_arrow`.

    Raises:
        ArgumentError: it holds something else than text, or pyarrow is missing.
    """
    arrow = pyarrow()
    try:
        if not isinstance(texts, arrow.ChunkedArray):
            single = hasattr(texts, "__arrow_c_array__")
            texts = arrow.chunked_array([arrow.array(texts)] if single else texts)
    except (arrow.ArrowException, TypeError) as error:
        raise ArgumentError(f"this is no column of Arrow: {' '.join(str(error).split())}") from None
    held = texts.type
    if arrow.types.is_null(held):
        return texts.cast(arrow.large_binary())
    if not is_text(held.value_type if arrow.types.is_dictionary(held) else held):
        raise ArgumentError(
            f"the column holds {held!s:.60}, not text; give one of strings or bytes"
        )
    if arrow.types.is_dictionary(held) and any(c.dictionary.null_count for c in texts.chunks):
        # Such nulls are not counted among those of the column.
        return arrow.chunked_array(map(_laid, texts.chunks), arrow.large_binary())
    return texts


def is_text(held: Any) -> bool:
    """Whether a type of Arrow is one of strings or bytes."""
    types = pyarrow().types
    # Some are not there in every release.
    return any(getattr(types, f"is_{name}", lambda _: False)(held) for name in _TEXTS + _BYTES)


def list_array(
    ids: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_] | None = None,
) -> Any:
    """Rows of ids as a `pyarrow.ListArray`, or a `LargeListArray` where the ids are too many.

    Args:
        ids: int32[tokens]; they are not copied.
        offsets: int64[rows + 1].
        present: bool[rows]; the other rows are null.
    """
    arrow = pyarrow()
    large = offsets[-1] > _MOST
    kind = arrow.LargeListArray if large else arrow.ListArray
    places = arrow.array(offsets if large else offsets.astype(np.int32))
    mask = None if present is None else arrow.array(~present)
    return kind.from_arrays(places, arrow.array(ids), mask=mask)


def pyarrow() -> Any:
    """The package, which is needed for nothing but columns.

    Raises:
        ArgumentError: it is missing.
    """
    try:
        return import_module("pyarrow")
    except ImportError:
        raise ArgumentError(
            "Arrow and Parquet need a package that is not there; pip install pyarrow"
        ) from None


def _lengths(array: Any) -> npt.NDArray[np.int64]:
    """How many bytes each text of a `pyarrow.Array` has."""
    if str(array.type).endswith("_view"):  # 16 bytes each, of which the first four are its length
        views = np.frombuffer(array.buffers()[1], np.int32)[::4]
        lengths = views[array.offset : array.offset + len(array)].astype(np.int64)
        return np.where(array.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    counted = import_module("pyarrow.compute").binary_length(_laid(array))
    filled: npt.NDArray[np.int64] = _filled(counted, 0).to_numpy()
    return filled


def _laid(array: Any) -> Any:
    """A `pyarrow.Array` as one whose bytes lie end to end, if there is none but a null between."""
    arrow = pyarrow()
    if arrow.types.is_dictionary(array.type):
        return array.dictionary.cast(arrow.large_binary()).take(array.indices)
    return array.cast(arrow.large_binary())


def _filled(array: Any, value: Any) -> Any:
    """An array with a value in the place of each null."""
    return array.fill_null(value) if array.null_count else array
