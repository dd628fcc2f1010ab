"""The token that stands for text without a piece."""

from typing import NamedTuple


class Unknown(NamedTuple):
    """The token that stands for runs of characters, or bytes, without a piece.

    Args:
        id: the id of the token.
        known: the characters, or bytes, that have a piece of their own.
        whole: whether the token stands for whole characters; otherwise it stands for bytes.
    """

    id: int
    known: frozenset[bytes]
    whole: bool

    def after(self, raw: bytes, start: int) -> int | None:
        """Return where the character or byte at `start` ends; None if it is known."""
        stop = start + 1
        while self.whole and stop < len(raw) and raw[stop] & 0xC0 == 0x80:
            stop += 1
        return stop if start < len(raw) and raw[start:stop] not in self.known else None
