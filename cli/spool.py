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


@contextmanager
def spooled(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Copy standard input and pipes to temporary files, and delete these in the end.

    Yields:
        paths of regular files. Errors in them are told in the names of the inputs.
    """
    once = [path for path in paths if path == STDIN or not path.is_file()]
    if not once:
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="bytepiece-") as directory:
        # A pipe may be given twice; the second time nothing is left in it, as with `cat - -`.
        copies = [
            Path(directory, f"{number}{path.suffix}") if path in once else path
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
                raise click.ClickException(
                    f"{name_of(path)} does not fit into {copy.parent.parent}: {error.strerror}; "
                    "the variable TMPDIR can name another directory"
                ) from None
            meter.advance(len(chunk))
