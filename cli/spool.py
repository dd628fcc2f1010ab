"""Input that can be read only once, kept so that it can be read twice."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from bytepiece.errors import CorpusError

from .progress import Meter, size_of
from .streams import STDIN, is_terminal, name_of, open_binary

_CHUNK = 1 << 20


def comes_once(path: Path) -> bool:
    """Whether a path is standard input, a pipe, or the like."""
    return path == STDIN or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def spooled(paths: Sequence[Path], temp_dir: Path | None) -> Iterator[list[Path]]:
    """Copy standard input and pipes to temporary files, and delete these in the end.

    Args:
        paths: of all inputs.
        temp_dir: where the copies go; by default where the system keeps temporary files.

    Yields:
        the paths, with those of the copies. Errors in them are told in the names of the inputs.
    """
    if not any(map(comes_once, paths)):
        yield list(paths)
        return
    try:
        # Hidden, so that it is no part of the corpus should this be in the same directory.
        kept = tempfile.TemporaryDirectory(prefix=".bytepiece-", dir=temp_dir)
    except OSError as error:
        raise _no_room(error, temp_dir) from None
    with kept as directory:
        # A pipe may be given twice; the second time nothing is left in it, as with `cat - -`.
        copies = [
            Path(directory, f"{number}{''.join(path.suffixes[-2:])}") if comes_once(path) else path
            for number, path in enumerate(paths)
        ]
        pairs = [(path, copy) for path, copy in zip(paths, copies, strict=True) if copy != path]
        for path, copy in pairs:
            _copy(path, copy)
        try:
            yield copies
        except CorpusError as error:
            message = str(error)
            for path, copy in pairs:
                message = message.replace(str(copy), name_of(path))
            raise CorpusError(message) from None


def _copy(path: Path, copy: Path) -> None:
    shown = is_terminal(sys.stderr) and not (path == STDIN and is_terminal(sys.stdin))
    with (
        open_binary(path) as file,
        copy.open("wb") as spool,
        Meter("reading", size_of([path]), shown) as meter,
    ):
        while chunk := file.read(_CHUNK):
            try:
                spool.write(chunk)
            except OSError as error:
                raise _no_room(error, copy.parent.parent) from None
            meter.advance(len(chunk))


def _no_room(error: OSError, directory: Path | None) -> click.ClickException:
    place = click.format_filename(directory or tempfile.gettempdir())
    return click.ClickException(
        f"what can be read only once cannot be kept in {place}: {error.strerror}; --temp-dir, or "
        "the variable TMPDIR, names another directory"
    )
