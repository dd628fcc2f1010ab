"""Documents: lines of text files, records of `.jsonl` files, and rows of Parquet files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import click

from bytepiece.errors import BytepieceError
from bytepiece.inputs import parquet
from bytepiece.inputs.decompress import suffix_of
from bytepiece.inputs.records import DEFAULT_FIELD, SUFFIX, text_of, value_of
from bytepiece.rules.text import to_bytes

from .streams import STDIN, LineBatch, name_of, read_lines

T = TypeVar("T")

_HEAD = 1 << 10
"""The number of bytes at the beginning of a file that show its format."""


def documents(
    paths: Sequence[Path], field: str | None, advance: Callable[[int], object]
) -> Iterator[list[bytes] | list[str]]:
    """Yield documents in batches: lines of text files and records of `.jsonl` files.

    Args:
        paths: the files; none means standard input.
        field: the field that holds the document in each record. With a field, all input is records.
            None means the field "text" of files that end in `.jsonl`.
        advance: called with the number of bytes of each read.

    Raises:
        click.ClickException: if a record is invalid. The documents before it are yielded first.
    """
    for path in paths or [STDIN]:
        records = field is not None or suffix_of(path) == SUFFIX
        for batch in read_lines(path, advance):
            if records:
                yield from convert_lines(
                    batch, partial(text_of, field=field or DEFAULT_FIELD), blank=False
                )
            else:
                yield batch.lines


def documents_or_columns(
    paths: Sequence[Path],
    field: str | None,
    column: str,
    advance: Callable[[int], object],
    names: str | None = None,
) -> Iterator[tuple[Any, Any]]:
    """Yield documents in batches: Arrow arrays for Parquet files, lists for all other files.

    Args:
        paths: the files; none means standard input.
        field: see `documents`.
        column: the column of Parquet files.
        advance: called with the number of bytes of each read.
        names: the field of records, or the column of Parquet files, with the documents' numbers.

    Yields:
        a batch, and the numbers of its documents; None in place of numbers if `names` is None.

    Raises:
        CorpusError: if a Parquet file cannot be read, or does not have the column.
        click.ClickException: if a record is invalid, or if a document has no number.
    """
    for path in paths or [STDIN]:
        if _is_parquet(path):
            yield from _numbered_columns(path, column, names, advance)
        elif names is None:
            yield from ((batch, None) for batch in documents([path], field, advance))
        else:
            yield from _numbered_records(path, field, names, advance)


def _numbered_columns(
    path: Path, column: str, names: str | None, advance: Callable[[int], object]
) -> Iterator[tuple[Any, Any]]:
    """Yield the texts of a Parquet file and their numbers, None if `names` is None."""
    row = 1
    for texts, values in parquet.columns_with_names(path, column, names, advance):
        numbers = None
        if names is not None:
            from bytepiece.encoding.documents import numbers_of  # noqa: PLC0415  # as in `first_bytes`

            try:
                numbers = numbers_of(values)
            except BytepieceError as error:
                raise click.ClickException(
                    f'{name_of(path)}: the column "{names}", from row {row} on: {error}'
                ) from None
        yield texts, numbers
        row += len(texts)


def _numbered_records(
    path: Path, field: str | None, names: str, advance: Callable[[int], object]
) -> Iterator[tuple[list[str], list[int]]]:
    """Yield the documents of a file of records, and their numbers."""
    from bytepiece.encoding.documents import number_of  # noqa: PLC0415  # as in `first_bytes`

    if field is None and suffix_of(path) != SUFFIX:
        raise click.ClickException(
            f'{name_of(path)}: lines of text have no field "{names}"; --doc-ids text takes the '
            "hash of each line"
        )

    def pair(line: bytes) -> tuple[str, int]:
        value = value_of(line, names, "; --doc-ids NAME names another one")
        return text_of(line, field or DEFAULT_FIELD), number_of(value, f'the field "{names}"')

    for batch in read_lines(path, advance):
        for pairs in convert_lines(batch, pair, blank=False):
            yield [text for text, _ in pairs], [number for _, number in pairs]


def first_bytes(
    batches: Iterator[tuple[Any, Any]], size: int
) -> tuple[list[bytes], Iterator[tuple[Any, Any]]]:
    """Return the beginning of all text, and all batches, also those read for it.

    Args:
        batches: batches of documents; see `documents_or_columns`.
        size: how many bytes the beginning has. The last document in it may be cut off.

    Returns:
        the documents of the beginning; the batches.
    """
    from bytepiece.inputs.series import texts_of  # noqa: PLC0415  # --help needs no NumPy

    read: list[Any] = []
    head: list[bytes] = []
    for batch in batches:
        read.append(batch)
        for text in texts_of(batch[0]):
            head.append(to_bytes(text)[:size])
            size -= len(head[-1])
            if not size:
                return head, chain(read, batches)
    return head, iter(read)


def _is_parquet(path: Path) -> bool:
    if not path.is_file():  # a Parquet file is read from its end, which a stream does not allow
        return False
    with path.open("rb") as file:
        return parquet.is_parquet(file.read(_HEAD), path.suffix) or path.suffix == ".parquet"


def convert_lines(
    batch: LineBatch, function: Callable[[bytes], T], *, blank: bool = True
) -> Iterator[list[T]]:
    """Yield one list of converted lines. If a line is bad, the list ends before that line.

    Args:
        batch: the lines.
        function: converts a line, and raises one of the library's errors if the line is bad.
        blank: whether blank lines are converted, too.

    Raises:
        click.ClickException: if a line is bad; the message names the line.
    """
    results: list[T] = []
    for number, line in enumerate(batch.lines, batch.first):
        if blank or line.strip():
            try:
                results.append(function(line))
            except BytepieceError as error:
                yield results
                raise click.ClickException(f"{batch.source}:{number}: {error}") from None
    yield results
