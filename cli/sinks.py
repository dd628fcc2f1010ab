"""Destinations of encoded documents: lines on standard output, or files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from bytepiece.encoding.encoded import Encoded
from bytepiece.integrations.arrow import ParquetWriter
from bytepiece.token_files import Layout, TokenFileWriter, names, smallest_type
from bytepiece.tokenizer import Tokenizer

from .outputs import check_writable
from .progress import size_of
from .rows import line_writer
from .signals import interrupted
from .streams import say, write


class DocumentSink(NamedTuple):
    """A destination of encoded documents.

    Args:
        documents: the number of documents that an earlier run has written.
        append: writes more documents; it is called with their ids and their texts.
    """

    documents: int
    append: Callable[[Encoded, Any], object]


@contextmanager
def lines(format: str, tokenizer: Tokenizer) -> Iterator[DocumentSink]:
    """Yield a sink that writes lines to standard output."""
    to_lines = line_writer(format, tokenizer)

    def append(rows: Encoded, _: Any) -> None:
        for part in to_lines(rows):
            write(part)

    yield DocumentSink(0, append)


@contextmanager
def parquet(path: Path, files: Sequence[Path]) -> Iterator[DocumentSink]:
    """Yield a sink that writes a Parquet file. A null document stays null."""
    check_writable(path, files)
    with ParquetWriter(path) as file:
        yield DocumentSink(0, file.append_rows)


@contextmanager
def token_files(
    prefix: Path,
    layout: Layout,
    tokenizer: Tokenizer,
    files: Sequence[Path],
    arguments: Mapping[str, Any],
    resume: bool,
) -> Iterator[DocumentSink]:
    """Yield a sink that writes token files; a later run can continue them.

    Args:
        prefix: the beginning of the files' names.
        layout: the layout of the files.
        tokenizer: the tokenizer that encodes.
        files: the input files.
        arguments: the other arguments that the ids depend on.
        resume: whether to continue an earlier run that was stopped.
    """
    for path in names(prefix, layout):
        check_writable(path, files)
    sizes = [[str(path), size_of([path])] for path in files]
    run = {"model": tokenizer.fingerprint, "files": sizes, **arguments}
    writer = TokenFileWriter(prefix, tokenizer.vocab_size, layout, run=run, resume=resume)
    if writer.documents:
        say(f"bytepiece: going on after {writer.documents} documents")
    try:
        with writer:
            yield DocumentSink(writer.documents, lambda rows, _: writer.append(rows))
        kind = smallest_type(tokenizer.vocab_size, layout).name
        name = click.format_filename(names(prefix, layout)[0])
        counts = f"{writer.documents} documents, {writer.tokens} ids"
        say(f"bytepiece: {counts} of type {kind} in {name}")
    except BaseException as error:
        stopped = isinstance(error, (KeyboardInterrupt, OSError)) or interrupted()
        if stopped and writer.documents:
            name = click.format_filename(prefix)
            say(f"bytepiece: what was done is kept beside {name}; --resume goes on from there")
        raise
