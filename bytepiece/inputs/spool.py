"""A copy of texts that arrive only once, so that they can be read again."""

import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from bytepiece.errors import CorpusError
from bytepiece.inputs.corpus import Corpus, source_of
from bytepiece.inputs.series import numbered
from bytepiece.rules.text import Text, to_bytes

_LENGTH = struct.Struct("<q")


@contextmanager
def replayable(
    corpus: Corpus, directory: str | os.PathLike[str] | None = None
) -> Iterator[Iterable[Text]]:
    """Yield a corpus that can be read again, as `source_of` returns it.

    A one-shot iterator is copied at its first reading.

    Args:
        corpus: any corpus.
        directory: where to keep the copy; by default the system's directory for temporary files.
            The copy is deleted at the end. Where the system allows it, the file has no name, so
            that even a kill leaves nothing behind.

    Raises:
        ArgumentError: if it is not a corpus.
        CorpusError: if there is no room for the copy.
    """
    source = source_of(corpus)
    if iter(source) is not source:
        yield source
        return
    try:
        file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115  # closed below
    except OSError as error:
        raise _no_room(error, directory) from None
    try:
        yield _Spooled(numbered(source, CorpusError), file, directory)
    finally:
        with suppress(OSError):  # unwritten bytes are not needed any more
            file.close()


class _Spooled:
    """The texts of an iterator: first those that were kept in a file, then the remaining ones."""

    def __init__(
        self,
        texts: Iterator[tuple[int, Text]],
        file: BinaryIO,
        directory: str | os.PathLike[str] | None,
    ) -> None:
        self._texts = texts
        self._file = file
        self._directory = directory
        self._end = 0

    def __iter__(self) -> Iterator[bytes]:
        position = 0
        while True:
            while position < self._end:
                self._file.seek(position)
                (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
                text = self._file.read(length)
                position += _LENGTH.size + length
                yield text
            try:
                text = to_bytes(next(self._texts)[1])
            except StopIteration:
                return
            self._keep(text)
            position = self._end
            yield text

    def _keep(self, text: bytes) -> None:
        try:
            self._file.seek(self._end)
            self._file.write(_LENGTH.pack(len(text)))
            self._file.write(text)
        except OSError as error:
            raise _no_room(error, self._directory) from None
        self._end += _LENGTH.size + len(text)


def _no_room(error: OSError, directory: str | os.PathLike[str] | None) -> CorpusError:
    place = os.fspath(directory or tempfile.gettempdir())
    return CorpusError(
        "the corpus can be read only once, and training reads it twice, but a copy cannot be kept "
        f"in {place}: {error.strerror}; temp_dir names another directory"
    )
