"""Rows of ids as lines of text. The lines come in parts, so that they take little memory."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I32, I64
from bytepiece.display import printable
from bytepiece.encoding.encoded import Encoded
from bytepiece.tokenizer import Tokenizer

_TOGETHER = 1 << 18
"""The number of ids and line ends that are written together."""


def line_writer(format: str, tokenizer: Tokenizer) -> Callable[[Encoded], Iterator[bytes]]:
    """Return a function that turns rows of ids into parts of lines of a format.

    Args:
        format: "ids", "pieces" or "jsonl".
        tokenizer: the tokenizer that made the ids.
    """
    if format == "pieces":
        return partial(_pieces, _VisiblePieces(tokenizer))
    return partial(_ids if format == "ids" else _jsonl, _digits(tokenizer.vocab_size))


def _parts(rows: Encoded) -> Iterator[tuple[I32, I64, bool]]:
    """Yield rows in parts; a part may begin and end within a row.

    Yields:
        the entries of the part, which are ids, and −1 for the end of a row; the places of these
        ends; and whether the row of the last entry goes on.
    """
    ends = rows.offsets[1:] + np.arange(len(rows))
    total = len(rows.ids) + len(rows)
    for low in range(0, total, _TOGETHER):
        high = min(low + _TOGETHER, total)
        first, last = np.searchsorted(ends, (low, high))
        places = ends[first:last] - low
        entries = np.full(high - low, -1, dtype=np.int32)
        is_id = np.ones(high - low, dtype=np.bool_)
        is_id[places] = False
        entries[is_id] = rows.ids[low - first : high - last]
        yield entries, places, bool(is_id[-1]) and ends[last] != high


def _digits(size: int) -> npt.NDArray[np.uint8]:
    """Return the characters of each id below `size`, and a space. The last row ends lines.

    Returns:
        uint8[size + 1, characters]. NUL bytes fill the rows up.
    """
    width = len(str(size))
    chars = np.zeros((size + 1, width + 1), dtype=np.uint8)
    rest = ids = np.arange(size, dtype=np.int32)
    for column in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        written = (column == width - 1) | (ids >= 10 ** (width - 1 - column))
        chars[:-1, column] = np.where(written, digit + ord("0"), 0)
    chars[:-1, width] = ord(" ")
    chars[-1, width] = ord("\n")
    return chars


def _ids(digits: npt.NDArray[np.uint8], rows: Encoded) -> Iterator[bytes]:
    """Yield lines of ids with spaces between them.

    The characters of all ids of a part come from a table at once. A str() of each id took 70 ms for
    2 MB of text, which is as long as encoding.
    """
    for entries, _, goes_on in _parts(rows):
        # An entry of −1 takes the last row of the table.
        part = digits[entries].tobytes().translate(None, b"\0").replace(b" \n", b"\n")
        yield part if goes_on else part.removesuffix(b" ")


def _jsonl(digits: npt.NDArray[np.uint8], rows: Encoded) -> Iterator[bytes]:
    head, tail = b'{"ids": [', b"]}\n"
    begins = True
    for part in _ids(digits, rows):
        records = part.replace(b" ", b", ").replace(b"\n", tail + head)
        ends = part.endswith(b"\n")
        yield (head if begins else b"") + (records[: -len(head)] if ends else records)
        begins = ends


def _pieces(shown: "_VisiblePieces", rows: Encoded) -> Iterator[bytes]:
    for entries, _, goes_on in _parts(rows):
        pieces = " ".join(map(shown.__getitem__, entries.tolist()))
        # The space after a line end, and before one, is no space between pieces.
        lines = pieces.replace(" \n", "\n").replace("\n ", "\n")
        yield (lines + " " if goes_on else lines).encode()


class _VisiblePieces(dict[int, str]):
    """A cache of the readable text of each id. An entry is made when it is first needed.

    −1 stands for a line end.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__({-1: "\n"})
        self._tokenizer = tokenizer

    def __missing__(self, id_: int) -> str:
        piece = self._tokenizer.id_to_piece(id_)
        shown = printable(piece.encode() if isinstance(piece, str) else piece)
        self[id_] = shown
        return shown
