"""The merge trainer: learns pieces for compression by joining neighbours on the best paths.

It begins with the single bytes. Each round counts pieces and pairs of neighbouring pieces along the
best paths, joins the pairs with the largest counts, and drops pieces that have become useless. The
scores follow from the counts, as in expectation maximization, but with best paths in place of all
paths. When the vocabulary has its size, a few more rounds exchange useless pieces for pairs. If
parts of characters are not allowed, the last rounds also exchange these for pairs.

Compression counts tokens, so the scores are log probabilities that were made nearly equal. With
equal scores, the best path has the fewest tokens; small differences decide between paths of equally
many tokens.
"""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I64
from bytepiece._logarithms import logs_of, rounded
from bytepiece.kernels.automaton import build
from bytepiece.parallel import Engine
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import Block, CorpusFacts, check_weight
from bytepiece.training.corpus_sample import CorpusSample, windows_of
from bytepiece.training.growth import CountedPieces, PieceRules, advance
from bytepiece.training.learned import Learned, piece_arrays, pieces_from
from bytepiece.training.pace import Pace, pace_of, paces_for
from bytepiece.training.pairs import (
    COUNT_OF_ONE,
    ScoredAutomaton,
    TooManyError,
    TotalCounts,
    count,
    total,
)
from bytepiece.training.progress import Progress
from bytepiece.training.word_kinds import all_within_words
from bytepiece.training.words import WordTable

logger = logging.getLogger(__name__)

MEMORY_PER_BYTE = 6
"""Memory in bytes for each byte in the windows, pair counts included; 4 to 5 on mixed text."""
_BYTES_PER_PAIR = 9
"""The smallest number of bytes in the windows for each different pair that is counted."""
_LEAST_PAIRS = 1 << 19
_SETTLING = 3
"""The number of rounds at the end that exchange pieces. Five more gain nothing."""
_COMPLETING = 2
"""The number of further rounds if parts of characters are not allowed. A character of three bytes
is found by way of its first two bytes. So parts of characters are dropped only in these rounds, and
pairs take their room. A third round gains nothing."""
_SUBWORDS = 80
"""Superwords are learned when this percentage of the learned pieces are subwords. For 8,000 pieces
from 10 MB of mixed text, bytes per token on text of the same kinds are 3.557 with 60 or 70 %, 3.552
with 80 % and 3.542 with 90 %, if each round then adds an eighth. With 80 % and the pace of
superwords they are 3.563. For 32,000 pieces, 70 % and 80 % give the same within 0.1 %."""
EXPONENTS = {"compression": 0.25, "likelihood": 1.0}
"""For each objective, an exponent. A piece's probability is proportional to count^exponent."""


def scores_of(counts: I64, objective: str, unit: int = 1) -> F64:
    """Return the logarithms of probabilities that are proportional to powers of the counts.

    The power is 1 for likelihood, and a fourth for compression; see `EXPONENTS`. The logarithms are
    rounded so that every library adds them exactly; see `rounded`.

    Args:
        counts: int64[pieces], the counts that `bytepiece.training.pairs` returns.
        objective: "compression" or "likelihood".
        unit: how many units make a weight of 1; see
            `bytepiece.training.corpus_reader.CorpusFacts`.
    """
    exponent = EXPONENTS[objective]
    logs = exponent * logs_of(np.maximum(counts, COUNT_OF_ONE * unit // 2))
    return rounded(logs - math.log(math.fsum(map(math.exp, logs.tolist()))))


class MergeOptions(NamedTuple):
    """The options of the merge trainer; `bytepiece.train` describes them.

    Args:
        objective: "compression" or "likelihood"; it decides the scores.
        rules: which pieces are allowed in the end.
        start: the vocabulary to begin with.
        protected: pieces of `start` that are never dropped, besides the single bytes.
    """

    objective: str
    rules: PieceRules
    start: CountedPieces
    protected: frozenset[bytes]

    def counts_words(self, rules: PieceRules) -> bool:
        """Return whether all pieces lie within words, so that each different word is counted."""
        return rules.spaces == "words" and all_within_words(self.start.pieces)


def learn(
    sample: CorpusSample,
    corpus: CorpusFacts,
    engine: Engine,
    checkpoint: Checkpoint,
    progress: Progress,
    *,
    sizes: Sequence[int],
    options: MergeOptions,
) -> Learned:
    """Learn vocabularies from windows of a corpus.

    Args:
        sample: the windows. If they are all windows, the pieces are also counted for the scores. If
            the text has too many different pairs for the memory, pieces are found in a part of it.
        corpus: the facts of the corpus.
        engine: counts windows. The result does not depend on the engine.
        checkpoint: keeps the counts and rounds.
        progress: called with the rounds, and with the bytes counted.
        sizes: the largest number of pieces of each vocabulary, not below the number of pieces at
            the start. Each vocabulary is the same as if it were learned alone. It is smaller if too
            little of the text repeats itself.
        options: the options of the trainer.

    Raises:
        CorpusError: if the weights of the corpus are too large.
    """
    check_weight(corpus)
    rounds = _Rounds(sample, corpus.unit, options, engine, checkpoint, progress)
    vocabularies = rounds.vocabularies(sizes)
    learned = [piece_arrays(one.pieces, one.counts) for one in vocabularies]
    summary = sample.summary()
    if sample.whole:
        text = rounds.text(options.rules)

        def counted(vocabulary: CountedPieces) -> Arrays:
            state = scored_automaton(vocabulary, options.objective, corpus.unit)
            size = len(vocabulary.pieces)
            found = _count(text.part(1), state, size, engine, damped=text.damped)
            return {"counts": found.pieces}

        for number, one in enumerate(vocabularies):
            found = checkpoint.step(f"scoring-{number}", partial(counted, one))
            learned[number] = {**learned[number], **found}
            progress("scoring", summary.size, summary.size)
    if rounds.part > 1:
        windows = sample.windows[:: rounds.part]
        summary = sample._replace(windows=windows, whole=False).summary()
    return Learned(learned, sample.whole, summary)


def counter(
    vocabulary: Arrays, options: MergeOptions, unit: int
) -> Callable[[list[Block], Engine], I64]:
    """Return a function that counts the pieces of a vocabulary for their scores, with an engine.

    It can be pickled. The counts do not depend on the engine.

    Args:
        vocabulary: as `learn` returns it.
        options: the options of the trainer.
        unit: see `scores_of`.
    """
    pieces = vocabulary_from(vocabulary)
    state = scored_automaton(pieces, options.objective, unit)
    words = options.counts_words(options.rules)
    return partial(_piece_counts, state=state, pieces=len(pieces.pieces), words=words)


def _piece_counts(
    blocks: Iterable[Block], engine: Engine, state: ScoredAutomaton, pieces: int, words: bool
) -> I64:
    windows: Iterable[Block] = windows_of(blocks)
    if words:
        windows = WordTable(windows).part(1)
    return _count(windows, state, pieces, engine, damped=not words).pieces


def vocabulary_from(arrays: Arrays) -> CountedPieces:
    """Return a vocabulary that `learn` returned."""
    return CountedPieces(pieces_from(arrays), arrays["counts"])


def scored_automaton(vocabulary: CountedPieces, objective: str, unit: int = 1) -> ScoredAutomaton:
    """Return the automaton and the scores that windows are counted with."""
    automaton = build(vocabulary.pieces)
    scores = scores_of(vocabulary.counts, objective, unit)
    return ScoredAutomaton(automaton, automaton.by_entry(scores, -math.inf), len(vocabulary.pieces))


def _count(
    windows: Iterable[Block],
    state: ScoredAutomaton,
    pieces: int,
    engine: Engine,
    pairs: int = 0,
    expected: int = 0,
    superwords: bool = False,
    damped: bool = True,
) -> TotalCounts:
    """Count windows.

    Args:
        windows: the windows to count.
        state: the automaton and scores of the pieces.
        pieces: the number of pieces.
        engine: counts each window.
        pairs: the largest number of different pairs; 0 does not count pairs.
        expected: about how many different pairs there will be.
        superwords, damped: see `bytepiece.training.pairs.count`.

    Raises:
        TooManyError: if there are more pairs.
    """
    stage = partial(count, state=state, with_pairs=pairs > 0, superwords=superwords, damped=damped)
    return total(engine(stage, windows), pieces, pairs, expected)


class _Rounds:
    """Learns vocabularies from windows in memory. Each round is reported and kept."""

    def __init__(
        self,
        sample: CorpusSample,
        unit: int,
        options: MergeOptions,
        engine: Engine,
        checkpoint: Checkpoint,
        progress: Progress,
    ) -> None:
        self.part = 1
        """A round that is to count all windows may count only every n-th, to fit in memory. This is
        the largest such n."""
        self._sample = sample
        self._table: WordTable | None = None
        self._pairs = max(_LEAST_PAIRS, sample.room // _BYTES_PER_PAIR)
        self._expected_pairs = 0
        self._unit = unit
        self._options = options
        self._engine = engine
        self._checkpoint = checkpoint
        self._progress = progress
        self._staying = sum(
            len(piece) == 1 or piece in options.protected for piece in options.start.pieces
        )
        """How many pieces are never dropped."""
        self._done = 0
        self._expected = 0

    def vocabularies(self, sizes: Sequence[int]) -> list[CountedPieces]:
        """Return a vocabulary for each size."""
        learned: dict[int, list[CountedPieces]] = {size: [] for size in sizes}
        rules = self._options.rules
        growing = first = rules._replace(parts=True)
        share = 100
        if rules.spaces == "superwords":
            first, share = growing._replace(spaces="words"), _SUBWORDS
        settling = [growing] * _SETTLING + [rules] * (0 if rules.parts else _COMPLETING)
        chains = paces_for([size - self._staying for size in sizes])
        start = self._options.start
        for pace, chain in chains:
            to_first = pace_of(first.spaces, pace).rounds
            self._expected += to_first(self._learned(start), chain[-1] * share // 100)
            self._expected += len(settling) * len(chain)
            if first != growing:
                to_last = pace_of(growing.spaces, pace).rounds
                self._expected += sum(1 + to_last(most * share // 100, most) for most in chain)
        for pace, chain in chains:
            vocabulary = start
            grows = True
            for most in chain:
                if grows:
                    vocabulary, grows = self._grown(vocabulary, most * share // 100, pace, first)
                settled = vocabulary
                if first != growing:
                    # The subwords reach their share exactly.
                    size = most * share // 100 + self._staying
                    settled = self._round(vocabulary, size, pace, 1, first)
                    settled, _ = self._grown(settled, most, pace, growing)
                size = most + self._staying
                # These rounds count all windows, because the pieces that they add stay in the
                # vocabulary.
                for its_rules in settling:
                    settled = self._round(settled, size, pace, 1, its_rules)
                learned[size].append(settled)
        self._progress("merging", self._done, self._done)
        return [self._best(size, learned[size]) for size in sizes]

    def _grown(
        self, vocabulary: CountedPieces, most: int, pace: Pace, rules: PieceRules
    ) -> tuple[CountedPieces, bool]:
        """Return the vocabulary after rounds that lead to a number of learned pieces, at most.

        Also return whether the last round made it larger.
        """
        pace = pace_of(rules.spaces, pace)
        while (before := self._learned(vocabulary)) + pace.growth(before) <= most:
            every = max(1, self.text(rules).size // pace.bytes(before))
            limit = len(vocabulary.pieces) + pace.growth(before)
            vocabulary = self._round(vocabulary, limit, pace, every, rules)
            if self._learned(vocabulary) <= before:
                return vocabulary, False
        return vocabulary, True

    def _learned(self, vocabulary: CountedPieces) -> int:
        return len(vocabulary.pieces) - self._staying

    def _best(self, size: int, candidates: Sequence[CountedPieces]) -> CountedPieces:
        """Return the vocabulary with which the text has the fewest tokens, the first of equals."""
        if len(candidates) == 1:
            return candidates[0]

        def counted(vocabulary: CountedPieces) -> Arrays:
            state = scored_automaton(vocabulary, self._options.objective, self._unit)
            pieces = len(vocabulary.pieces)
            tokens = _count(self._sample.windows, state, pieces, self._engine).tokens
            return {"tokens": np.array([tokens], dtype=np.int64)}

        tokens = [
            int(self._checkpoint.step(f"tokens-{size}-{i}", partial(counted, one))["tokens"][0])
            for i, one in enumerate(candidates)
        ]
        return candidates[tokens.index(min(tokens))]

    def _round(
        self, vocabulary: CountedPieces, size: int, pace: Pace, every: int, rules: PieceRules
    ) -> CountedPieces:
        compute = partial(self._computed, vocabulary, size, pace, every, rules)
        found = self._checkpoint.step(f"round-{self._done}", compute)
        if every == 1:
            self.part = max(self.part, int(found["part"][0]))
        following = vocabulary_from(found)
        self._done += 1
        self._progress("merging", self._done, max(self._expected, self._done + 1))
        return following

    def text(self, rules: PieceRules) -> CorpusSample | WordTable:
        """Return the text to count: the sample or, if all pieces lie within words, its words."""
        if not self._options.counts_words(rules):
            return self._sample
        if self._table is None:
            self._table = WordTable(self._sample.windows)
        return self._table

    def _computed(
        self, vocabulary: CountedPieces, size: int, pace: Pace, every: int, rules: PieceRules
    ) -> Arrays:
        pieces = len(vocabulary.pieces)
        state = scored_automaton(vocabulary, self._options.objective, self._unit)
        part = every
        text = self.text(rules)
        most = self._pairs, self._expected_pairs
        kinds = rules.spaces == "superwords", text.damped
        while True:
            try:
                blocks = text.part(part)
                counted = _count(blocks, state, pieces, self._engine, *most, *kinds)
                break
            except TooManyError:
                part *= 2
        self._expected_pairs = counted.pairs.different
        logger.debug("%d pieces; %d tokens in 1/%d of the text", pieces, counted.tokens, part)
        limits = pace.limits(self._learned(vocabulary), size, 2 * COUNT_OF_ONE * self._unit)
        following = advance(vocabulary, state, counted, limits, rules, self._options.protected)
        return {
            **piece_arrays(following.pieces, following.counts),
            "part": np.array([part], dtype=np.int64),
        }
