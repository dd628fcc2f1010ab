"""The token that stands for characters without a piece."""

from typing import NamedTuple


class Unknown(NamedTuple):
    """The token that stands for a run of characters without a piece.

    Args:
        id: the token's id.
        known: the characters, or the bytes, that have a piece of their own.
        whole: the token stands for whole characters, not for single bytes.
    """

    id: int
    known: frozenset[bytes]
    whole: bool

    def after(self, raw: bytes, start: int) -> int | None:
        """Return the end of the unknown character or byte at `start`; None if it has a piece."""
        stop = start + 1
        while self.whole and stop < len(raw) and raw[stop] & 0xC0 == 0x80:
            stop += 1
        return stop if start < len(raw) and raw[start:stop] not in self.known else None
