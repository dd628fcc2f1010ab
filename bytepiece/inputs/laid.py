"""Texts that lie end to end in memory, like those of a column of Arrow, but without Arrow."""

from typing import overload

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import I64, U8, offsets_of
from bytepiece.inputs.arrow import Column


class LaidTexts(Column):
    """Texts end to end. A slice of them shares their memory.

    Args:
        text: uint8[bytes], read-only.
        bounds: int64[texts + 1], where each text begins, and the end.
    """

    def __init__(self, text: U8, bounds: I64) -> None:
        self._text = text
        self.bounds = bounds
        self.present = None

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> "LaidTexts": ...
    def __getitem__(self, place: int | slice) -> "bytes | LaidTexts":
        if not isinstance(place, slice):
            number = range(len(self))[place]
            return self._text[self.bounds[number] : self.bounds[number + 1]].tobytes()
        low, high, _ = place.indices(len(self))
        bounds = self.bounds[low : max(low, high) + 1]
        return LaidTexts(self._text[bounds[0] : bounds[-1]], bounds - bounds[0])

    def select(self, numbers: npt.NDArray[np.int64]) -> "LaidTexts":
        """Return some of the texts; see `Column.select`."""
        chosen = [self[number] for number in numbers.tolist()]
        return LaidTexts(np.frombuffer(b"".join(chosen), np.uint8), offsets_of(map(len, chosen)))

    def flat(self) -> tuple[U8, I64]:
        """Return the texts end to end, the beginning of each, and the end of the last."""
        return self._text, self.bounds


def laid_lines(joined: bytes) -> LaidTexts:
    """Return lines end to end.

    Args:
        joined: the lines, with a newline between two of them.
    """
    newlines = np.flatnonzero(np.frombuffer(joined, dtype=np.uint8) == ord("\n"))
    text = np.frombuffer(joined.replace(b"\n", b""), dtype=np.uint8)
    ends = newlines - np.arange(len(newlines))
    return LaidTexts(text, np.concatenate([[0], ends, [len(text)]]))
