"""The unigram trainer: Kudo's own trainer, over bytes.

It begins with the frequent substrings of the text. Each round runs expectation maximization, with
the exact expected counts over all segmentations, and then drops the pieces without which the
likelihood of the text falls least. When the vocabulary has its size, some more iterations settle
the probabilities.

Source: Kudo 2018, "Subword Regularization", https://arxiv.org/abs/1804.10959.

Expected counts are whole numbers of small units, so that sums are exact and the same in any order.
All strings here are mirrored, since the sums over segmentations run from right to left.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bytepiece._arrays import F64, I64, offsets_of
from bytepiece._logarithms import rounded
from bytepiece.kernels.automaton import Automaton, link
from bytepiece.kernels.expectation import add_expected_counts
from bytepiece.kernels.partition import Weights, mirror
from bytepiece.kernels.trie import build_sorted
from bytepiece.parallel import Engine
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import Block, CorpusReader
from bytepiece.training.corpus_sample import CorpusSample, windows_of
from bytepiece.training.corpus_words import CorpusWords
from bytepiece.training.growth import PieceRules
from bytepiece.training.losses import losses, masses
from bytepiece.training.piece_counts import PieceCounts, select
from bytepiece.training.progress import Progress, counting_up
from bytepiece.training.sampled_counts import SampledCounts
from bytepiece.training.substrings import SeedRules, best, seeds, sorted_order
from bytepiece.training.units import blocks_of_words, units_of
from bytepiece.training.whole_corpus import check_weight, counts_in_all

logger = logging.getLogger(__name__)

MEMORY_PER_BYTE = 24
"""Memory in bytes for each byte in the windows."""
MEMORY_PER_WORD_BYTE = 4
"""Memory in bytes for each byte of the table of different words."""
_LARGEST = 1 << 62
_SEEDS = 1_000_000
"""The largest number of seeds."""
_SEEDS_PER_PIECE = 4
"""The largest number of seeds for each piece of the vocabulary."""
_SEED_TEXT = 1 << 24
"""Seeds are found in about this many bytes, from all parts of the text."""
_ITERATIONS = 2
"""The iterations of expectation maximization in a round."""
_SETTLING = 4
"""The iterations at the end."""
_SHARD = 1 << 20
"""About how many bytes are counted by one call of a stage."""


class UnigramOptions(NamedTuple):
    """The options of the unigram trainer; `bytepiece.train` describes them.

    Args:
        rules: which pieces are allowed.
        pieces: pieces that are never dropped, besides the single bytes.
        sparse: whether probabilities are proportional to exp(digamma(count)) instead of the count.
    """

    rules: PieceRules
    pieces: tuple[bytes, ...]
    sparse: bool


class UnigramPieces(NamedTuple):
    """The pieces of a vocabulary, mirrored, and sorted as mirrored strings.

    Args:
        flat: uint8[bytes], the pieces end to end.
        offsets: int64[pieces + 1], where each piece begins, and the end of the last.
        counts: int64[pieces], in units; see `ExpectedCounts`.
        staying: uint8[pieces], 1 for a piece that is never dropped.
    """

    flat: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    staying: npt.NDArray[np.uint8]

    def only(self, which: I64) -> "UnigramPieces":
        """Return some of the pieces, whose numbers ascend."""
        flat, offsets = select(self.flat, self.offsets, which)
        return UnigramPieces(flat, offsets, self.counts[which], self.staying[which])

    def strings(self) -> list[bytes]:
        """Return the pieces, not mirrored."""
        flat, ends = self.flat.tobytes(), self.offsets.tolist()
        return [flat[a:b][::-1] for a, b in pairwise(ends)]


class UnigramState(NamedTuple):
    """What a shard is counted with.

    Args:
        automaton: the automaton of the mirrored pieces.
        weights: the probabilities of the pieces.
        bits: an expected count of 1 is 2^bits units.
    """

    automaton: Automaton
    weights: Weights
    bits: int


class ExpectedCounts(NamedTuple):
    """The expected counts of the pieces in a shard.

    Args:
        counts: int64[pieces], in units of 2^−bits.
        log_likelihood: the sum of the logarithms of the probabilities of all segments.
    """

    counts: npt.NDArray[np.int64]
    log_likelihood: float


def expect(shard: Sequence[Block], state: UnigramState) -> ExpectedCounts:
    """Count the pieces in some windows, as a pure function."""
    counts = np.zeros(len(state.automaton.following), dtype=np.float64)
    total = 0.0
    for window in shard:
        text, bounds = mirror(window.text, window.bounds)
        repeats = np.ascontiguousarray(window.weights[::-1])
        total += add_expected_counts(state.automaton, state.weights, text, bounds, repeats, counts)
    units = np.rint(np.ldexp(counts[:-1], state.bits)).astype(np.int64)
    return ExpectedCounts(units, total)


class LearnedUnigrams(NamedTuple):
    """The result of the unigram trainer.

    Args:
        pieces: for each size, the pieces.
        scores: for each size, float64[pieces], the logarithms of their probabilities.
    """

    pieces: list[list[bytes]]
    scores: list[F64]


def learn(
    sample: CorpusSample | CorpusWords,
    reader: CorpusReader,
    sizes: Sequence[int],
    options: UnigramOptions,
    engine: Engine,
    checkpoint: Checkpoint,
    progress: Progress,
) -> LearnedUnigrams:
    """Learn vocabularies from a corpus.

    Args:
        sample: windows or words of the corpus. Pieces are chosen in these. If they are not all,
            the pieces are then counted in the whole corpus.
        reader: the reader of the corpus.
        sizes: the largest number of pieces of each vocabulary. Each is learned by itself.
        options: the options of the trainer.
        engine: counts windows. The result does not depend on the engine.
        checkpoint: keeps the seeds and the rounds.
        progress: called with the rounds, and with the bytes counted.

    Raises:
        CorpusError: if the weights of the corpus are too large.
    """
    check_weight(reader)
    rounds = _UnigramRounds(sample, reader, options, engine, checkpoint, progress)
    learned = rounds.vocabularies(sizes)
    if not sample.whole:
        learned = [
            rounds.counted_in_all(f"scoring-{i}", pieces) for i, pieces in enumerate(learned)
        ]
    return LearnedUnigrams(
        [pieces.strings() for pieces in learned], [rounds.scores(pieces) for pieces in learned]
    )


class _UnigramRounds:
    """Learns vocabularies from a text in memory. Each round is reported and kept."""

    def __init__(
        self,
        sample: CorpusSample | CorpusWords,
        reader: CorpusReader,
        options: UnigramOptions,
        engine: Engine,
        checkpoint: Checkpoint,
        progress: Progress,
    ) -> None:
        if isinstance(sample, CorpusWords):
            self._units, self._rate = sample.blocks, sample.rate
        else:
            self._units, self._rate = units_of(sample.windows, options.rules), 1
        self._size = sum(len(unit.text) for unit in self._units)
        self._reader = reader
        self._options = options
        self._engine = engine
        self._checkpoint = checkpoint
        self._progress = progress
        weight = sum(int(np.dot(np.diff(unit.bounds), unit.weights)) for unit in self._units)
        self._bits = 62 - max(weight, reader.weight).bit_length()
        self._once = reader.unit << self._bits
        """The units of an occurrence of weight 1."""
        self._done = 0
        self._expected = 0

    def vocabularies(self, sizes: Sequence[int]) -> list[UnigramPieces]:
        """Return a vocabulary for each size."""
        found = _seeds_of(self._checkpoint.step("seeds", lambda: _seed_arrays(self._found())))
        self._progress("seeding", self._size, self._size)
        starts = {size: self._start(found, size) for size in sorted(set(sizes), reverse=True)}
        self._expected = sum(1 + _rounds_to(len(p.counts), size) for size, p in starts.items())
        learned: dict[int, UnigramPieces] = {}
        for size, start in starts.items():
            pieces = start
            while _following(len(pieces.counts)) > size:
                pieces = self._round(pieces, None, _ITERATIONS)
            if len(pieces.counts) > size:
                pieces = self._round(pieces, size, _ITERATIONS)
            learned[size] = self._round(pieces, size, _SETTLING)
        self._progress("pruning", self._done, self._done)
        return [learned[size] for size in sizes]

    def scores(self, pieces: UnigramPieces) -> F64:
        """Return the logarithms of the probabilities of pieces."""
        mass = self._masses(pieces)
        logs = np.array([math.log(one) for one in mass.tolist()])
        return rounded(logs - math.log(math.fsum(mass.tolist())))

    def counted_in_all(self, name: str, pieces: UnigramPieces) -> UnigramPieces:
        """Read the whole corpus once more, and return the pieces with their counts in it."""
        state = self._state(pieces)

        def counted_in(blocks: list[Block]) -> I64:
            units = units_of(windows_of(blocks), self._options.rules)
            return self._counted(units, state).counts

        counts = counts_in_all(
            name, self._reader, len(pieces.counts), counted_in, self._checkpoint, self._progress
        )
        return pieces._replace(counts=counts)

    def _found(self) -> PieceCounts:
        """Return the seeds of the largest possible vocabulary."""
        rules = self._options.rules
        some, rate = self._seed_text()
        least = 2 * max(self._reader.unit, rate)
        limits = SeedRules(rules.max_piece_length, rules.parts, least, _SEEDS)
        done = counting_up("seeding", self._size + 1, self._progress)
        return seeds(some, limits, self._engine, done)

    def _start(self, found: PieceCounts, size: int) -> UnigramPieces:
        """Return the pieces to begin with for a vocabulary."""
        which = best(np.diff(found.offsets), found.counts, _SEEDS_PER_PIECE * size)
        chosen = PieceCounts(*select(found.flat, found.offsets, which), found.counts[which])
        return starting_pieces(chosen, self._options.pieces)

    def _seed_text(self) -> tuple[Sequence[Block], int]:
        """Return the text in which seeds are found, and the smallest count of its words."""
        if self._size <= _SEED_TEXT:
            return self._units, self._rate
        if self._options.rules.spaces != "words":
            return self._units[:: 1 + self._size // _SEED_TEXT], 1
        # Every n-th word would leave out frequent words.
        words = SampledCounts(_SEED_TEXT)
        for unit in self._units:
            words.add(unit)
        some, rate = words.strings(), max(words.rate, self._rate)
        return blocks_of_words(some._replace(counts=np.maximum(some.counts, rate))), rate

    def _round(self, pieces: UnigramPieces, size: int | None, iterations: int) -> UnigramPieces:
        compute = partial(self._computed, pieces, size, iterations)
        found = _pieces_of(self._checkpoint.step(f"round-{self._done}", compute))
        self._done += 1
        self._progress("pruning", self._done, max(self._expected, self._done + 1))
        return found

    def _computed(self, pieces: UnigramPieces, size: int | None, iterations: int) -> Arrays:
        for _ in range(iterations):
            state = self._state(pieces)
            counted = self._counted(self._units, state)
            pieces = pieces._replace(counts=counted.counts)
        logger.debug("%d pieces; log likelihood %.6g", len(pieces.counts), counted.log_likelihood)
        most = size
        if most is None:
            useful = int(np.count_nonzero((2 * pieces.counts >= self._once) | (pieces.staying > 0)))
            most = min(_following(len(pieces.counts)), useful)
        if len(pieces.counts) > most:
            pieces = pieces.only(self._kept(pieces, most))
        return _arrays_of(pieces)

    def _kept(self, pieces: UnigramPieces, most: int) -> I64:
        """Return the numbers of the pieces that stay, at most `most` of them, ascending."""
        automaton = _automaton_of(pieces)
        counts = np.maximum(pieces.counts, 1) / float(self._once)
        lost = losses(automaton, pieces.flat, pieces.offsets, counts)
        lost[pieces.staying > 0] = np.inf
        order = np.argsort(-lost, kind="stable")
        return np.sort(order[:most])

    def _state(self, pieces: UnigramPieces) -> UnigramState:
        automaton = _automaton_of(pieces)
        mass = self._masses(pieces)
        weights = Weights(
            automaton.by_entry(mass / math.fsum(mass.tolist()), 0),
            automaton.by_entry(np.zeros(len(mass), dtype=np.int32), 0),
            plain=True,
        )
        return UnigramState(automaton, weights, self._bits)

    def _masses(self, pieces: UnigramPieces) -> F64:
        """Return the numbers that the probabilities of pieces are proportional to."""
        counts = np.maximum(pieces.counts, self._once >> 1) / float(self._once)
        return masses(counts, self._options.sparse)

    def _counted(self, units: Sequence[Block], state: UnigramState) -> ExpectedCounts:
        counts = np.zeros(len(state.automaton.following) - 1, dtype=np.int64)
        likelihoods = []
        for one in self._engine(partial(expect, state=state), _shards(units)):
            counts += one.counts
            likelihoods.append(one.log_likelihood)
        return ExpectedCounts(counts, math.fsum(likelihoods))


def starting_pieces(found: PieceCounts, pieces: Iterable[bytes]) -> UnigramPieces:
    """Return the pieces to begin with. Their counts are proportional to count · length.

    Args:
        found: the seeds.
        pieces: pieces that are never dropped, besides the single bytes.
    """
    others = {bytes([byte]): 1 for byte in range(256)} | dict.fromkeys(pieces, 1)
    flat = np.concatenate([found.flat, np.frombuffer(b"".join(others), dtype=np.uint8)])
    offsets = offsets_of(np.concatenate([np.diff(found.offsets), [*map(len, others)]]))
    flat, offsets = mirror(flat, offsets)
    scores = np.append(found.counts * np.diff(found.offsets), [*others.values()])[::-1]
    staying = np.arange(len(scores)) < len(others)
    order = sorted_order(flat, offsets)
    flat, offsets = select(flat, offsets, order)
    factor = _LARGEST // int(scores.sum())
    started = UnigramPieces(flat, offsets, scores[order] * factor, staying[order].astype(np.uint8))
    if len(others) > 256:  # a seed may be among them
        strings = started.strings()
        again = [i for i, (a, b) in enumerate(pairwise(strings)) if a == b]
        started.staying[[i + 1 for i in again]] = 1
        started = started.only(np.delete(np.arange(len(strings)), again))
    return started


def _following(pieces: int) -> int:
    """Return the number of pieces after a round."""
    return pieces - pieces // 4


def _rounds_to(pieces: int, size: int) -> int:
    """Return how many rounds lead to a size, at most."""
    rounds = 0
    while pieces > size:
        pieces = _following(pieces)
        rounds += 1
    return rounds


def _shards(units: Sequence[Block]) -> Iterator[list[Block]]:
    some: list[Block] = []
    size = 0
    for unit in units:
        some.append(unit)
        size += len(unit.text)
        if size >= _SHARD:
            yield some
            some, size = [], 0
    if some:
        yield some


def _automaton_of(pieces: UnigramPieces) -> Automaton:
    trie, nodes = build_sorted(pieces.flat, pieces.offsets)
    return link(trie, nodes, np.diff(pieces.offsets))


def _seed_arrays(found: PieceCounts) -> Arrays:
    return {"flat": found.flat, "lengths": np.diff(found.offsets), "counts": found.counts}


def _seeds_of(arrays: Arrays) -> PieceCounts:
    return PieceCounts(arrays["flat"], offsets_of(arrays["lengths"]), arrays["counts"])


def _arrays_of(pieces: UnigramPieces) -> Arrays:
    return {
        "flat": pieces.flat,
        "lengths": np.diff(pieces.offsets),
        "counts": pieces.counts,
        "staying": pieces.staying,
    }


def _pieces_of(arrays: Arrays) -> UnigramPieces:
    return UnigramPieces(
        arrays["flat"], offsets_of(arrays["lengths"]), arrays["counts"], arrays["staying"]
    )
