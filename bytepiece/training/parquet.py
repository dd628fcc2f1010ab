"""Texts in a column of a Parquet file."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bytepiece.errors import CorpusError

MAGIC = b"PAR1"
"""Such a file begins and ends with it."""

_ROWS = 64
"""Rows that are decoded at a time: so many texts of ordinary size cost little, and so many of the
largest size still fit into memory."""
_BUFFER = 1 << 20
"""Bytes of a column that are read ahead; without a limit it would be all of a row group."""


def column_texts(
    path: Path, column: str, longest: int, advance: Callable[[int], object]
) -> Iterator[bytes]:
    """Read the texts in a column, some rows at a time; rows without a text are left out.

    Args:
        path: of the file.
        column: the name of a column of strings or bytes.
        longest: the most bytes that a text may have.
        advance: is told how many bytes of the file were done with, each time, by the share of rows.

    Raises:
        CorpusError: the file is damaged, has no such column, or has a longer text.
    """
    arrow, parquet = _pyarrow(path)
    size = path.stat().st_size
    row = told = 0
    with path.open("rb") as source:
        try:
            file = parquet.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)
            _check(arrow, file.schema_arrow, column, path)
            rows = max(file.metadata.num_rows, 1)
            batches = file.iter_batches(_ROWS, columns=[column], use_threads=False)
            for batch in batches:
                for text in batch.column(0).cast(arrow.large_binary()).to_pylist():
                    row += 1
                    if text is None:
                        continue
                    if len(text) > longest:
                        raise CorpusError(
                            f"{path}: the text in row {row} has {len(text)} bytes, and {longest} "
                            "are the most; cut it up first"
                        )
                    yield text
                advance(min(size * row // rows, size) - told)
                told = min(size * row // rows, size)
        except (arrow.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            after = f"after row {row}, " if row else ""
            raise CorpusError(
                f"{path}: {after}this Parquet file cannot be read ({reason:.200}); if it is "
                "damaged, get or make it again"
            ) from None


def _check(arrow: Any, schema: Any, column: str, path: Path) -> None:
    """That there is such a column, and that it holds texts."""
    if column not in schema.names:
        known = ", ".join(f'"{name[:30]}"' for name in schema.names[:9]) or "none"
        raise CorpusError(
            f'{path}: no column "{column}"; the columns are: {known}; --column NAME, or '
            "parquet_column, names one"
        )
    held = schema.field(column).type
    if arrow.types.is_dictionary(held):
        held = held.value_type
    texts = {arrow.string(), arrow.large_string(), arrow.binary(), arrow.large_binary()}
    if held not in texts:
        raise CorpusError(
            f'{path}: the column "{column}" holds {held}, not text; --column NAME, or '
            "parquet_column, names another one"
        )


def _pyarrow(path: Path) -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise CorpusError(
            f"{path}: Parquet files need a package that is not there; "
            "pip install 'bytepiece[parquet]'"
        ) from None
