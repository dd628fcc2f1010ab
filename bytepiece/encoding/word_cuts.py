"""Words: the segments of a text that is cut by the patterns of a BPE model."""

from collections.abc import Sequence

import numpy as np

from bytepiece._arrays import I32, I64, U8
from bytepiece.errors import ArgumentError
from bytepiece.kernels.words import cut
from bytepiece.rules.word_automaton import word_automaton
from bytepiece.rules.words import WordCut


def cut_words(cuts: Sequence[WordCut], text: U8, bounds: I64, special: I32) -> tuple[I64, I64]:
    """Cut the parts of a text into words by several cuts, each within the words of those before.

    Args:
        cuts: at least one cut.
        text, bounds, special: as `part_bounds` and `part_special` of `bytepiece.kernels.words.cut`.

    Returns:
        int64[words + 1], where each word begins, and the end; int64[words], the number of the part
        that each word lies in.

    Raises:
        ArgumentError: if a pattern takes more than linear time in this text.
    """
    part_of = np.arange(len(special))
    for each in cuts:
        automaton = word_automaton(each.pattern)
        found = cut(automaton, each.kept, text, bounds, special[part_of])
        if found is None:
            raise ArgumentError(
                f"the pattern {each.pattern!r:.60} of this model takes too long in this text; cut "
                "the text up first"
            )
        bounds, inner = found
        part_of = part_of[inner]
    return bounds, part_of
