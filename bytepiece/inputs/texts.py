"""The texts in a file: stretches of plain text, JSON records, and lines with counts."""

from collections.abc import Iterator
from typing import BinaryIO

from bytepiece.errors import CorpusError
from bytepiece.inputs.records import counted_text, text_of

BLOCK = 1 << 22
"""Bytes that are read at a time."""
LONGEST_LINE = 1 << 24
"""A line of plain text that is longer is cut, at a character, for lines are read whole."""
LONGEST_RECORD = 1 << 26
"""A record that has more bytes is refused."""


def stretches(file: BinaryIO) -> Iterator[bytes]:
    """A plain text in stretches that end where a segment ends."""
    rest = b""
    while more := file.read(BLOCK):
        rest += more
        # A segment ends between a newline and what is not one; at the end of what was read
        # nobody knows yet whether more newlines follow.
        cut = rest.rfind(b"\n", 0, len(rest.rstrip(b"\n")))
        if cut < 0 and len(rest) >= LONGEST_LINE:
            cut = len(rest) - 1
            while cut > len(rest) - 4 and rest[cut] & 0xC0 == 0x80:
                cut -= 1
            cut -= 1
        if cut >= 0:
            yield rest[: cut + 1]
            rest = rest[cut + 1 :]
    if rest:
        yield rest


def records(file: BinaryIO, name: str, field: str) -> Iterator[str]:
    """The texts in a field of JSON records, one a line."""
    for number, line in _lines(file, name):
        try:
            text = text_of(line, field)
        except CorpusError as error:
            raise CorpusError(f"{name}:{number}: {error}") from None
        yield text


def counted(file: BinaryIO, name: str) -> Iterator[tuple[bytes, int]]:
    """The texts in lines of the form text<TAB>count, and their counts, without those of 0."""
    for number, line in _lines(file, name):
        try:
            text, count = counted_text(line)
        except CorpusError as error:
            raise CorpusError(f"{name}:{number}: {error}") from None
        if count:
            yield text, count


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, and their numbers from 1."""
    number = 0
    while line := file.readline(LONGEST_RECORD + 1):
        number += 1
        if len(line) > LONGEST_RECORD:
            raise CorpusError(
                f"{name}:{number}: a record of more than {LONGEST_RECORD} bytes; cut it up first"
            )
        if line.strip():
            yield number, line
