"""The texts in a file: stretches of plain text, JSON records, and lines with counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bytepiece.errors import CorpusError
from bytepiece.inputs.lines import newlines_before
from bytepiece.inputs.records import counted_text, text_of

BLOCK = 1 << 22
"""The number of bytes that are read at a time."""
LONGEST_LINE = 1 << 24
"""Longer lines of plain text are cut between characters, because lines are read as a whole."""
LONGEST_RECORD = 1 << 26
"""Records of more bytes are refused."""

_OTHER_GROUP = "; --balance-by, or Files.balanced, names another one"


class NamedLines(NamedTuple):
    """Lines of a file, and what an error has to say of them.

    Args:
        file: the lines.
        path: the whole file.
        start: the place in the file, if it is not compressed, at or after which the lines begin.
    """

    file: BinaryIO
    path: Path
    start: int

    def error(self, number: int, message: object) -> CorpusError:
        """Return an error about a line with this number, counted from 1."""
        if self.start:
            number += newlines_before(self.path, self.start)
        return CorpusError(f"{self.path}:{number}: {message}")


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
    lines: NamedLines, field: str, group_field: str | None
) -> Iterator[tuple[str, str | None]]:
    """Yield the texts in a field of JSON records, one in each line, and the groups of the texts.

    Args:
        lines: the records.
        field: the field that holds the text.
        group_field: the field that names the group; if it is None, the groups are None, too.
    """
    for number, line in _lines(lines):
        try:
            text = text_of(line, field)
            group = None if group_field is None else text_of(line, group_field, _OTHER_GROUP)
        except CorpusError as error:
            raise lines.error(number, error) from None
        yield text, group


def counted(lines: NamedLines) -> Iterator[tuple[bytes, int]]:
    """Yield the texts and counts in lines of the form text<TAB>count, without counts of 0."""
    for number, line in _lines(lines):
        try:
            text, count = counted_text(line)
        except CorpusError as error:
            raise lines.error(number, error) from None
        if count:
            yield text, count


def _lines(lines: NamedLines) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    number = 0
    while line := lines.file.readline(LONGEST_RECORD + 1):
        number += 1
        if len(line) > LONGEST_RECORD:
            raise lines.error(
                number, f"a record of more than {LONGEST_RECORD} bytes; cut it up first"
            )
        if line.strip():
            yield number, line
