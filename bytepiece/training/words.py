"""The different words of a text, each with its weight, so that each is counted once.

A word is letters (marks and apostrophes between letters belong to them), or numbers, or other
characters in a row, with one blank before them if there is one; or it is white space.
"""

from collections.abc import Iterable

import numpy as np

from bytepiece._arrays import I64, U8
from bytepiece.kernels.jit import Scalar, allocating
from bytepiece.training.corpus_reader import Block
from bytepiece.training.corpus_sample import windows_of
from bytepiece.training.pairs import COUNT_OF_ONE, NEWLINE
from bytepiece.training.piece_counts import PieceCounts, count_strings, join_all_counts, select
from bytepiece.training.word_kinds import fill_word_starts, kinds

_WINDOWS = 4
"""The number of windows in a block of the table. Fewer and larger blocks have fewer pairs that
occur in several blocks."""


class WordTable:
    """The different words of some windows, the heaviest first.

    Args:
        windows: the text.
    """

    def __init__(self, windows: Iterable[Block]) -> None:
        words = join_all_counts(map(words_of, windows))
        order = np.argsort(-words.counts, kind="stable")
        flat, offsets = select(words.flat, words.offsets, order)
        self.size = len(flat)
        """The number of bytes in the words."""
        self.damped = False
        """Whether counts are damped; see `bytepiece.training.pairs.count`."""
        self._blocks = list(windows_of([Block(flat, offsets, words.counts[order])], _WINDOWS))

    def part(self, every: int) -> list[Block]:
        """Return blocks that have an n-th of the bytes, and stand for all of them.

        Half of these are the blocks of the heaviest words. The other half are spread evenly over
        the other blocks, and their weights are multiplied, so that they also stand for the blocks
        between them.

        Args:
            every: n.
        """
        if every == 1:
            return self._blocks
        heavy = max(1, len(self._blocks) // (2 * every))
        others = self._blocks[heavy:]
        chosen = others[min(every, len(others) // 2) :: 2 * every]
        times = len(others) // max(1, len(chosen))
        weighed = [Block(one.text, one.bounds, one.weights * times) for one in chosen]
        return self._blocks[:heavy] + weighed


def words_of(window: Block) -> PieceCounts:
    """Return the different words of a window, and the count of each, in units of `COUNT_OF_ONE`.

    The counts are not damped as those of windows are (see `bytepiece.training.pairs`): if n
    occurrences in a window count 16 · n^(3/4), 8,000 pieces give 0.2 % more tokens, and 32,000
    pieces give 0.05 % fewer.
    """
    words = parts_of(window, newlines_apart=False, within_words=True)
    return count_strings(words.text, words.bounds, words.weights * COUNT_OF_ONE)


def parts_of(window: Block, newlines_apart: bool, within_words: bool) -> Block:
    """Return a window with its segments cut where no piece crosses.

    Args:
        window: the text.
        newlines_apart: whether newlines have pieces of their own.
        within_words: whether each piece lies within one word.
    """
    starts = np.empty(len(window.text) + 1, dtype=np.int64)
    inside = np.empty(len(window.bounds) - 1, dtype=np.int64)
    table = kinds() if within_words else np.empty(0, dtype=np.uint8)
    number = _starts(window.text, window.bounds, newlines_apart, table, starts, inside)
    starts[number] = len(window.text)
    return Block(window.text, starts[: number + 1], np.repeat(window.weights, inside))


@allocating
def _starts(
    text: U8, bounds: I64, newlines_apart: bool, table: U8, starts: I64, inside: I64
) -> Scalar:
    """Fill in where parts begin, and how many each segment has. Return how many there are.

    The table is `kinds()`, or empty if words are not cut apart.
    """
    filled = 0
    longest = 0
    for segment in range(len(bounds) - 1):
        longest = max(longest, bounds[segment + 1] - bounds[segment])
    begins = np.zeros(longest, dtype=np.bool_)
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        before = filled
        starts[filled] = start
        filled += 1
        if len(table):
            fill_word_starts(text, start, stop, table, begins)
        for i in range(start + 1, stop):
            apart = newlines_apart and (text[i] == NEWLINE) != (text[i - 1] == NEWLINE)
            if apart or begins[i - start]:
                starts[filled] = i
                filled += 1
        inside[segment] = filled - before
    return filled
