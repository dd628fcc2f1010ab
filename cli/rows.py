"""Rows of ids as lines of text. The lines come in parts, so that they take little memory."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bytepiece._arrays import I32
from bytepiece.display import printable
from bytepiece.encoding.encoded import Encoded
from bytepiece.kernels.decimals import LONGEST, write_rows
from bytepiece.tokenizer import Tokenizer

_TOGETHER = 1 << 18
"""About how many ids and line ends are written together."""
_FEW = 1 << 10
"""Fewer ids are written by Python, so that a short text does not wait for the kernel: compiling it
takes 0.3 s, and loading it 10 ms."""


def line_writer(format: str, tokenizer: Tokenizer) -> Callable[[Encoded], Iterator[bytes]]:
    """Return a function that turns rows of ids into parts of lines of a format.

    Args:
        format: "ids", "pieces" or "jsonl".
        tokenizer: the tokenizer that made the ids.
    """
    if format == "pieces":
        return partial(_pieces, _VisiblePieces(tokenizer))
    return _ids if format == "ids" else _jsonl


def _ids(rows: Encoded) -> Iterator[bytes]:
    """Yield lines of ids with spaces between them; a part may begin and end within a row."""
    if len(rows) and len(rows.ids) < _FEW:
        yield "".join(" ".join(map(str, row.tolist())) + "\n" for row in rows).encode()
        return
    done = np.zeros(2, dtype=np.int64)
    out = np.empty(LONGEST * _TOGETHER, dtype=np.uint8)
    while done[1] < len(rows):
        yield out[: write_rows(rows.ids, rows.offsets, done, out)].tobytes()


def _jsonl(rows: Encoded) -> Iterator[bytes]:
    head, tail = b'{"ids": [', b"]}\n"
    begins = True
    for part in _ids(rows):
        records = part.replace(b" ", b", ").replace(b"\n", tail + head)
        ends = part.endswith(b"\n")
        yield (head if begins else b"") + (records[: -len(head)] if ends else records)
        begins = ends


def _pieces(shown: "_VisiblePieces", rows: Encoded) -> Iterator[bytes]:
    for entries, goes_on in _parts(rows):
        pieces = " ".join(map(shown.__getitem__, entries.tolist()))
        # The space after a line end, and before one, is no space between pieces.
        lines = pieces.replace(" \n", "\n").replace("\n ", "\n")
        yield (lines + " " if goes_on else lines).encode()


def _parts(rows: Encoded) -> Iterator[tuple[I32, bool]]:
    """Yield rows in parts; a part may begin and end within a row.

    Yields:
        the entries of the part, which are ids, and −1 for the end of a row; and whether the row of
        the last entry goes on.
    """
    ends = rows.offsets[1:] + np.arange(len(rows))
    total = len(rows.ids) + len(rows)
    for low in range(0, total, _TOGETHER):
        high = min(low + _TOGETHER, total)
        first, last = np.searchsorted(ends, (low, high))
        entries = np.full(high - low, -1, dtype=np.int32)
        is_id = np.ones(high - low, dtype=np.bool_)
        is_id[ends[first:last] - low] = False
        entries[is_id] = rows.ids[low - first : high - last]
        yield entries, bool(is_id[-1]) and ends[last] != high


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
