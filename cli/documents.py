"""Documents: the lines of text files, and the records of `.jsonl` files."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from bytepiece.errors import BytepieceError

from .streams import STDIN, Lines, read_lines

T = TypeVar("T")


class BadLineError(Exception):
    """A line does not hold what it should; the message says what, and what to do."""


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
        records = field is not None or path.suffix == ".jsonl"
        for lines in read_lines(path, advance):
            if records:
                yield from converted(lines, lambda line: _text(line, field or "text"), blank=False)
            else:
                yield lines.lines


def beginning(paths: Sequence[Path], field: str | None, size: int) -> list[bytes]:
    """The documents that so many bytes of text come from; the last one may be cut."""
    texts: list[bytes] = []
    for batch in documents(paths, field, lambda _: None):
        for text in batch:
            raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
            texts.append(raw[:size])
            size -= len(texts[-1])
            if size == 0:
                return texts
    return texts


def converted(
    lines: Lines, function: Callable[[bytes], T], *, blank: bool = True
) -> Iterator[list[T]]:
    """Yield function(line) of all the lines, or of those that come before a bad one.

    Args:
        lines: what to convert.
        function: raises BadLineError or one of the library's errors where a line is bad.
        blank: blank lines count, too.

    Raises:
        click.ClickException: a line was bad; says which.
    """
    results: list[T] = []
    for number, line in enumerate(lines.lines, lines.first):
        if blank or line.strip():
            try:
                results.append(function(line))
            except (BadLineError, BytepieceError) as error:
                yield results
                raise click.ClickException(f"{lines.source}:{number}: {error}") from None
    yield results


def field_of(line: bytes, name: str, hint: str = "") -> Any:
    """The value of a field of a JSON record.

    Args:
        line: the record.
        name: the field's.
        hint: what to do where a record has no such field.

    Raises:
        BadLineError: the line is not a record that has it.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"not JSON ({error}); every line must be one JSON object") from None
    if not isinstance(record, dict):
        raise BadLineError(f'not a JSON object; every line must be one, such as {{"{name}": …}}')
    if name not in record:
        known = ", ".join(json.dumps(key[:30]) for key in list(record)[:9]) or "none"
        raise BadLineError(f'no field "{name}"; the fields are: {known}{hint}')
    return record[name]


def _text(line: bytes, field: str) -> str:
    hint = "; --jsonl FIELD names another one"
    text = field_of(line, field, hint)
    if not isinstance(text, str):
        raise BadLineError(f'the field "{field}" is {json.dumps(text):.30}, not a text{hint}')
    return text
