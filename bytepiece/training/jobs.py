"""Stages of a run as jobs of their own, which share the checkpoint's directory and know no engine.

Each job does a part of the work of `bytepiece.training.passes`, so the models are the same.
"""

from functools import partial

from bytepiece.errors import ArgumentError, CorpusError
from bytepiece.parallel import in_threads
from bytepiece.training.checkpoint import Arrays
from bytepiece.training.corpus_reader import ShardFacts, corpus_facts
from bytepiece.training.corpus_sample import SampleRules, facts_from
from bytepiece.training.learned import Learned
from bytepiece.training.method import TrainingMethod
from bytepiece.training.options import JobStage
from bytepiece.training.passes import (
    LEARNED,
    OTHER_CORPUS,
    Passes,
    ShardToCount,
    count_shard,
    kept_sample,
    learn_from_kept,
    read_shard,
    sum_of_kept,
)
from bytepiece.training.progress import counting_up


def work_on(stage: JobStage, passes: Passes, method: TrainingMethod, most: int) -> None:
    """Do the work of a stage before "combine". The checkpoint keeps its results.

    Args:
        stage: the stage.
        passes: how the corpus is read.
        method: what the algorithm does.
        most: the largest number of bytes in the kept windows.

    Raises:
        ArgumentError: if the algorithm has no such stage.
        CheckpointError: if a result of an earlier stage is missing.
        CorpusError: if the corpus is not the one of the earlier stages.
    """
    reader, threads, checkpoint, progress = passes[0], passes[2], passes[3], passes[4]
    shards = list(reader.shards())
    rules = SampleRules(most, method.hold_out, reader.file_size, method.parts)
    mine = shards[stage.first :: stage.every]
    size, here = sum(shard.size for shard in mine), in_threads(threads)
    if stage.name == "sample":
        done = counting_up("reading", size, progress)
        read = partial(read_shard, reader=reader, rules=rules, checkpoint=checkpoint, bring=False)
        for result in here(read, mine):
            done(result.size)
    elif stage.name in ("count", "cut"):
        if method.work_on_part is None:
            raise ArgumentError(f'the stage {stage.name} needs algorithm="bnlm"')
        sample, facts = kept_sample(len(shards), rules, checkpoint)
        corpus = corpus_facts(facts, reader.unit)
        method.work_on_part(stage, sample, corpus, here, checkpoint, progress)
    elif stage.name == "rounds":
        number, learn = len(shards), method.learn
        learn_from_kept(number, learn, rules, reader.unit, threads, checkpoint, progress)
    else:
        found, facts = _kept(passes, len(shards))
        tasks = [ShardToCount(shard, facts[shard.number]) for shard in mine]
        corpus = corpus_facts(facts, reader.unit)
        for number, vocabulary in enumerate([] if found.counted else found.vocabularies):
            done = counting_up("scoring", size, progress)
            count = partial(
                count_shard,
                vocabulary=number, reader=reader, count=method.counter(corpus, vocabulary),
                checkpoint=checkpoint, bring=False, threads=1,
            )  # fmt: skip
            for counted in here(count, tasks):
                done(counted.size)


def combined(passes: Passes) -> Learned:
    """Return the vocabularies with their counts in the whole corpus, from all stages' results.

    Raises:
        CheckpointError: if a result is missing.
        CorpusError: if the corpus is not the one of the earlier stages.
    """
    found, facts = _kept(passes, len(list(passes.reader.shards())))
    passes.reader.note(facts)
    if found.counted:
        return found
    counted: list[Arrays] = [
        {**vocabulary, "counts": sum_of_kept(len(facts), number, passes.checkpoint)}
        for number, vocabulary in enumerate(found.vocabularies)
    ]
    return found._replace(vocabularies=counted)


def _kept(passes: Passes, shards: int) -> tuple[Learned, list[ShardFacts]]:
    """Return what the rounds learned, and the facts of all shards."""
    kept = passes.checkpoint.needed(LEARNED)
    facts = facts_from(kept)
    if len(facts) != shards:
        raise CorpusError(OTHER_CORPUS)
    return Learned.of(kept), facts
