"""Documents: the lines of text files, the records of `.jsonl` files, the rows of Parquet files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from bytepiece.errors import BytepieceError
from bytepiece.inputs import parquet
from bytepiece.inputs.decompress import suffix_of
from bytepiece.inputs.records import DEFAULT_FIELD, SUFFIX, text_of

from .streams import STDIN, Lines, read_lines

T = TypeVar("T")

_HEAD = 1 << 10
"""Bytes of a file that show what it is."""


def documents(
    paths: Sequence[Path], field: str | None, advance: Callable[[int], object]
) -> Iterator[list[bytes] | list[str]]:
    """Read documents in batches: the lines of text files, and the records of `.jsonl` files.

    Args:
        paths: of the files; none means standard input.
        field: the field of a record that is the document; given, all input is records; None means
            "text" in files that end in `.jsonl`.
        advance: told how many bytes came.

    Raises:
        click.ClickException: a record is not one, after the documents before it were yielded.
    """
    for path in paths or [STDIN]:
        records = field is not None or suffix_of(path) == SUFFIX
        for lines in read_lines(path, advance):
            if records:
                yield from converted(
                    lines, partial(text_of, field=field or DEFAULT_FIELD), blank=False
                )
            else:
                yield lines.lines


def documents_or_columns(
    paths: Sequence[Path], field: str | None, column: str, advance: Callable[[int], object]
) -> Iterator[Any]:
    """Read documents in batches, those in Parquet files as arrays of Arrow.

    Args:
        paths, field, advance: as for `documents`.
        column: of Parquet files.

    Raises:
        CorpusError: a Parquet file cannot be read, or has no such column.
        click.ClickException: a record is not one.
    """
    for path in paths or [STDIN]:
        if _is_parquet(path):
            yield from parquet.column_arrays(path, column, advance)
        else:
            yield from documents([path], field, advance)


def _is_parquet(path: Path) -> bool:
    if not path.is_file():  # standard input and pipes are read but once, and not from their end
        return False
    with path.open("rb") as file:
        return parquet.is_parquet(file.read(_HEAD), path.suffix) or path.suffix == ".parquet"


def converted(
    lines: Lines, function: Callable[[bytes], T], *, blank: bool = True
) -> Iterator[list[T]]:
    """Yield function(line) of all the lines, or of those that come before a bad one.

    Args:
        lines: what to convert.
        function: raises one of the library's errors where a line is bad.
        blank: blank lines count, too.

    Raises:
        click.ClickException: a line was bad; says which.
    """
    results: list[T] = []
    for number, line in enumerate(lines.lines, lines.first):
        if blank or line.strip():
            try:
                results.append(function(line))
            except BytepieceError as error:
                yield results
                raise click.ClickException(f"{lines.source}:{number}: {error}") from None
    yield results
