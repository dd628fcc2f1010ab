"""Training for compression: merges that are counted along the best paths of the Unigram model.

From the single bytes on, each round counts the pieces and the pairs of neighbours along the best
paths, joins the pairs that count most, and drops pieces that have become useless; the scores
follow from the counts, as in expectation maximization with best paths for all paths. When the
vocabulary has its size, a few more rounds exchange useless pieces for pairs.

Compression counts tokens, so scores are log probabilities made nearly equal: with equal ones the
best path is the one with the fewest tokens, and what differs decides between such paths.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._jit import F64, I64
from bytepiece.automaton import build
from bytepiece.logs import logs_of
from bytepiece.parallel import ordered_map
from bytepiece.training.corpus import Block
from bytepiece.training.merges import Rules, Vocabulary, advance, bytes_only
from bytepiece.training.pairs import UNIT, State, Total, count, total

Objective = Literal["compression", "likelihood"]

_WINDOW = 1 << 16
"""Bytes of text in a window, at least."""
_PER_PIECE = 2048
"""Bytes of text that are counted in a round for each piece there is, at least."""
_STEP = 200
_GROWTH = 4
"""A round adds 200 pieces and a quarter of those there are, at most."""
_SETTLING = 4
"""Rounds in which pieces are exchanged at the end."""
_EXPONENTS = {"compression": 0.25, "likelihood": 1.0}


def scores_of(counts: I64, objective: Objective) -> F64:
    """Log probabilities: proportional to the counts, or to their fourth roots for compression."""
    exponent = _EXPONENTS[objective]
    logs = exponent * logs_of(np.maximum(counts, UNIT // 2))
    return logs - math.log(math.fsum(map(math.exp, logs.tolist())))


def state_of(vocabulary: Vocabulary, objective: Objective) -> State:
    """What the windows are counted with."""
    automaton = build(vocabulary.pieces)
    scores = scores_of(vocabulary.counts, objective)
    return State(automaton, automaton.by_entry(scores, -math.inf))


def windows_of(blocks: Iterable[Block]) -> Iterator[Block]:
    """Cut blocks into windows of whole segments."""
    for text, bounds in blocks:
        low = 0
        while low < len(bounds) - 1:
            high = int(np.searchsorted(bounds, bounds[low] + _WINDOW))
            high = min(high, len(bounds) - 1)
            stretch = bounds[low : high + 1]
            yield Block(text[stretch[0] : stretch[-1]].copy(), stretch - stretch[0])
            low = high


class Sample(NamedTuple):
    """Windows of a corpus: all, or, of one too large, every second, fourth, eighth …

    Args:
        windows: in the order of the corpus.
        every: 1 where they are all.
    """

    windows: list[Block]
    every: int


def sample(windows: Iterable[Block], most: int) -> Sample:
    """Keep windows of at most so many bytes of text together; at least one."""
    kept: list[Block] = []
    every, size = 1, 0
    for number, window in enumerate(windows):
        if number % every:
            continue
        kept.append(window)
        size += len(window.text)
        while size > most and len(kept) > 1:
            kept = kept[::2]
            every *= 2
            size = sum(len(one.text) for one in kept)
    return Sample(kept, every)


class Trainer:
    """Learns vocabularies from windows in memory.

    Args:
        windows: at least one.
        objective: what scores are made for.
        threads: how many count windows; the result does not depend on it.
        done: is told of each round, with the size that was reached.
    """

    def __init__(
        self,
        windows: Sequence[Block],
        objective: Objective,
        rules: Rules,
        threads: int,
        done: Callable[[int], None],
    ) -> None:
        self._windows = windows
        self._bytes = sum(len(window.text) for window in windows)
        self._objective: Objective = objective
        self._rules = rules
        self._threads = threads
        self._done = done

    def learn(self, sizes: Sequence[int]) -> list[Vocabulary]:
        """A vocabulary for each size, the largest numbers of pieces, at least 256 each.

        Each is the same as if it were learned alone.
        """
        learned: dict[int, Vocabulary] = {}
        vocabulary = bytes_only()
        for size in sorted(set(sizes)):
            while (most := _STEP + len(vocabulary.pieces) // _GROWTH) and (
                len(vocabulary.pieces) + most <= size
            ):
                before = len(vocabulary.pieces)
                vocabulary = self._round(vocabulary, before + most, most)
                if len(vocabulary.pieces) <= before:
                    break
            settled = vocabulary
            for _ in range(_SETTLING):
                settled = self._round(settled, size, most)
            learned[size] = settled
        return [learned[size] for size in sizes]

    def _round(self, vocabulary: Vocabulary, size: int, most: int) -> Vocabulary:
        state = state_of(vocabulary, self._objective)
        every = max(1, self._bytes // (_PER_PIECE * len(vocabulary.pieces)))
        counted = self.count(self._windows[::every], state, len(vocabulary.pieces))
        following = advance(vocabulary, state, counted, size, most, self._rules)
        self._done(len(following.pieces))
        return following

    def count(self, windows: Iterable[Block], state: State, pieces: int) -> Total:
        """Count some windows."""
        counts = ordered_map(lambda window: count(window, state), windows, self._threads)
        return total(counts, pieces)


def polish(
    vocabulary: Vocabulary, counted: Callable[[State, int], Total], objective: Objective
) -> Vocabulary:
    """The vocabulary with counts of all text.

    Args:
        counted: counts the text with a state of so many pieces.
    """
    pieces = len(vocabulary.pieces)
    found = counted(state_of(vocabulary, objective), pieces)
    return Vocabulary(vocabulary.pieces, found.pieces)
