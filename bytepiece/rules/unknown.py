"""The token that stands for what has no piece."""

from typing import NamedTuple


class Unknown(NamedTuple):
    """The token that stands for runs of characters without a piece.

    Args:
        id: of the token.
        known: the characters, or the bytes, that have a piece of their own.
        whole: it stands for characters, and not for bytes.
    """

    id: int
    known: frozenset[bytes]
    whole: bool

    def after(self, raw: bytes, start: int) -> int | None:
        """Where what begins there ends, if it may be unknown."""
        stop = start + 1
        while self.whole and stop < len(raw) and raw[stop] & 0xC0 == 0x80:
            stop += 1
        return stop if start < len(raw) and raw[start:stop] not in self.known else None
