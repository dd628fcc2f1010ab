"""The units that the unigram trainer counts: the parts of segments that no piece crosses."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bytepiece._arrays import I64, U8, cuts
from bytepiece.kernels.jit import Scalar, kernel
from bytepiece.training.corpus_reader import Block
from bytepiece.training.growth import PieceRules
from bytepiece.training.piece_counts import PieceCounts, count_strings, join_all_counts

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
        return [_cut(window, apart, False) for window in windows]
    words = join_all_counts(_words(window, apart) for window in windows)
    found = []
    ends = cuts(words.offsets, _BLOCK)
    for low, high in pairwise(ends):
        bounds = words.offsets[low : high + 1]
        text = words.flat[bounds[0] : bounds[-1]]
        found.append(Block(text, bounds - bounds[0], words.counts[low:high]))
    return found


def _words(window: Block, apart: bool) -> PieceCounts:
    unit = _cut(window, apart, True)
    return count_strings(unit.text, unit.bounds, unit.weights)


def _cut(window: Block, apart: bool, words: bool) -> Block:
    segment_of = np.empty(len(window.text), dtype=np.int64)
    bounds = np.empty(len(window.text) + 1, dtype=np.int64)
    number = _fill(window.text, window.bounds, apart, words, bounds, segment_of)
    return Block(window.text, bounds[: number + 1].copy(), window.weights[segment_of[:number]])


@kernel
def _fill(
    text: U8, segments: I64, apart: bool, words: bool, bounds: I64, segment_of: I64
) -> Scalar:
    """Fill in where each unit begins, and its segment. Return the number of units."""
    filled = 0
    for segment in range(len(segments) - 1):
        for place in range(segments[segment], segments[segment + 1]):
            begins = place == segments[segment]
            if not begins:
                byte, before = text[place], text[place - 1]
                begins = apart and (byte == 0x0A) != (before == 0x0A)
                if words and (byte == 0x20 or 0x09 <= byte <= 0x0D):
                    begins = begins or not (before == 0x20 or 0x09 <= before <= 0x0D)
            if begins:
                bounds[filled], segment_of[filled] = place, segment
                filled += 1
    bounds[filled] = len(text)
    return filled
