"""Arrow: encode a column of texts as a column of ids, and write such columns to Parquet files."""

import os
from contextlib import ExitStack
from importlib import import_module
from types import TracebackType
from typing import Any

import numpy as np

from bytepiece._files import replacing
from bytepiece.encoding.encoded import Encoded
from bytepiece.inputs import arrow as columns
from bytepiece.tokenizer import Tokenizer

_ROW_GROUP = 1 << 22
"""Every row group except the last has at least this many ids and rows together."""


def encode_column(tokenizer: Tokenizer, column: Any, **options: Any) -> Any:
    """Return the ids of a column of texts as a column.

    Args:
        tokenizer: the tokenizer that encodes.
        column: a column of strings or bytes: a `pyarrow` array, a `polars` series, or any other
            object that exports its data as Arrow.
        options: keywords of `Tokenizer.encode_batch`.

    Returns:
        a `pyarrow.ListArray` of int32, null where the column is null; a `pyarrow.LargeListArray` if
        there are more than 2^31 − 1 ids. With `samples`, each text has that number of rows.

    Raises:
        ArgumentError: if the column holds something other than text, pyarrow is missing, or an
            option is outside its range.
    """
    array = columns.chunked(column)
    rows = tokenizer.encode_batch(array, **options)
    if not array.null_count:
        return rows.to_arrow()
    present = np.repeat(array.is_valid().to_numpy(), options.get("samples", 1))
    return columns.list_array(rows.ids, rows.offsets, present)


class ParquetWriter:
    """Writes rows of ids to a Parquet file in constant memory; use it in a `with` statement.

    The file has one column, `ids`, of lists of int32. The finished file appears under its name at
    the end of the statement. If the statement ends with an exception, no file is left.

    Args:
        path: the path of the file.

    Raises:
        ArgumentError: if pyarrow is missing.
        OSError: if the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        arrow = columns.pyarrow()
        self._kind = arrow.list_(arrow.int32())
        self._table = arrow.Table.from_arrays
        self._chunked = arrow.chunked_array
        self._waiting: list[Any] = []
        self._size = 0  # The number of ids and rows that are not written yet.
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
            ids: a `pyarrow.ListArray` or `pyarrow.LargeListArray` of int32, such as
                `encode_column` and `Encoded.to_arrow` return.
        """
        self._waiting.append(ids.cast(self._kind))
        self._size += len(ids) + len(ids.flatten())
        if self._size >= _ROW_GROUP:
            self._write()

    def append_rows(self, rows: Encoded, texts: Any) -> None:
        """Write the ids of texts.

        Args:
            rows: their ids.
            texts: the texts. Where a column of Arrow is null, the row is null, too.
        """
        missing = getattr(texts, "null_count", 0)  # only columns of Arrow have it
        present = texts.is_valid().to_numpy(zero_copy_only=False) if missing else None
        self.append(columns.list_array(rows.ids, rows.offsets, present))

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
