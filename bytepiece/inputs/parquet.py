"""The texts in a column of a Parquet file."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

from bytepiece.errors import CorpusError

MAGIC = b"PAR1"
"""The first and the last bytes of a Parquet file."""

_ROWS = 64
"""The number of rows that are decoded at a time. This many ordinary texts are cheap to decode, and
this many of the largest texts still fit into memory."""
_TOGETHER = 1 << 22
"""About how many bytes of rows an array has by default."""
_MOST = 1 << 15
"""The largest number of rows of an array by default, however short they seem to be."""
_STEP = 512
"""The largest number of rows that are decoded at a time by default. A file may keep each different
text once, so its size does not tell how large the decoded rows are."""
_BUFFER = 1 << 20
"""The bytes of a column that are read ahead. Without a limit, the whole column of a row group would
be read."""
_OPTION = "--column NAME, or parquet_column,"


def is_parquet(head: bytes, suffix: str) -> bool:
    """Return whether a file is Parquet, by its first bytes and the suffix of its name."""
    return head.startswith(MAGIC) and (b"\0" in head or suffix == ".parquet")


class TextColumn(NamedTuple):
    """A column of a Parquet file, or of some of its row groups.

    Args:
        path: the file.
        name: the name of a column of strings or bytes.
        start, stop: the first row group, and the one after the last; None for all that follow.
    """

    path: Path
    name: str
    start: int = 0
    stop: int | None = None

    def texts(
        self, group_column: str | None, longest: int, advance: Callable[[int], object]
    ) -> Iterator[tuple[bytes, str | None]]:
        """Yield the texts, and the groups of the texts. Rows without a text are left out.

        Args:
            group_column: the name of the column that names the group; if it is None, the groups are
                None, too.
            longest: the largest number of bytes in a text.
            advance: as for `arrays_with_names`.

        Raises:
            CorpusError: if the file is damaged, has no such column, has a longer text, or has a
                text without a group.
        """
        groups: Iterator[bytes | None] = repeat(None)
        if group_column is not None:
            option = "--balance-by, or Files.balanced,"
            of_groups = self._replace(name=group_column)
            groups = _values(of_groups.arrays(lambda _: None, _ROWS, option))
        texts = _values(self.arrays(advance, _ROWS))
        for row, (text, group) in enumerate(zip(texts, groups, strict=False), 1):
            if text is None:
                continue
            if len(text) > longest:
                raise CorpusError(
                    f"{self.path}: the text in row {self.rows_before() + row} has {len(text)} "
                    f"bytes, and {longest} are the most; cut it up first"
                )
            if group is None and group_column is not None:
                row += self.rows_before()  # noqa: PLW2901
                raise CorpusError(
                    f'{self.path}: row {row} has a text, but no group in "{group_column}"'
                )
            yield text, None if group is None else group.decode("utf-8", "backslashreplace")

    def arrays(
        self,
        advance: Callable[[int], object],
        rows: int | None = None,
        option: str = _OPTION,
    ) -> Iterator[Any]:
        """Yield the column as Arrow arrays; see `arrays_with_names`."""
        for array, _ in self.arrays_with_names(None, advance, rows, option):
            yield array

    def arrays_with_names(
        self,
        names: str | None,
        advance: Callable[[int], object],
        rows: int | None = None,
        option: str = _OPTION,
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the column, and the column that names the texts, as Arrow arrays.

        Args:
            names: the name of the other column, of any type; if it is None, so are its arrays.
            advance: called after each array with the array's share of the bytes of the file, in
                proportion to its rows.
            rows: the number of rows in an array; by default, enough rows for some megabytes.
            option: what names the column of texts, for errors.

        Raises:
            CorpusError: if the file is damaged or has no such column.
        """
        size = self.path.stat().st_size
        row = told = 0
        with _opened(self.path, self.name, option, lambda: row) as file:
            if names is not None:
                _check_name(file.schema_arrow, names, self.path, "--doc-ids NAME")
            wanted = [self.name] if names is None else [self.name, names]
            groups = range(file.metadata.num_row_groups)[self.start : self.stop]
            total = max(file.metadata.num_rows, 1)
            settings = {"columns": wanted, "use_threads": False, "row_groups": [*groups]}
            if rows is None:
                one = max(sum(_sizes(file.metadata)), 1)
                some = min(max(_TOGETHER * total // one, 1), _MOST)
                batches = _joined(file.iter_batches(min(some, _STEP), **settings), some)
            else:
                batches = file.iter_batches(rows, **settings)
            for batch in batches:
                # The columns come in the order of the file.
                found = [batch.column(batch.schema.names.index(name)) for name in wanted]
                yield found[0], None if names is None else found[1]
                row += len(batch)
                advance(min(size * row // total, size) - told)
                told = min(size * row // total, size)

    def sizes(self) -> list[int]:
        """Return the number of bytes of each row group of the file, before compression."""
        with _opened(self.path, self.name, _OPTION, lambda: 0) as file:
            return _sizes(file.metadata)

    def rows(self) -> list[int]:
        """Return the number of rows in each row group of the file."""
        with _opened(self.path, self.name, _OPTION, lambda: 0) as file:
            metadata = file.metadata
            return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]

    def rows_before(self) -> int:
        """Return the number of rows before the first row group."""
        return sum(self.rows()[: self.start])


def _joined(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """Join batches of rows until they have this number of rows, or `_TOGETHER` bytes."""
    table = import_module("pyarrow").Table
    some: list[Any] = []
    held = found = 0
    for batch in batches:
        some.append(batch)
        held, found = held + batch.nbytes, found + len(batch)
        if found >= rows or held >= _TOGETHER:
            yield from table.from_batches(some).combine_chunks().to_batches()
            some, held, found = [], 0, 0
    if some:
        yield from table.from_batches(some).combine_chunks().to_batches()


def _values(arrays: Iterable[Any]) -> Iterator[bytes | None]:
    """Yield the values of arrays, None where there is none."""
    for array in arrays:
        yield from array.cast("large_binary").to_pylist()


@contextmanager
def _opened(path: Path, column: str, option: str, row: Callable[[], int]) -> Iterator[Any]:
    """Open a Parquet file that has a column of texts.

    Args:
        path: the file.
        column: the name of the column.
        option: what names the column, for errors.
        row: returns the number of rows that were read, for errors.
    """
    arrow, parquet = _pyarrow(path)
    with path.open("rb") as source:
        try:
            file = parquet.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)
            _check(arrow, file.schema_arrow, column, path, option)
            yield file
        # A damaged file may hold names that are not UTF-8.
        except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            after = f"after row {row()}, " if row() else ""
            raise CorpusError(
                f"{path}: {after}this Parquet file cannot be read ({reason:.200}); if it is "
                "damaged, get or make it again"
            ) from None


def _sizes(metadata: Any) -> list[int]:
    """Return the number of bytes of each row group, before compression.

    All columns are counted, because pyarrow ends the process, without an exception, when it is
    asked for the size of a damaged column.
    """
    sizes = (metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return [max(size, 0) for size in sizes]


def _check(arrow: Any, schema: Any, column: str, path: Path, option: str) -> None:
    """Raise a CorpusError unless the column exists and holds texts."""
    _check_name(schema, column, path, option)
    held = schema.field(column).type
    if arrow.types.is_dictionary(held):
        held = held.value_type
    texts = {arrow.string(), arrow.large_string(), arrow.binary(), arrow.large_binary()}
    if held not in texts:
        raise CorpusError(
            f'{path}: the column "{column}" holds {held}, not text; {option} names another one'
        )


def _check_name(schema: Any, column: str, path: Path, option: str) -> None:
    """Raise a CorpusError unless there is one column of this name."""
    if column not in schema.names:
        known = ", ".join(f'"{name[:30]}"' for name in schema.names[:9]) or "none"
        raise CorpusError(
            f'{path}: no column "{column}"; the columns are: {known}; {option} names one'
        )
    if schema.names.count(column) > 1:
        raise CorpusError(
            f'{path}: more than one column is called "{column}"; {option} names another one'
        )


def _pyarrow(path: Path) -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise CorpusError(
            f"{path}: Parquet files need a package that is not there; "
            "pip install 'bytepiece[parquet]'"
        ) from None
