"""Training for compression: merges that are counted along the best paths of the Unigram model.

From the single bytes on, each round counts the pieces and the pairs of neighbours along the best
paths, joins the pairs that count most, and drops pieces that have become useless; the scores
follow from the counts, as in expectation maximization with best paths for all paths. When the
vocabulary has its size, a few more rounds exchange useless pieces for pairs.

Compression counts tokens, so scores are log probabilities made nearly equal: with equal ones the
best path is the one with the fewest tokens, and what differs decides between such paths.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from bytepiece._jit import F64, I64
from bytepiece.automaton import build
from bytepiece.errors import CorpusError
from bytepiece.logs import logs_of
from bytepiece.parallel import ordered_map
from bytepiece.training.corpus import Block, Reader
from bytepiece.training.merges import Rules, Vocabulary, advance, bytes_only
from bytepiece.training.pairs import UNIT, State, Total, count, total
from bytepiece.training.progress import Progress

logger = logging.getLogger(__name__)

_WINDOW = 1 << 16
"""Bytes of text in a window, at least."""
_PER_PIECE = 2048
"""Bytes of text, at least, that are counted for each piece there is while the vocabulary grows.
With 512, training on 100 MB of mixed text takes 0.8 of the time, and gives 0.3 % more tokens."""
_STEP = 200
_GROWTH = 8
"""A round adds 200 pieces and an eighth of those there are, at most. With a quarter, bytes per
token are the same within 0.2 %."""
_SETTLING = 3
"""Rounds in which pieces are exchanged at the end. Five more gain nothing."""
_MEMORY_PER_BYTE = 6
"""Bytes that each byte of the windows takes, with the pairs counted in it; 4 to 5 on mixed text."""
_MEMORY_BESIDE = 256 << 20
"""Bytes that a process takes beside that."""
_LEAST_TEXT = 4 << 20
"""Bytes of windows that are kept in however little memory."""
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio."""
EXPONENTS = {"compression": 0.25, "likelihood": 1.0}
"""Of probabilities, by objective."""


def scores_of(counts: I64, objective: str) -> F64:
    """Log probabilities: proportional to the counts, or to their fourth roots for compression."""
    exponent = EXPONENTS[objective]
    logs = exponent * logs_of(np.maximum(counts, UNIT // 2))
    return logs - math.log(math.fsum(map(math.exp, logs.tolist())))


def state_of(vocabulary: Vocabulary, objective: str) -> State:
    """What the windows are counted with."""
    automaton = build(vocabulary.pieces)
    scores = scores_of(vocabulary.counts, objective)
    return State(automaton, automaton.by_entry(scores, -math.inf))


def windows_of(blocks: Iterable[Block]) -> Iterator[Block]:
    """Cut blocks into windows of whole segments.

    Raises:
        CorpusError: a text has a weight, which are for BNLM.
    """
    for block in blocks:
        if np.any(block.weights != 1):
            raise CorpusError('weights need algorithm="bnlm"')
        text, bounds = block.text, block.bounds
        low = 0
        while low < len(bounds) - 1:
            high = int(np.searchsorted(bounds, bounds[low] + _WINDOW))
            high = min(high, len(bounds) - 1)
            stretch = bounds[low : high + 1]
            # A copy, for a view would keep all the block.
            yield Block(text[stretch[0] : stretch[-1]].copy(), stretch - stretch[0])
            low = high


class Sample(NamedTuple):
    """Windows of a corpus.

    Args:
        windows: in the order of the corpus.
        whole: whether they are all.
    """

    windows: list[Block]
    whole: bool


def sample(windows: Iterable[Block], most: int) -> Sample:
    """Keep windows of at most so many bytes of text together; at least one.

    The places of windows in the corpus, multiplied by the golden ratio, are spread evenly over a
    circle, however many there are. Those of the first part of the circle are kept, as large a part
    as there is room for: a set that does not depend on the order in which windows are looked at.
    """
    kept: list[tuple[int, int, Block]] = []  # the last place on the circle first
    limit, size = 1 << 64, 0
    for number, window in enumerate(windows):
        place = number * _GOLDEN % (1 << 64)
        if place >= limit:
            continue
        heappush(kept, (-place, number, window))
        size += len(window.text)
        while size > most and len(kept) > 1:
            last, _, dropped = heappop(kept)
            limit, size = -last, size - len(dropped.text)
    in_order = sorted(kept, key=lambda one: one[1])
    return Sample([window for _, _, window in in_order], limit == 1 << 64)


class Options(NamedTuple):
    """What can be chosen; see `bytepiece.train`.

    Args:
        objective: what scores are made for, "compression" or "likelihood".
        rules: which pieces there may be.
        memory: bytes that the process may take, about.
    """

    objective: str
    rules: Rules
    memory: int


class Learned(NamedTuple):
    """What was learned.

    Args:
        vocabularies: with counts of all the text.
        sampled: the bytes of the text that the pieces were found in.
    """

    vocabularies: list[Vocabulary]
    sampled: int


def learn(
    reader: Reader, sizes: Sequence[int], options: Options, threads: int, progress: Progress
) -> Learned:
    """Learn vocabularies from a corpus; the result is the same for any number of threads.

    Args:
        sizes: the largest numbers of pieces, at least 256 each. Each vocabulary is the same as if
            it were learned alone; it is smaller where pairs that occur twice are too few.
        progress: is told of bytes read, of rounds, and of bytes counted.

    Raises:
        CorpusError: the corpus is empty.
    """
    most = max(_LEAST_TEXT, (options.memory - _MEMORY_BESIDE) // _MEMORY_PER_BYTE)
    windows, whole = sample(windows_of(_told("reading", reader, reader, progress)), most)
    if not windows:
        raise CorpusError("the corpus is empty: there is no text in it to learn from")
    vocabularies = _Rounds(windows, options, threads, progress).vocabularies(sizes)
    learned = []
    for vocabulary in vocabularies:
        again = _told("scoring", windows if whole else reader, reader, progress)
        state = state_of(vocabulary, options.objective)
        found = _count(windows_of(again), state, len(vocabulary.pieces), threads, False)
        learned.append(Vocabulary(vocabulary.pieces, found.pieces))
    return Learned(learned, sum(len(window.text) for window in windows))


def _told(
    phase: str, blocks: Iterable[Block], reader: Reader, progress: Progress
) -> Iterator[Block]:
    """Pass blocks on, and say how many bytes of the corpus that is."""
    done = 0
    for block in blocks:
        yield block
        done += len(block.text)
        progress(phase, done, max(reader.size, done + 1))  # the end is told below
    if done:
        progress(phase, done, done)


def _count(
    windows: Iterable[Block], state: State, pieces: int, threads: int, with_pairs: bool
) -> Total:
    """Count windows with the state of so many pieces."""
    counts = ordered_map(lambda window: count(window, state, with_pairs), windows, threads)
    return total(counts, pieces)


class _Rounds:
    """Learns vocabularies from windows in memory, in rounds that it reports."""

    def __init__(
        self, windows: Sequence[Block], options: Options, threads: int, progress: Progress
    ) -> None:
        self._windows = windows
        self._bytes = sum(len(window.text) for window in windows)
        self._options = options
        self._threads = threads
        self._progress = progress
        self._done = 0
        self._expected = 0

    def vocabularies(self, sizes: Sequence[int]) -> list[Vocabulary]:
        """A vocabulary for each size."""
        learned: dict[int, Vocabulary] = {}
        self._expected = _rounds(max(sizes)) + _SETTLING * len(set(sizes))
        vocabulary = bytes_only()
        for size in sorted(set(sizes)):
            while (before := len(vocabulary.pieces)) + _most(before) <= size:
                every = max(1, self._bytes // (_PER_PIECE * before))
                vocabulary = self._round(vocabulary, before + _most(before), every)
                if len(vocabulary.pieces) <= before:
                    break
            settled = vocabulary
            # All windows again: what is exchanged now stays.
            for _ in range(_SETTLING):
                settled = self._round(settled, size, every=1)
            learned[size] = settled
        self._progress("merging", self._done, self._done)
        return [learned[size] for size in sizes]

    def _round(self, vocabulary: Vocabulary, size: int, every: int) -> Vocabulary:
        pieces = len(vocabulary.pieces)
        state = state_of(vocabulary, self._options.objective)
        counted = _count(self._windows[::every], state, pieces, self._threads, True)
        logger.debug("%d pieces; %d tokens in 1/%d of the text", pieces, counted.tokens, every)
        following = advance(vocabulary, state, counted, size, _most(pieces), self._options.rules)
        self._done += 1
        self._progress("merging", self._done, max(self._expected, self._done + 1))
        return following


def _most(pieces: int) -> int:
    """How many pairs a round joins, at most, when there are so many pieces."""
    return _STEP + pieces // _GROWTH


def _rounds(size: int) -> int:
    """How many rounds lead to a size, if no piece is dropped."""
    rounds, pieces = 0, 256
    while pieces + _most(pieces) <= size:
        pieces += _most(pieces)
        rounds += 1
    return rounds
