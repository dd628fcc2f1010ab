"""A training run: reads the corpus, learns vocabularies from it, and makes models of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import bytepiece
from bytepiece._arrays import F64
from bytepiece.errors import ArgumentError
from bytepiece.formats import original
from bytepiece.inputs.corpus import Corpus, files_for_workers
from bytepiece.inputs.files import Files
from bytepiece.model import Model
from bytepiece.parallel import Engine
from bytepiece.tokenizer import Tokenizer
from bytepiece.training import bnlm_trainer, merge_trainer, unigram_trainer
from bytepiece.training.checked_options import TrainingOptions, unused_tokens
from bytepiece.training.checkpoint import Arrays, Checkpoint, clear
from bytepiece.training.corpus_reader import CorpusFacts, CorpusReader
from bytepiece.training.corpus_sample import SampleSummary
from bytepiece.training.growth import PieceRules, initial_pieces
from bytepiece.training.jobs import combined, work_on
from bytepiece.training.memory import room
from bytepiece.training.method import TrainingMethod
from bytepiece.training.options import STAGES, JobStage
from bytepiece.training.passes import Count, Passes, learned, scored
from bytepiece.training.progress import Progress
from bytepiece.training.pruning import with_pieces
from bytepiece.training.units import parts_in


class RunSettings(NamedTuple):
    """The settings of a run. Only `memory` can change the result.

    Args:
        threads: how many threads this process uses.
        engine: applies stages to the shards of the corpus in other processes; or the one stage to
            do here; or None for threads.
        memory: about how many bytes the process may take.
        checkpoint: the directory that keeps the work, or None.
        progress: called after each part of the work.
    """

    threads: int
    engine: Engine | JobStage | None
    memory: int
    checkpoint: str | os.PathLike[str] | None
    progress: Progress


def models_of(
    corpus: Corpus, sizes: Sequence[int], options: TrainingOptions, settings: RunSettings
) -> list[Model]:
    """Learn models of the given sizes from a corpus that can be read more than once.

    If `settings.engine` is a stage before "combine", only its work is done, and there is no model.
    """
    run = {"vocab_size": list(sizes), "memory": settings.memory, **options.to_json()}
    engine, stage, directory = settings.engine, None, settings.checkpoint
    if engine is not None:
        directory, corpus = elsewhere(directory, corpus)
    if isinstance(engine, JobStage):
        engine, stage = None, engine
    checkpoint = Checkpoint(directory, run, shared=stage is not None)
    if settings.checkpoint is not None:
        _check_apart(settings.checkpoint, corpus)
    rules, threads = options.rules, settings.threads
    reader = CorpusReader(corpus, rules.normalization, rules.digit_group)
    passes = Passes(reader, engine, threads, checkpoint, settings.progress)
    most = [size - len(options.special_tokens) for size in sizes]
    method = _METHODS[options.algorithm](most, options, threads)
    space = room(settings.memory, method.memory_per_byte)
    if stage is None:
        found = learned(passes, space, method.hold_out, method.learn, method.parts)
        found = found._replace(
            vocabularies=scored(passes, found, partial(method.counter, reader.facts()))
        )
    elif stage.name != STAGES[-1]:
        work_on(stage, passes, method, space)
        return []
    else:
        found = combined(passes)
    facts = reader.facts()
    finished = []
    for size, number, vocabulary in zip(sizes, most, found.vocabularies, strict=True):
        model = method.model(vocabulary, facts, number)
        record = {
            "bytepiece": bytepiece.__version__,
            "vocab_size": size,
            "algorithm": options.algorithm,
            **options.of_algorithm(),
            **facts_of(corpus, facts, found.sample),
            **_held_out(model, found.sample, threads),
        }
        finished.append(_padded(replace(model, record=record), options.pad_to_multiple))
    return finished


def elsewhere(checkpoint: str | os.PathLike[str] | None, corpus: Corpus) -> tuple[Path, Files]:
    """Return the checkpoint's directory and the corpus for workers with other directories.

    Raises:
        ArgumentError: if there is no checkpoint, or the corpus is not in files.
    """
    if checkpoint is None:
        raise ArgumentError(
            "workers hand over their results in a directory that all of them see; name one with "
            "checkpoint="
        )
    return Path(checkpoint).absolute(), files_for_workers(corpus)


def _check_apart(checkpoint: str | os.PathLike[str], corpus: Corpus) -> None:
    """Check that the checkpoint's directory is not part of the corpus.

    Raises:
        ArgumentError: if it is. The checkpoint is deleted again.
    """
    if isinstance(corpus, (str, os.PathLike)):
        corpus = Files([corpus])
    directory = Path(checkpoint).resolve()
    files = corpus.inputs() if isinstance(corpus, Files) else []
    if any(directory in file.path.resolve().parents for file in files):
        clear(checkpoint)
        raise ArgumentError(
            f"the checkpoint {os.fspath(checkpoint)} is part of the corpus; name another directory"
        )


def _merge(most: Sequence[int], options: TrainingOptions, threads: int) -> TrainingMethod:
    rules, objective = _piece_rules(options), options.objective
    start = initial_pieces(options.pieces)
    chosen = merge_trainer.MergeOptions(objective, rules, start, frozenset(options.pieces))

    def counter(corpus: CorpusFacts, vocabulary: Arrays) -> Count:
        return merge_trainer.counter(vocabulary, chosen, corpus.unit)

    def model(vocabulary: Arrays, corpus: CorpusFacts, size: int) -> Model:
        pieces, counts = merge_trainer.vocabulary_from(vocabulary)
        return _sorted_model(
            pieces, merge_trainer.scores_of(counts, objective, corpus.unit), options
        )

    learn = partial(merge_trainer.learn, sizes=most, options=chosen)
    return TrainingMethod(merge_trainer.MEMORY_PER_BYTE, True, learn, counter, model)


def _unigram(most: Sequence[int], options: TrainingOptions, threads: int) -> TrainingMethod:
    rules, sparse = _piece_rules(options), options.sparse
    chosen = unigram_trainer.UnigramOptions(rules, options.pieces, sparse)

    def counter(corpus: CorpusFacts, vocabulary: Arrays) -> Count:
        scale = unigram_trainer.scale_of(corpus, sparse)
        return unigram_trainer.counter(vocabulary, scale, rules)

    def model(vocabulary: Arrays, corpus: CorpusFacts, size: int) -> Model:
        scale = unigram_trainer.scale_of(corpus, sparse)
        return _sorted_model(*unigram_trainer.scored_pieces(vocabulary, scale), options)

    learn = partial(unigram_trainer.learn, sizes=most, options=chosen)
    if rules.spaces != "words":
        return TrainingMethod(unigram_trainer.MEMORY_PER_BYTE, True, learn, counter, model)
    parts, per_byte = partial(parts_in, rules=rules), unigram_trainer.MEMORY_PER_WORD_BYTE
    return TrainingMethod(per_byte, True, learn, counter, model, parts)


def _bnlm(most: Sequence[int], options: TrainingOptions, threads: int) -> TrainingMethod:
    chosen = bnlm_trainer.BnlmOptions(
        options.order, options.min_count, options.max_piece_length, options.ensure_unicode
    )

    def counter(corpus: CorpusFacts, vocabulary: Arrays) -> Count:
        raise AssertionError("the trainer has counted the pieces")

    def model(vocabulary: Arrays, corpus: CorpusFacts, size: int) -> Model:
        learned = bnlm_trainer.counts_from(vocabulary)
        counts = with_pieces(learned, options.pieces, size, corpus.unit)
        pieces = sorted(counts, key=lambda piece: (len(piece), piece))
        made = original.from_counts(pieces, [counts[piece] for piece in pieces])
        tokens = options.special_tokens
        return Model(
            made.pieces,
            made.scores,
            special_tokens=tokens,
            rules=options.rules,
            counts=made.counts,
        )

    learn = partial(bnlm_trainer.learn, sizes=most, options=chosen, threads=threads)
    part = partial(bnlm_trainer.work_on_part, options=chosen)
    per_byte = bnlm_trainer.MEMORY_PER_BYTE
    return TrainingMethod(per_byte, False, learn, counter, model, work_on_part=part)


_METHODS = {"merge": _merge, "unigram": _unigram, "bnlm": _bnlm}


def _sorted_model(pieces: Sequence[bytes], scores: F64, options: TrainingOptions) -> Model:
    order = sorted(range(len(pieces)), key=lambda i: (len(pieces[i]), pieces[i]))
    return Model(
        tuple(pieces[i] for i in order),
        scores[order],
        special_tokens=options.special_tokens,
        rules=options.rules,
    )


def _piece_rules(options: TrainingOptions) -> PieceRules:
    return PieceRules(
        options.max_piece_length,
        options.newlines,
        options.spaces,
        parts=not options.ensure_unicode,
    )


def facts_of(corpus: Corpus, facts: CorpusFacts, sample: SampleSummary) -> dict[str, Any]:
    """Return what a model's record says of the corpus. Weights are left out if all are 1."""
    record: dict[str, Any] = {"corpus_bytes": facts.size, "corpus_sha256": facts.digest}
    if not sample.whole:
        record["sampled_bytes"] = sample.size
    if isinstance(corpus, Files) and set(corpus.weights) != {1.0}:
        record["weights"] = list(corpus.weights)
    if isinstance(corpus, Files) and corpus.balance is not None:
        record["balance"] = corpus.balance.record()
    if facts.weight != facts.size:
        record["weighted_bytes"] = facts.weight / facts.unit
    if facts.unit != 1:
        record["count_unit"] = 1 / facts.unit
    return record


def _held_out(model: Model, sample: SampleSummary, threads: int) -> Mapping[str, Any]:
    """Measure how well the model encodes held-out lines without their line ends."""
    lines = [line for part in sample.held_out for line in part.text.tobytes().split(b"\n")]
    size = sum(map(len, lines))
    if size == 0:
        return {}
    tokens = len(Tokenizer(model).encode_batch(lines, threads=threads).ids)
    return {"held_out_bytes": size, "held_out_bytes_per_token": size / tokens}


def _padded(model: Model, multiple: int) -> Model:
    """Return the model with special tokens added until its size is a multiple of a number."""
    size = model.vocab_size
    tokens = unused_tokens(size, -size % multiple)
    return replace(model, special_tokens=(*model.special_tokens, *tokens))
