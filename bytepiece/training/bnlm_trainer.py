"""The BNLM trainer: cuts text where a byte n-gram language model says that something new begins.

The score of a byte is its log probability given the bytes before it in its piece, at most
order − 1 of them. Dynamic programming finds the cuts with the largest sum of scores. Strings that
are cut out often are candidates for the vocabulary.

Source: Su, https://kexue.fm/archives/9752 and https://kexue.fm/archives/3956.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import F64, I64, U8, offsets_of
from bytepiece.kernels.jit import Scalar, allocating
from bytepiece.kernels.segments import longest
from bytepiece.kernels.trie import Trie, child
from bytepiece.parallel import Engine
from bytepiece.training import ngrams
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import Block, CorpusFacts
from bytepiece.training.corpus_sample import CorpusSample, blocks_of, by_chunk
from bytepiece.training.learned import Learned, piece_arrays, pieces_from
from bytepiece.training.ngrams import NgramModel
from bytepiece.training.options import JobStage
from bytepiece.training.piece_counts import PieceCounts, count_strings, join_all_counts, join_counts
from bytepiece.training.progress import Progress, counting_up
from bytepiece.training.pruning import CountByPiece, prune

MEMORY_PER_BYTE = 12
"""The bytes of memory to reserve for each byte of text and its counts. Mixed text uses 8 to 10."""
_LARGEST = 1 << 62


class BnlmOptions(NamedTuple):
    """The options of the BNLM trainer; `bytepiece.train` describes them."""

    order: int
    min_count: int
    max_piece_length: int
    ensure_unicode: bool


def learn(
    sample: CorpusSample,
    corpus: CorpusFacts,
    engine: Engine,
    checkpoint: Checkpoint,
    progress: Progress,
    *,
    sizes: Sequence[int],
    options: BnlmOptions,
    threads: int,
) -> Learned:
    """Learn vocabularies from windows of a corpus.

    Args:
        sample: the windows.
        corpus: the facts of the corpus.
        engine: counts and cuts blocks. The result does not depend on the engine.
        checkpoint: keeps the counts and cuts.
        progress: called with the bytes counted and cut, and with the rounds of pruning.
        sizes: the largest number of pieces of each vocabulary.
        options: the options of the trainer.
        threads: how many threads to use for pruning.
    """
    unit, min_count = corpus.unit, _min_count(corpus, options)
    cutter = _cutter(sample, corpus, engine, checkpoint, progress, options)
    done = counting_up("cutting", sample.size, progress)
    counted = count_pieces(blocks_of(sample.windows), cutter, engine, checkpoint, done)
    del cutter
    longest_piece = options.max_piece_length
    pruned = partial(progress, "pruning")
    found = prune(counted, sizes, min_count, longest_piece, threads, pruned, unit)
    learned = [piece_arrays([*one], np.array([*one.values()], dtype=np.int64)) for one in found]
    return Learned(learned, True, sample.summary())


def work_on_part(
    stage: JobStage,
    sample: CorpusSample,
    corpus: CorpusFacts,
    engine: Engine,
    checkpoint: Checkpoint,
    progress: Progress,
    *,
    options: BnlmOptions,
) -> None:
    """Count or cut a part of the windows. The checkpoint keeps the results for `learn`.

    Args:
        stage: "count" or "cut", and which part.
        sample, corpus, engine, checkpoint, progress, options: see `learn`. To cut, all counts that
            the checkpoint lacks are made.
    """
    blocks, wanted = blocks_of(sample.windows), slice(stage.first, None, stage.every)
    mine = sample.size // stage.every
    if stage.name == "count":
        done = counting_up("counting", mine, progress)
        parts: Iterator[object] = ngrams.tables_of(
            blocks, options.order, engine, checkpoint, done, wanted
        )
    else:
        cutter = _cutter(sample, corpus, engine, checkpoint, progress, options)
        done = counting_up("cutting", mine, progress)
        parts = _pieces_of(blocks, cutter, engine, checkpoint, done, wanted)
    for _ in parts:
        pass


def _cutter(
    sample: CorpusSample,
    corpus: CorpusFacts,
    engine: Engine,
    checkpoint: Checkpoint,
    progress: Progress,
    options: BnlmOptions,
) -> "Cutter":
    """Count all windows, and return what cuts them."""
    order = options.order
    done = counting_up("counting", sample.size, progress)
    table = ngrams.count(blocks_of(sample.windows), order, engine, checkpoint, done)
    model = ngrams.model(*table, order, _min_count(corpus, options), corpus.unit)
    return Cutter(model, order, options.ensure_unicode)


def _min_count(corpus: CorpusFacts, options: BnlmOptions) -> int:
    """Return the smallest count in units of a weight, as all counts are."""
    return min(options.min_count * corpus.unit, _LARGEST)


def counts_from(vocabulary: Arrays) -> CountByPiece:
    """Return the counts of a vocabulary that `learn` returned."""
    return dict(zip(pieces_from(vocabulary), vocabulary["counts"].tolist(), strict=True))


class Cutter(NamedTuple):
    """The n-gram model and the settings with which a text is cut.

    Args:
        model: the n-gram model.
        order: the order of the model.
        ensure_unicode: never cut before a UTF-8 continuation byte.
        mend: see `_cut`. False is for comparison with the original library.
    """

    model: NgramModel
    order: int
    ensure_unicode: bool
    mend: bool = True


def count_pieces(
    blocks: Iterable[Block],
    cutter: Cutter,
    engine: Engine,
    checkpoint: Checkpoint,
    done: Callable[[int], None],
) -> PieceCounts:
    """Cut a corpus, and count the strings that are cut out.

    Args:
        blocks: the corpus. Each piece has the weight of the segment that it is cut from.
        cutter: says how to cut.
        engine: cuts blocks.
        checkpoint: keeps the counts of a few blocks at a time.
        done: called with the number of bytes of each cut block.
    """
    return join_all_counts(_pieces_of(blocks, cutter, engine, checkpoint, done))


def _pieces_of(
    blocks: Iterable[Block],
    cutter: Cutter,
    engine: Engine,
    checkpoint: Checkpoint,
    done: Callable[[int], None],
    wanted: slice = slice(None),
) -> Iterator[PieceCounts]:
    """Yield the strings in a few blocks at a time; see `count_pieces`, `by_chunk` for `wanted`."""

    def cut(chunk: list[Block]) -> Arrays:
        found = join_counts(list(engine(partial(cut_block, cutter=cutter), chunk)))
        lengths = np.diff(found.offsets)
        return {"flat": found.flat, "lengths": lengths, "counts": found.counts}

    for kept in by_chunk("cuts", blocks, cut, checkpoint, done, wanted):
        yield PieceCounts(kept["flat"], offsets_of(kept["lengths"]), kept["counts"])


def cut_block(block: Block, cutter: Cutter) -> PieceCounts:
    """Cut one block, and count the strings that are cut out, as a pure function."""
    model, order, ensure_unicode, mend = cutter
    cuts = np.empty(len(block.text) + 1, dtype=np.int64)
    pieces = _cut(*model, block.text, block.bounds, order, ensure_unicode, mend, cuts)
    cuts = cuts[: pieces + 1]
    by_segment = np.diff(np.searchsorted(cuts, block.bounds))
    return count_strings(block.text, cuts, np.repeat(block.weights, by_segment))


# A byte in state j is byte j + 1 of its piece; in the last state, it is byte `order` or a later
# one. Scores are added in the original's order, and the first of equal predecessors is taken, as in
# the original. The n-gram of j + 1 bytes that ends at a byte is a child of the n-gram of j bytes
# that ends one byte earlier. So each byte costs `order` steps in the trie, which do not depend on
# each other.
#
# One fault of the original is mended. With ensure_unicode, a continuation byte has no state 0. If
# the n-gram model also lacks all n-grams that end in this byte, as in a character that is rarer
# than min_count, all states score −inf, and so do the states of all later bytes. The original then
# cuts the rest of the segment, up to 10 000 characters, into single bytes. Here such a byte
# continues its piece, at a price that is equal for all states.
@allocating
def _cut(
    trie: Trie,
    logs: F64,
    text: U8,
    bounds: I64,
    order: Scalar,
    ensure_unicode: bool,
    mend: bool,
    cuts: I64,
) -> Scalar:
    """Fill `cuts` with the places where pieces begin, and the end. Return the number of pieces."""
    routes = np.empty(longest(bounds, 0, len(bounds) - 1), dtype=np.uint8)
    scores = np.empty(order, dtype=np.float64)
    before = np.empty(order, dtype=np.float64)
    nodes = np.empty(order, dtype=np.int64)
    last = order - 1
    filled = 0
    for segment in range(len(bounds) - 1):
        start, stop = bounds[segment], bounds[segment + 1]
        for j in range(order):
            nodes[j] = 0
            before[j] = -np.inf
        for position in range(start, stop):
            byte = np.int64(text[position])
            for j in range(last, 0, -1):
                nodes[j] = child(trie.units, nodes[j - 1], byte) if nodes[j - 1] else 0
            nodes[0] = 1 + byte
            alone = logs[nodes[0]]
            if ensure_unicode and byte & 0xC0 == 0x80:
                alone = -np.inf
            if position == start:
                scores[0] = alone
                for j in range(1, order):
                    scores[j] = -np.inf
                if mend and alone == -np.inf:
                    scores[0] = 0.0
                routes[0] = 0
            else:
                best = before[0] + alone
                route = 0
                for j in range(1, order):
                    if before[j] + alone > best:
                        best = before[j] + alone
                        route = j
                scores[0] = best
                alive = best > -np.inf
                for j in range(1, order):
                    score = before[j - 1]
                    if j == last and before[last] > score:
                        score = before[last]
                    scores[j] = score + logs[nodes[j]] if nodes[j] else -np.inf
                    alive |= scores[j] > -np.inf
                if mend and not alive:
                    for j in range(1, order):
                        scores[j] = max(before[j - 1], before[last] if j == last else -np.inf)
                # Two predecessors may become equal when the last n-gram's score is added to both.
                added = logs[nodes[last]] if nodes[last] and (alive or not mend) else 0.0
                if before[last] + added > before[last - 1] + added:
                    route |= 8
                routes[position - start] = route
            scores, before = before, scores
        state = 0
        for j in range(1, order):
            if before[j] > before[state]:
                state = j
        # Trace back from the right, then reverse the cuts.
        begin = filled
        for position in range(stop - 1, start - 1, -1):
            route = routes[position - start]
            if state == 0:
                cuts[filled] = position
                filled += 1
                state = route & 7
            elif state == last:
                state = last if route & 8 else last - 1
            else:
                state -= 1
        for i in range((filled - begin) // 2):
            cuts[begin + i], cuts[filled - 1 - i] = cuts[filled - 1 - i], cuts[begin + i]
    cuts[filled] = len(text)
    return filled
