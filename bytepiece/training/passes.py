"""Passes over a corpus: each applies a stage to all shards, and then combines the results.

A stage is a pure function of a shard, so an engine may apply it in threads, in processes or on
other machines, again after a failure, and in any order. If other processes do the work, its results
lie in the directory of the checkpoint, and only facts and counts come back. The rounds of a trainer
and the last sums are stages, too, with a single shard: the number of the corpus's shards.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from bytepiece._arrays import I64
from bytepiece.errors import CorpusError
from bytepiece.inputs.shards import Shard
from bytepiece.parallel import Engine, in_threads
from bytepiece.training.checkpoint import Arrays, Checkpoint
from bytepiece.training.corpus_reader import (
    Block,
    CorpusReader,
    ShardFacts,
    changed,
    corpus_facts,
)
from bytepiece.training.corpus_sample import (
    CorpusSample,
    Parts,
    SampleRules,
    ShardSample,
    chunks,
    facts_arrays,
    joined,
    sample_arrays,
    sample_from,
    sample_of,
)
from bytepiece.training.learned import Learn, Learned
from bytepiece.training.progress import Progress, logged
from bytepiece.training.relay import KeptReports, relayed

Count = Callable[[list[Block], Engine], I64]
"""Returns int64[pieces], the counts of pieces in some blocks. It can be pickled."""
LEARNED = "learned"
"""The name of the step that keeps what the rounds learned, with the facts of all shards."""
OTHER_CORPUS = (
    "the corpus is not the one that the checkpoint was made with; train on that one, or name "
    "another directory for the checkpoint"
)


class Passes(NamedTuple):
    """How the passes over a corpus are made.

    Args:
        reader: the reader of the corpus.
        engine: applies stages to shards in other processes. With None, threads of this process do
            so.
        threads: the number of threads of this process or, for the rounds, of the worker.
        checkpoint: keeps the results. With an engine it has a directory that all workers see.
        progress: called with the bytes of the shards that are done.
    """

    reader: CorpusReader
    engine: Engine | None
    threads: int
    checkpoint: Checkpoint
    progress: Progress


class ShardResult(NamedTuple):
    """The result of reading a shard.

    Args:
        number, size: of the shard; see `Shard`.
        facts: what the reading found.
        sample: the windows, if they are wanted here and not only in the checkpoint.
    """

    number: int
    size: int
    facts: ShardFacts
    sample: ShardSample | None


class ShardToCount(NamedTuple):
    """A shard whose pieces are to be counted, and the facts that its reading must find."""

    shard: Shard
    facts: ShardFacts


class ShardCounts(NamedTuple):
    """The counts in a shard, if they are wanted here and not only in the checkpoint."""

    size: int
    counts: I64 | None


def read_sample(
    passes: Passes, most: int, hold_out: bool, parts: Parts | None = None
) -> CorpusSample:
    """Read a corpus, and keep as many windows as fit, and at least one.

    Args:
        passes: how the corpus is read. There is no engine.
        most: the largest number of bytes in the kept windows.
        hold_out: whether to hold out a hundredth of some windows, for a fair measure at the end.
        parts: see `SampleRules`.

    Raises:
        CorpusError: if the corpus is empty, or differs from the checkpoint's corpus.
    """
    shards = passes.reader.shards()
    rules = SampleRules(most, hold_out, passes.reader.file_size, parts)
    results = _read(passes, shards, rules, bring=True)
    return joined(((one.number, one.sample) for one in results if one.sample), rules)


def learned(
    passes: Passes, most: int, hold_out: bool, learn: Learn, parts: Parts | None = None
) -> Learned:
    """Read a corpus, and learn vocabularies from as many windows as fit.

    Args:
        passes, most, hold_out: see `read_sample`.
        learn: the rounds of a trainer.
        parts: see `SampleRules`.

    Raises:
        CorpusError: if the corpus is empty, or differs from the checkpoint's corpus.
    """
    reader, engine, threads, checkpoint, progress = passes
    kept = checkpoint.load(LEARNED)
    if engine is None and kept is None:
        sample = read_sample(passes, most, hold_out, parts)
        found = learn(sample, reader.facts(), in_threads(threads), checkpoint, progress)
        checkpoint.save(LEARNED, lambda: {**found.arrays(), **facts_arrays(reader.noted)})
        return found
    shards = reader.shards()
    rules = SampleRules(most, hold_out, reader.file_size, parts)
    for _ in _read(passes, shards, rules, bring=False):
        pass
    if kept is not None or engine is None:
        return Learned.of(checkpoint.needed(LEARNED))
    stage = partial(
        learn_from_kept,
        learn=learn, rules=rules, unit=reader.unit, threads=threads, checkpoint=checkpoint,
        progress=KeptReports(checkpoint),
    )  # fmt: skip
    with relayed(checkpoint, progress):
        [found] = engine(stage, [len(reader.noted)])
    return found


def _read(
    passes: Passes, shards: Iterable[Shard], rules: SampleRules, bring: bool
) -> Iterator[ShardResult]:
    """Yield the results of reading all shards, in any order, and take note of the facts."""
    reader, engine, threads, checkpoint, progress = passes
    stage = partial(read_shard, reader=reader, rules=rules, checkpoint=checkpoint, bring=bring)
    facts, done = {}, 0
    # The results may be as large as the shards, so few of them wait.
    here = in_threads(threads, 1, reader.give_up)
    for result in (engine or here)(stage, shards):
        facts[result.number] = result.facts
        done += result.size
        progress("reading", done, max(reader.file_size, done + 1))
        yield result
    if checkpoint.load(_windows(len(facts))) is not None:
        raise CorpusError(OTHER_CORPUS)
    reader.note([facts[number] for number in range(len(facts))])
    size = reader.facts().size
    progress("reading", size, size)


def read_shard(
    shard: Shard, reader: CorpusReader, rules: SampleRules, checkpoint: Checkpoint, bring: bool
) -> ShardResult:
    """Read a shard, and choose windows, as a stage. The checkpoint keeps the result.

    If it was kept before, the shard is read once more, to see whether it is still the same.

    Args:
        shard: the shard.
        reader: the reader of the corpus.
        rules: which windows are chosen.
        checkpoint: keeps the result.
        bring: whether the result has the sample.
    """
    name = _windows(shard.number)
    kept = checkpoint.load(name)
    if kept is None:
        sample = sample_of(shard, reader.read(shard), rules)
        checkpoint.save(name, partial(sample_arrays, sample))
    else:
        sample = sample_from(kept)
        reading = reader.read(shard, cut=False)
        if any(reading) or reading.facts() != sample.facts:
            raise CorpusError(OTHER_CORPUS)
    return ShardResult(shard.number, shard.size, sample.facts, sample if bring else None)


def learn_from_kept(
    shards: int,
    learn: Learn,
    rules: SampleRules,
    unit: int,
    threads: int,
    checkpoint: Checkpoint,
    progress: Progress,
) -> Learned:
    """Learn vocabularies from the windows of all shards that a checkpoint keeps, as a stage.

    Args:
        shards: the number of shards.
        learn: the rounds of a trainer.
        rules: those that the windows were chosen with.
        unit: see `bytepiece.training.corpus_reader.CorpusFacts`.
        threads: the number of threads.
        checkpoint: keeps the windows and the result.
        progress: called after each part of the work.
    """
    sample, found = kept_sample(shards, rules, checkpoint)
    facts = corpus_facts(found, unit)
    result = learn(sample, facts, in_threads(threads), checkpoint, logged(progress))
    checkpoint.save(LEARNED, lambda: {**result.arrays(), **facts_arrays(found)})
    return result


def kept_sample(
    shards: int, rules: SampleRules, checkpoint: Checkpoint
) -> tuple[CorpusSample, list[ShardFacts]]:
    """Return the windows of all shards that a checkpoint keeps, and the facts of the shards.

    Raises:
        CheckpointError: if those of a shard are missing.
    """
    found: list[ShardFacts] = []

    def samples() -> Iterator[tuple[int, ShardSample]]:
        for number in range(shards):
            sample = sample_from(checkpoint.needed(_windows(number)))
            found.append(sample.facts)
            yield number, sample

    return joined(samples(), rules), found


def scored(passes: Passes, found: Learned, counter: Callable[[Arrays], Count]) -> list[Arrays]:
    """Return the vocabularies with their counts in the whole corpus.

    Args:
        passes: how the corpus is read.
        found: the vocabularies. If they are not counted yet, the corpus is read for each.
        counter: returns what counts the pieces of a vocabulary.

    Raises:
        CorpusError: if the corpus has changed since it was last read.
    """
    if found.counted:
        return found.vocabularies
    return [
        {**vocabulary, "counts": _counts_in_all(passes, number, counter(vocabulary))}
        for number, vocabulary in enumerate(found.vocabularies)
    ]


def _counts_in_all(passes: Passes, vocabulary: int, count: Count) -> I64:
    reader, engine, threads, checkpoint, progress = passes
    shards = reader.shards()
    bring = engine is None
    stage = partial(
        count_shard,
        vocabulary=vocabulary, reader=reader, count=count, checkpoint=checkpoint, bring=bring,
        threads=_threads_within(shards, threads) if engine is None else 1,
    )  # fmt: skip
    total = np.zeros(1, dtype=np.int64)
    done = 0
    here = in_threads(threads, 1, reader.give_up)
    for result in (engine or here)(stage, _to_count(shards, reader.noted)):
        if result.counts is not None:
            total = total + result.counts
        done += result.size
        progress("scoring", done, max(reader.file_size, done + 1))
    if engine is not None:
        adding = partial(sum_of_kept, vocabulary=vocabulary, checkpoint=checkpoint)
        [total] = engine(adding, [len(reader.noted)])
    size = reader.facts().size
    progress("scoring", size, size)
    return total


def _to_count(shards: Iterable[Shard], facts: Iterable[ShardFacts]) -> Iterator[ShardToCount]:
    for shard, its_facts in zip_longest(shards, facts):
        if shard is None or its_facts is None:
            raise changed()
        yield ShardToCount(shard, its_facts)


def _threads_within(shards: Iterable[Shard], threads: int) -> int:
    """Return how many threads count one shard: several if the shards are too few for all."""
    if not isinstance(shards, list):
        return 1
    return min(threads, -(-2 * threads // len(shards)))


def count_shard(
    task: ShardToCount,
    vocabulary: int,
    reader: CorpusReader,
    count: Count,
    checkpoint: Checkpoint,
    bring: bool,
    threads: int,
) -> ShardCounts:
    """Count pieces in a shard, as a stage. The checkpoint keeps the result.

    Args:
        task: the shard.
        vocabulary: the number of the vocabulary.
        reader: the reader of the corpus.
        count: counts the pieces of the vocabulary.
        checkpoint: keeps the counts.
        bring: whether the result has the counts.
        threads: the number of threads.

    Raises:
        CorpusError: if the corpus has changed.
    """
    shard, facts = task

    def counted() -> Arrays:
        reading = reader.read(shard)
        engine = in_threads(threads)
        counts = sum((count(chunk, engine) for chunk in chunks(reading)), np.zeros(1, np.int64))
        if reading.facts() != facts:
            raise changed()
        return {"counts": counts}

    counts = checkpoint.step(_scoring(vocabulary, shard.number), counted)["counts"]
    return ShardCounts(shard.size, counts if bring else None)


def sum_of_kept(shards: int, vocabulary: int, checkpoint: Checkpoint) -> I64:
    """Return the sum of the counts in all shards that a checkpoint keeps, as a stage."""
    names = [_scoring(vocabulary, number) for number in range(shards)]
    return sum((checkpoint.needed(name)["counts"] for name in names), np.zeros(1, np.int64))


def _windows(shard: int) -> str:
    return f"windows-{shard}"


def _scoring(vocabulary: int, shard: int) -> str:
    return f"scoring-{vocabulary}-{shard}"
