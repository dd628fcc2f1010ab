"""The texts in a file: stretches of plain text, JSON records, and lines with counts."""

from collections.abc import Iterator
from typing import BinaryIO

from bytepiece.errors import CorpusError
from bytepiece.inputs.records import counted_text, text_of

BLOCK = 1 << 22
"""The number of bytes that are read at a time."""
LONGEST_LINE = 1 << 24
"""Longer lines of plain text are cut between characters, because lines are read as a whole."""
LONGEST_RECORD = 1 << 26
"""Records of more bytes are refused."""

_OTHER_GROUP = "; --balance-by, or Files.balanced, names another one"


def stretches(file: BinaryIO) -> Iterator[bytes]:
    """Yield a plain text in stretches that end where a segment ends."""
    rest = b""
    while more := file.read(BLOCK):
        rest += more
        # A segment ends between a newline and another byte. At the end of the bytes read so far,
        # more newlines may follow.
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


def records(
    file: BinaryIO, name: str, field: str, group_field: str | None
) -> Iterator[tuple[str, str | None]]:
    """Yield the texts in a field of JSON records, one in each line, and the groups of the texts.

    Args:
        file: the records.
        name: the name of the file, for errors.
        field: the field that holds the text.
        group_field: the field that names the group; if it is None, the groups are None, too.
    """
    for number, line in _lines(file, name):
        try:
            text = text_of(line, field)
            group = None if group_field is None else text_of(line, group_field, _OTHER_GROUP)
        except CorpusError as error:
            raise CorpusError(f"{name}:{number}: {error}") from None
        yield text, group


def counted(file: BinaryIO, name: str) -> Iterator[tuple[bytes, int]]:
    """Yield the texts and counts in lines of the form text<TAB>count, without counts of 0."""
    for number, line in _lines(file, name):
        try:
            text, count = counted_text(line)
        except CorpusError as error:
            raise CorpusError(f"{name}:{number}: {error}") from None
        if count:
            yield text, count


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    number = 0
    while line := file.readline(LONGEST_RECORD + 1):
        number += 1
        if len(line) > LONGEST_RECORD:
            raise CorpusError(
                f"{name}:{number}: a record of more than {LONGEST_RECORD} bytes; cut it up first"
            )
        if line.strip():
            yield number, line
