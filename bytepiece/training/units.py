"""The units that the unigram trainer counts: the parts of segments that no piece crosses."""

from collections.abc import Sequence
from itertools import pairwise

from bytepiece._arrays import cuts
from bytepiece.training.corpus_reader import Block
from bytepiece.training.growth import PieceRules
from bytepiece.training.piece_counts import PieceCounts, count_strings, join_all_counts
from bytepiece.training.words import parts_of

_BLOCK = 1 << 18
"""About how many bytes of different words are in a block."""


def units_of(windows: Sequence[Block], rules: PieceRules) -> list[Block]:
    """Return a text as units. If pieces stay within words, each different word comes once.

    Args:
        windows: the text.
        rules: which pieces are allowed.
    """
    apart = rules.newlines == "apart"
    if rules.spaces != "words":
        return [parts_of(window, apart, within_words=False) for window in windows]
    words = join_all_counts(_words(window, apart) for window in windows)
    found = []
    ends = cuts(words.offsets, _BLOCK)
    for low, high in pairwise(ends):
        bounds = words.offsets[low : high + 1]
        text = words.flat[bounds[0] : bounds[-1]]
        found.append(Block(text, bounds - bounds[0], words.counts[low:high]))
    return found


def _words(window: Block, apart: bool) -> PieceCounts:
    words = parts_of(window, apart, within_words=True)
    return count_strings(words.text, words.bounds, words.weights)
