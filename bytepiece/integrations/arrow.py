"""Arrow: a column of texts to a column of ids, and such columns into Parquet files."""

import os
from contextlib import ExitStack
from importlib import import_module
from types import TracebackType
from typing import Any

import numpy as np

from bytepiece._files import replacing
from bytepiece.inputs import arrow as columns
from bytepiece.tokenizer import Tokenizer

_ROW_GROUP = 1 << 22
"""Ids and rows that a row group has together, at least, but for the last one."""


def encode_column(tokenizer: Tokenizer, column: Any, **options: Any) -> Any:
    """The ids of a column of texts, as a column.

    Args:
        tokenizer: encodes.
        column: of strings or bytes: a `pyarrow` array, a `polars` series, or what else hands out
            its data as Arrow does.
        options: for `Tokenizer.encode_batch`.

    Returns:
        a `pyarrow.ListArray` of int32, null where the column is; a `pyarrow.LargeListArray` if
        there are more than 2^31 − 1 ids. With `samples`, so many rows for each text.

    Raises:
        ArgumentError: the column holds something else than text, pyarrow is missing, or an option
            is outside its range.
    """
    array = columns.chunked(column)
    rows = tokenizer.encode_batch(array, **options)
    if not array.null_count:
        return rows.to_arrow()
    present = np.repeat(array.is_valid().to_numpy(), options.get("samples", 1))
    return columns.list_array(rows.ids, rows.offsets, present)


class ParquetWriter:
    """Writes rows of ids to a Parquet file, in constant memory; to be used in a `with` statement.

    The file has one column, `ids`, of lists of int32. It gets its name at the end; if that is an
    exception, there is none.

    Args:
        path: of the file.

    Raises:
        ArgumentError: pyarrow is missing.
        OSError: the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        arrow = columns.pyarrow()
        self._kind = arrow.list_(arrow.int32())
        self._table = arrow.Table.from_arrays
        self._chunked = arrow.chunked_array
        self._waiting: list[Any] = []
        self._size = 0  # of those that wait
        schema = arrow.schema([("ids", self._kind)])
        with ExitStack() as stack:
            file = stack.enter_context(replacing(path))
            parquet = import_module("pyarrow.parquet")
            self._writer = stack.enter_context(
                parquet.ParquetWriter(file, schema, compression="zstd")
            )
            self._stack = stack.pop_all()

    def append(self, ids: Any) -> None:
        """Write more rows.

        Args:
            ids: a `pyarrow.ListArray` or `pyarrow.LargeListArray` of int32, as `encode_column` and
                `Encoded.to_arrow` give it.
        """
        self._waiting.append(ids.cast(self._kind))
        self._size += len(ids) + len(ids.flatten())
        if self._size >= _ROW_GROUP:
            self._write()

    def _write(self) -> None:
        rows = self._chunked(self._waiting, self._kind)
        self._writer.write_table(self._table([rows], ["ids"]), len(rows) or None)
        self._waiting.clear()
        self._size = 0

    def __enter__(self) -> "ParquetWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if self._waiting:
                self._write()
