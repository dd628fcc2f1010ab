"""Temporary copies of input that can be read only once, so that it can be read again."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from bytepiece.errors import CorpusError

from .progress import ProgressLine, size_of
from .streams import STDIN, is_terminal, name_of, open_binary

_CHUNK = 1 << 20


def is_stream(path: Path) -> bool:
    """Return whether an input can be read only once: standard input, a pipe or a device."""
    return path == STDIN or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def spooled(paths: Sequence[Path], temp_dir: Path | None) -> Iterator[list[Path]]:
    """Copy streams to temporary files, and delete the copies in the end.

    Args:
        paths: all inputs.
        temp_dir: the directory for the copies; default: the system's directory for temporary files.

    Yields:
        the paths, with copies in the place of streams. Errors name the stream, not its copy.
    """
    if not any(map(is_stream, paths)):
        yield list(paths)
        return
    try:
        # The name is hidden, so a corpus that is this very directory does not include the copies.
        # A copy that cannot be deleted is no reason to fail: the work is done by then.
        kept = tempfile.TemporaryDirectory(
            prefix=".bytepiece-", dir=temp_dir, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise _no_room(error, temp_dir) from None
    with kept as directory:
        # A pipe may be named twice. The second copy is then empty, as with `cat - -`.
        copies = [
            Path(directory, f"{number}{''.join(path.suffixes[-2:])}") if is_stream(path) else path
            for number, path in enumerate(paths)
        ]
        pairs = [(path, copy) for path, copy in zip(paths, copies, strict=True) if copy != path]
        for path, copy in pairs:
            _copy(path, copy)
        try:
            yield copies
        except CorpusError as error:
            message = str(error)
            for path, copy in reversed(pairs):  # the name of copy 1 is the beginning of copy 10's
                message = message.replace(str(copy), name_of(path))
            raise CorpusError(message) from None


def _copy(path: Path, copy: Path) -> None:
    shown = is_terminal(sys.stderr) and not (path == STDIN and is_terminal(sys.stdin))
    with (
        open_binary(path) as file,
        _opened(copy) as spool,
        ProgressLine("reading", size_of([path]), shown) as progress,
    ):
        while chunk := file.read(_CHUNK):
            try:
                spool.write(chunk)
                spool.flush()
            except OSError as error:
                raise _no_room(error, copy.parent.parent) from None
            progress.advance(len(chunk))


def _opened(copy: Path) -> BinaryIO:
    try:
        return copy.open("wb")
    except OSError as error:
        raise _no_room(error, copy.parent.parent) from None


def _no_room(error: OSError, directory: Path | None) -> click.ClickException:
    place = click.format_filename(directory or tempfile.gettempdir())
    return click.ClickException(
        f"input that can be read only once cannot be kept in {place}: {error.strerror}; name "
        "another directory with --temp-dir, or with the variable TMPDIR"
    )
