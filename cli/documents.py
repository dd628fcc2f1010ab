"""Documents: lines of text files, records of `.jsonl` files, and rows of Parquet files."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from bytepiece.errors import CorpusError
from bytepiece.inputs import parquet
from bytepiece.inputs.decompress import head_of, suffix_of
from bytepiece.inputs.records import DEFAULT_FIELD, SUFFIX
from bytepiece.rules.text import to_bytes

from .streams import STDIN, read_lines


def documents(
    paths: Sequence[Path], field: str | None, advance: Callable[[int], object]
) -> Iterator[Any]:
    """Yield documents in batches: lines of text files and records of `.jsonl` files.

    Args:
        paths: the files; none means standard input.
        field: the field that holds the document in each record. With a field, all input is records.
            None means the field "text" of files that end in `.jsonl`.
        advance: called with the number of bytes of each read.

    Raises:
        CorpusError: if a record is invalid. The documents before it are yielded first.
    """
    for path in paths or [STDIN]:
        yield from (texts for texts, _ in _in_lines(path, field, advance, None))


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
        CorpusError: if a Parquet file cannot be read, or does not have the column, if a record is
            invalid, or if a document has no number. The documents before it are yielded first.
    """
    from bytepiece.encoding.document_batches import documents_in_column  # noqa: PLC0415

    for path in paths or [STDIN]:
        if _is_parquet(path):
            yield from documents_in_column(parquet.TextColumn(path, column), names, advance)
        else:
            yield from _in_lines(path, field, advance, names)


def _in_lines(
    path: Path, field: str | None, advance: Callable[[int], object], names: str | None
) -> Iterator[tuple[Any, Any]]:
    # Imported here, because it loads NumPy, and --help does not need it.
    from bytepiece.encoding.document_batches import documents_in_lines  # noqa: PLC0415

    if field is None and suffix_of(path) == SUFFIX:
        field = DEFAULT_FIELD
    yield from documents_in_lines(read_lines(path, advance), field, names)


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
    head, packed = head_of(path)
    if packed and head.startswith(parquet.MAGIC):
        raise CorpusError(f"{path} is compressed twice; unpack it first")
    return parquet.is_parquet(head, path.suffix) or path.suffix == ".parquet"
