"""The units that the unigram trainer counts: the parts of segments that no piece crosses."""

from collections.abc import Iterable

from bytepiece.training.corpus_reader import Block
from bytepiece.training.growth import PieceRules
from bytepiece.training.sampled_counts import SampledCounts
from bytepiece.training.words import parts_of


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
    return words.blocks()


def parts_in(window: Block, rules: PieceRules) -> Block:
    """Return a window with its segments cut where no piece crosses."""
    return parts_of(window, rules.newlines == "apart", rules.spaces == "words")
