"""Documents: the lines of text files, and the records of `.jsonl` files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from bytepiece.compression import suffix_of
from bytepiece.errors import BytepieceError
from bytepiece.records import DEFAULT_FIELD, SUFFIX, text_of

from .streams import STDIN, Lines, read_lines

T = TypeVar("T")


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
