"""The pace of the merge trainer: by how much a round may change the vocabulary.

Only learned pieces count: neither the single bytes, nor pieces that are never dropped, such as
those of an old vocabulary. With these, the rounds would be too large: if 2,000 Chinese pieces are
added to 16,000 English ones in three rounds instead of nine, text takes 1.6 % more tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bytepiece.training.growth import USELESS, GrowthLimits

_SINGLE_BYTES = 256


class Pace(NamedTuple):
    """A pace of growth.

    Args:
        step, share: a round makes the vocabulary larger by at most `step` pieces and a part of the
            learned pieces, such as an eighth if `share` is 8.
        per_piece: while the vocabulary grows, at least this many bytes of text are counted for each
            single byte and each learned piece.
        useless: see `bytepiece.training.growth.GrowthLimits`.
    """

    step: int
    share: int
    per_piece: int
    useless: int

    def growth(self, learned: int) -> int:
        """Return by how many pieces a round may make the vocabulary larger."""
        return self.step + learned // self.share

    def bytes(self, learned: int) -> int:
        """Return how many bytes of text are counted, at least."""
        return self.per_piece * (_SINGLE_BYTES + learned)

    def limits(self, learned: int, size: int, least: int) -> GrowthLimits:
        """Return the limits of a round that makes at most `size` pieces."""
        most = max(self.growth(learned), LARGE.growth(learned))
        return GrowthLimits(size, most, self.useless, least)

    def rounds(self, learned: int, most: int) -> int:
        """Return how many rounds lead to a number of learned pieces, at most."""
        rounds = 0
        while learned + self.growth(learned) <= most:
            learned += self.growth(learned)
            rounds += 1
        return rounds


LARGE = Pace(step=232, share=8, per_piece=2048, useless=USELESS)
"""The usual pace. With a quarter instead of an eighth, bytes per token are the same within 0.2 %.
With 512 bytes for each piece, training on 100 MB of mixed text takes 0.8 of the time, and gives
0.3 % more tokens."""
SMALL = Pace(step=1, share=16, per_piece=8192, useless=1)
"""The pace for few pieces. A round also joins further pairs if useless pieces make room for them.
With 2 pieces and an eighth, or with 2048 bytes for each piece, 400 pieces for English lose 1 %. If
a piece is useless only below a third of a pair, 500 pieces for log files lose 9 %, and 1,000 pieces
7 %."""
_SHARES = {"words": 4, "superwords": 32}
"""The share of the usual pace by `PieceRules.spaces`, if it differs from that of `LARGE`. Within
words, an eighth instead of a quarter gives 0.2 % fewer tokens for 32,000 pieces, and no fewer for
8,000, in 1.4 times the time. A half gives 0.4 % more tokens for 8,000 pieces. Superwords grow a
word at a time: with a 16th 8,000 pieces give 0.1 % more tokens, and with an eighth 0.3 % more."""
_FEW = 2744
"""Fewer learned pieces than this, so less than 3,000 pieces in all, are few. A large round joins
pairs that overlap, and few rounds would follow to sort them out: with large rounds, 500 pieces for
log files give 3.3 bytes per token instead of 5.6, and 2,000 for English 3.39 instead of 3.47. For
3,000 pieces of mixed text both give the same; for 8,000 pieces small rounds lose 0.3 %. On DNA,
large rounds are better between 400 and 1,000 pieces, by 9 % for 500. So both are tried."""


def pace_of(spaces: str, pace: Pace) -> Pace:
    """Return the pace to take instead of the given one; see `PieceRules.spaces`."""
    return pace._replace(share=_SHARES.get(spaces, pace.share)) if pace == LARGE else pace


def paces_for(sizes: Sequence[int]) -> list[tuple[Pace, list[int]]]:
    """Return the paces to try, each with the numbers of learned pieces to reach at it, in order."""
    every = sorted(set(sizes))
    few = [size for size in every if size < _FEW]
    return [(pace, chain) for pace, chain in ((SMALL, few), (LARGE, every)) if chain]
