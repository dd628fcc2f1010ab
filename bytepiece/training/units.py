"""The units that the unigram trainer counts: the parts of segments that no piece crosses."""

from collections.abc import Iterable
from itertools import pairwise

from bytepiece._arrays import cuts
from bytepiece.training.corpus_reader import Block
from bytepiece.training.growth import PieceRules
from bytepiece.training.piece_counts import PieceCounts
from bytepiece.training.sampled_counts import SampledCounts
from bytepiece.training.words import parts_of

_BLOCK = 1 << 18
"""About how many bytes of different words are in a block."""


def units_of(windows: Iterable[Block], rules: PieceRules) -> list[Block]:
    """Return a text as units. If pieces stay within words, each different word comes once.

    Args:
        windows: the text.
        rules: which pieces are allowed.
    """
    parts = (parts_in(window, rules) for window in windows)
    if rules.spaces != "words":
        return [*parts]
    words = SampledCounts(1 << 62)
    for part in parts:
        words.add(part)
    return blocks_of_words(words.strings())


def parts_in(window: Block, rules: PieceRules) -> Block:
    """Return a window with its segments cut where no piece crosses."""
    return parts_of(window, rules.newlines == "apart", rules.spaces == "words")


def blocks_of_words(words: PieceCounts) -> list[Block]:
    """Return different words in blocks. Their counts are their weights."""
    found = []
    for low, high in pairwise(cuts(words.offsets, _BLOCK)):
        bounds = words.offsets[low : high + 1]
        text = words.flat[bounds[0] : bounds[-1]]
        found.append(Block(text, bounds - bounds[0], words.counts[low:high]))
    return found
