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
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from bytepiece.training.corpus_reader import Block, CorpusFacts, check_weight
from bytepiece.training.corpus_sample import CorpusSample, windows_of
from bytepiece.training.growth import PieceRules
from bytepiece.training.learned import Learned
from bytepiece.training.losses import losses, masses
from bytepiece.training.piece_counts import PieceCounts, select
from bytepiece.training.progress import Progress, counting_up
from bytepiece.training.sampled_counts import SampledCounts, standing_for
from bytepiece.training.substrings import SeedRules, best, seeds, sorted_order
from bytepiece.training.units import units_of

logger = logging.getLogger(__name__)

MEMORY_PER_BYTE = 24
"""Memory in bytes for each byte in the windows."""
MEMORY_PER_WORD_BYTE = 4
"""Memory in bytes for each byte of the table of different words."""
_LARGEST = 1 << 62
_SEEDS = 1_000_000
"""The largest number of seeds."""
_FREQUENT = 8
"""Seeds occur at least this often, if enough of them do. Rarer seeds fit the text too well: with
seeds that occur twice, unseen text is less likely; see docs/training.md."""
_SEEDS_PER_PIECE = 2
"""This many seeds for each piece of the vocabulary are enough."""
_SEED_TEXT = 1 << 24
"""Seeds are found in about this many bytes, from all parts of the text."""
_ITERATIONS = 2
"""The iterations of expectation maximization in a round."""
_SETTLING = 2
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
        total += add_expected_counts(
            state.automaton, state.weights, text, text, bounds, repeats, counts
        )
    units = np.rint(np.ldexp(counts[:-1], state.bits)).astype(np.int64)
    return ExpectedCounts(units, total)


class UnigramScale(NamedTuple):
    """The scale of expected counts.

    Args:
        once: the units of an occurrence of weight 1.
        bits: an expected count of 1 is 2^bits units.
        sparse: see `UnigramOptions`.
    """

    once: int
    bits: int
    sparse: bool

    def masses(self, pieces: UnigramPieces) -> F64:
        """Return the numbers that the probabilities of pieces are proportional to."""
        counts = np.maximum(pieces.counts, self.once >> 1) / float(self.once)
        return masses(counts, self.sparse)

    def state(self, pieces: UnigramPieces) -> UnigramState:
        """Return what text is counted with."""
        automaton = _automaton_of(pieces)
        mass = self.masses(pieces)
        weights = Weights(
            automaton.by_entry(mass / math.fsum(mass.tolist()), 0),
            automaton.by_entry(np.zeros(len(mass), dtype=np.int32), 0),
            plain=True,
        )
        return UnigramState(automaton, weights, self.bits)


def scale_of(corpus: CorpusFacts, sparse: bool) -> UnigramScale:
    """Return the scale with which all sums over a corpus fit in 64 bits."""
    # One bit is spare, because words that stand for others may weigh more than the corpus.
    bits = 61 - corpus.weight.bit_length()
    return UnigramScale(corpus.unit << bits, bits, sparse)


def learn(
    sample: CorpusSample,
    corpus: CorpusFacts,
    engine: Engine,
    checkpoint: Checkpoint,
    progress: Progress,
    *,
    sizes: Sequence[int],
    options: UnigramOptions,
) -> Learned:
    """Learn vocabularies from windows of a corpus.

    Args:
        sample: the windows or, if pieces stay within words, the different words.
        corpus: the facts of the corpus.
        engine: counts windows. The result does not depend on the engine.
        checkpoint: keeps the seeds and the rounds.
        progress: called with the rounds, and with the bytes counted.
        sizes: the largest number of pieces of each vocabulary. Each is learned by itself.
        options: the options of the trainer.

    Raises:
        CorpusError: if the weights of the corpus are too large.
    """
    check_weight(corpus)
    rounds = _UnigramRounds(sample, corpus, options, engine, checkpoint, progress)
    learned = [_arrays_of(pieces) for pieces in rounds.vocabularies(sizes)]
    return Learned(learned, sample.whole, sample.summary())


def counter(
    vocabulary: Arrays, scale: UnigramScale, rules: PieceRules
) -> Callable[[list[Block], Engine], I64]:
    """Return a function that counts the pieces of a vocabulary in blocks, with an engine.

    It can be pickled. The counts do not depend on the engine.

    Args:
        vocabulary: as `learn` returns it.
        scale: the scale of the counts.
        rules: which pieces are allowed.
    """
    return partial(_expected_in, state=scale.state(_pieces_of(vocabulary)), rules=rules)


def _expected_in(
    blocks: list[Block], engine: Engine, state: UnigramState, rules: PieceRules
) -> I64:
    return _counted(units_of(windows_of(blocks), rules), state, engine).counts


def scored_pieces(vocabulary: Arrays, scale: UnigramScale) -> tuple[list[bytes], F64]:
    """Return the pieces of a vocabulary, and the logarithms of their probabilities."""
    pieces = _pieces_of(vocabulary)
    mass = scale.masses(pieces)
    logs = np.array([math.log(one) for one in mass.tolist()])
    return pieces.strings(), rounded(logs - math.log(math.fsum(mass.tolist())))


class _UnigramRounds:
    """Learns vocabularies from windows or words in memory. Each round is reported and kept."""

    def __init__(
        self,
        sample: CorpusSample,
        corpus: CorpusFacts,
        options: UnigramOptions,
        engine: Engine,
        checkpoint: Checkpoint,
        progress: Progress,
    ) -> None:
        self._units, self._rate = sample.windows, sample.rate
        if options.rules.spaces != "words":
            self._units = units_of(sample.windows, options.rules)
        self._size = sum(len(unit.text) for unit in self._units)
        self._unit = corpus.unit
        self._options = options
        self._engine = engine
        self._checkpoint = checkpoint
        self._progress = progress
        self._scale = scale_of(corpus, options.sparse)
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

    def _found(self) -> PieceCounts:
        """Return the seeds of the largest possible vocabulary."""
        rules = self._options.rules
        some, rate = self._seed_text()
        least = 2 * max(self._unit, rate)
        limits = SeedRules(rules.max_piece_length, rules.parts, least, _SEEDS)
        done = counting_up("seeding", self._size + 1, self._progress)
        return seeds(some, limits, self._engine, done)

    def _start(self, found: PieceCounts, size: int) -> UnigramPieces:
        """Return the pieces to begin with for a vocabulary."""
        frequent = np.count_nonzero(found.counts >= _FREQUENT * max(self._unit, self._rate))
        most = max(int(frequent), _SEEDS_PER_PIECE * size)
        which = best(np.diff(found.offsets), found.counts, most)
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
        rate = max(words.rate, self._rate)
        return standing_for(words.blocks(), rate), rate

    def _round(self, pieces: UnigramPieces, size: int | None, iterations: int) -> UnigramPieces:
        compute = partial(self._computed, pieces, size, iterations)
        found = _pieces_of(self._checkpoint.step(f"round-{self._done}", compute))
        self._done += 1
        self._progress("pruning", self._done, max(self._expected, self._done + 1))
        return found

    def _computed(self, pieces: UnigramPieces, size: int | None, iterations: int) -> Arrays:
        for _ in range(iterations):
            counted = _counted(self._units, self._scale.state(pieces), self._engine)
            pieces = pieces._replace(counts=counted.counts)
        logger.debug("%d pieces; log likelihood %.6g", len(pieces.counts), counted.log_likelihood)
        most = size
        if most is None:
            useful = int(
                np.count_nonzero((2 * pieces.counts >= self._scale.once) | (pieces.staying > 0))
            )
            most = min(_following(len(pieces.counts)), useful)
        if len(pieces.counts) > most:
            pieces = pieces.only(self._kept(pieces, most))
        return _arrays_of(pieces)

    def _kept(self, pieces: UnigramPieces, most: int) -> I64:
        """Return the numbers of the pieces that stay, at most `most` of them, ascending."""
        automaton = _automaton_of(pieces)
        counts = np.maximum(pieces.counts, 1) / float(self._scale.once)
        lost = losses(automaton, pieces.flat, pieces.offsets, counts)
        lost[pieces.staying > 0] = np.inf
        order = np.argsort(-lost, kind="stable")
        return np.sort(order[:most])


def _counted(units: Sequence[Block], state: UnigramState, engine: Engine) -> ExpectedCounts:
    counts = np.zeros(len(state.automaton.following) - 1, dtype=np.int64)
    likelihoods = []
    for one in engine(partial(expect, state=state), _shards(units)):
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
