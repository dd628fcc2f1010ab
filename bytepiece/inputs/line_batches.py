"""Lines in batches, and what becomes of them."""

import io
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from bytepiece.errors import BytepieceError, CorpusError

T = TypeVar("T")

_MOST = 1 << 22
"""The largest number of bytes of one read. It keeps memory small, and still gives every thread
enough work."""


class LineBatch(NamedTuple):
    """Whole lines of one input, without their line ends.

    Args:
        source: the name of the input in messages.
        first: the number of the first line, counted from 1.
        joined: the lines, with a newline between two of them.
        before: returns the number of lines before the line with the number 1.
    """

    source: str
    first: int
    joined: bytes
    before: Callable[[], int] = int

    @property
    def lines(self) -> list[bytes]:
        """The lines, each one an object of its own."""
        return self.joined.split(b"\n")

    def converted(self, function: Callable[[bytes], T], *, blank: bool = True) -> Iterator[list[T]]:
        """Yield one list of converted lines. If a line is bad, the list ends before that line.

        Args:
            function: converts a line, and raises one of the library's errors if the line is bad.
            blank: whether blank lines are converted, too.

        Raises:
            CorpusError: if a line is bad; the message names the line.
        """
        results: list[T] = []
        for number, line in enumerate(self.lines, self.first):
            if blank or line.strip():
                try:
                    results.append(function(line))
                except BytepieceError as error:
                    yield results
                    place = f"{self.source}:{self.before() + number}"
                    raise CorpusError(f"{place}: {error}") from None
        yield results


def line_batches(
    file: io.BufferedReader, source: str, before: Callable[[], int] = int
) -> Iterator[LineBatch]:
    r"""Yield the lines of a stream, in batches, without waiting for more lines.

    A line ends with \n; the last line may lack it. All other bytes stay as they are, \r too.

    Args:
        file: the stream.
        source, before: see `LineBatch`.
    """
    number = 1
    unfinished: list[bytes] = []
    # read1 returns the bytes that are there and does not wait for more, so no line has to wait for
    # the next line.
    while chunk := file.read1(_MOST):
        head, newline, rest = chunk.rpartition(b"\n")
        if newline:
            together = b"".join([*unfinished, head])
            unfinished.clear()  # before the lines are used, since a line may be long
            yield LineBatch(source, number, together, before)
            number += together.count(b"\n") + 1
        if rest:
            unfinished.append(rest)
    if unfinished:
        together = b"".join(unfinished)
        unfinished.clear()
        yield LineBatch(source, number, together, before)
