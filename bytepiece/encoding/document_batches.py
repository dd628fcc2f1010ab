"""Documents in batches, with their numbers: lines, JSON records, rows of Parquet files."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from bytepiece.encoding.documents import number_of, numbers_of
from bytepiece.errors import BytepieceError, CorpusError
from bytepiece.inputs.files import Files, Part, opened_part
from bytepiece.inputs.laid import laid_lines
from bytepiece.inputs.line_batches import LineBatch, line_batches
from bytepiece.inputs.lines import newlines_before
from bytepiece.inputs.parquet import TextColumn
from bytepiece.inputs.records import DEFAULT_FIELD, text_of, value_of

NumberedBatch = tuple[Any, Any]
"""Documents, as a list, laid end to end or as a column of Arrow, and their numbers; None if nothing
gives numbers."""


def documents_of(part: Part, files: Files, names: str | None) -> Iterator[NumberedBatch]:
    """Yield the documents in a part of files: lines, records, or rows. A null row stays null.

    Args:
        part: the part.
        files: say which field or column holds the document.
        names: the field of records, or the column of Parquet files, with the documents' numbers.

    Raises:
        CorpusError: if the part cannot be read, or a document has no number.
    """
    if part.file.format == "parquet":
        yield from documents_in_column(_column(part, files), names, lambda _: None)
        return
    field = _field(part, files)
    with opened_part(part) as file:
        yield from documents_in_lines(_lines(part, file), field, names)


def count_documents(part: Part, files: Files) -> int:
    """Return the number of documents in a part of files.

    Raises:
        CorpusError: if the part cannot be read.
    """
    if part.file.format == "parquet":
        return sum(_column(part, files).rows()[part.start : part.stop])
    with opened_part(part) as file:
        batches = _lines(part, file)
        if _field(part, files) is None:
            return sum(batch.joined.count(b"\n") + 1 for batch in batches)
        return sum(bool(line.strip()) for batch in batches for line in batch.lines)


def documents_in_lines(
    batches: Iterable[LineBatch], field: str | None, names: str | None
) -> Iterator[NumberedBatch]:
    """Yield the documents in lines. If a record is invalid, the ones before it are yielded first.

    Args:
        batches: the lines.
        field: the field that holds the document in each record; None if each line is a document.
        names: see `documents_of`.

    Raises:
        CorpusError: if a record is invalid, or if a document has no number.
    """

    def pair(line: bytes) -> tuple[str, int | None]:
        number = None
        if names is not None:
            value = value_of(line, names, "; --doc-ids NAME names another one")
            number = number_of(value, f'the field "{names}"')
        return text_of(line, field or DEFAULT_FIELD), number

    for batch in batches:
        if field is None:
            if names is not None:
                raise CorpusError(
                    f'{batch.source}: lines of text have no field "{names}"; --doc-ids text takes '
                    "the hash of each line"
                )
            yield laid_lines(batch.joined), None
            continue
        for pairs in batch.converted(pair, blank=False):
            texts = [text for text, _ in pairs]
            yield texts, None if names is None else [number for _, number in pairs]


def documents_in_column(
    column: TextColumn, names: str | None, advance: Callable[[int], object]
) -> Iterator[NumberedBatch]:
    """Yield the rows of a column of a Parquet file.

    Args:
        column: the column.
        names: see `documents_of`.
        advance: see `TextColumn.arrays_with_names`.

    Raises:
        CorpusError: if the file cannot be read, lacks a column, or a document has no number.
    """
    row = 1
    for texts, values in column.arrays_with_names(names, advance):
        numbers = None
        if names is not None:
            try:
                numbers = numbers_of(values)
            except BytepieceError as error:
                row += column.rows_before()
                raise CorpusError(
                    f'{column.path}: the column "{names}", from row {row} on: {error}'
                ) from None
        yield texts, numbers
        row += len(texts)


def _column(part: Part, files: Files) -> TextColumn:
    return TextColumn(part.file.path, files.parquet_column, part.start, part.stop)


def _field(part: Part, files: Files) -> str | None:
    return (files.jsonl_field or DEFAULT_FIELD) if part.file.format == "jsonl" else None


def _lines(part: Part, file: Any) -> Iterator[LineBatch]:
    path = part.file.path
    return line_batches(file, str(path), partial(newlines_before, path, part.start))
