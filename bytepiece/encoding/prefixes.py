"""The pieces in the order of their bytes: pieces with a common beginning are neighbours."""

from bisect import bisect_left
from collections.abc import Sequence

from bytepiece._arrays import I32


class Prefixes:
    """The pieces in the order of their bytes.

    Args:
        pieces: all different.
        ids: int32[pieces].
        vocab_size: one more than the largest id.
    """

    def __init__(self, pieces: Sequence[bytes], ids: I32, vocab_size: int) -> None:
        order = sorted(range(len(pieces)), key=pieces.__getitem__)
        self.pieces = [pieces[i] for i in order]
        self.ids: I32 = ids[order]
        self.piece_of: dict[int, bytes] = dict(zip(ids.tolist(), pieces, strict=True))
        self.id_of: dict[bytes, int] = dict(zip(pieces, ids.tolist(), strict=True))
        self.vocab_size = vocab_size
        self.longest = max(map(len, pieces))

    def range(self, prefix: bytes) -> tuple[int, int]:
        """Return the range of places of the pieces that begin with `prefix`: first, last + 1."""
        low = bisect_left(self.pieces, prefix)
        stem = prefix.rstrip(b"\xff")  # 255 is the largest byte: no other byte follows it
        if not stem:
            return low, len(self.pieces)
        return low, bisect_left(self.pieces, stem[:-1] + bytes([stem[-1] + 1]), low)

    def proper_prefixes(self, text: bytes, start: int = 0) -> list[bytes]:
        """Return the pieces that begin at `start` and end before the text does, shortest first."""
        ends = range(start + 1, min(len(text), start + self.longest + 1))
        return [text[start:end] for end in ends if text[start:end] in self.id_of]

    def fewest(self, text: bytes) -> list[int]:
        """Return, for each position, the fewest pieces that cover the text from there on.

        The last piece may reach beyond the text. The number for the end of the text is 0.
        """
        found = [0] * (len(text) + 1)
        for start in range(len(text) - 1, -1, -1):
            low, high = self.range(text[start : start + self.longest + 1])
            if low < high:
                found[start] = 1
            else:
                parts = self.proper_prefixes(text, start)
                found[start] = 1 + min(found[start + len(part)] for part in parts)
        return found
