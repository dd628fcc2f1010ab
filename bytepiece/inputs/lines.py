"""Parts of a file of lines. Wherever the parts begin and end, each line is in one of them."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BEGINNING = re.compile(rb"\n[^\n]")
_CHUNK = 1 << 16
"""The number of bytes that are read at a time."""


@contextmanager
def opened_between(
    path: Path,
    start: int,
    stop: int | None,
    advance: Callable[[int], object] = lambda _: None,
) -> Iterator[io.BufferedReader]:
    """Open a file, and yield a stream of the lines that begin between two places.

    Args:
        path: the file. It is not compressed.
        start: the first place. A line begins at 0, and after a newline that no newline follows. So
            a line has all its newlines.
        stop: the place after the last one; None for the end of the file.
        advance: called at each read with the number of bytes read.
    """
    with path.open("rb") as file:
        first = _line_start(file, start, stop)
        last = sys.maxsize
        if stop is not None:
            last = first if first >= stop else _line_start(file, stop)
        file.seek(first)
        yield io.BufferedReader(_Beginning(file, last - first, advance), _CHUNK)


def newlines_before(path: Path, start: int) -> int:
    """Return the number of newlines in a file before the first line that begins at a place."""
    with path.open("rb") as file:
        left = _line_start(file, start)
        file.seek(0)
        newlines = 0
        while block := file.read(min(left, _CHUNK)):
            newlines += block.count(b"\n")
            left -= len(block)
        return newlines


def _line_start(file: BinaryIO, place: int, limit: int | None = None) -> int:
    """Return where the first line begins that begins at a place or after it.

    If no line begins before the limit, return a place that is not before it. So the parts of a line
    of gigabytes are not all read to its end.
    """
    if place == 0:
        return 0
    file.seek(place - 1)
    before = b""
    while (limit is None or place <= limit) and (block := file.read(_CHUNK)):
        if found := _BEGINNING.search(before + block):
            return place - 1 - len(before) + found.start() + 1
        place += len(block)
        before = block[-1:]
    return place - 1 if limit is None else max(place - 1, limit)


class _Beginning(io.RawIOBase):
    """The next bytes of a file, up to a number of bytes."""

    def __init__(
        self, file: io.BufferedReader, size: int, advance: Callable[[int], object]
    ) -> None:
        self._file = file
        self._left = size
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        count = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= count
        self._advance(count)
        return count
